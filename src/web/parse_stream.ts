/** Parses requests from any stream of bytes: a socket, a file, a pipe, a capture. */
import { checkRecord, countsOf, isCount, isOneOf, isRecord, withDefaults } from "../validate.ts";
import type { Profile } from "../errors.ts";
import { DEFAULT_LIMITS } from "../limits.ts";
import type { Limits } from "../limits.ts";
import { headersOf } from "./lazy_headers.ts";
import { ParsedBody } from "./parsed_body.ts";
import { ParserInput } from "./parser_input.ts";
import { BodyBuffer } from "../wire/body_buffer.ts";
import { MESSAGE_LIMITS } from "../wire/parser_options.ts";
import type { MessageLimits } from "../wire/parser_options.ts";
import type { Framing } from "../wire/request_framing.ts";
import type { RequestHead } from "../wire/request_head.ts";
import { RequestParser } from "../wire/request_parser.ts";
import type { Protocol } from "../wire/version.ts";

/**
 * The head of a request that was read from a stream.
 *
 * @example
 * ```ts
 * import { type ParsedHead, RequestParseStream } from "@asynchttp/server";
 *
 * const logged = ({ method, target, headers }: ParsedHead) =>
 *   `${method} ${headers.get("host")}${target}`;
 *
 * const bytes = ReadableStream.from([new TextEncoder().encode("GET /a HTTP/1.1\r\nHost: x\r\n\r\n")]);
 * for await (const request of bytes.pipeThrough(new RequestParseStream())) {
 *   console.log(logged(request)); // GET x/a
 * }
 * ```
 */
export interface ParsedHead {
  /** The method as it was sent. */
  readonly method: string;
  /** The request-target as it was sent. */
  readonly target: string;
  /** The HTTP version. */
  readonly protocol: Protocol;
  /** The header fields as a Web `Headers`. */
  readonly headers: Headers;
  /** The header fields as they were sent, with their order, case and duplicates. */
  readonly rawHeaders: ReadonlyArray<readonly [name: string, value: string]>;
  /** The decisions about the request: whether another may follow, whether 100 is awaited, the host. */
  readonly framing: Framing;
}

/**
 * A request that was read from a stream, with its body still to come.
 *
 * @example
 * ```ts
 * import { type ParsedRequest, RequestParseStream } from "@asynchttp/server";
 *
 * const sizeOf = async ({ body }: ParsedRequest) => (await new Response(body).bytes()).length;
 *
 * const sent = "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
 * const bytes = ReadableStream.from([new TextEncoder().encode(sent)]);
 * for await (const request of bytes.pipeThrough(new RequestParseStream())) {
 *   console.log(await sizeOf(request)); // 2
 * }
 * ```
 */
export interface ParsedRequest extends ParsedHead {
  /**
   * The body, without its transfer coding; an empty one where the request has none. The next
   * request comes when it was read to its end, or cancelled.
   */
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  /**
   * The trailer fields as they were sent, when the body was read; they must not be merged into the
   * header fields (RFC 9110, 6.5).
   */
  readonly trailers: Promise<ReadonlyArray<readonly [name: string, value: string]>>;
}

/**
 * A request that was read from a stream, with its whole body.
 *
 * @example
 * ```ts
 * import { RequestParseStream, type WholeRequest } from "@asynchttp/server";
 *
 * const textOf = ({ body }: WholeRequest) => new TextDecoder().decode(body);
 *
 * const sent = "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi";
 * const bytes = ReadableStream.from([new TextEncoder().encode(sent)]);
 * for await (const request of bytes.pipeThrough(new RequestParseStream({ body: "whole" }))) {
 *   console.log(textOf(request)); // hi
 * }
 * ```
 */
export interface WholeRequest extends ParsedHead {
  /** The whole body, without its transfer coding. */
  readonly body: Uint8Array;
  /** The trailer fields as they were sent; they must not be merged into the header fields (RFC 9110, 6.5). */
  readonly rawTrailers: ReadonlyArray<readonly [name: string, value: string]>;
}

/**
 * What becomes of a body: `"stream"` gives it as it comes, `"whole"` when all of it has come.
 *
 * @example
 * ```ts
 * import { type BodyMode, RequestParseStream } from "@asynchttp/server";
 *
 * async function count(bytes: ReadableStream<Uint8Array>, body: BodyMode): Promise<number> {
 *   let requests = 0;
 *   for await (const request of bytes.pipeThrough(new RequestParseStream({ body }))) {
 *     if (request.body instanceof ReadableStream) await request.body.cancel();
 *     requests++;
 *   }
 *   return requests;
 * }
 *
 * const sent = "GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n";
 * console.log(await count(new Blob([sent]).stream(), "stream")); // 2
 * ```
 */
