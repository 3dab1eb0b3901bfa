/**
 * The body of one request, as its handler reads it: whole, or piece by piece.
 *
 * Nothing is read from the socket before the handler asks, and never more than it asked
 * for: a handler that reads slowly makes its client send slowly.
 *
 * ```text
 * unread ──► open ──► complete
 *   │ │       │          ▲
 *   │ └───────┼──────────┘
 *   └─────────┴──► failed
 * ```
 */
import { HttpError } from "../errors.ts";
import { ignoreRejection } from "../ignore_rejection.ts";
import { Deadline } from "../net/deadline.ts";
import { moved } from "../transitions.ts";
import type { Transitions } from "../transitions.ts";
import { streamOf } from "../web/content.ts";
import { trailerHeaders } from "../web/lazy_headers.ts";
import { BodyBuffer } from "../wire/body_buffer.ts";
import { NO_FIELDS } from "../wire/fields.ts";
import type { Fields } from "../wire/fields.ts";
import type { Framing } from "../wire/request_framing.ts";
import type { BodyData, MessageEnd } from "../wire/events.ts";
import type { ConnectionContext } from "./connection_context.ts";
import { noBodyMemory } from "./body_memory.ts";

/**
 * How far a body has been read.
 *
 * - "unread": not at all.
 * - "open": in part.
 * - "complete": to its end, trailers included.
 * - "failed": it was rejected, or the client has gone.
 */
type Progress = "unread" | "open" | "complete" | "failed";

const PROGRESS: Transitions<Progress> = {
  unread: ["open", "complete", "failed"],
  open: ["complete", "failed"],
  complete: [],
  failed: [],
};

/** Reads one body. */
export class RequestBody {
  readonly #connection: ConnectionContext;
  readonly #framing: Framing;
  /** What it takes of the memory of all bodies. */
  readonly #share = { bytes: 0 };
  #progress: Progress = "unread";
  /** Whether the client still waits for `100 Continue`. */
  #continueDue: boolean;
  /** A body that was read as a whole. */
  #whole: Uint8Array | undefined;
  #stream: ReadableStream<Uint8Array> | undefined;
  /** Whether the reader of the stream has read or cancelled it: what is left is not the body. */
  #streamUsed = false;
  /** The read in flight. */
  #current: Promise<unknown> | null = null;
  /** The part of a piece that did not fit into the buffer of the stream's reader. */
  #rest: Uint8Array | null = null;
  /** Whether its memory may still be asked for: then `releaseMemory` must take it out of the queue. */
  #hasWaitedForMemory = false;
  /** Whether the reader of the stream keeps all pieces. */
  #isKept = false;
  #released = false;
  #sealed = false;
  #trailerFields: Fields = NO_FIELDS;
  #failure: unknown;
  /** Created on first access; few requests have trailers. */
  #trailers: PromiseWithResolvers<Headers> | undefined;

  constructor(connection: ConnectionContext, framing: Framing) {
    this.#connection = connection;
    this.#framing = framing;
    this.#continueDue = framing.expectsContinue;
    if (framing.body === 0) {
      this.#complete(NO_FIELDS);
      this.#whole = NOTHING;
    } else {
      connection.readThroughput.reset();
    }
  }

  /** Whether it was read to its end. */
  get complete(): boolean {
    return this.#progress === "complete";
  }

  /** Why it was rejected; null if it was not. */
  get rejection(): HttpError | null {
    return this.#failure instanceof HttpError ? this.#failure : null;
  }

  /** Whether nothing of it has been asked for: what the client sends is then noticed by reading ahead only. */
  get unread(): boolean {
    return this.#progress === "unread";
  }

  /** Whether the client still waits for `100 Continue`: a final response now refuses the body. */
  get continueDue(): boolean {
    return this.#continueDue;
  }

