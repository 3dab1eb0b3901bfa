/**
 * The header of the PROXY protocol, versions 1 and 2, with which a proxy tells whose connection
 * it forwards: https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt
 *
 * ```text
 * v1   PROXY SP ( "TCP4" / "TCP6" ) SP source SP destination SP port SP port CRLF
 *      PROXY SP "UNKNOWN" whatever CRLF
 * v2   signature (12 bytes), version and command, family and transport, length (2 bytes),
 *      addresses, then type-length-value vectors (TLVs)
 * ```
 *
 * The header decides whom the server believes to talk to, so it is read to the letter: one
 * space, plain decimal numbers, families and commands that are assigned. TLVs are skipped, but
 * they must fit, and a checksum among them must be right.
 *
 * A connection that the proxy makes on its own behalf (LOCAL, as for its health checks) and one
 * whose client it does not know (UNKNOWN, UNSPEC) keep the addresses of the socket, as section 2
 * allows and HAProxy and nginx do; what else their header has is dropped unread.
 */
import { HttpError } from "../errors.ts";
import { tcpEndpoint } from "./endpoint.ts";
import type { Endpoint } from "./endpoint.ts";
import { ipv4Address, ipv6Address, plainDecimal } from "./ip_address.ts";
import type { IpAddress } from "./ip_address.ts";
import { latin1 } from "./latin1.ts";
import type { ReadBuffer } from "./read_buffer.ts";
import { CR, LF } from "./syntax.ts";

/** The two ends of the connection that a proxy forwards. */
export interface ProxiedAddresses {
  readonly source: Endpoint;
  readonly destination: Endpoint;
}

/** A header; without addresses if the connection is the proxy's own, or of an unknown client. */
export interface ProxyHeader {
  readonly addresses: ProxiedAddresses | null;
}

/** The size of the longest line of version 1, with its CRLF (section 2.1). */
const MAX_V1_BYTES = 107;

/** The largest header of version 2; nginx has the same bound, and HAProxy sends fewer than 300 bytes. */
const MAX_V2_BYTES = 4096;

const V1_SIGNATURE = latin1Bytes("PROXY ");
const V2_SIGNATURE = latin1Bytes("\r\n\r\n\0\r\nQUIT\n");

/** Signature, version and command, family and transport, length. */
const V2_FIXED_BYTES = 16;

const LOCAL = 0x20;
const PROXY = 0x21;

/** Families with the transport STREAM; a datagram cannot carry this connection. */
const UNSPEC = 0x00;
const TCP_OVER_IPV4 = 0x11;
const TCP_OVER_IPV6 = 0x21;
const UNIX_STREAM = 0x31;

const PATH_BYTES = 108;

/** The type of the TLV that has a checksum of the header, its size, and what stands before its value. */
const CRC32C_TYPE = 0x03;
const CRC32C_BYTES = 4;
const TLV_FIXED_BYTES = 3;

/** Parses the header that a connection begins with. */
export class ProxyHeaderParser {
  /** The version of the protocol; null while the signature may still be that of either. */
  #version: 1 | 2 | null = null;
  /** How many bytes of the line of version 1 have no line end. */
  #scanned = V1_SIGNATURE.length;

  /**
   * Consumes the header of `input`; returns null while it is incomplete.
   *
   * @throws {HttpError} 400: the bytes are no such header.
   */
  parse(input: ReadBuffer): ProxyHeader | null {
    this.#version ??= versionOf(input);
    if (this.#version === null) return null;
    return this.#version === 1 ? this.#parseLine(input) : parseBlock(input);
  }

  #parseLine(input: ReadBuffer): ProxyHeader | null {
    const length = this.#findLineEnd(input);
    if (length === -1) return null;
    const { bytes, start } = input;
    const addresses = addressesOfLine(latin1(bytes, start, start + length));
    input.consume(length + 2);
    return { addresses };
  }

  /** Returns the length of the line without its CRLF, or -1 if that has not arrived. */
  #findLineEnd({ bytes, start, length }: ReadBuffer): number {
    const stop = Math.min(length, MAX_V1_BYTES - 1);
    let at = this.#scanned;
    while (at < stop && bytes[start + at] !== CR && bytes[start + at] !== LF) at++;
    this.#scanned = at;
    if (at === MAX_V1_BYTES - 1) {
      throw badHeader(`A line of version 1 must be at most ${MAX_V1_BYTES} bytes long (2.1)`);
    }
    if (at === stop || (bytes[start + at] === CR && at + 1 === length)) return -1;
    if (bytes[start + at] === CR && bytes[start + at + 1] === LF) return at;
    throw badHeader("A line of version 1 must end with CRLF (2.1)");
  }
}

/** Returns the version by the signature, or null if more of it may arrive. */
function versionOf({ bytes, start, length }: ReadBuffer): 1 | 2 | null {
  if (length === 0) return null;
  const signature = bytes[start] === CR ? V2_SIGNATURE : V1_SIGNATURE;
  const available = Math.min(length, signature.length);
  for (let i = 0; i < available; i++) {
    if (bytes[start + i] === signature[i]) continue;
    throw badHeader("A connection from a proxy must begin with one (2)");
  }
  if (available < signature.length) return null;
  return signature === V1_SIGNATURE ? 1 : 2;
}