export type BodyMode = "stream" | "whole";

/**
 * Options for {@linkcode RequestParseStream}.
 *
 * @example
 * ```ts
 * import { RequestParseStream, type RequestParseStreamOptions } from "@asynchttp/server";
 *
 * const options: RequestParseStreamOptions<"whole"> = { body: "whole", maxBody: 1024 };
 * const sent = "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi";
 * const requests = new Blob([sent]).stream().pipeThrough(new RequestParseStream(options));
 * console.log((await Array.fromAsync(requests)).length); // 1
 * ```
 */
export interface RequestParseStreamOptions<Mode extends BodyMode = BodyMode> {
  /**
   * Whether a request comes when its head has, with a stream as its body, or when it is whole.
   *
   * @default {"stream"}
   */
  body?: Mode;
  /**
   * The largest request body, in bytes.
   *
   * @default {8388608}
   */
  maxBody?: number;
  /**
   * Whether a POST must have a Content-Length or a Transfer-Encoding: it must in the `"original"` profile.
   *
   * @default {"rfc"}
   */
  profile?: Profile;
  /** The largest sizes and counts in a request; `drain` is the largest rest of a cancelled body. */
  limits?: Partial<StreamLimits>;
}

/**
 * The limits of {@linkcode RequestParseStream}.
 *
 * @example
 * ```ts
 * import { RequestParseStream, type StreamLimits } from "@asynchttp/server";
 *
 * const limits: Partial<StreamLimits> = { line: 20 };
 * const sent = `GET /${"a".repeat(20)} HTTP/1.1\r\nHost: x\r\n\r\n`;
 * const requests = new Blob([sent]).stream().pipeThrough(new RequestParseStream({ limits }));
 * await Array.fromAsync(requests).catch(({ code }) => console.log(code)); // request-line-too-long
 * ```
 */
export type StreamLimits = MessageLimits & Pick<Limits, "drain">;

/**
 * Parses a stream of bytes into requests, with the same parser as the server.
 *
 * A request comes when its head has, and its body is read when it is wanted, so that one chunk is
 * in memory, whatever the size of the body. The next request comes when the body was read to its
 * end, or cancelled. With `{ body: "whole" }` a request comes with its whole body.
 *
 * The stream fails with a `ParseStreamError` if a request is rejected, or if the input
 * ends within one; the requests before that one come first.
 *
 * @example Read a file of captured requests
 * ```ts
 * import { RequestParseStream } from "@asynchttp/server";
 *
 * const captured = "GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n";
 * const bytes = ReadableStream.from([new TextEncoder().encode(captured)]);
 * for await (const request of bytes.pipeThrough(new RequestParseStream())) {
 *   console.log(request.method, request.target); // GET /a, then GET /b
 *   await request.body.cancel();
 * }
 * ```
 */
export class RequestParseStream<Mode extends BodyMode = "stream">
  implements ReadableWritablePair<Mode extends "whole" ? WholeRequest : ParsedRequest, Uint8Array> {
  /** The requests. */
  readonly readable: ReadableStream<Mode extends "whole" ? WholeRequest : ParsedRequest>;
  /** Takes the bytes; the write of a chunk ends when all of it was parsed and more is wanted. */
  readonly writable: WritableStream<Uint8Array>;

  /**
   * Creates a stream that takes bytes and emits requests.
   *
   * @param options Profile and limits, as for a server, and what becomes of a body.
   * @throws {TypeError} An option is unknown, or its value has the wrong type.
   * @throws {RangeError} A number is out of range.
   */
  constructor(options: RequestParseStreamOptions<Mode> = {}) {
    const requests = new Requests(options);
    this.readable = requests.readable as RequestParseStream<Mode>["readable"];
    this.writable = requests.writable;
  }
}

const LIMITS: StreamLimits = { ...MESSAGE_LIMITS, drain: DEFAULT_LIMITS.drain };

const CHECKS = {
  body: isOneOf("stream", "whole"),
  maxBody: isCount(0),
  profile: isOneOf("original", "rfc"),
  limits: isRecord(countsOf(LIMITS)),
};

