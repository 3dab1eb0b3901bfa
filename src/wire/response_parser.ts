/**
 * The response parser: bytes in, events out. It uses no socket, no promise and no clock.
 *
 * ```text
 * head ──► fixed ────────────► end ──► head, or closed
 *  ├─────────────────────────► end
 *  ├─────► unbounded ──► rest ──► end
 *  ├─────► chunked ──────────► head, or closed
 *  ├─────► head: behind an interim response
 *  └─────► switched
 *
 * any but switched ──► failed
 * ```
 *
 * After an error every call throws the same error: bytes after a message that could not be
 * parsed have no meaning.
 */
import { HttpError } from "../errors.ts";
import { moved } from "../transitions.ts";
import type { Transitions } from "../transitions.ts";
import { ChunkedDecoder } from "./chunked.ts";
import { END, NEED_DATA } from "./events.ts";
import type { BodyData, MessageEnd, NeedData } from "./events.ts";
import { bodyTooLarge } from "./message_framing.ts";
import { responseParserSettings } from "./parser_options.ts";
import type { ResponseParserOptions, ResponseParserSettings } from "./parser_options.ts";
import { ReadBuffer } from "./read_buffer.ts";
import { ResponseHeadParser } from "./response_head.ts";
import type { AwaitedResponse, ContentLength, ResponseHead } from "./response_head.ts";

/**
 * The events of each response in turn: its interim heads, its head, its body in pieces, its end.
 *
 * @example
 * ```ts
 * import { type ResponseEvent, ResponseParser } from "@asynchttp/server/wire";
 *
 * const parser = new ResponseParser();
 * parser.expect({ method: "GET" });
 * parser.input.push(new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"));
 * const types: ResponseEvent["type"][] = [];
 * do types.push(parser.next().type); while (types.at(-1) !== "need-data");
 * console.log(types); // [ "head", "data", "end", "need-data" ]
 * ```
 */
export type ResponseEvent = ResponseHead | BodyData | MessageEnd | Switched | NeedData;

/**
 * HTTP has ended on the connection, with 101 or with a 2xx to CONNECT: what `input` holds, and
 * everything behind it, belongs to another protocol.
 *
 * @example
 * ```ts
 * import { ResponseParser, type Switched } from "@asynchttp/server/wire";
 *
 * const switched: Switched["type"] = "switched";
 * const parser = new ResponseParser();
 * parser.expect({ method: "CONNECT" });
 * parser.input.push(new TextEncoder().encode("HTTP/1.1 200 OK\r\n\r\n\x16\x03"));
 * parser.next(); // the head
 * if (parser.next().type === switched) console.log(parser.input.takeAll()); // Uint8Array(2) [ 22, 3 ]
 * ```
 */
export interface Switched {
  /** The name of the event. */
  readonly type: "switched";
}

const SWITCHED: Switched = Object.freeze({ type: "switched" });

/** What the parser reads next; the states that read a body hold their own data. */
type ParserState =
  | { readonly name: "head" | "unbounded" | "rest" | "end" | "closed" | "switched" }
  | { readonly name: "fixed"; remaining: number }
  | { readonly name: "chunked"; readonly decoder: ChunkedDecoder }
  | { readonly name: "failed"; readonly error: HttpError };

const TRANSITIONS: Transitions<ParserState["name"]> = {
  head: ["fixed", "chunked", "unbounded", "end", "head", "switched", "failed"],
  fixed: ["end", "failed"],
  chunked: ["head", "closed", "failed"],
  unbounded: ["rest", "failed"],
  rest: ["end", "failed"],
  end: ["head", "closed", "failed"],
  closed: ["failed"],
  switched: [],
  failed: [],
};

/**
 * Parses responses, one after another, from bytes that arrive in pieces of any size.
 *
 * How a response is read depends on its request: `expect` announces each one in turn.
 *
 * @example The response to one request
 * ```ts
 * import { ResponseParser } from "@asynchttp/server/wire";
 *
 * const parser = new ResponseParser();
 * parser.expect({ method: "GET" });
 * parser.input.push(new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"));
 * for (let event = parser.next(); event.type !== "need-data"; event = parser.next()) {
 *   if (event.type === "head") console.log(event.status); // 200
 *   if (event.type === "data") console.log(new TextDecoder().decode(event.bytes)); // hi
 * }
 * ```
 */
