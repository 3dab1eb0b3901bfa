/**
 * One connection as bytes in and ordered bytes out: the only file that reads from
 * or writes to a socket.
 *
 * **In**: a genuine `ReadableStream` with `highWaterMark` 0 (with the default of 1
 * it would read ahead, and swallow bytes that belong to whoever takes the
 * connection over). Whoever holds its lock through `open()` reads through a direct
 * lane, straight into a buffer of their own: the stream machinery costs 0.6 µs a read.
 *
 * **Out**: what is queued while a write is in flight goes out with the next write,
 * so that the answers to pipelined requests share one.
 */
import { ConnectionLost } from "./errors.ts";
import { OutputBuffer } from "./wire/output_buffer.ts";

/** Reads bytes: so many were put into the buffer; null at the end. */
export interface ByteSource {
  read(into: Uint8Array): Promise<number | null>;
  /** Gives the stream's lock back. */
  release(): void;
}

/** The bytes that come in over a socket. */
export class SocketReadable extends ReadableStream<Uint8Array> {
  readonly #conn: Deno.Conn;

  constructor(conn: Deno.Conn) {
    super({ pull: (controller) => pullFrom(conn, controller) }, { highWaterMark: 0 });
    this.#conn = conn;
  }

  /** The direct lane, for the one who holds the lock. */
  open(): ByteSource {
    const lock = this.getReader();
    const conn = this.#conn;
    return {
      read: (into) => conn.read(into),
      release: () => lock.releaseLock(),
    };
  }
}

/** Anybody's lane: one read of the socket for each pull, into memory that the reader may keep. */
async function pullFrom(
  conn: Deno.Conn,
  controller: ReadableStreamDefaultController<Uint8Array>,
): Promise<void> {
  const chunk = new Uint8Array(16_384);
  const count = await conn.read(chunk);
  if (count === null) controller.close();
  else controller.enqueue(chunk.subarray(0, count));
}

/** Below this a copy is cheaper than a write of its own. */
const LARGE = 16_384;
/** So much may wait to be written before whoever answers pipelined requests must wait too. */
const MOST_BACKLOG = 65_536;

/** A connection's two directions and its end. */
export class Transport {
  readonly readable: SocketReadable;
  readonly localAddr: Deno.Addr;
  readonly remoteAddr: Deno.Addr;
  /** How many bytes the system has taken. */
  bytesOut = 0;
  readonly #conn: Deno.Conn;
  /** Whole pieces, in order; what is in `#tail` comes behind them. */
  #queue: Uint8Array[] = [];
  #queued = 0;
  #tail = new OutputBuffer();
  #spare = new OutputBuffer();
  #pump: Promise<void> | null = null;
  #lost: ConnectionLost | null = null;

  constructor(conn: Deno.Conn) {
    this.#conn = conn;
    this.localAddr = conn.localAddr;
    this.remoteAddr = conn.remoteAddr;
    this.readable = new SocketReadable(conn);
  }

  /** Where small pieces are put together; `flush()` sends them off. */
  get out(): OutputBuffer {
    return this.#tail;
  }

  /** Does more wait to be written than should? */
  get congested(): boolean {
    return this.#queued + this.#tail.length > MOST_BACKLOG;
  }

  /** Queues bytes behind what is in `out`. Large ones are not copied: they must stay as they are until they are flushed. */
  enqueue(bytes: Uint8Array): void {
    if (bytes.length < LARGE) return this.#tail.copy(bytes);
    if (this.#tail.length > 0) this.#append(this.#tail.take());
    this.#append(bytes);
  }

  /**
   * Resolves when the system has everything that was queued.
   *
   * The rejection counts as handled: whoever does not look at it loses nothing but
   * the word that the client has gone, and must not lose the process.
   */
  flush(): Promise<void> {
    if (this.#lost !== null) return handled(Promise.reject(this.#lost));
    if (this.#pump !== null) return this.#pump;
    if (this.#queued + this.#tail.length === 0) return DONE;
    return this.#pump = this.#run();
  }

  /** No more will be written: the peer reads to the end. */
  async closeWrite(): Promise<void> {
    await this.flush();
    try {
      await this.#conn.closeWrite();
    } catch (error) {
      throw this.#fail(error);
    }
  }

  /** Ends both directions at once; a pending read or write fails. */
  close(): void {
    this.#lost ??= new ConnectionLost("The connection was closed");
    try {
      this.#conn.close();
    } catch {
      // Whoever has the socket within reach may have closed it before.
    }
  }

  #append(bytes: Uint8Array): void {
    this.#queue.push(bytes);
    this.#queued += bytes.length;
  }

  async #run(): Promise<void> {
    try {
      while (this.#queued + this.#tail.length > 0) {
        const piece = this.#queue.shift();
        if (piece === undefined) await this.#writeTail();
        else await this.#writePiece(piece);
      }
    } catch (error) {
      handled(this.#pump!);
      throw this.#fail(error);
    } finally {
      this.#pump = null;
    }
  }

  /** Who cannot be written to is not read from either: a read that waits for its next request ends. */
  #fail(cause: unknown): ConnectionLost {
    this.#lost ??= new ConnectionLost("The connection was lost while writing", { cause });
    this.close();
    return this.#lost;
  }

  /** The two buffers take turns: one is written while the other is filled. */
  async #writeTail(): Promise<void> {
    const buffer = this.#tail;
    this.#tail = this.#spare;
    this.#spare = buffer;
    await this.#write(buffer.view());
    buffer.clear();
  }

  async #writePiece(piece: Uint8Array): Promise<void> {
    await this.#write(piece);
    this.#queued -= piece.length;
  }

  async #write(bytes: Uint8Array): Promise<void> {
    let rest = bytes;
    while (rest.length > 0) {
      const count = await this.#conn.write(rest);
      this.bytesOut += count;
      rest = rest.subarray(count);
    }
  }
}

const DONE: Promise<void> = Promise.resolve();

function handled(promise: Promise<void>): Promise<void> {
  promise.catch(() => {});
  return promise;
}
