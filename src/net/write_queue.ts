/**
 * The bytes of a connection on their way out, in order.
 *
 * What is queued while a write is in flight goes out with the next one, so that the
 * responses to pipelined requests share a write.
 */
import { WriteBuffer } from "../wire/write_buffer.ts";
import { eventLoop } from "./event_loop.ts";
import type { FairnessTicket } from "./event_loop.ts";
import type { ByteConn } from "./stream_conn.ts";
import type { Throughput } from "./throughput.ts";

/** Bytes: below this a copy is cheaper than a write of its own. */
const MIN_UNCOPIED = 16_384;
/** How many bytes may wait before further pipelined requests must wait too. */
const MAX_BACKLOG = 65_536;

/** A caller's bytes, and how many they were: the caller could detach them. */
interface Piece {
  readonly bytes: Uint8Array;
  readonly length: number;
}

function pieceOf(bytes: Uint8Array): Piece {
  return { bytes, length: bytes.length };
}

const NO_PIECE = pieceOf(new Uint8Array(0));

/** Queues bytes and writes them. */
export class WriteQueue {
  /** How many bytes the system has taken. */
  bytesOut = 0;
  readonly #conn: ByteConn;
  /** How fast the client reads. */
  readonly #pace: Throughput;
  readonly #ticket: FairnessTicket;
  readonly #onFailure: (cause: unknown) => Error;
  /** Whole pieces, in order; `#tail` comes behind them. */
  #pieces: Piece[] = [];
  #queued = 0;
  #writing = NO_PIECE;
  #tail = new WriteBuffer();
  #spare = new WriteBuffer();
  #pump: Promise<void> | null = null;
  #awaitsTurn = false;
  /** Whether Nagle's algorithm is on. */
  #delays = true;

  /** `onFailure` takes why a write failed, and returns the error that `flush` rejects with. */
  constructor(
    conn: ByteConn,
    pace: Throughput,
    ticket: FairnessTicket,
    onFailure: (cause: unknown) => Error,
  ) {
    this.#conn = conn;
    this.#pace = pace;
    this.#ticket = ticket;
    this.#onFailure = onFailure;
  }

  /** Where small pieces are put together; `flush` sends them off. */
  get tail(): WriteBuffer {
    return this.#tail;
  }

  /** The writes in flight; null where there are none. */
  get pump(): Promise<void> | null {
    return this.#pump;
  }

  /** Whether the system has taken everything. */
  get flushed(): boolean {
    return this.#pump === null && this.#length === 0;
  }

  /** Whether the next write waits for a turn of the event loop, not for the client. */
  get awaitsTurn(): boolean {
    return this.#awaitsTurn;
  }

  /** Whether more waits to be written than should. */
  get congested(): boolean {
    return this.#length > MAX_BACKLOG;
  }

  /**
   * Queues bytes behind those in `tail`. True when they were copied; large ones are not,
   * and must stay as they are until they are flushed.
   */
  enqueue(bytes: Uint8Array): boolean {
    if (bytes.length < MIN_UNCOPIED) {
      this.#tail.copy(bytes);
      return true;
    }
    if (this.#tail.length > 0) this.#append(this.#tail.take());
    this.#append(bytes);
    return false;
  }

  /** Starts writing once `when` resolves, unless writes are in flight; resolves when everything is written. */
  flush(when: () => Promise<void> | null): Promise<void> {
    if (this.#pump !== null) return this.#pump;
    return this.#length === 0 ? DONE : this.#pump = this.#run(when());
  }

  /** Gives memory back while there is nothing to write. */
  releaseMemory(): void {
    if (this.#pump !== null) return;
    this.#tail.releaseMemory();
    this.#spare.releaseMemory();
  }

  get #length(): number {
    return this.#queued + this.#tail.length;
  }

  #append(bytes: Uint8Array): void {
    this.#pieces.push(pieceOf(bytes));
    this.#queued += bytes.length;
  }

  /**
   * Writes what is queued, and what is queued meanwhile. In few variables: a function that
   * waits keeps a place for each, 300 bytes a response.
   */
  async #run(when: Promise<void> | null): Promise<void> {
    if (when !== null) await when;
    try {
      do this.#written(await this.#writeNext()); while (this.#length > 0);
    } catch (error) {
      throw this.#onFailure(error);
    }
    // Back in one buffer, which is all that a client that waits for its responses needs.
    this.#swapBuffers();
    this.#pump = null;
  }

  #writeNext(): Promise<number> {
    const piece = this.#writing = this.#pieces.shift() ?? this.#takeTail();
    if (piece.bytes.length !== piece.length) {
      throw new TypeError("The content was detached before it was written");
    }
    const turn = piece.length < MIN_UNCOPIED ? null : eventLoop.next(this.#ticket);
    if (turn === null) return this.#write(piece);
    this.#awaitsTurn = true;
    return turn.then(() => this.#write(piece));
  }

  #write({ bytes }: Piece): Promise<number> {
    this.#awaitsTurn = false;
    this.#pace.startWaiting();
    if (this.#delays && this.bytesOut > 0) this.#disableDelay();
    return this.#conn.write(bytes);
  }

  /**
   * With Nagle's algorithm, which is on by default, a second write waits 40 ms for the
   * acknowledgement of the first. Called before the second and not at once: most
   * connections for one request need no second write, and would pay for a system call.
   */
  #disableDelay(): void {
    this.#delays = false;
    (this.#conn as Partial<Deno.TcpConn>).setNoDelay?.(true);
  }

  #takeTail(): Piece {
    this.#swapBuffers();
    this.#queued += this.#spare.length;
    return pieceOf(this.#spare.view());
  }

  #written(count: number): void {
    const { bytes, length } = this.#writing;
    this.#writing = NO_PIECE;
    this.#pace.stopWaiting(count);
    this.bytesOut += count;
    this.#queued -= count;
    if (count === length) return;
    // Detached bytes have length 0: the response cannot be completed then.
    const rest = bytes.subarray(count);
    if (rest.length !== length - count) {
      throw new TypeError("The content was detached while it was written");
    }
    this.#pieces.unshift(pieceOf(rest));
  }

  /** One buffer is written while the other one is filled. */
  #swapBuffers(): void {
    const buffer = this.#tail;
    this.#tail = this.#spare;
    this.#tail.clear();
    this.#spare = buffer;
  }
}

const DONE: Promise<void> = Promise.resolve();
