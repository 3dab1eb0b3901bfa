/**
 * What is measured of one request, from its first byte to the end of its response.
 *
 * It exists only where `onResponse` or `request.completed` asks for it. Everything it knows of
 * the response are positions in the connection's output: the exchange notes where head and
 * content end when they are queued, and the time counts when the system has taken so many bytes.
 * So a response that shares its write with others, or waits for a slow client, is timed exactly.
 */
import type { HttpError } from "../errors.ts";
import type { Clock } from "../net/clock.ts";
import type { Transport } from "../net/transport.ts";
import type { OutcomeRequest, RequestOutcome, ResponseEnd } from "./outcome.ts";

/** When a request began. */
export interface Beginning {
  /** Milliseconds since the epoch. */
  readonly wall: number;
  /** Milliseconds of the monotonic clock. */
  readonly monotonic: number;
}

/** Returns the time now, as a beginning. */
export function beginningNow(clock: Clock): Beginning {
  return { wall: clock.exactWall, monotonic: clock.exactNow };
}

/** A position that the output has not come to. */
const AHEAD = Infinity;

/** As much of a response by hand as a status line needs: `HTTP/1.1 200`. */
const STATUS_LINE_LENGTH = 12;

/** One request under observation. */
export class Observation {
  readonly #request: OutcomeRequest;
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #beginning: Beginning;
  /** Called when the end of the response becomes known after the system has taken all of it. */
  readonly #whenTaken: () => void;
  readonly #done = Promise.withResolvers<RequestOutcome>();
  #status: number | null = null;
  /** The first characters of a response that the handler writes itself. */
  #rawStart = "";
  /** Where the head of the response ends. */
  #headEnd = AHEAD;
  #headAt: number | null = null;
  /** The content before the piece that was queued last, and where that piece lies. */
  #taken = 0;
  #pieceStart = AHEAD;
  #pieceEnd = AHEAD;
  /** Where the response ends. */
  #end = AHEAD;
  #handedOver = false;
  #handled = false;
  #rejection: HttpError["code"] | null = null;

  constructor(
    request: OutcomeRequest,
    transport: Transport,
    clock: Clock,
    beginning: Beginning,
    whenTaken: () => void,
  ) {
    this.#request = request;
    this.#transport = transport;
    this.#clock = clock;
    this.#beginning = beginning;
    this.#whenTaken = whenTaken;
  }

  /** The outcome, once there is one. Never rejects. */
  get done(): Promise<RequestOutcome> {
    return this.#done.promise;
  }

  /** When the request began, in milliseconds since the epoch. */
  get startedAt(): number {
    return this.#beginning.wall;
  }

  /** Whether all of the response is queued. */
  get isAnswered(): boolean {
    return this.#end !== AHEAD;
  }

  /** A handler is called. */
  called(): void {
    this.#handled = true;
  }

  /** The request is rejected: with a response, or within one. */
  rejected(code: HttpError["code"]): void {
    this.#rejection = code;
  }

  /** The head of the response was queued, and its content follows. */
  headQueued(status: number): void {
    this.#status = status;
    this.#headEnd = this.#pieceStart = this.#pieceEnd = this.#transport.position;
  }

  /** A piece of streamed content follows; the system has taken those before it. */
  pieceFollows(length: number): void {
    this.#taken = this.#contentTaken();
    this.#pieceStart = this.#transport.position;
    this.#pieceEnd = this.#pieceStart + length;
  }

  /** The content of a response that is no stream was queued. */
  contentQueued(): void {
    this.#pieceEnd = this.#transport.position;
    this.ended();
  }

  /** The rest of the response was queued. */
  ended(): void {
    if (this.isAnswered) return;
    this.#end = this.#transport.position;
    if (this.#transport.bytesOut >= this.#end) this.#whenTaken();
  }

  /** The connection was handed over; `status` of a response is known where the server sends it. */
  handedOver(status?: number): void {
    this.#handedOver = true;
    if (status !== undefined) this.headQueued(status);
    if (this.#status !== null) this.contentQueued();
  }

  /** The handler has queued bytes of its own. */
  wrote(bytes: Uint8Array): void {
    const { position } = this.#transport;
    if (this.#pieceStart === AHEAD) this.#pieceStart = position - bytes.length;
    if (this.#status !== null || this.#rawStart.length >= STATUS_LINE_LENGTH) return;
    const missing = STATUS_LINE_LENGTH - this.#rawStart.length;
    this.#rawStart += String.fromCharCode(...bytes.subarray(0, missing));
    const line = /^HTTP\/1\.[01] ([2-5]\d\d|101)$/.exec(this.#rawStart);
    if (line === null) return;
    this.#status = Number(line[1]);
    this.#headEnd = position;
    if (this.#handedOver) this.rawEnded();
  }

  /** The handler has written what it had to write. A connection that it only closed was cut. */
  rawEnded(): void {
    if (this.#pieceStart === AHEAD && !this.#handedOver) return;
    if (!this.isAnswered) this.contentQueued();
  }

  /** The system has taken bytes. Returns the outcome, if the response is over with that. */
  progressed(): RequestOutcome | null {
    const { bytesOut } = this.#transport;
    if (this.#headAt === null && bytesOut >= this.#headEnd) this.#headAt = this.#elapsed();
    if (bytesOut < this.#end) return null;
    return this.#settle(this.#handedOver ? "handed-over" : "complete");
  }

  /** The connection is lost. */
  lost(by: "client" | "server"): RequestOutcome {
    return this.#settle(this.#handedOver ? "handed-over" : by === "client" ? "client-gone" : "cut");
  }

  #elapsed(): number {
    return this.#clock.exactNow - this.#beginning.monotonic;
  }

  #contentTaken(): number {
    if (this.#pieceStart === AHEAD) return 0;
    const end = Math.min(this.#transport.bytesOut, this.#pieceEnd);
    return this.#taken + Math.max(0, end - this.#pieceStart);
  }

  /** The one place where an outcome is made. */
  #settle(ended: ResponseEnd): RequestOutcome {
    const outcome: RequestOutcome = Object.freeze({
      request: this.#request,
      status: this.#status,
      bytesSent: this.#contentTaken(),
      startedAt: this.#beginning.wall,
      headMs: this.#headAt,
      totalMs: this.#elapsed(),
      ended,
      rejection: this.#rejection,
      handled: this.#handled,
    });
    this.#done.resolve(outcome);
    return outcome;
  }
}
