/**
 * One connection as bytes in and ordered bytes out: the only file that reads from
 * or writes to a socket.
 *
 * **In**: straight into a buffer of the reader's own. A stream between costs 0.6 µs a
 * read, and 2 µs and 1.4 KB a connection; the one that a handler gets of its connection
 * (`RawConn`) is a genuine `ReadableStream`, made when it is asked for.
 *
 * **Out**: what is queued while a write is in flight goes out with the next write,
 * so that the answers to pipelined requests share one.
 */
import { ConnectionLost } from "../errors.ts";
import type { ByteConn } from "./stream_conn.ts";
import type { Throughput } from "./throughput.ts";
import { ignoreRejection } from "../ignore_rejection.ts";
import { eventLoop, nextTurn } from "./event_loop.ts";
import type { FairnessTicket } from "./event_loop.ts";
import { WriteBuffer } from "../wire/write_buffer.ts";

/** Reads bytes: so many were put into the buffer; null at the end. */
export interface ByteSource {
  read(into: Uint8Array): Promise<number | null>;
  /** Who moves the bytes. */
  readonly ticket: FairnessTicket;
}

/** Below this a copy is cheaper than a write of its own. */
const LARGE = 16_384;
/** So much may wait to be written before whoever answers pipelined requests must wait too. */
const MAX_BACKLOG = 65_536;

/** Somebody's bytes, and how many they were: their owner could detach them. */
interface Piece {
  readonly bytes: Uint8Array;
  readonly length: number;
}

function pieceOf(bytes: Uint8Array): Piece {
  return { bytes, length: bytes.length };
}

const NO_PIECE = pieceOf(new Uint8Array(0));

/** A connection's two directions and its end. */
export class Transport implements ByteSource {
  readonly localAddr: Deno.Addr;
  readonly remoteAddr: Deno.Addr;
  /** Part of {@linkcode ByteSource}. */
  readonly ticket: FairnessTicket = { asked: 0 };
  /** How many bytes the system has taken. */
  bytesOut = 0;
  readonly #conn: ByteConn;
  /** How fast the client reads. */
  readonly #pace: Throughput;
  /** Whole pieces, in order; what is in `#tail` comes behind them. */
  #queue: Piece[] = [];
  #queued = 0;
  #writing = NO_PIECE;
  #awaitsTurn = false;
  /** Does the system wait, with a small write, for the acknowledgement of the one before? */
  #delays = true;
  #tail = new WriteBuffer();
  #spare = new WriteBuffer();
  #pump: Promise<void> | null = null;
  /** The end of what is written. */
  #ending: Promise<void> | null = null;
  #lost: ConnectionLost | null = null;
  #losers: Set<(lost: ConnectionLost) => void> | null = null;
  #closed = false;
  #onClose: () => void = () => {};

  constructor(conn: ByteConn, pace: Throughput) {
    this.#conn = conn;
    this.#pace = pace;
    this.localAddr = conn.localAddr;
    this.remoteAddr = conn.remoteAddr;
  }

  /** Part of {@linkcode ByteSource}. */
  read(into: Uint8Array): Promise<number | null> {
    return this.#conn.read(into);
  }

