/**
 * The outgoing bytes of a connection, in order.
 *
 * Bytes that are queued while a write is in flight are sent with the next one, so that the
 * responses to pipelined requests share a write.
 */
import { WriteBuffer } from "../wire/write_buffer.ts";
import type { Ticket } from "./scheduler.ts";
import type { ByteConn } from "./stream_conn.ts";
import type { Throughput } from "./throughput.ts";

/** The smallest piece that is not copied: below this a copy is cheaper than a separate write. */
const MIN_UNCOPIED_BYTES = 16_384;

/** The most bytes that may be queued before further pipelined requests must wait. */
const MAX_BACKLOG_BYTES = 65_536;

/** A caller's bytes, with their original length: the caller may detach them. */
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
  /** The number of bytes that the system has taken. */
  bytesOut = 0;
  /** Called when the system has taken bytes: for measurements. */
  onProgress: (() => void) | undefined;
  readonly #conn: ByteConn;
  readonly #throughput: Throughput;
  readonly #ticket: Ticket;
  readonly #onFailure: (cause: unknown) => Error;
  /** Large pieces, in order; `#tail` follows them. */
  #pieces: Piece[] = [];
  #queued = 0;
  #writing = NO_PIECE;
  #tail = new WriteBuffer();
  #spare = new WriteBuffer();
  #pump: Promise<void> | null = null;
  #awaitsTurn = false;
  /** Whether Nagle's algorithm is on because neither side has chosen yet. */
  #delays = true;

  /** `onFailure` receives the cause of a failed write, and returns the error with which `flush` rejects. */
  constructor(
    conn: ByteConn,
    throughput: Throughput,
    ticket: Ticket,
    onFailure: (cause: unknown) => Error,
  ) {
    this.#conn = conn;
    this.#throughput = throughput;
    this.#ticket = ticket;
    this.#onFailure = onFailure;
  }

  /** The buffer that collects small pieces; `flush` writes it. */
  get tail(): WriteBuffer {
    return this.#tail;
  }

  /** The writes in flight; null if there are none. */
  get pump(): Promise<void> | null {
    return this.#pump;
  }

  /** Whether the system has taken all queued bytes. */
  get flushed(): boolean {
    return this.#pump === null && this.#length === 0;
  }

  /** How many bytes were queued since the beginning, those included that the system has taken. */
  get position(): number {
    return this.bytesOut + this.#length;
  }

  /** Whether the next write waits for a turn of the event loop, not for the client. */
  get awaitsTurn(): boolean {
    return this.#awaitsTurn;
  }

  /** Whether more bytes are queued than `MAX_BACKLOG_BYTES`. */
  get congested(): boolean {
    return this.#length > MAX_BACKLOG_BYTES;
  }

  /**
   * Queues bytes behind those in `tail`. Returns `true` if they were copied; large ones are
   * not, and must not change until they are flushed.
   */
  enqueue(bytes: Uint8Array): boolean {
    if (bytes.length < MIN_UNCOPIED_BYTES) {
      this.#tail.copy(bytes);
      return true;
    }
    if (this.#tail.length > 0) this.#append(this.#tail.take());
    this.#append(bytes);
    return false;
  }

  /** Starts writing once `when` resolves, unless writes are in flight; resolves when all queued bytes are written. */
  flush(when: () => Promise<void> | null): Promise<void> {
    if (this.#pump !== null) return this.#pump;
    return this.#length === 0 ? DONE : this.#pump = this.#run(when());
  }

  /**
   * Turns Nagle's algorithm off or on. With it a second write waits 40 ms for the
   * acknowledgement of the first, so it is turned off before the second write; not at once:
   * most connections that carry one request need no second write, and would pay for a system
   * call.
   */
  setNoDelay(noDelay: boolean): void {
    this.#delays = false;
    (this.#conn as Partial<Deno.TcpConn>).setNoDelay?.(noDelay);
  }

  /** Releases the buffers if nothing is being written. */
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
   * Writes the queued bytes, and those that are queued meanwhile. With few variables: an async
   * function keeps a slot for each while it waits, 300 bytes a response.
   */
  async #run(when: Promise<void> | null): Promise<void> {
    if (when !== null) await when;
    try {
      do this.#afterWrite(await this.#writeNext()); while (this.#length > 0);
    } catch (error) {
      throw this.#onFailure(error);
    }
    // Fills the same buffer again, the only one that a client without pipelining needs.
    this.#swapBuffers();
    this.#pump = null;
  }

  #writeNext(): Promise<number> {
    const piece = this.#writing = this.#pieces.shift() ?? this.#takeTail();
    if (piece.bytes.length !== piece.length) {
      throw new TypeError("The content was detached before it was written");
    }
    const turn = this.#ticket.scheduler.beforeWrite(this.#ticket, piece.length);
    if (turn === null) return this.#write(piece);
    this.#awaitsTurn = true;
    return turn.then(() => this.#write(piece));
  }

  #write({ bytes }: Piece): Promise<number> {
    this.#awaitsTurn = false;
    this.#throughput.startWaiting();
    if (this.#delays && this.bytesOut > 0) this.setNoDelay(true);
    return this.#conn.write(bytes);
  }

  #takeTail(): Piece {
    this.#swapBuffers();
    this.#queued += this.#spare.length;
    return pieceOf(this.#spare.view());
  }

  #afterWrite(count: number): void {
    const { bytes, length } = this.#writing;
    this.#writing = NO_PIECE;
    this.#throughput.stopWaiting(count);
    this.bytesOut += count;
    this.#queued -= count;
    this.onProgress?.();
    if (count === length) return;
    // Detached bytes have length 0: the response can no longer be completed.
    const rest = bytes.subarray(count);
    if (rest.length !== length - count) {
      throw new TypeError("The content was detached while it was written");
    }
    this.#pieces.unshift(pieceOf(rest));
  }

  /** Swaps the buffer that is filled with the one that is written. */
  #swapBuffers(): void {
    const buffer = this.#tail;
    this.#tail = this.#spare;
    this.#tail.clear();
    this.#spare = buffer;
  }
}

const DONE: Promise<void> = Promise.resolve();
