/** Builds headers of the PROXY protocol, independently of the parser: from the text of its specification. */
import { bytesOf } from "../fixtures.ts";

export const SIGNATURE = "\r\n\r\n\0\r\nQUIT\n";

/** A header of version 2; each part is one character a byte. */
export interface Block {
  /** Version and command. */
  readonly command?: number;
  /** Family and transport. */
  readonly family?: number;
  readonly addresses?: string;
  /** Type-length-value vectors. */
  readonly vectors?: string;
  /** Instead of the right length. */
  readonly length?: number;
}

/** 192.0.2.1:1000 to 198.51.100.2:443. */
export const IPV4_ADDRESSES = "\xc0\0\x02\x01\xc6\x33\x64\x02\x03\xe8\x01\xbb";

/** Returns a header of version 2. */
export function block(
  { command = 0x21, family = 0x11, addresses = IPV4_ADDRESSES, vectors = "", length }: Block = {},
): string {
  const size = length ?? addresses.length + vectors.length;
  return `${SIGNATURE}${char(command)}${char(family)}${uint16(size)}${addresses}${vectors}`;
}

/** Returns a type-length-value vector. */
export function vector(type: number, value: string): string {
  return char(type) + uint16(value.length) + value;
}

const EMPTY_CHECKSUM = vector(0x03, "\0\0\0\0");

/** Returns a header of version 2 with its checksum between other vectors. */
export function checkedBlock(parts: Block, before = "", behind = ""): string {
  const empty = block({ ...parts, vectors: before + EMPTY_CHECKSUM + behind });
  const at = empty.length - behind.length - 4;
  const crc = crc32c(bytesOf(empty));
  return empty.slice(0, at) + uint16(crc >>> 16) + uint16(crc & 0xffff) + empty.slice(at + 4);
}

/** CRC32c by the table of its polynomial 0x1EDC6F41, reflected. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ TABLE[(crc ^ byte) & 0xff]!;
  return (crc ^ 0xffffffff) >>> 0;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  for (let bit = 0; bit < 8; bit++) {
    index = (index & 1) === 1 ? (index >>> 1) ^ 0x82f63b78 : index >>> 1;
  }
  return index;
});

export function uint16(value: number): string {
  return char(value >> 8) + char(value & 0xff);
}

function char(byte: number): string {
  return String.fromCharCode(byte);
}