  /**
   * Has it `then` called when the connection is lost or closed, until the function that
   * is returned is called. (A promise that lives as long as the connection would keep
   * every reaction of every request.)
   */
  whenLost(then: (lost: ConnectionLost) => void): () => void {
    if (this.#lost !== null || this.#closed) then(this.#end());
    this.#losers ??= new Set();
    this.#losers.add(then);
    return () => this.#losers?.delete(then);
  }

  /** Has it `then` called when the socket is closed. */
  whenClosed(then: () => void): void {
    this.#onClose = then;
  }

  /** Has the socket been closed? */
  get closed(): boolean {
    return this.#closed;
  }

  /** Where small pieces are put together; `flush()` sends them off. */
  get out(): WriteBuffer {
    return this.#tail;
  }

  /** Has the system everything that was queued? */
  get flushed(): boolean {
    return this.#pump === null && this.#queued + this.#tail.length === 0;
  }

  /** Does what comes next wait for a turn of the event loop, not for the client? */
  get awaitsTurn(): boolean {
    return this.#awaitsTurn;
  }

  /** Does more wait to be written than should? */
  get congested(): boolean {
    return this.#queued + this.#tail.length > MAX_BACKLOG;
  }

  /**
   * Queues bytes behind what is in `out`. True when they were copied; large ones are
   * not, and must stay as they are until they are flushed.
   */
  enqueue(bytes: Uint8Array): boolean {
    if (bytes.length < LARGE) {
      this.#tail.copy(bytes);
      return true;
    }
    if (this.#tail.length > 0) this.#append(this.#tail.take());
    this.#append(bytes);
    return false;
  }

  /**
   * Resolves when the system has everything that was queued.
   *
   * The rejection counts as handled: whoever does not look at it loses nothing but
   * the word that the client has gone, and must not lose the process.
   */
  flush(): Promise<void> {
    return this.#flush(atOnce);
  }

  /**
   * The same, one microtask late: so all requests that came with one turn of the event
   * loop are handled first, and then all answers written. With handlers between the
   * writes the client falls asleep, and to wake it again is a part of the next write
   * (rate + 7 %).
   */
  flushSoon(): Promise<void> {
    return this.#flush(soon);
  }

  /** The same, with the next turn of the event loop: what is queued until then shares the write. */
  flushLate(): Promise<void> {
    return this.#flush(nextTurn);
  }

  #flush(when: () => Promise<void> | null): Promise<void> {
    if (this.#lost !== null || this.#closed) return ignoreRejection(Promise.reject(this.#end()));
    if (this.#pump !== null) return this.#pump;
    if (this.#queued + this.#tail.length === 0) return DONE;
    const pump = this.#pump = this.#run(when());
    // It may have failed at once.
    return this.#lost === null ? pump : ignoreRejection(pump);
  }

  /** No more will be written: the peer reads to the end. */
  closeWrite(): Promise<void> {
    return this.#ending ??= this.#closeWrite();
  }

  /** Ends both directions, in order, when everything is written. */
  async end(): Promise<void> {
    await this.flush();
    // A TCP socket that is closed says just that; TLS and streams have a word of their own for it.
    if (!("setNoDelay" in this.#conn)) await this.closeWrite();
    this.close();
  }

  /** Ends both directions when everything that was queued is on its way. */
  closeWhenFlushed(): void {
    if (this.flushed) return this.close();
    const close = () => this.close();
    this.flush().then(close, close);
  }

  /** Gives memory back while there is nothing to write. */
  releaseMemory(): void {
    if (this.#pump !== null) return;
    this.#tail.releaseMemory();
    this.#spare.releaseMemory();
  }

  /** Ends both directions at once; a pending read or write fails. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // An error costs 1 µs: most connections end with nobody there to hear of it.
    if (this.#losers !== null) this.#lose(new ConnectionLost("The connection was closed"));
    try {
      this.#conn.close();
    } catch {
      // Its owner has closed it before.
    }
    this.#onClose();
  }

  /** Who cannot be written to is not read from either: a read that waits for its next request ends. */
  fail(reason: ConnectionLost): void {
    this.#lose(reason);
    this.close();
  }

  async #closeWrite(): Promise<void> {
    await this.flush();
    try {
      await this.#conn.closeWrite();
    } catch (error) {
      throw this.#fail(error);
    }
  }

  #append(bytes: Uint8Array): void {
    this.#queue.push(pieceOf(bytes));
    this.#queued += bytes.length;
  }

  /**
   * Writes all that is queued, and what is queued meanwhile. So short because a function
   * that waits keeps a place for each of its variables: 300 bytes an answer.
   */
  async #run(when: Promise<void> | null): Promise<void> {
    if (when !== null) await when;
    try {
      do this.#written(await this.#writeNext()); while (this.#queued + this.#tail.length > 0);
    } catch (error) {
      throw this.#fail(error);
    }
    // So that a client that waits for its answers needs one buffer only.
    this.#turnBuffers();
    this.#pump = null;
  }

  #writeNext(): Promise<number> {
    const piece = this.#writing = this.#queue.shift() ?? this.#tailToWrite();
    if (piece.bytes.length !== piece.length) {
      throw new TypeError("The content was detached before it was written");
    }
    const turn = piece.length < LARGE ? null : eventLoop.next(this.ticket);
    if (turn === null) return this.#write(piece);
    this.#awaitsTurn = true;
    return turn.then(() => this.#write(piece));
  }

  #write({ bytes }: Piece): Promise<number> {
    this.#awaitsTurn = false;
    this.#pace.begin();
    if (this.#delays && this.bytesOut > 0) this.#delayNoMore();
    return this.#conn.write(bytes);
  }

  /**
   * With Nagle's algorithm, which is on unless asked, a second write waits 40 ms for the
   * acknowledgement of the first. Before it, not at once: most connections for one request
   * need no second, and would pay for a system call.
   */
  #delayNoMore(): void {
    this.#delays = false;
    (this.#conn as Partial<Deno.TcpConn>).setNoDelay?.(true);
  }

  #tailToWrite(): Piece {
    this.#turnBuffers();
    this.#queued += this.#spare.length;
    return pieceOf(this.#spare.view());
  }

  #written(count: number): void {
    const { bytes, length } = this.#writing;
    this.#writing = NO_PIECE;
    this.#pace.end(count);
    this.bytesOut += count;
    this.#queued -= count;
    if (count === length) return;
    // Throws where somebody has detached the bytes: the response cannot be completed then.
    const rest = bytes.subarray(count);
    if (rest.length !== length - count) {
      throw new TypeError("The content was detached while it was written");
    }
    this.#queue.unshift(pieceOf(rest));
  }

  #fail(cause: unknown): ConnectionLost {
    ignoreRejection(this.#pump ?? DONE);
    this.fail(new ConnectionLost("The connection was lost while writing", { cause }));
    return this.#lost!;
  }

  /** Why nothing can be sent any more. */
  #end(): ConnectionLost {
    return this.#lost ??= new ConnectionLost("The connection was closed");
  }

  #lose(reason: ConnectionLost): void {
    if (this.#lost !== null) return;
    this.#lost = reason;
    for (const then of this.#losers ?? []) then(reason);
  }

  /** The two buffers take turns: one is written while the other is filled. */
  #turnBuffers(): void {
    const buffer = this.#tail;
    this.#tail = this.#spare;
    this.#tail.clear();
    this.#spare = buffer;
  }
}

const DONE: Promise<void> = Promise.resolve();
const atOnce = () => null;
const soon = () => DONE;
