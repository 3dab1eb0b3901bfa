/**
 * The body of one request, as its handler reads it: whole, or piece by piece.
 *
 * Nothing is read from the socket before somebody asks, and never more than was asked
 * for: a handler that reads slowly makes its client send slowly.
 */
import { ignoreRejection } from "../ignore_rejection.ts";
import type { RequestReader } from "./request_reader.ts";
import type { Throughput } from "../net/throughput.ts";
import type { Transport } from "../net/transport.ts";
import { BodyBuffer } from "../wire/body_buffer.ts";
import { streamOf } from "../web/content.ts";
import { trailerHeaders } from "../web/lazy_headers.ts";
import { NO_FIELDS } from "../wire/fields.ts";
import type { Fields } from "../wire/fields.ts";
import type { Framing } from "../wire/request_framing.ts";

/**
 * How far a body has been read.
 *
 * - "unread": nobody has asked.
 * - "open": in part.
 * - "complete": to its end, trailers included.
 * - "failed": it was refused, or the client has gone.
 */
type Progress = "unread" | "open" | "complete" | "failed";

/** Reads one body. */
export class RequestBody {
  readonly #reader: RequestReader;
  readonly #transport: Transport;
  readonly #framing: Framing;
  readonly #pace: Throughput;
  #progress: Progress;
  /** Does the client still wait for `100 Continue`? */
  #continueDue: boolean;
  /** A body that was read as a whole. */
  #whole: Uint8Array | undefined;
  #stream: ReadableStream<Uint8Array> | undefined;
  #current: Promise<unknown> | null = null;
  /** What of a piece did not fit into the buffer of the stream's reader. */
  #rest: Uint8Array | null = null;
  #sealed = false;
  #trailerFields: Fields = NO_FIELDS;
  #failure: unknown;
  /** Made for who asks: most requests have no trailers, and nobody who would. */
  #trailers: PromiseWithResolvers<Headers> | undefined;

  constructor(reader: RequestReader, transport: Transport, pace: Throughput, framing: Framing) {
    this.#reader = reader;
    this.#pace = pace;
    this.#transport = transport;
    this.#framing = framing;
    this.#continueDue = framing.expectsContinue;
    this.#progress = "unread";
    if (framing.body === 0) {
      this.#complete(NO_FIELDS);
      this.#whole = NOTHING;
    } else {
      pace.reset();
    }
  }

  /** Has it been read to its end? */
  get complete(): boolean {
    return this.#progress === "complete";
  }

  /** Does the client still wait to be told to send it? Whoever answers now has refused it. */
  get continueDue(): boolean {
    return this.#continueDue;
  }

