/** The parser for anybody who has bytes: a file, a pipe, a capture. */
import { checkRecord, countsOf, isCount, isOneOf, isRecord, withDefaults } from "../validate.ts";
import type { Profile } from "../errors.ts";
import { DEFAULT_LIMITS } from "../limits.ts";
import type { Limits } from "../limits.ts";
import { headersOf } from "./lazy_headers.ts";
import { BodyBuffer } from "../wire/body_buffer.ts";
import type { Protocol, RequestHead } from "../wire/request_head.ts";
import { RequestParser } from "../wire/request_parser.ts";
import type { RequestEnd } from "../wire/request_parser.ts";

/** A request that was read from a stream. */
export interface ParsedRequest {
  /** The method as it was sent. */
  readonly method: string;
  /** The request-target as it came. */
  readonly target: string;
  /** The HTTP version. */
  readonly protocol: Protocol;
  /** The header fields as the Web knows them. */
  readonly headers: Headers;
  /** The header fields as they came: order, case and duplicates. */
  readonly rawHeaders: ReadonlyArray<readonly [name: string, value: string]>;
  /** The whole body, its transfer coding taken off. */
  readonly body: Uint8Array;
  /** The trailer fields as they came; they are no header fields (RFC 9110, 6.5). */
  readonly rawTrailers: ReadonlyArray<readonly [name: string, value: string]>;
}

/** What a {@linkcode RequestParseStream} is made with. */
export interface RequestParseStreamOptions {
  /**
   * Bytes that the body of a request may have.
   *
   * @default {8388608}
   */
  maxBody?: number;
  /**
   * Must a POST have a Content-Length or a Transfer-Encoding? In the `"original"` profile it must.
   *
   * @default {"rfc"}
   */
  profile?: Profile;
  /** How much a request may have of what. */
  limits?: Partial<Limits>;
}

/**
 * Takes a stream of bytes apart into requests, with the same parser as the server's.
 *
 * It fails with an {@linkcode HttpError} where a request is refused, and where the
 * stream ends within one.
 *
 * @example Read a file of captured requests
 * ```ts
 * import { RequestParseStream } from "@asynchttp/server";
 *
 * const captured = "GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n";
 * const bytes = ReadableStream.from([new TextEncoder().encode(captured)]);
 * for await (const request of bytes.pipeThrough(new RequestParseStream())) {
 *   console.log(request.method, request.target); // GET /a, then GET /b
 * }
 * ```
 */
export class RequestParseStream extends TransformStream<Uint8Array, ParsedRequest> {
  /**
   * Makes a stream that takes bytes and gives requests.
   *
   * @param options Limits, as for a server.
   * @throws {TypeError} An option is unknown, or its value has the wrong type.
   * @throws {RangeError} A number is out of range.
   */
  constructor(options: RequestParseStreamOptions = {}) {
    const reader = new WholeRequests(options);
    super({
      transform: (chunk, controller) => reader.push(chunk, controller),
      flush: () => reader.finish(),
    });
  }
}

const CHECKS = {
  maxBody: isCount(0),
  profile: isOneOf("original", "rfc"),
  limits: isRecord(countsOf(DEFAULT_LIMITS)),
};

/** Puts the parser's events together. */
class WholeRequests {
  readonly #parser: RequestParser;
  #head: RequestHead | null = null;
  #body = new BodyBuffer(0);

  constructor(options: RequestParseStreamOptions) {
    checkRecord("options", options, CHECKS);
    const { maxBody = 8_388_608, profile = "rfc", limits } = options;
    this.#parser = new RequestParser({
      maxBody,
      profile,
      limits: withDefaults(DEFAULT_LIMITS, limits),
    });
  }

  push(chunk: Uint8Array, out: { enqueue(request: ParsedRequest): void }): void {
    this.#parser.input.push(chunk);
    for (;;) {
      const event = this.#parser.next();
      switch (event.type) {
        case "head":
          this.#head = event;
          this.#body = new BodyBuffer(0);
          break;
        case "data":
          this.#body.add(event.bytes);
          break;
        case "end":
          out.enqueue(parsedRequest(this.#head!, this.#body, event));
          break;
        case "need-data":
          return;
      }
    }
  }

  finish(): void {
    this.#parser.finish();
  }
}

function parsedRequest(head: RequestHead, body: BodyBuffer, end: RequestEnd): ParsedRequest {
  return {
    method: head.method,
    target: head.target,
    protocol: head.protocol,
    headers: headersOf(head.fields),
    rawHeaders: head.fields.pairs(),
    body: body.bytes(),
    rawTrailers: end.trailers.pairs(),
  };
}
