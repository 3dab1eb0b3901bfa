/**
 * The body of a request that was read from a stream: read when it is wanted, and piece by piece.
 *
 * ```text
 * unread ──► complete
 *   ├──► skipped ──► complete
 *   └──► failed ◄── skipped
 * ```
 */
import { HttpError } from "../errors.ts";
import { ignoreRejection } from "../ignore_rejection.ts";
import { moved } from "../transitions.ts";
import type { Transitions } from "../transitions.ts";
import type { FieldPair } from "../wire/fields.ts";
import type { RequestParser } from "../wire/request_parser.ts";
import type { ParserInput } from "./parser_input.ts";

/**
 * How far a body is.
 *
 * - "unread": it is read as far as its reader wants.
 * - "skipped": its reader has cancelled it; the rest is dropped.
 * - "complete": all of it was read or dropped.
 * - "failed": the request was rejected, or the stream has failed.
 */
type Progress = "unread" | "skipped" | "complete" | "failed";

const PROGRESS: Transitions<Progress> = {
  unread: ["complete", "skipped", "failed"],
  skipped: ["complete", "failed"],
  complete: [],
  failed: [],
};

type Pieces = ReadableStream<Uint8Array<ArrayBuffer>>;

/** The body of one request. */
export class ParsedBody {
  readonly #parser: RequestParser;
  readonly #input: ParserInput;
  readonly #trailers = Promise.withResolvers<readonly FieldPair[]>();
  readonly #read = Promise.withResolvers<void>();
  #progress: Progress = "unread";
  #pulling: Promise<void> = Promise.resolve();
  #controller: ReadableByteStreamController | null = null;
  /** The rest of a piece, for a reader with a smaller buffer. */
  #rest: Uint8Array = NOTHING;
  #failure: unknown;
  readonly #onFailure: (reason: unknown) => void;
  #stream: Pieces | null = null;

  /** `onFailure` ends the whole stream, and with it this body. */
  constructor(
    parser: RequestParser,
    input: ParserInput,
    onFailure: (reason: unknown) => void,
  ) {
    this.#parser = parser;
    this.#input = input;
    this.#onFailure = onFailure;
    ignoreRejection(this.#trailers.promise);
  }

  /** The body as a byte stream, created on first access. */
  get stream(): Pieces {
    return this.#stream ??= this.#newStream();
  }

  /** The trailer fields, when the body was read or dropped. */
  get trailers(): Promise<readonly FieldPair[]> {
    return this.#trailers.promise;
  }

  /** Resolves when the body was read to its end, or cancelled, or has failed. */
  get settled(): Promise<void> {
    return this.#read.promise;
  }

  /** Reads the end of a request that has no body, which is there with its head. */
  async readEmpty(): Promise<void> {
    await this.#next();
  }

  /**
   * Drops the rest of a cancelled body.
   *
   * @throws {HttpError} It is longer than `limit` bytes, or was rejected.
   */
  async skip(limit: number): Promise<void> {
    // A read that was in flight when the body was cancelled takes an event, perhaps the end.
    await this.#pulling.catch(() => {});
    for (let dropped = 0; this.#progress === "skipped";) {
      const { bodyRemaining } = this.#parser;
      const known = bodyRemaining === Infinity ? 0 : bodyRemaining;
      if (dropped + known > limit) throw this.#input.located(tooLong(limit));
      dropped += (await this.#next())?.length ?? 0;
    }
  }

  /** Ends the body with an error. */
  fail(reason: unknown): void {
    if (this.#progress === "complete" || this.#progress === "failed") return;
    this.#failure = reason;
    this.#move("failed");
    this.#trailers.reject(reason);
    this.#controller?.error(reason);
  }

  #newStream(): Pieces {
    return new ReadableStream({
      type: "bytes",
      start: (controller) => {
        this.#controller = controller;
        if (this.#progress === "failed") controller.error(this.#failure);
        if (this.#progress === "complete") controller.close();
      },
      pull: (controller) => this.#pulling = this.#pull(controller),
      cancel: () => {
        this.#controller = null;
        if (this.#progress === "unread") this.#move("skipped");
      },
    }, { highWaterMark: 0 });
  }

  async #pull(controller: ReadableByteStreamController): Promise<void> {
    const piece = this.#rest.length > 0 ? this.#rest : await this.#next();
    if (piece !== null && this.#isWanted) this.#deliver(piece, controller);
    if (this.#rest.length > 0) return;
    // Only now: the memory of the piece may be written to when the next request is wanted.
    if (this.#progress === "unread" && this.#parser.bodyRemaining === 0) await this.#next();
    if (this.#progress !== "complete" || this.#controller === null) return;
    controller.close();
    controller.byobRequest?.respond(0);
  }

  /** Whether the stream was neither cancelled nor has failed while a piece was awaited. */
  get #isWanted(): boolean {
    return this.#controller !== null && this.#progress !== "failed";
  }

  /** Fills the reader's own buffer if it has one. */
  #deliver(piece: Uint8Array, controller: ReadableByteStreamController): void {
    const { byobRequest } = controller;
    if (byobRequest === null) {
      this.#rest = NOTHING;
      return controller.enqueue(this.#parser.input.give(piece));
    }
    const view = byobRequest.view!;
    const count = Math.min(view.byteLength, piece.length);
    new Uint8Array(view.buffer, view.byteOffset, count).set(piece.subarray(0, count));
    this.#rest = piece.subarray(count);
    byobRequest.respond(count);
  }

  /** Returns the next piece; null at the end. */
  async #next(): Promise<Uint8Array | null> {
    try {
      const event = await this.#input.next();
      if (event?.type === "data") return event.bytes;
      if (event?.type === "end") this.#complete(event.trailers.pairs());
      return null;
    } catch (error) {
      this.#onFailure(error);
      throw error;
    }
  }

  #complete(trailers: readonly FieldPair[]): void {
    this.#move("complete");
    this.#trailers.resolve(trailers);
  }

  /** The only assignment of the progress; from here on the next request may be read. */
  #move(to: Progress): void {
    this.#progress = moved(PROGRESS, this.#progress, to);
    this.#read.resolve();
  }
}

function tooLong(limit: number): HttpError {
  return new HttpError(
    413,
    "body-too-large",
    `The rest of a cancelled body must be at most ${limit} bytes long`,
  );
}

const NOTHING = new Uint8Array(0);
