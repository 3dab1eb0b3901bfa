/**
 * A connection that is no socket: a pair of streams.
 *
 * A tunnel within another protocol, a pipe, a test: whatever has bytes in two
 * directions can be served.
 */

/** Bytes in two directions. */
export interface StreamPair {
  /** What the client sends. */
  readonly readable: ReadableStream<Uint8Array>;
  /** What the client gets. */
  readonly writable: WritableStream<Uint8Array>;
  /** The server's end; an address of no meaning where it is left out. */
  readonly localAddr?: Deno.Addr;
  /** The client's end; an address of no meaning where it is left out. */
  readonly remoteAddr?: Deno.Addr;
}

const NOWHERE: Deno.NetAddr = { transport: "tcp", hostname: "0.0.0.0", port: 0 };

/** What a transport needs of a connection: the part of `Deno.Conn` that moves bytes. */
export type ByteConn = Pick<
  Deno.Conn,
  "read" | "write" | "closeWrite" | "close" | "localAddr" | "remoteAddr"
>;

/** Makes a connection of a pair of streams. */
export class StreamConn implements ByteConn {
  readonly localAddr: Deno.Addr;
  readonly remoteAddr: Deno.Addr;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  /** What of a chunk did not fit into the buffer of the last read. */
  #rest: Uint8Array = new Uint8Array(0);

  constructor({ readable, writable, localAddr = NOWHERE, remoteAddr = NOWHERE }: StreamPair) {
    this.localAddr = localAddr;
    this.remoteAddr = remoteAddr;
    this.#reader = readable.getReader();
    this.#writer = writable.getWriter();
    this.#writer.closed.catch(() => {});
  }

  async read(into: Uint8Array): Promise<number | null> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#reader.read();
      if (done) return null;
      this.#rest = value;
    }
    const count = Math.min(into.length, this.#rest.length);
    into.set(this.#rest.subarray(0, count));
    this.#rest = this.#rest.subarray(count);
    return count;
  }

  /** A copy is written: a stream may keep what it was given. */
  async write(bytes: Uint8Array): Promise<number> {
    await this.#writer.write(bytes.slice());
    return bytes.length;
  }

  async closeWrite(): Promise<void> {
    await this.#writer.close();
  }

  close(): void {
    this.#reader.cancel().catch(() => {});
    this.#writer.abort(new Error("The connection was closed")).catch(() => {});
  }
}