export class ResponseParser {
  /** The buffer to put received bytes into. */
  readonly input: ReadBuffer = new ReadBuffer();
  readonly #settings: ResponseParserSettings;
  readonly #heads: ResponseHeadParser;
  /** The requests whose final head has not arrived. */
  readonly #awaited: AwaitedResponse[] = [];
  #state: ParserState = { name: "head" };
  #maxBody: number;
  /** Whether the current response lets another one follow. */
  #persistent = true;
  #interim = 0;
  /** Bytes of a body until close that were returned. */
  #untilClose = 0;

  /**
   * Creates a parser.
   *
   * @param options Bounds.
   * @throws {TypeError} An option is unknown or has the wrong type.
   * @throws {RangeError} A number is out of range.
   */
  constructor(options: ResponseParserOptions = {}) {
    this.#settings = responseParserSettings(options);
    this.#heads = new ResponseHeadParser(this.#settings.limits);
    this.#maxBody = this.#settings.maxBody;
  }

  /**
   * The largest body of the current response, in bytes. It is first checked when the body is
   * asked for, so that the owner of the head can still change it.
   */
  get maxBody(): number {
    return this.#maxBody;
  }

  set maxBody(bytes: number) {
    this.#maxBody = bytes;
  }

  /** How many of the expected responses have not been read to the end of their final head. */
  get awaited(): number {
    return this.#awaited.length;
  }

  /** The bytes of the current body not returned yet; Infinity if their number is unknown. */
  get bodyRemaining(): number {
    const state = this.#state;
    if (state.name === "fixed") return state.remaining;
    if (state.name === "rest") return this.input.length;
    return state.name === "chunked" || state.name === "unbounded" ? Infinity : 0;
  }

  /** How far behind the start of `input` the line of a head is that is being read, in bytes. */
  get lineStart(): number {
    return this.#heads.lineStart;
  }

  /**
   * Announces the request of the next response: to be called for each request that is sent, in
   * order, before the first byte of its response is parsed.
   *
   * @param request Its method, and the protocols that it offers.
   *
   * @example Two requests that are sent one behind the other
   * ```ts
   * import { ResponseParser } from "@asynchttp/server/wire";
   *
   * const parser = new ResponseParser();
   * parser.expect({ method: "HEAD" });
   * parser.expect({ method: "GET" });
   * console.log(parser.awaited); // 2
   * ```
   */
  expect(request: AwaitedResponse): void {
    this.#awaited.push(request);
  }

  /**
   * Returns the next event.
   *
   * @returns The event; `"need-data"` where `input` holds none that is complete.
   * @throws {HttpError} The response is malformed, or none is expected; always with status 502.
   *
   * @example
   * ```ts
   * import { ResponseParser } from "@asynchttp/server/wire";
   *
   * const parser = new ResponseParser();
   * parser.expect({ method: "GET" });
   * parser.input.push(new TextEncoder().encode("HTTP/1.1 204 No Content\r\n\r\n"));
   * console.log(parser.next().type); // head
   * console.log(parser.next().type); // end
   * ```
   */
  next(): ResponseEvent {
    try {
      return this.#next();
    } catch (error) {
      throw this.#failed(error);
    }
  }

  /**
   * Ends the input. A body until close is complete then: `next` returns the rest of it, and its
   * end.
   *
   * @throws {HttpError} An expected response is missing or incomplete, or the parser has failed.
   *
   * @example Content that ends with its connection
   * ```ts
   * import { ResponseParser } from "@asynchttp/server/wire";
   *
   * const parser = new ResponseParser();
   * parser.expect({ method: "GET" });
   * parser.input.push(new TextEncoder().encode("HTTP/1.1 200 OK\r\n\r\nhi"));
   * console.log(parser.next().type, parser.next().type, parser.next().type); // head data need-data
   * parser.finish();
   * console.log(parser.next().type); // end
   * ```
   */
  finish(): void {
    const { name } = this.#state;
    if (name === "unbounded") this.#move({ name: "rest" });
    else if (!this.#mayFinish()) throw this.#failed(this.#failure ?? incomplete());
  }

  /** Whether the input may end here. */
  #mayFinish(): boolean {
    const { name } = this.#state;
    if (name === "switched" || name === "rest") return true;
    const isBetween = name === "end" || name === "closed" ||
      (name === "head" && this.input.length === 0);
    return isBetween && this.#awaited.length === 0;
  }

