/**
 * The request parser: bytes in, events out. It uses no socket, no promise and no clock.
 *
 * ```text
 *      ┌──────────────────────────────────────────┐
 *      ▼                                          │
 *    head ──► fixed ─────────────────► end ───────┤
 *      │ └─────────────────────────────▲          │
 *      └────► chunked ────────────────────────────┘
 *
 * any ──► failed
 * ```
 *
 * After an error every call throws the same error: bytes after a message that could not be
 * parsed have no meaning (RFC 9112, 9.3: close the connection).
 */
import { HttpError } from "../errors.ts";
import type { Profile } from "../errors.ts";
import type { Limits } from "../limits.ts";
import { ChunkedDecoder } from "./chunked.ts";
import { NO_FIELDS } from "./fields.ts";
import type { Fields } from "./fields.ts";
import { bodyTooLarge } from "./request_framing.ts";
import { HeadParser } from "./request_head.ts";
import type { RequestHead } from "./request_head.ts";
import { ReadBuffer } from "./read_buffer.ts";

/** A piece of a body: a view that becomes invalid when more input is read. */
export interface BodyData {
  readonly type: "data";
  readonly bytes: Uint8Array;
}

/** The end of a request. */
export interface RequestEnd {
  readonly type: "end";
  /** The trailer fields; none unless the body was chunked. */
  readonly trailers: Fields;
}

/** The input holds no complete event: more must be pushed before the next one. */
export interface NeedData {
  readonly type: "need-data";
}

/** The events of each request in turn: its head, its body in pieces, its end. */
export type ParserEvent = RequestHead | BodyData | RequestEnd | NeedData;

const NEED_DATA: NeedData = Object.freeze({ type: "need-data" });
const END: RequestEnd = Object.freeze({ type: "end", trailers: NO_FIELDS });

/** Options for {@linkcode RequestParser}. */
export interface ParserOptions {
  readonly limits: Readonly<Limits>;
  readonly profile: Profile;
  readonly maxBody: number;
}

/** What the parser reads next; the states that read a body hold their own data. */
type ParserState =
  | { readonly name: "head" }
  | { readonly name: "end" }
  | { readonly name: "fixed"; remaining: number }
  | { readonly name: "chunked"; readonly decoder: ChunkedDecoder }
  | { readonly name: "failed"; readonly error: HttpError };

const HEAD: ParserState = Object.freeze({ name: "head" });
const AT_END: ParserState = Object.freeze({ name: "end" });

/** Parses requests, one after another, from bytes that arrive in pieces of any size. */
export class RequestParser {
  /** The buffer to put received bytes into. */
  readonly input: ReadBuffer = new ReadBuffer();
  readonly #options: ParserOptions;
  readonly #heads: HeadParser;
  #state: ParserState = HEAD;
  #maxBody: number;

  constructor(options: ParserOptions) {
    this.#options = options;
    this.#heads = new HeadParser(options.limits, options.profile);
    this.#maxBody = options.maxBody;
  }

  /**
   * The largest body of the current request, in bytes. It is first checked when the body
   * is requested, so that the owner of the head can still change it.
   */
  get maxBody(): number {
    return this.#maxBody;
  }

  set maxBody(bytes: number) {
    this.#maxBody = bytes;
  }

  /** The method of the current or the last request: an error response to HEAD has no content either. */
  get method(): string {
    return this.#heads.method;
  }

  /** The bytes of the current body not returned yet; Infinity if their number is unknown. */
  get bodyRemaining(): number {
    if (this.#state.name === "fixed") return this.#state.remaining;
    return this.#state.name === "chunked" ? Infinity : 0;
  }

  /** Releases memory while the connection is idle. */
  releaseMemory(): void {
    this.#heads.releaseMemory();
  }

  /**
   * Returns the next event.
   *
   * @throws {HttpError} The request is rejected, and with it everything after it.
   */
  next(): ParserEvent {
    try {
      return this.#next();
    } catch (error) {
      if (error instanceof HttpError) this.#move({ name: "failed", error });
      throw error;
    }
  }

  /**
   * Ends the input; returns true if it ended between two requests.
   *
   * @throws {HttpError} The input ended within a request, or the parser has failed.
   */
  finish(): boolean {
    if (this.#state.name === "head" && this.input.length === 0) return true;
    if (this.#state.name === "failed") throw this.#state.error;
    throw new HttpError(
      400,
      "incomplete-message",
      "The request ended before it was complete (RFC 9112, 8)",
    );
  }

  /** The only assignment of the state. */
  #move(to: ParserState): void {
    this.#state = to;
  }

  #next(): ParserEvent {
    const state = this.#state;
    switch (state.name) {
      case "head":
        return this.#nextHead();
      case "fixed":
        return this.#nextFixed(state);
      case "chunked":
        return this.#nextChunked(state);
      case "end":
        this.#move(HEAD);
        return END;
      case "failed":
        throw state.error;
    }
  }

  #nextHead(): ParserEvent {
    const head = this.#heads.parse(this.input);
    if (head === null) return NEED_DATA;
    this.#maxBody = this.#options.maxBody;
    const { body } = head.framing;
    if (body === "chunked") {
      this.#move({ name: "chunked", decoder: new ChunkedDecoder(this.#options.limits) });
    } else {
      this.#move(body === 0 ? AT_END : { name: "fixed", remaining: body });
    }
    return head;
  }

  #nextFixed(state: { remaining: number }): ParserEvent {
    // Before the first byte this is the declared length; afterwards it only shrinks.
    if (state.remaining > this.#maxBody) throw bodyTooLarge(this.#maxBody);
    const count = Math.min(state.remaining, this.input.length);
    if (count === 0) return NEED_DATA;
    state.remaining -= count;
    if (state.remaining === 0) this.#move(AT_END);
    return this.#take(count);
  }

  #nextChunked({ decoder }: { readonly decoder: ChunkedDecoder }): ParserEvent {
    const found = decoder.read(this.input, this.#maxBody);
    if (found === "need-data") return NEED_DATA;
    if (found !== "end") return { type: "data", bytes: found };
    this.#move(HEAD);
    return { type: "end", trailers: decoder.trailers! };
  }

  #take(count: number): BodyData {
    const { bytes, start } = this.input;
    this.input.consume(count);
    return { type: "data", bytes: bytes.subarray(start, start + count) };
  }
}