  /** May the connection go on behind it: was it read, is it being read, or is so little left that it can be dropped? */
  isDrainable(most: number): boolean {
    if (this.#progress === "failed" || this.#continueDue) return false;
    const { bodyRemaining } = this.#reader.parser;
    return this.#progress !== "unread" || bodyRemaining <= most || bodyRemaining === Infinity;
  }

  /** How long it may be; can be changed until it is first read. */
  get most(): number {
    return this.#reader.parser.maxBody;
  }

  set most(bytes: number) {
    // A request without a body has none to limit; the parser may be reading another's.
    if (this.#framing.body === 0) return;
    if (this.#progress !== "unread") {
      throw new TypeError("Cannot change maxBody: the body is already being read");
    }
    this.#reader.parser.maxBody = bytes;
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

  /** It as a stream: always the same one. Its chunks are copies, for the reader to keep. */
  get stream(): ReadableStream<Uint8Array> {
    return this.#stream ??= this.#whole === undefined ? this.#pieces() : streamOf(this.#whole);
  }

  /** The final answer is on its way: `100 Continue` would come too late. */
  disableContinue(): void {
    this.#continueDue = false;
  }

  /** Calls back once it was read to its end, or refused: now, where it has been. */
  whenEnded(then: (failure: unknown) => void): void {
    if (this.complete) then(null);
    else this.trailers.then(() => then(null), then);
  }

  /** Reads what is left, as a whole. */
  async readWhole(): Promise<Uint8Array> {
    if (this.#whole !== undefined) return this.#whole;
    if (this.#stream !== undefined) return this.#whole = await collect(this.#stream);
    const { body } = this.#framing;
    const collector = new BodyBuffer(body === "chunked" ? 0 : body);
    for (let piece; (piece = await this.#next()) !== null;) collector.add(piece);
    return this.#whole = collector.bytes();
  }

  /**
   * Reads and drops what is left, up to `most` bytes. True when the end was reached.
   *
   * Its handler gets nothing more of it; a read of the handler's that is under way is waited for.
   */
  async drain(most: number): Promise<boolean> {
    this.#sealed = true;
    await this.#current?.catch(() => {});
    let dropped = 0;
    while (dropped <= most && this.#progress !== "complete") {
      const piece = await this.#read();
      dropped += piece?.length ?? 0;
    }
    return this.complete;
  }

  /**
   * A byte stream: who reads with a buffer of his own makes no garbage. With default
   * reads an upload at 1.5 GB/s makes that much a second, and the process grows by
   * 70 MB before the collector has caught up.
   */
  #pieces(): ReadableStream<Uint8Array> {
    return new ReadableStream({
      type: "bytes",
      pull: async (controller) => {
        const piece = this.#rest ?? await this.#next();
        this.#rest = null;
        if (piece !== null) return this.#give(piece, controller);
        controller.close();
        controller.byobRequest?.respond(0);
      },
    }, { highWaterMark: 0 });
  }

  #give(piece: Uint8Array, controller: ReadableByteStreamController): void {
    const wanted = controller.byobRequest;
    const view = wanted?.view;
    if (!view) return controller.enqueue(this.#reader.give(piece));
    const count = Math.min(piece.length, view.byteLength);
    new Uint8Array(view.buffer, view.byteOffset, count).set(piece.subarray(0, count));
    if (count < piece.length) this.#rest = piece.subarray(count);
    wanted.respond(count);
  }

  #next(): Promise<Uint8Array | null> {
    if (this.#sealed) {
      return Promise.reject(new TypeError("Cannot read the body: the request is over"));
    }
    if (this.#current !== null) {
      return Promise.reject(new TypeError("The body is already being read"));
    }
    return this.#read();
  }

  /** The next piece: a view that dies at the next read. Null at the end. */
  #read(): Promise<Uint8Array | null> {
    // Who reads is told before who waits for `#current`: the piece is his until he has copied it.
    const reading = this.#advance().finally(() => this.#current = null);
    this.#current = reading;
    return reading;
  }

  async #advance(): Promise<Uint8Array | null> {
    if (this.#progress === "complete") return null;
    try {
      const event = await this.#event();
      if (event.type === "data") return event.bytes;
      this.#complete(event.type === "end" ? event.trailers : NO_FIELDS);
      return null;
    } catch (error) {
      this.#progress = "failed";
      this.#failure = error;
      this.#settleTrailers();
      throw error;
    }
  }

  async #event() {
    const { parser } = this.#reader;
    // The limits are looked at first: who is told 413 is not told 100.
    const event = parser.next();
    if (this.#progress === "unread") this.#progress = "open";
    if (this.#continueDue) {
      this.#continueDue = false;
      this.#transport.out.latin1("HTTP/1.1 100 Continue\r\n\r\n");
      await this.#transport.flush();
    }
    if (event.type !== "need-data") return event;
    this.#pace.begin();
    const before = this.#reader.bytesIn;
    try {
      return (await this.#reader.next())!;
    } finally {
      this.#pace.end(this.#reader.bytesIn - before);
    }
  }

  #complete(trailers: Fields): void {
    this.#progress = "complete";
    this.#continueDue = false;
    this.#trailerFields = trailers;
    this.#settleTrailers();
  }

  #settleTrailers(): void {
    if (this.#progress === "complete") this.#trailers?.resolve(trailerHeaders(this.#trailerFields));
    if (this.#progress === "failed") this.#trailers?.reject(this.#failure);
  }
}

const NOTHING = new Uint8Array(0);

/** Throws where somebody else holds the stream. */
async function collect(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const collector = new BodyBuffer(0);
  for await (const piece of stream) collector.add(piece);
  return collector.bytes();
}
