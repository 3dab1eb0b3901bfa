/** Parses requests from any stream of bytes: a file, a pipe, a capture. */
import type { Profile } from "../errors.ts";
import type { MessageLimits } from "../wire/parser_options.ts";
import { headersOf } from "./lazy_headers.ts";
import { BodyBuffer } from "../wire/body_buffer.ts";
import type { RequestHead } from "../wire/request_head.ts";
import type { Protocol } from "../wire/version.ts";
import { RequestParser } from "../wire/request_parser.ts";
import type { MessageEnd } from "../wire/events.ts";

/** A request that was read from a stream. */
export interface ParsedRequest {
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
  /** The whole body, without its transfer coding. */
  readonly body: Uint8Array;
  /** The trailer fields as they were sent; they must not be merged into the header fields (RFC 9110, 6.5). */
  readonly rawTrailers: ReadonlyArray<readonly [name: string, value: string]>;
}

/** Options for {@linkcode RequestParseStream}. */
export interface RequestParseStreamOptions {
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
  /** The largest sizes and counts in a request. */
  limits?: Partial<MessageLimits>;
}

/**
 * Parses a stream of bytes into requests, with the same parser as the server.
 *
 * The stream fails with an {@linkcode HttpError} if a request is rejected, or if the input
 * ends within one.
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
   * Creates a stream that takes bytes and emits requests.
   *
   * @param options Profile and limits, as for a server.
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

/** Assembles whole requests from the parser's events. */
class WholeRequests {
  readonly #parser: RequestParser;
  #head: RequestHead | null = null;
  #body = new BodyBuffer(0);

  constructor(options: RequestParseStreamOptions) {
    this.#parser = new RequestParser(options);
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

function parsedRequest(head: RequestHead, body: BodyBuffer, end: MessageEnd): ParsedRequest {
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