/** Reads one request after another, when it is wanted. */
class Requests {
  readonly readable: ReadableStream<ParsedRequest | WholeRequest>;
  readonly writable: WritableStream<Uint8Array>;
  readonly #parser: RequestParser;
  readonly #input: ParserInput;
  readonly #drain: number;
  readonly #isWhole: boolean;
  /** The body of the last request, unless it was given whole. */
  #body: ParsedBody | null = null;
  #requests!: ReadableStreamDefaultController<ParsedRequest | WholeRequest>;
  #sink!: WritableStreamDefaultController;

  constructor(options: RequestParseStreamOptions) {
    checkRecord("options", options, CHECKS);
    const { body, maxBody, profile, limits } = options;
    const { drain, ...messageLimits } = withDefaults(LIMITS, limits);
    this.#parser = new RequestParser({ maxBody, profile, limits: messageLimits });
    this.#input = new ParserInput(this.#parser);
    this.#drain = drain;
    this.#isWhole = body === "whole";
    this.writable = new WritableStream({
      start: (controller) => void (this.#sink = controller),
      write: (chunk) => this.#write(chunk),
      close: () => this.#input.end(),
      abort: (reason) => this.#fail(reason),
    });
    // Without read-ahead: a request that is not wanted yet stays bytes.
    this.readable = new ReadableStream({
      start: (controller) => void (this.#requests = controller),
      pull: (controller) => this.#pull(controller),
      cancel: (reason) => this.#fail(reason),
    }, { highWaterMark: 0 });
  }

  async #write(chunk: Uint8Array): Promise<void> {
    try {
      await this.#input.write(chunk);
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  async #pull(controller: ReadableStreamDefaultController): Promise<void> {
    try {
      await this.#skipBody();
      const request = await this.#next();
      if (request !== null) controller.enqueue(request);
      else controller.close();
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  /** Waits until the body of the last request was read or cancelled. */
  async #skipBody(): Promise<void> {
    const body = this.#body;
    if (body === null) return;
    await body.settled;
    await body.skip(this.#drain);
    this.#body = null;
  }

  async #next(): Promise<ParsedRequest | WholeRequest | null> {
    const head = await this.#input.next() as RequestHead | null;
    if (head === null) return null;
    if (this.#isWhole) return await this.#whole(head);
    const body = new ParsedBody(this.#parser, this.#input, (reason) => this.#fail(reason));
    if (head.framing.body === 0) await body.readEmpty();
    else this.#body = body;
    return new StreamedRequest(head, body);
  }

  async #whole(head: RequestHead): Promise<WholeRequest> {
    const { body } = head.framing;
    const bytes = new BodyBuffer(body === "chunked" ? 0 : body);
    for (;;) {
      const event = await this.#input.next();
      if (event?.type === "data") bytes.add(event.bytes);
      if (event?.type !== "end") continue;
      return { ...partsOf(head), body: bytes.bytes(), rawTrailers: event.trailers.pairs() };
    }
  }

  /** Ends everything: the source is cancelled, and every reader receives the reason. */
  #fail(reason: unknown): void {
    this.#input.fail(reason);
    this.#body?.fail(reason);
    this.#sink.error(reason);
    this.#requests.error(reason);
  }
}

function partsOf(head: RequestHead): ParsedHead {
  const { method, target, protocol, framing } = head;
  return {
    method,
    target,
    protocol,
    framing,
    headers: headersOf(head.fields),
    rawHeaders: head.fields.pairs(),
  };
}

/** Creates its body's stream on first access: few requests have a body. */
class StreamedRequest implements ParsedRequest {
  readonly method: string;
  readonly target: string;
  readonly protocol: Protocol;
  readonly framing: Framing;
  readonly headers: Headers;
  readonly #head: RequestHead;
  readonly #body: ParsedBody;

  constructor(head: RequestHead, body: ParsedBody) {
    this.method = head.method;
    this.target = head.target;
    this.protocol = head.protocol;
    this.framing = head.framing;
    this.headers = headersOf(head.fields);
    this.#head = head;
    this.#body = body;
  }

  get rawHeaders(): ReadonlyArray<readonly [name: string, value: string]> {
    return this.#head.fields.pairs();
  }

  get body(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#body.stream;
  }

  get trailers(): Promise<ReadonlyArray<readonly [name: string, value: string]>> {
    return this.#body.trailers;
  }
}
