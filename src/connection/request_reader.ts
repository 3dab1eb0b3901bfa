/**
 * The requests of one connection as they come in: the only place that reads a connection's
 * input and drives its parser, and that knows how far it has come.
 *
 * ```text
 * head ───► body ───► done ───► head, body or done: the next request
 *   └───────────────► done
 *
 * head, body and done ───► failed     body, done and failed ───► raw
 * ```
 */
import { ConnectionLost } from "../errors.ts";
import type { Scheduler, Ticket, Waiter } from "../net/scheduler.ts";
import type { ByteSource } from "../net/transport.ts";
import { moved } from "../transitions.ts";
import type { Transitions } from "../transitions.ts";
import type { RefusedLine, RequestHead } from "../wire/request_head.ts";
import type { BodyData, MessageEnd } from "../wire/events.ts";
import type { RequestParserSettings } from "../wire/parser_options.ts";
import { RequestParser } from "../wire/request_parser.ts";
import type { RequestEvent } from "../wire/request_parser.ts";

/**
 * Where a reader stands.
 *
 * - "head": between two requests, or within a head.
 * - "body": behind a head, before the end of its body.
 * - "done": behind a whole request.
 * - "raw": the handler reads the input itself; what is left of it is no request.
 * - "failed": the request was rejected, or its input ended or was given up.
 */
export type ReadPosition = "head" | "body" | "done" | "raw" | "failed";

const POSITIONS: Transitions<ReadPosition> = {
  head: ["done", "body", "failed"],
  body: ["done", "raw", "failed"],
  done: ["body", "head", "raw", "failed"],
  raw: [],
  failed: ["raw"],
};

/** Receives what reading ahead finds; after one call it gets no other. */
export interface InputWatcher {
  /** The connection is lost. */
  gone(reason: ConnectionLost): void;
  /** The client has closed its side. */
  halfClosed(reason: ConnectionLost): void;
  /** The client has sent more than is read ahead: its end would not be noticed. */
  full(): void;
}

/** Reads a connection's requests event by event. */
export class RequestReader implements Waiter {
  /** Part of {@linkcode Waiter}. */
  readonly ticket: Ticket;
  /** Part of {@linkcode Waiter}. */
  next: Waiter | null = null;
  readonly #parser: RequestParser;
  /** How many bytes have been read. */
  bytesIn = 0;
  readonly #source: ByteSource;
  readonly #scheduler: Scheduler;
  #position: ReadPosition = "head";
  /** The read in flight, of which there is one at a time. It never rejects. */
  #reading: Promise<boolean> | null = null;
  /** Why no more can be read. */
  #lost: ConnectionLost | null = null;
  /** Resolves `#reading`, if the read had to wait in line. */
  #waitedRead: ((more: boolean) => void) | null = null;
  /** Settles `fill()`. */
  #filling: PromiseWithResolvers<boolean> | null = null;
  /** How many bytes are read ahead while a handler runs; null where none are. */
  #ahead: { readonly maxBytes: number } | null = null;

  constructor(source: ByteSource, settings: RequestParserSettings) {
    this.#source = source;
    this.ticket = source.ticket;
    this.#scheduler = source.ticket.scheduler;
    this.#parser = new RequestParser(settings);
  }

  /** How far the current request has been read. */
  get position(): ReadPosition {
    return this.#position;
  }

  /** Whether there is input that was not used. */
  get hasUnread(): boolean {
    return this.#parser.input.length > 0;
  }

  /** The method of the current request, or of the last: an error response to HEAD has no content either. */
  get method(): string {
    return this.#parser.method;
  }

  /** The request line of the head that was refused, as far as it has arrived. */
  get refusedLine(): RefusedLine {
    return this.#parser.refusedLine;
  }

  /** How many bytes the body of the current request may have; looked at when it is first read. */
  get maxBody(): number {
    return this.#parser.maxBody;
  }

  set maxBody(bytes: number) {
    this.#parser.maxBody = bytes;
  }

