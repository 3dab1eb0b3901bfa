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
import { moved } from "../transitions.ts";
import type { Transitions } from "../transitions.ts";
import { ChunkedDecoder } from "./chunked.ts";
import { END, NEED_DATA } from "./events.ts";
import type { BodyData, MessageEnd, NeedData } from "./events.ts";
import { bodyTooLarge } from "./message_framing.ts";
import { requestParserSettings } from "./parser_options.ts";
import type { RequestParserOptions, RequestParserSettings } from "./parser_options.ts";
import { HeadParser } from "./request_head.ts";
import type { RefusedLine, RequestHead } from "./request_head.ts";
import { ReadBuffer } from "./read_buffer.ts";

/**
 * The events of each request in turn: its head, its body in pieces, its end.
 *
 * @example
 * ```ts
 * import { type RequestEvent, RequestParser } from "@asynchttp/server/wire";
 *
 * function described(event: RequestEvent): string {
 *   switch (event.type) {
 *     case "head":
 *       return `${event.method} ${event.target}`;
 *     case "data":
 *       return `${event.bytes.length} bytes`;
 *     case "end":
 *     case "need-data":
 *       return event.type;
 *   }
 * }
 *
 * const parser = new RequestParser();
 * const sent = "PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi";
 * parser.input.push(new TextEncoder().encode(sent));
 * for (let i = 0; i < 4; i++) console.log(described(parser.next())); // PUT /a, 2 bytes, end, need-data
 * ```
 */
export type RequestEvent = RequestHead | BodyData | MessageEnd | NeedData;

/** What the parser reads next; the states that read a body hold their own data. */
type ParserState =
  | { readonly name: "head" }
  | { readonly name: "end" }
  | { readonly name: "fixed"; remaining: number }
  | { readonly name: "chunked"; readonly decoder: ChunkedDecoder }
  | { readonly name: "failed"; readonly error: HttpError };

/** Every move of the parser; nothing else assigns its state. */
const TRANSITIONS: Transitions<ParserState["name"]> = {
  head: ["end", "fixed", "chunked", "failed"],
  fixed: ["end", "failed"],
  chunked: ["head", "failed"],
  end: ["head"],
  failed: ["failed"],
};

const HEAD: ParserState = Object.freeze({ name: "head" });
const AT_END: ParserState = Object.freeze({ name: "end" });

/**
 * Parses requests, one after another, from bytes that arrive in pieces of any size.
 *
 * @example Requests that arrive in pieces
 * ```ts
 * import { RequestParser } from "@asynchttp/server/wire";
 *
 * const parser = new RequestParser();
 * for (const piece of ["GET /a HTTP/1.1\r\nHost", ": x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n"]) {
 *   parser.input.push(new TextEncoder().encode(piece));
 *   for (let event = parser.next(); event.type !== "need-data"; event = parser.next()) {
 *     if (event.type === "head") console.log(event.target); // /a, then /b
 *   }
 * }
 * console.log(parser.finish()); // true: the input ended between two requests
 * ```
 */
export class RequestParser {
  /** The buffer to put received bytes into. */
  readonly input: ReadBuffer = new ReadBuffer();
  readonly #settings: RequestParserSettings;
  readonly #heads: HeadParser;
  #state: ParserState = HEAD;
  #maxBody: number;

  /**
   * Creates a parser.
   *
   * @param options Bounds and profile.
   * @throws {TypeError} An option is unknown or has the wrong type.
   * @throws {RangeError} A number is out of range.
   */
  constructor(options: RequestParserOptions = {}) {
    const settings = requestParserSettings(options);
    this.#settings = settings;
    this.#heads = new HeadParser(settings.limits, settings.profile);
    this.#maxBody = settings.maxBody;
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

  /** How far behind the start of `input` the line of a head is that is being read, in bytes. */
  get lineStart(): number {
    return this.#heads.lineStart;
  }

  /** The request line of the head that was refused, or of which a part has arrived. */
  get refusedLine(): RefusedLine {
    return this.#heads.refusedLine(this.input);
  }

  /** The bytes of the current body not returned yet; Infinity if their number is unknown. */
  get bodyRemaining(): number {
    if (this.#state.name === "fixed") return this.#state.remaining;
    return this.#state.name === "chunked" ? Infinity : 0;
  }

  /**
   * Releases memory while the connection is idle.
   *
   * @example
   * ```ts
   * import { RequestParser } from "@asynchttp/server/wire";
   *
   * const parser = new RequestParser();
   * parser.input.push(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
   * while (parser.next().type !== "need-data");
   * parser.input.releaseMemory();
   * parser.releaseMemory();
   * ```
   */
  releaseMemory(): void {
    this.#heads.releaseMemory();
  }

  /**
   * Returns the next event.
   *
   * @returns The event; `"need-data"` where `input` holds none that is complete.
   * @throws {HttpError} The request is rejected, and with it everything after it.
   *
   * @example
   * ```ts
   * import { RequestParser } from "@asynchttp/server/wire";
   *
   * const parser = new RequestParser();
   * parser.input.push(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
   * console.log(parser.next().type); // head
   * console.log(parser.next().type); // end
   * console.log(parser.next().type); // need-data
   * ```
   */
  next(): RequestEvent {
    try {
      return this.#next();
    } catch (error) {
      if (error instanceof HttpError) this.#move({ name: "failed", error });
      throw error;
    }
  }

  /**
   * Ends the input.
   *
   * @returns Always true: the input ended between two requests.
   * @throws {HttpError} The input ended within a request, or the parser has failed.
   *
   * @example
   * ```ts
   * import { HttpError, RequestParser } from "@asynchttp/server/wire";
   *
   * const parser = new RequestParser();
   * console.log(parser.finish()); // true
   * parser.input.push(new TextEncoder().encode("GET / HT"));
   * try {
   *   parser.finish();
   * } catch (error) {
   *   if (error instanceof HttpError) console.log(error.code); // incomplete-message
   * }
   * ```
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

  #next(): RequestEvent {
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

  #nextHead(): RequestEvent {
    const head = this.#heads.parse(this.input);
    if (head === null) return NEED_DATA;
    this.#maxBody = this.#settings.maxBody;
    const { body } = head.framing;
    if (body === "chunked") {
      this.#move({ name: "chunked", decoder: new ChunkedDecoder(this.#settings.limits) });
    } else {
      this.#move(body === 0 ? AT_END : { name: "fixed", remaining: body });
    }
    return head;
  }

  #nextFixed(state: { remaining: number }): RequestEvent {
    // Before the first byte this is the declared length; afterwards it only shrinks.
    if (state.remaining > this.#maxBody) throw bodyTooLarge(this.#maxBody);
    const count = Math.min(state.remaining, this.input.length);
    if (count === 0) return NEED_DATA;
    state.remaining -= count;
    if (state.remaining === 0) this.#move(AT_END);
    return { type: "data", bytes: this.input.take(count) };
  }

  #nextChunked({ decoder }: { readonly decoder: ChunkedDecoder }): RequestEvent {
    const found = decoder.read(this.input, this.#maxBody);
    if (found === "need-data") return NEED_DATA;
    if (found !== "end") return { type: "data", bytes: found };
    this.#move(HEAD);
    return { type: "end", trailers: decoder.trailers! };
  }
}
