/** The requests of one connection as they come in: a parser, and what feeds it. */
import { ConnectionLost } from "../errors.ts";
import type { ByteSource } from "../net/transport.ts";
import { eventLoop } from "../net/event_loop.ts";
import type { ParserEvent, ParserOptions } from "../wire/request_parser.ts";
import { RequestParser } from "../wire/request_parser.ts";

/** Is told why the input has ended, and whether the client has gone or has only closed its side. */
export type WatchEnd = (reason: ConnectionLost, gone: boolean) => void;

/** Reads a connection's requests event by event. */
export class RequestReader {
  readonly parser: RequestParser;
  /** How many bytes have been read. */
  bytesIn = 0;
  readonly #source: ByteSource;
  /** The read that is under way: there is only one at a time. It never rejects. */
  #reading: Promise<boolean> | null = null;
  /** Why no more can be read. */
  #lost: ConnectionLost | null = null;
  /** Who waits for it. */
  #waiting: PromiseWithResolvers<boolean> | null = null;
  /** Who is told when the input ends while a handler runs. */
  #watcher: WatchEnd | null = null;

  constructor(source: ByteSource, options: ParserOptions) {
    this.#source = source;
    this.parser = new RequestParser(options);
  }

  /** Is there input that nobody has used? */
  get hasUnread(): boolean {
    return this.parser.input.length > 0;
  }

  /** Waits for more input; false at its end, whatever ended it. */
  more(): Promise<boolean> {
    if (this.#lost !== null) return NO_MORE;
    return this.#reading ??= this.#source.read(this.#room()).then(this.#came, this.#failed);
  }

  /**
   * The same, until it is interrupted. It costs 300 bytes and a turn of the microtask
   * queue more than `more()`.
   *
   * @throws {ConnectionLost} It ended by a fault.
   */
  fill(): Promise<boolean> {
    if (this.#lost !== null) return Promise.reject(this.#lost);
    this.#waiting ??= Promise.withResolvers();
    this.more();
    return this.#waiting.promise;
  }

  /**
   * Whoever waits in `fill()` waits no longer. The read itself cannot be taken back: what
   * it brings is there for who waits next.
   */
  interrupt(reason: Error): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.reject(reason);
  }

  /** The next event that is not "need-data"; null where the input ends between two requests. */
  async next(): Promise<Exclude<ParserEvent, { type: "need-data" }> | null> {
    for (;;) {
      const event = this.parser.next();
      if (event.type !== "need-data") return event;
      if (!await this.fill() && this.parser.finish()) return null;
    }
  }

  /**
   * Reads ahead while a handler runs, so that the end of the input is heard of: at most
   * one buffer, which is what the next request begins with. `ended` is told why, and
   * whether the client has gone or has only closed its side.
   */
  async watch(ended: WatchEnd): Promise<void> {
    this.#watcher = ended;
    try {
      while (this.#watcher === ended && this.parser.input.length < MAX_READ_AHEAD) {
        if (await this.fill()) continue;
        if (this.#watcher === ended) {
          ended(new ConnectionLost("The client has closed its side"), false);
        }
        return;
      }
    } catch (error) {
      if (this.#watcher === ended) ended(error as ConnectionLost, true);
    } finally {
      // The read that it waited for may have outlived its request, and another be watching.
      if (this.#watcher === ended) this.#watcher = null;
    }
  }

  /** Reads no further ahead. A read that is under way is the next one's who reads. */
  unwatch(): void {
    this.#watcher = null;
  }

  /** A piece of a body for good: a copy, unless the memory is full of it and nobody is reading into it. */
  give(piece: Uint8Array): Uint8Array<ArrayBuffer> {
    return this.#reading === null ? this.parser.input.give(piece) : piece.slice();
  }

  /** Gives memory back while nothing comes. */
  releaseMemory(): void {
    if (this.#reading === null) this.parser.input.releaseMemory();
  }

  /** Bytes as they are: first those that the parser has not used, then those of the socket. */
  async readRaw(into: Uint8Array): Promise<number | null> {
    const { input } = this.parser;
    await this.#settled();
    if (input.length === 0) return this.#read(into);
    const count = Math.min(into.length, input.length);
    into.set(input.bytes.subarray(input.start, input.start + count));
    input.consume(count);
    return count;
  }

  /** Reads and drops up to `most` bytes; ends with the input. */
  async drop(most: number): Promise<void> {
    await this.#settled();
    let dropped = 0;
    while (dropped < most) {
      const count = await this.#read(DISCARDED);
      if (count === null) return;
      dropped += count;
    }
  }

  #room(): Uint8Array {
    const room = this.parser.input.space();
    return this.#watcher === null ? room : room.subarray(0, MAX_READ_AHEAD);
  }

  /** Resolves when no read is under way. */
  async #settled(): Promise<void> {
    await this.#reading;
    if (this.#lost !== null) throw this.#lost;
  }

  /** Made once, not for each read: the steady state of a connection is a read and a write. */
  readonly #came = (count: number | null): Promise<boolean> | boolean => {
    if (count === null) return this.#over(false);
    this.bytesIn += count;
    this.parser.input.filled(count);
    const turn = count < MUCH ? null : eventLoop.next(this.#source.ticket);
    return turn === null ? this.#over(true) : turn.then(() => this.#over(true));
  };

  readonly #failed = (error: unknown): boolean => {
    this.#lost = lostWhileReading(error);
    this.#reading = null;
    this.interrupt(this.#lost);
    return false;
  };

  #over(more: boolean): boolean {
    this.#reading = null;
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.resolve(more);
    return more;
  }

  async #read(into: Uint8Array): Promise<number | null> {
    let count: number | null;
    try {
      count = await this.#source.read(into);
    } catch (error) {
      throw lostWhileReading(error);
    }
    if (count === null) return null;
    this.bytesIn += count;
    if (count >= MUCH) await eventLoop.next(this.#source.ticket);
    return count;
  }
}

function lostWhileReading(cause: unknown): ConnectionLost {
  return new ConnectionLost("The connection was lost while reading", { cause });
}

const NO_MORE = Promise.resolve(false);

/** What is read into it nobody reads: all connections may write over each other. */
const DISCARDED = new Uint8Array(16_384);

/** More than the heads of a client that waits for its answers: there may be much work in it. */
const MUCH = 2048;

/** So much is read ahead behind a waiting handler. */
const MAX_READ_AHEAD = 16_384;
