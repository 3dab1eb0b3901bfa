/**
 * A connection that a proxy forwards, with the header of the PROXY protocol in front.
 *
 * The header is read by the connection itself and not in the accept: a proxy that sends none
 * must not hold up the others. It counts as part of the first head, so that `timeouts.head`
 * bounds the time for both.
 */
import { ConnectionLost } from "../errors.ts";
import { checkRecord } from "../validate.ts";
import { AddressList } from "../wire/address_list.ts";
import { badHeader, ProxyHeaderParser } from "../wire/proxy_protocol.ts";
import type { ProxiedAddresses } from "../wire/proxy_protocol.ts";
import { ReadBuffer } from "../wire/read_buffer.ts";
import type { ByteConn } from "./stream_conn.ts";

/**
 * Whose connections begin with a header of the PROXY protocol.
 *
 * @example
 * ```ts
 * import type { ProxyProtocolOptions } from "@asynchttp/server";
 * import { serveInMemory } from "@asynchttp/server/testing";
 *
 * const proxyProtocol: ProxyProtocolOptions = { from: ["127.0.0.1"] };
 * await using server = serveInMemory(
 *   (request) => request.respond(200, request.hostname, { Connection: "close" }),
 *   { proxyProtocol },
 * );
 * using conn = server.connect();
 * const header = "PROXY TCP4 192.0.2.7 192.0.2.1 5000 80\r\n";
 * await conn.write(new TextEncoder().encode(`${header}GET / HTTP/1.1\r\nHost: x\r\n\r\n`));
 * console.log((await new Response(conn.readable).text()).split("\r\n").at(-1)); // 192.0.2.7
 * ```
 */
export interface ProxyProtocolOptions {
  /**
   * The proxies: IP addresses, networks such as `"10.0.0.0/8"` or `"fd00::/8"`, and `"unix"` for
   * peers on a Unix socket.
   */
  readonly from: readonly string[];
}

/** Checks the option `proxyProtocol`. */
export function isProxyProtocol(name: string, value: unknown): void {
  checkRecord(`option ${name}`, value, { from: () => {} });
  trustedProxies(value as ProxyProtocolOptions);
}

/** Returns the addresses of the option `proxyProtocol`. */
export function trustedProxies({ from }: ProxyProtocolOptions): AddressList {
  return new AddressList("from of proxyProtocol", from);
}

/** Returns the connection behind its header if its peer is one of the proxies, else the connection itself. */
export function behindProxy(conn: ByteConn, proxies: AddressList | undefined): ByteConn {
  return proxies?.includes(conn.remoteAddr) ? new ProxiedConn(conn) : conn;
}

/** A connection whose addresses are those of its header, once that was read. */
export class ProxiedConn implements ByteConn {
  declare readonly setNoDelay?: (noDelay?: boolean) => void;
  readonly #conn: ByteConn;
  #addresses: ProxiedAddresses | null = null;
  /** The header, then the bytes that came with it; null when they have been used. */
  #input: ReadBuffer | null = new ReadBuffer();
  #header: Promise<void> | undefined;

  constructor(conn: ByteConn) {
    this.#conn = conn;
    const { setNoDelay } = conn as Partial<Deno.TcpConn>;
    if (setNoDelay !== undefined) this.setNoDelay = (noDelay) => setNoDelay.call(conn, noDelay);
  }

  get localAddr(): Deno.Addr {
    return this.#addresses?.destination ?? this.#conn.localAddr;
  }

  get remoteAddr(): Deno.Addr {
    return this.#addresses?.source ?? this.#conn.remoteAddr;
  }

  /** Part of {@linkcode ByteConn}. */
  get peerAddr(): Deno.Addr {
    return this.#conn.remoteAddr;
  }

  /**
   * Part of {@linkcode ByteConn}. Resolves, too, when the peer closes without having sent a
   * byte, as some health checks do.
   *
   * @throws {HttpError} 400: the peer has sent anything else.
   * @throws {ConnectionLost} The connection failed.
   */
  proxyHeader(): Promise<void> {
    return this.#header ??= this.#readHeader(this.#input!);
  }

  read(into: Uint8Array): Promise<number | null> {
    return this.#input === null ? this.#conn.read(into) : this.#readFirst(this.#input, into);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#conn.write(bytes);
  }

  closeWrite(): Promise<void> {
    return this.#conn.closeWrite();
  }

  close(): void {
    this.#conn.close();
  }

  async #readHeader(input: ReadBuffer): Promise<void> {
    const parser = new ProxyHeaderParser();
    for (;;) {
      const header = parser.parse(input);
      if (header !== null) return void (this.#addresses = header.addresses);
      const count = await this.#fill(input.space());
      if (count !== null) input.filled(count);
      else if (input.length === 0) return;
      else throw badHeader("The connection ended within the header");
    }
  }

  async #fill(space: Uint8Array): Promise<number | null> {
    try {
      return await this.#conn.read(space);
    } catch (cause) {
      throw new ConnectionLost("The connection was lost while reading", { cause });
    }
  }

  async #readFirst(input: ReadBuffer, into: Uint8Array): Promise<number | null> {
    await this.proxyHeader();
    const count = Math.min(input.length, into.length);
    into.set(input.bytes.subarray(input.start, input.start + count));
    input.consume(count);
    if (input.length === 0) this.#input = null;
    return count > 0 ? count : this.#conn.read(into);
  }
}
