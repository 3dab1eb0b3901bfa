/**
 * The socket of a connection, as its handler sees it.
 *
 * It is a `Deno.Conn`, but not the accepted one: reads first return the bytes that the parser
 * has read ahead, and writes queue behind earlier responses.
 */
import { ignoreRejection } from "../ignore_rejection.ts";

/**
 * A `Deno.Conn` that has `setNoDelay` if its socket has it.
 *
 * @example
 * ```ts
 * import type { ClientConn } from "@asynchttp/server";
 * import { serveInMemory } from "@asynchttp/server/testing";
 *
 * const bytes = new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
 * const greet = async (client: ClientConn) => void await client.write(bytes);
 * await using server = serveInMemory((request) => greet(request.client));
 * console.log(await (await server.fetch("/")).text()); // hi
 * ```
 */
export interface ClientConn extends Deno.Conn {
  /**
   * Turns Nagle's algorithm off, or on with `false`; absent where the socket has none (TLS,
   * Unix, a pair of streams). The server turns it off before its second write.
   *
   * @param noDelay Whether it is off; it is by default.
   */
  setNoDelay?(noDelay?: boolean): void;
}

/** The connection that a `RawConn` reads from, writes to, and closes. */
export interface RawAccess {
  readonly localAddr: Deno.Addr;
  readonly remoteAddr: Deno.Addr;
  readonly setNoDelay: ((noDelay?: boolean) => void) | undefined;
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<void>;
  closeWrite(): Promise<void>;
  close(): void;
}

/** A `Deno.Conn` over a connection that the server still tracks. */
export class RawConn implements ClientConn {
  readonly localAddr: Deno.Addr;
  readonly remoteAddr: Deno.Addr;
  declare readonly setNoDelay?: (noDelay?: boolean) => void;
  readonly #access: RawAccess;
  #readable: ReadableStream<Uint8Array<ArrayBuffer>> | undefined;
  #writable: WritableStream<Uint8Array<ArrayBufferLike>> | undefined;

  constructor(access: RawAccess) {
    this.#access = access;
    this.localAddr = access.localAddr;
    this.remoteAddr = access.remoteAddr;
    if (access.setNoDelay !== undefined) this.setNoDelay = access.setNoDelay;
  }

  read(into: Uint8Array): Promise<number | null> {
    return ignoreRejection(this.#access.read(into));
  }

  /** Writes all of `bytes`; resolves when the system has taken them. */
  write(bytes: Uint8Array): Promise<number> {
    const { length } = bytes;
    return ignoreRejection(this.#access.write(bytes).then(() => length));
  }

  closeWrite(): Promise<void> {
    return ignoreRejection(this.#access.closeWrite());
  }

  close(): void {
    this.#access.close();
  }

  /** Does nothing: the server decides whether its connections keep the process alive. */
  ref(): void {}

  /** Does nothing: the server decides whether its connections keep the process alive. */
  unref(): void {}

  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#readable ??= new ReadableStream({
      pull: async (controller) => {
        const chunk = new Uint8Array(16_384);
        const count = await this.read(chunk);
        if (count === null) controller.close();
        else controller.enqueue(chunk.subarray(0, count));
      },
    }, { highWaterMark: 0 });
  }

  get writable(): WritableStream<Uint8Array<ArrayBufferLike>> {
    return this.#writable ??= new WritableStream({
      write: async (chunk) => void await this.write(chunk),
      close: () => this.closeWrite(),
      abort: () => this.close(),
    });
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