function addressesOfLine(line: string): ProxiedAddresses | null {
  const [, family, source, destination, sourcePort, destinationPort, ...more] = line.split(" ");
  if (family === "UNKNOWN") return null;
  if (more.length > 0 || (family !== "TCP4" && family !== "TCP6")) throw badLine();
  const parse = family === "TCP4" ? ipv4Address : ipv6Address;
  const end = (address = "", port = "") => endOfLine(parse(address), plainDecimal(port, 0xffff));
  return { source: end(source, sourcePort), destination: end(destination, destinationPort) };
}

function endOfLine(address: IpAddress | null, port: number): Endpoint {
  if (address === null || port === -1) throw badLine();
  return tcpEndpoint(address, port);
}

/** Consumes a header of version 2; returns null while it is incomplete. */
function parseBlock(input: ReadBuffer): ProxyHeader | null {
  const { bytes, start, length } = input;
  if (length < V2_FIXED_BYTES) return null;
  const command = bytes[start + 12]!;
  const family = bytes[start + 13]!;
  const size = V2_FIXED_BYTES + uint16(bytes, start + 14);
  if (command !== LOCAL && command !== PROXY) {
    throw badHeader(`Version and command must be 0x20 or 0x21: got ${hex(command)} (2.2)`);
  }
  if (size > MAX_V2_BYTES) {
    throw badHeader(`A header of version 2 must be at most ${MAX_V2_BYTES} bytes long`);
  }
  if (length < size) return null;
  const header = bytes.subarray(start, start + size);
  const isOwn = command === LOCAL || family === UNSPEC;
  const addresses = isOwn ? null : addressesOfBlock(family, header);
  input.consume(size);
  return { addresses };
}

function addressesOfBlock(family: number, header: Uint8Array): ProxiedAddresses {
  switch (family) {
    case TCP_OVER_IPV4:
      return tcpAddresses(header, 4);
    case TCP_OVER_IPV6:
      return tcpAddresses(header, 16);
    case UNIX_STREAM:
      return unixAddresses(header);
    default:
      throw badHeader(
        `Family and transport must be TCP over IPv4 or IPv6, or a Unix stream: got ${
          hex(family)
        } (2.2)`,
      );
  }
}

function tcpAddresses(header: Uint8Array, size: number): ProxiedAddresses {
  const ports = V2_FIXED_BYTES + 2 * size;
  checkVectors(header, ports + 4);
  const end = (index: number) => {
    const at = V2_FIXED_BYTES + index * size;
    return tcpEndpoint([...header.subarray(at, at + size)], uint16(header, ports + 2 * index));
  };
  return { source: end(0), destination: end(1) };
}

function unixAddresses(header: Uint8Array): ProxiedAddresses {
  checkVectors(header, V2_FIXED_BYTES + 2 * PATH_BYTES);
  const end = (index: number): Endpoint => {
    const at = V2_FIXED_BYTES + index * PATH_BYTES;
    const path = header.subarray(at, at + PATH_BYTES);
    const nul = path.indexOf(0);
    return { transport: "unix", path: decoder.decode(nul === -1 ? path : path.subarray(0, nul)) };
  };
  return { source: end(0), destination: end(1) };
}

const decoder = new TextDecoder();

/** Checks that the addresses, and the TLVs from `at` on, fill the header, and the checksum if there is one. */
function checkVectors(header: Uint8Array, at: number): void {
  while (at !== header.length) {
    const value = at + TLV_FIXED_BYTES;
    if (value > header.length) throw badLength();
    const size = uint16(header, at + 1);
    if (value + size > header.length) throw badLength();
    if (header[at] === CRC32C_TYPE) checkChecksum(header, value, size);
    at = value + size;
  }
}

function checkChecksum(header: Uint8Array, at: number, size: number): void {
  const isRight = size === CRC32C_BYTES && uint32(header, at) === crc32cWithout(header, at);
  if (!isRight) throw badHeader("The checksum must be the CRC32c of the header (2.2.3)");
}

/** The CRC32c polynomial (RFC 9260, appendix A), lowest bit first. */
const CASTAGNOLI = 0x82f63b78;

/** Returns the CRC32c of `bytes` with zeros in place of the checksum at `checksumAt`. Bit by bit: a header has few bytes. */
function crc32cWithout(bytes: Uint8Array, checksumAt: number): number {
  let crc = -1;
  for (let i = 0; i < bytes.length; i++) {
    if (i < checksumAt || i >= checksumAt + CRC32C_BYTES) crc ^= bytes[i]!;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? CASTAGNOLI : 0);
  }
  return ~crc >>> 0;
}

function uint16(bytes: Uint8Array, at: number): number {
  return bytes[at]! << 8 | bytes[at + 1]!;
}

function uint32(bytes: Uint8Array, at: number): number {
  return uint16(bytes, at) * 0x10000 + uint16(bytes, at + 2);
}

function latin1Bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, "0")}`;
}

function badLine(): HttpError {
  return badHeader(
    "A line of version 1 must be PROXY, TCP4 or TCP6, two addresses and two ports, with one space between, or PROXY UNKNOWN (2.1)",
  );
}

function badLength(): HttpError {
  return badHeader("The length must be that of the addresses and whole TLVs (2.2)");
}

/** Returns the error for bytes that are no PROXY header. */
export function badHeader(message: string): HttpError {
  return new HttpError(400, "bad-proxy-header", `PROXY protocol: ${message}`);
}
