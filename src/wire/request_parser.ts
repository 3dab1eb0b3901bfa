/**
 * The request parser: bytes in, events out. It knows no socket, no promise and no clock.
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
 * After an error it throws the same error for ever: what follows a message that could not
 * be read has no meaning (RFC 9112, 9.3: close the connection).
 */
import { HttpError } from "../errors.ts";
import type { Profile } from "../errors.ts";
import type { Limits } from "../limits.ts";
import { moved } from "../transitions.ts";
import type { Transitions } from "../transitions.ts";
import { bodyTooLarge, ChunkedDecoder } from "./chunked.ts";
import { NO_FIELDS } from "./fields.ts";
import type { Fields } from "./fields.ts";
import { HeadParser } from "./request_head.ts";
import type { RequestHead } from "./request_head.ts";
import { ReadBuffer } from "./read_buffer.ts";

/** A piece of a body: a view that dies when more input is taken. */
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

/** The input is used up: more must be pushed before the next event. */
export interface NeedData {
  readonly type: "need-data";
}

/** What the parser makes of bytes: a head, its body in pieces, its end, and so on. */
export type ParserEvent = RequestHead | BodyData | RequestEnd | NeedData;

const NEED_DATA: NeedData = Object.freeze({ type: "need-data" });
const END: RequestEnd = Object.freeze({ type: "end", trailers: NO_FIELDS });

/** What a parser allows. */
export interface ParserOptions {
  readonly limits: Readonly<Limits>;
  readonly profile: Profile;
  readonly maxBody: number;
}

/** What the parser reads next; a state that reads a body holds what it needs for that. */
type ParserState =
  | { readonly name: "head" }
  | { readonly name: "end" }
  | { readonly name: "fixed"; remaining: number }
  | { readonly name: "chunked"; readonly decoder: ChunkedDecoder }
  | { readonly name: "failed"; readonly error: HttpError };

const TRANSITIONS: Transitions<ParserState["name"]> = {
  head: ["fixed", "chunked", "end", "failed"],
  fixed: ["end", "failed"],
  chunked: ["head", "failed"],
  end: ["head"],
  failed: ["failed"],
};

const HEAD: ParserState = Object.freeze({ name: "head" });
const AT_END: ParserState = Object.freeze({ name: "end" });

/** Reads requests, one after another, from bytes that arrive in any pieces. */
export class RequestParser {
  /** Where the bytes go. */
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
   * How long the body of the current request may be. It is looked at when the body
   * is first asked for, so that the holder of the head may still change it.
   */
  get maxBody(): number {
    return this.#maxBody;
  }

  set maxBody(bytes: number) {
    this.#maxBody = bytes;
  }

  /** The method of the request that is being read, or was read last: an error response to HEAD has no content either. */
  get method(): string {
    return this.#heads.method;
  }

  /** How many bytes of the current body have not been handed out; Infinity when that is unknown. */
  get bodyRemaining(): number {
    if (this.#state.name === "fixed") return this.#state.remaining;
    return this.#state.name === "chunked" ? Infinity : 0;
  }

  /** Gives memory back while nothing arrives. */
  releaseMemory(): void {
    this.#heads.releaseMemory();
  }

  /**
   * The next event.
   *
   * @throws {HttpError} The request is refused, and everything behind it with it.
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
   * The input has ended: true when it did so between two requests.
   *
   * @throws {HttpError} It ended within one.
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
    moved(TRANSITIONS, this.#state.name, to.name);
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