  /** Whether the connection may go on behind it: it is being read, or little enough is left to drop. */
  isDrainable(maxBytes: number): boolean {
    if (this.#progress === "failed" || this.#continueDue) return false;
    const { bodyRemaining } = this.#connection.reader;
    return this.#progress !== "unread" || bodyRemaining <= maxBytes || bodyRemaining === Infinity;
  }

  /** How many bytes it may have; can be changed until it is first read. */
  get maxBody(): number {
    return this.#connection.reader.maxBody;
  }

  set maxBody(bytes: number) {
    // A request without a body has none to limit; the parser may be reading another's.
    if (this.#framing.body === 0) return;
    if (this.#progress !== "unread") {
      throw new TypeError("Cannot change maxBody: the body is already being read");
    }
    this.#connection.reader.maxBody = bytes;
  }

  /** All of it, where it was read as a whole; undefined where it was not. */
  get whole(): Uint8Array | undefined {
    return this.#whole;
  }

  /** The trailer fields, once the end was read. */
  get trailers(): Promise<Headers> {
    if (this.#trailers === undefined) {
      this.#trailers = Promise.withResolvers();
      ignoreRejection(this.#trailers.promise);
      this.#settleTrailers();
    }
    return this.#trailers.promise;
  }

  /** The body as a stream, always the same one. Its chunks are copies, for the reader to keep. */
  get stream(): ReadableStream<Uint8Array> {
    return this.#stream ??= this.#whole === undefined ? this.#pieces() : streamOf(this.#whole);
  }

  /** Sends no `100 Continue` any more: the final response is on its way. */
  disableContinue(): void {
    this.#continueDue = false;
  }

  /** Calls `ended` when the body was read to its end, or failed: at once, where it was. */
  whenEnded(ended: (failure: unknown) => void): void {
    if (this.complete) ended(null);
    else this.trailers.then(() => ended(null), ended);
  }

  /** Reads what is left, as a whole. */
  async readWhole(): Promise<Uint8Array> {
    if (this.#whole !== undefined) return this.#whole;
    if (this.#stream !== undefined) return this.#whole = await this.#collect(this.#stream);
    const { body } = this.#framing;
    const collector = new BodyBuffer(body === "chunked" ? 0 : body);
    for (let piece; (piece = await this.#next()) !== null;) {
      // First: the piece dies at the next read.
      collector.add(piece);
      const room = this.#takeMemory(piece);
      if (room !== null) await this.#reading(room);
    }
    return this.#whole = collector.bytes();
  }

  /** From now on the pieces of the stream take memory as those of `readWhole` do: its reader keeps them all. */
  keep(): void {
    this.#isKept = true;
  }

  /** Rejects further reads by the handler: the server drops the rest, and a second reader would miss parts of it. */
  seal(): void {
    this.#sealed = true;
    this.releaseMemory();
  }

  /** Gives back what it takes of the memory of all bodies. */
  releaseMemory(): void {
    this.#released = true;
    if (this.#share.bytes > 0 || this.#hasWaitedForMemory) {
      this.#connection.bodyMemory.release(this.#share);
    }
  }

  /** Throws where the stream is locked, or was used. */
  async #collect(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
    if (this.#streamUsed && this.#progress !== "failed") {
      throw new TypeError(
        "Cannot read the body again: its stream was read or cancelled, use either stream or text()",
      );
    }
    const collector = new BodyBuffer(0);
    for await (const piece of stream) {
      collector.add(piece);
      await this.#takeMemory(piece);
    }
    return collector.bytes();
  }

  /** Null where there is room, or where the request is over and nothing would release it. */
  #takeMemory({ length }: Uint8Array): Promise<void> | null {
    if (this.#released) return null;
    const room = this.#connection.bodyMemory.take(this.#share, length);
    return room === null ? null : this.#inTime(room);
  }

  /** A body that waits for memory is being read: nothing else may read it meanwhile. */
  async #reading(room: Promise<void>): Promise<void> {
    this.#current = room;
    try {
      await room;
    } finally {
      this.#current = null;
    }
  }

  /** Waits for memory, but not longer than `timeouts.body`, nor than the connection lasts. */
  async #inTime(room: Promise<void>): Promise<void> {
    const { clock, timeouts, transport } = this.#connection;
    const { promise: failed, reject } = Promise.withResolvers<never>();
    const deadline = new Deadline();
    deadline.set(timeouts.body);
    const tick = (now: number) => deadline.isOver(now) && reject(noBodyMemory());
    const subscription = clock.subscribe({ tick });
    const forget = transport.onLost(reject);
    this.#hasWaitedForMemory = true;
    try {
      await Promise.race([room, failed]);
    } finally {
      clock.unsubscribe(subscription);
      forget();
    }
  }

  /**
   * Reads and drops what is left, up to `maxBytes`. True when the end was reached.
   *
   * The handler gets nothing more of it; a read of the handler's that is in flight comes first.
   */
  async drain(maxBytes: number): Promise<boolean> {
    await this.#current?.catch(() => {});
    let dropped = 0;
    while (dropped <= maxBytes && this.#progress !== "complete") {
      const piece = await this.#read();
      dropped += piece?.length ?? 0;
    }
    return this.complete;
  }

  /**
   * A byte stream: a reader with a buffer of its own makes no garbage. With default reads
   * an upload at 1.5 GB/s makes that much a second, and the process grows by 70 MB before
   * the collector has caught up.
   */
  #pieces(): ReadableStream<Uint8Array> {
    return new ReadableStream({
      type: "bytes",
      cancel: () => void (this.#streamUsed = true),
      pull: async (controller) => {
        this.#streamUsed = true;
        const piece = this.#rest ?? await this.#next();
        this.#rest = null;
        const room = piece !== null && this.#isKept ? this.#takeMemory(piece) : null;
        if (room !== null) await this.#reading(room);
        if (piece !== null) return this.#give(piece, controller);
        controller.close();
        controller.byobRequest?.respond(0);
      },
    }, { highWaterMark: 0 });
  }

  #give(piece: Uint8Array, controller: ReadableByteStreamController): void {
    const wanted = controller.byobRequest;
    const view = wanted?.view;
    if (!view) return controller.enqueue(this.#connection.reader.own(piece));
    const count = Math.min(piece.length, view.byteLength);
    new Uint8Array(view.buffer, view.byteOffset, count).set(piece.subarray(0, count));
    if (count < piece.length) this.#rest = piece.subarray(count);
    wanted.respond(count);
  }

  #next(): Promise<Uint8Array | null> {
    if (this.#sealed) {
      return Promise.reject(new TypeError("Cannot read the body: the request is over"));
    }
    if (this.#connection.reader.position === "raw") {
      return Promise.reject(new TypeError("Cannot read the body: the handler reads the socket"));
    }
    if (this.#current !== null) {
      return Promise.reject(new TypeError("The body is already being read"));
    }
    return this.#read();
  }

  /** The next piece: a view that dies at the next read. Null at the end. */
  #read(): Promise<Uint8Array | null> {
    if (this.#progress === "complete") return AT_END;
    if (this.#progress === "failed") return Promise.reject(this.#failure);
    return this.#current = this.#advance();
  }

  /**
   * The caller receives a piece before `drain`, which waits for `#current`, goes on: the piece is
   * the caller's until it has copied it.
   */
  async #advance(): Promise<Uint8Array | null> {
    try {
      const event = await this.#event();
      if (event.type === "data") return event.bytes;
      this.#complete(event.trailers);
      return null;
    } catch (error) {
      this.#failure = error;
      this.#move("failed");
      throw error;
    } finally {
      this.#current = null;
    }
  }

  /** Not async: an async function more for each piece is 700 bytes for the collector. */
  #event(): BodyData | MessageEnd | Promise<BodyData | MessageEnd> {
    // The limits come first: a client that is told 413 is not told 100.
    const event = this.#connection.reader.bodyAtHand();
    if (this.#progress === "unread") this.#open();
    if (this.#continueDue) return this.#afterContinue(event);
    return event ?? this.#timed();
  }

  async #afterContinue(event: BodyData | MessageEnd | null): Promise<BodyData | MessageEnd> {
    this.#continueDue = false;
    this.#connection.transport.out.latin1("HTTP/1.1 100 Continue\r\n\r\n");
    await this.#connection.transport.flush();
    return event ?? await this.#timed();
  }

  /** From now on the body is read when it is wanted, and not ahead. */
  #open(): void {
    this.#connection.reader.stopReadingAhead();
    this.#move("open");
  }

  /** Waits for the client, and has the time counted. */
  async #timed(): Promise<BodyData | MessageEnd> {
    this.#connection.readThroughput.startWaiting();
    const before = this.#connection.reader.bytesIn;
    try {
      return await this.#connection.reader.readBody();
    } finally {
      this.#connection.readThroughput.stopWaiting(this.#connection.reader.bytesIn - before);
    }
  }

  #complete(trailers: Fields): void {
    this.#continueDue = false;
    this.#trailerFields = trailers;
    this.#move("complete");
  }

  #move(to: Progress): void {
    this.#progress = moved(PROGRESS, this.#progress, to);
    this.#settleTrailers();
  }

  #settleTrailers(): void {
    if (this.#progress === "complete") this.#trailers?.resolve(trailerHeaders(this.#trailerFields));
    if (this.#progress === "failed") this.#trailers?.reject(this.#failure);
  }
}

const NOTHING = new Uint8Array(0);
const AT_END = Promise.resolve(null);