  /** How many bytes of the current body are left; Infinity when that is unknown. */
  get bodyRemaining(): number {
    return this.#parser.bodyRemaining;
  }

  /** Before another request is taken from the input: null, or a promise that resolves when it may be. */
  beforeBuffered(): Promise<void> | null {
    return this.#scheduler.beforeBuffered(this.ticket);
  }

  /** The next head, where all of it has arrived. */
  headAtHand(): RequestHead | null {
    const event = this.#next();
    if (event.type === "head") return this.#begin(event);
    if (this.#position === "done") this.#move("head");
    return null;
  }

  /** The next head; null where the input ends between two requests. */
  async readHead(): Promise<RequestHead | null> {
    const event = await this.#read();
    return event?.type === "head" ? this.#begin(event) : null;
  }

  /** The next piece of the body or its end, where that has arrived. A piece is a view that dies with the next read. */
  bodyAtHand(): BodyData | MessageEnd | null {
    const event = this.#next();
    return event.type === "need-data" ? null : this.#noteEnd(event as BodyData | MessageEnd);
  }

  /** The next piece of the body or its end. A piece is a view that dies with the next read. */
  readBody(): Promise<BodyData | MessageEnd> {
    // Within a request the input never ends in order.
    return this.#read() as Promise<BodyData | MessageEnd>;
  }

  /** Waits for more input; false at its end, whatever ended it. */
  more(): Promise<boolean> {
    if (this.#lost !== null) return NO_MORE;
    return this.#reading ??= this.#scheduler.tryRead(this.ticket)
      ? this.#readMore()
      : this.#readInLine();
  }

  /** Part of {@linkcode Waiter}. */
  resume(): void {
    this.#readMore();
  }

  /**
   * Ends the wait for input with an error. The read itself cannot be taken back: what it
   * brings is there for the next read.
   */
  interrupt(reason: Error): void {
    const filling = this.#filling;
    this.#filling = null;
    filling?.reject(reason);
  }

  /**
   * Reads up to `maxBytes` ahead while a handler runs, so that the end of the input is
   * noticed.
   */
  async readAhead(maxBytes: number, watcher: InputWatcher): Promise<void> {
    const ahead = this.#ahead = { maxBytes };
    try {
      while (this.#ahead === ahead) {
        if (this.#parser.input.length >= maxBytes) return watcher.full();
        if (await this.#fill()) continue;
        if (this.#ahead === ahead) {
          watcher.halfClosed(new ConnectionLost("The client has closed its side"));
        }
        return;
      }
    } catch (error) {
      if (this.#ahead === ahead) watcher.gone(error as ConnectionLost);
    } finally {
      // The read may have outlived its request, and the next one be reading ahead.
      if (this.#ahead === ahead) this.#ahead = null;
    }
  }

  /** Reads no further ahead. A read in flight serves the next wait for input. */
  stopReadingAhead(): void {
    this.#ahead = null;
  }

  /** A piece of a body for good: a copy, unless it fills the buffer and no read is in flight. */
  own(piece: Uint8Array): Uint8Array<ArrayBuffer> {
    return this.#reading === null ? this.#parser.input.give(piece) : piece.slice();
  }

  /** Gives the input buffer back before a wait for input. */
  releaseBuffer(): void {
    if (this.#reading === null) this.#parser.input.releaseMemory();
  }

  /** Gives the last head back, which the next one is compared with. */
  releaseMemory(): void {
    this.#parser.releaseMemory();
  }

  /** Reads bytes as they are: first those that the parser has not used, then those of the socket. */
  async readRaw(into: Uint8Array): Promise<number | null> {
    this.#move("raw");
    const { input } = this.#parser;
    await this.#settled();
    if (input.length === 0) return this.#readSource(into);
    const count = Math.min(into.length, input.length);
    into.set(input.bytes.subarray(input.start, input.start + count));
    input.consume(count);
    return count;
  }

  /** Reads and drops up to `maxBytes`; ends with the input. */
  async drop(maxBytes: number): Promise<void> {
    await this.#settled();
    let dropped = 0;
    while (dropped < maxBytes) {
      const count = await this.#readSource(DISCARDED);
      if (count === null) return;
      dropped += count;
    }
  }

  #move(to: ReadPosition): void {
    if (to !== this.#position) this.#position = moved(POSITIONS, this.#position, to);
  }

  /** A body read that was in flight when the handler took the input over does not take it back. */
  #settle(to: "done" | "failed"): void {
    if (this.#position !== "raw") this.#move(to);
  }

  /** A request without a body ends with its head. */
  #begin(head: RequestHead): RequestHead {
    if (head.framing.body === 0) this.#parser.next();
    this.#move(head.framing.body === 0 ? "done" : "body");
    return head;
  }

  /** Returns the event; records the end of the request. */
  #noteEnd<Event extends RequestEvent>(event: Event): Event {
    if (event.type === "end") this.#settle("done");
    return event;
  }

  #next(): RequestEvent {
    try {
      return this.#parser.next();
    } catch (error) {
      this.#settle("failed");
      throw error;
    }
  }

  /** The next event; null where the input ends between two requests. */
  async #read(): Promise<RequestEvent | null> {
    try {
      for (;;) {
        const event = this.#parser.next();
        if (event.type !== "need-data") return this.#noteEnd(event);
        if (!await this.#fill() && this.#parser.finish()) return null;
      }
    } catch (error) {
      this.#settle("failed");
      throw error;
    }
  }

  /**
   * Waits for more input, as `more` does, but can be interrupted. That costs 300 bytes and
   * one more microtask.
   *
   * @throws {ConnectionLost} The input ended by a fault.
   */
  #fill(): Promise<boolean> {
    if (this.#lost !== null) return Promise.reject(this.#lost);
    this.#filling ??= Promise.withResolvers();
    this.ticket.usesSecondLine = true;
    this.more();
    return this.#filling.promise;
  }

  #readMore(): Promise<boolean> {
    return this.#source.read(this.#space()).then(this.#arrived, this.#failed);
  }

  #readInLine(): Promise<boolean> {
    return new Promise((resolve) => {
      this.#waitedRead = resolve;
      this.#scheduler.wait(this);
    });
  }

  #space(): Uint8Array {
    const space = this.#parser.input.space();
    return this.#ahead === null ? space : space.subarray(0, this.#ahead.maxBytes);
  }

  /** Resolves when no read is in flight. */
  async #settled(): Promise<void> {
    await this.#reading;
    if (this.#lost !== null) throw this.#lost;
  }

  /** Made once, not for each read: the steady state of a connection is a read and a write. */
  readonly #arrived = (count: number | null): boolean => {
    if (count === null) return this.#settleRead(false);
    this.bytesIn += count;
    this.#scheduler.recordRead(this.ticket, count);
    this.#parser.input.filled(count);
    return this.#settleRead(true);
  };

  readonly #failed = (error: unknown): boolean => {
    this.#lost = lostWhileReading(error);
    this.interrupt(this.#lost);
    return this.#settleRead(false);
  };

  #settleRead(more: boolean): boolean {
    this.#reading = null;
    this.#waitedRead?.(more);
    this.#waitedRead = null;
    const filling = this.#filling;
    this.#filling = null;
    filling?.resolve(more);
    return more;
  }

  async #readSource(into: Uint8Array): Promise<number | null> {
    let count: number | null;
    try {
      const turn = this.#scheduler.beforeRead(this.ticket);
      if (turn !== null) await turn;
      count = await this.#source.read(into);
    } catch (error) {
      throw lostWhileReading(error);
    }
    if (count === null) return null;
    this.bytesIn += count;
    this.#scheduler.recordRead(this.ticket, count);
    return count;
  }
}

function lostWhileReading(cause: unknown): ConnectionLost {
  return new ConnectionLost("The connection was lost while reading", { cause });
}

const NO_MORE = Promise.resolve(false);

/** Where dropped bytes go. They are never read, so all connections share it. */
const DISCARDED = new Uint8Array(16_384);