  get #failure(): HttpError | null {
    return this.#state.name === "failed" ? this.#state.error : null;
  }

  /** Returns the error to throw for what was thrown, and remembers an `HttpError`. */
  #failed(error: unknown): unknown {
    if (this.#failure !== null || !(error instanceof HttpError)) return error;
    const failure = badGateway(error);
    this.#move({ name: "failed", error: failure });
    return failure;
  }

  /** The only assignment of the state. */
  #move(to: ParserState): void {
    moved(TRANSITIONS, this.#state.name, to.name);
    this.#state = to;
  }

  #next(): ResponseEvent {
    const state = this.#state;
    switch (state.name) {
      case "head":
        return this.#nextHead();
      case "fixed":
        return this.#nextFixed(state);
      case "chunked":
        return this.#nextChunked(state);
      case "unbounded":
        return this.input.length === 0 ? NEED_DATA : this.#takeAll();
      case "rest":
        return this.#nextRest();
      case "end":
        this.#endMessage();
        return END;
      case "closed":
        if (this.input.length > 0) throw unexpected("must not follow one that ends its connection");
        return NEED_DATA;
      case "switched":
        return SWITCHED;
      case "failed":
        throw state.error;
    }
  }

  #nextHead(): ResponseEvent {
    if (this.input.length === 0) return NEED_DATA;
    const awaited = this.#awaited[0];
    if (awaited === undefined) throw unexpected("must follow a request");
    const head = this.#heads.parse(this.input, awaited);
    if (head === null) return NEED_DATA;
    if (head.type === "interim") this.#countInterim();
    else this.#beginBody(head);
    return head;
  }

  #countInterim(): void {
    const { maxInterim } = this.#settings;
    if (++this.#interim <= maxInterim) return this.#move({ name: "head" });
    throw new HttpError(
      502,
      "too-many-interim",
      `At most ${maxInterim} interim responses may precede a response (RFC 9110, 15.2)`,
    );
  }

  #beginBody({ framing }: ResponseHead): void {
    this.#awaited.shift();
    this.#interim = 0;
    this.#persistent = framing.persistent;
    this.#maxBody = this.#settings.maxBody;
    this.#move(this.#bodyState(framing.content));
  }

  #bodyState(content: ContentLength): ParserState {
    if (content === 0) return { name: "end" };
    if (typeof content === "number") return { name: "fixed", remaining: content };
    if (content === "until close") return { name: "unbounded" };
    if (content === "switched") return { name: "switched" };
    return { name: "chunked", decoder: new ChunkedDecoder(this.#settings.limits) };
  }

  #nextFixed(state: { remaining: number }): ResponseEvent {
    // Before the first byte this is the declared length; afterwards it only shrinks.
    if (state.remaining > this.#maxBody) throw bodyTooLarge(this.#maxBody);
    const count = Math.min(state.remaining, this.input.length);
    if (count === 0) return NEED_DATA;
    state.remaining -= count;
    if (state.remaining === 0) this.#move({ name: "end" });
    return { type: "data", bytes: this.input.take(count) };
  }

  #nextChunked({ decoder }: { readonly decoder: ChunkedDecoder }): ResponseEvent {
    const found = decoder.read(this.input, this.#maxBody);
    if (found === "need-data") return NEED_DATA;
    if (found !== "end") return { type: "data", bytes: found };
    this.#endMessage();
    return { type: "end", trailers: decoder.trailers! };
  }

  #nextRest(): ResponseEvent {
    if (this.input.length > 0) return this.#takeAll();
    this.#move({ name: "end" });
    return this.#next();
  }

  /** Nothing announces a length that could be compared: what was returned counts. */
  #takeAll(): BodyData {
    const { length } = this.input;
    this.#untilClose += length;
    if (this.#untilClose > this.#maxBody) throw bodyTooLarge(this.#maxBody);
    return { type: "data", bytes: this.input.take(length) };
  }

  #endMessage(): void {
    this.#move({ name: this.#persistent ? "head" : "closed" });
  }
}

/** The server is at fault, whichever rule it has broken: a proxy answers 502 (RFC 9110, 15.6.3). */
function badGateway(error: HttpError): HttpError {
  if (error.status === 502) return error;
  return new HttpError(502, error.code, error.message, { cause: error });
}

function incomplete(): HttpError {
  return new HttpError(
    502,
    "incomplete-message",
    "The input ended before the response was complete (RFC 9112, 8)",
  );
}

function unexpected(why: string): HttpError {
  return new HttpError(502, "unexpected-response", `A response ${why} (RFC 9112, 9.2)`);
}
