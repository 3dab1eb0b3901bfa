/**
 * A connection over a pair of streams instead of a socket.
 *
 * With it the server can serve anything that carries bytes in two directions: a tunnel within
 * another protocol, a pipe, a test.
 */

/**
 * A connection that is not a socket: bytes in two directions.
 *
 * @example
 * ```ts
 * import { AsyncHttpServer, type StreamPair } from "@asynchttp/server";
 *
 * const sent = new Blob(["GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"]);
 * const output = new TransformStream<Uint8Array, Uint8Array>();
 * const pair: StreamPair = { readable: sent.stream(), writable: output.writable };
 * await using server = new AsyncHttpServer();
 * const serving = server.serveConnection(pair, (request) => request.respond(200, request.target));
 * console.log((await new Response(output.readable).text()).endsWith("\r\n\r\n/a")); // true
 * await serving;
 * ```
 */
export interface StreamPair {
  /** The bytes that the client sends. */
  readonly readable: ReadableStream<Uint8Array>;
  /** Takes the bytes for the client. */
  readonly writable: WritableStream<Uint8Array>;
  /**
   * The address of the server's end.
   *
   * @default {port 0 of 0.0.0.0 over tcp}
   */
  readonly localAddr?: Deno.Addr;
  /**
   * The address of the client's end.
   *
   * @default {port 0 of 0.0.0.0 over tcp}
   */
  readonly remoteAddr?: Deno.Addr;
}

const UNSPECIFIED_ADDR: Deno.NetAddr = { transport: "tcp", hostname: "0.0.0.0", port: 0 };

/** The part of `Deno.Conn` that a transport uses. */
type SocketConn = Pick<
  Deno.Conn,
  "read" | "write" | "closeWrite" | "close" | "localAddr" | "remoteAddr"
>;

/** A connection as a transport uses it. */
export interface ByteConn extends SocketConn {
  /** The address of the socket's other end, where `remoteAddr` is that of a client behind it. */
  readonly peerAddr?: Deno.Addr;
  /**
   * Resolves when the header of the PROXY protocol was read, and the addresses are those that
   * it names; undefined if none is expected.
   */
  proxyHeader?(): Promise<void> | undefined;
}

/** Adapts a pair of streams to a connection. */
export class StreamConn implements ByteConn {
  readonly localAddr: Deno.Addr;
  readonly remoteAddr: Deno.Addr;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  /** The part of a chunk that did not fit into the buffer of the last read. */
  #rest: Uint8Array = new Uint8Array(0);
  /** Rejects what the sink has not answered yet. */
  #interrupt: (reason: Error) => void = () => {};

  constructor(
    { readable, writable, localAddr = UNSPECIFIED_ADDR, remoteAddr = UNSPECIFIED_ADDR }: StreamPair,
  ) {
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

  /** Writes a copy: a stream may keep the chunks that it receives. */
  async write(bytes: Uint8Array): Promise<number> {
    await this.#untilClosed(this.#writer.write(bytes.slice()));
    return bytes.length;
  }

  async closeWrite(): Promise<void> {
    await this.#untilClosed(this.#writer.close());
  }

  close(): void {
    const reason = new Error("The connection was closed");
    this.#reader.cancel().catch(() => {});
    this.#writer.abort(reason).catch(() => {});
    this.#interrupt(reason);
  }

  /** Not longer than the connection: an abort waits for the sink, which may never answer. */
  #untilClosed(answer: Promise<void>): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#interrupt = reject;
    answer.then(resolve, reject);
    return promise;
  }
}
