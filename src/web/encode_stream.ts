/** Encodes responses into any stream of bytes: the counterpart of `RequestParseStream`. */
import type { FieldsInit } from "../fields_init.ts";
import { ignoreRejection } from "../ignore_rejection.ts";
import { ResponseEncoder } from "../wire/response_encoder.ts";
import type { AnsweredRequest } from "../wire/response_encoder.ts";
import { contentBytes, contentChunk } from "./content.ts";
import type { Content } from "./content.ts";
import type { ParsedRequest } from "./parse_stream.ts";

/**
 * A response to encode; an interim one if its status is 1xx (RFC 9110, 15.2).
 *
 * @example
 * ```ts
 * import { type EncodableResponse, ResponseEncodeStream } from "@asynchttp/server";
 *
 * const responses: EncodableResponse[] = [
 *   { status: 103, headers: { Link: "</a.css>; rel=preload" } },
 *   { status: 200, body: ReadableStream.from([new TextEncoder().encode("hi")]) },
 * ];
 * const bytes = ReadableStream.from(responses).pipeThrough(new ResponseEncodeStream());
 * const text = await new Response(bytes).text();
 * console.log(text.startsWith("HTTP/1.1 103 Early Hints\r\n")); // true
 * console.log(text.endsWith("\r\n\r\n2\r\nhi\r\n0\r\n\r\n")); // true
 * ```
 */
export interface EncodableResponse {
  /**
   * The request that it is for. Its method, version and `Connection` decide what is sent; what is
   * left of its body is cancelled when the response was sent.
   *
   * @default {GET in HTTP/1.1}
   */
  readonly request?: AnsweredRequest | ParsedRequest;
  /** The status, 100 to 599 but not 101. */
  readonly status: number;
  /**
   * The reason phrase.
   *
   * @default {the standard phrase of the status}
   */
  readonly statusText?: string;
  /**
   * The header fields. `Date`, `Content-Length`, `Transfer-Encoding` and `Connection` are added.
   *
   * @default {none}
   */
  readonly headers?: FieldsInit | null;
  /**
   * The content. A stream is sent in chunks, unless `headers` have a `Content-Length`.
   *
   * @default {null}
   */
  readonly body?: Content | ReadableStream<Uint8Array>;
  /**
   * Returns the trailer fields, called when the content was sent; left out in HTTP/1.0.
   *
   * @default {none}
   */
  readonly trailers?: () => FieldsInit | null | undefined;
}

/**
 * Encodes a stream of responses as bytes, by the rules of the server: lengths, chunks, HEAD, 204,
 * 304, HTTP/1.0, trailers, interim responses.
 *
 * Content is read no faster than the bytes are. The stream ends behind a response that ends its
 * connection. It fails if a response is invalid, or with the error of its content.
 *
 * @example A server made of streams
 * ```ts
 * import { RequestParseStream, ResponseEncodeStream } from "@asynchttp/server";
 *
 * const sent = "GET /a HTTP/1.1\r\nHost: x\r\n\r\nHEAD /b HTTP/1.1\r\nHost: x\r\n\r\n";
 * const bytes = ReadableStream.from([new TextEncoder().encode(sent)])
 *   .pipeThrough(new RequestParseStream())
 *   .pipeThrough(
 *     new TransformStream({
 *       transform(request, out) {
 *         out.enqueue({ request, status: 200, body: `You want ${request.target}` });
 *       },
 *     }),
 *   )
 *   .pipeThrough(new ResponseEncodeStream());
 * console.log((await new Response(bytes).text()).split("\r\n")[0]); // HTTP/1.1 200 OK
 * ```
 */
export class ResponseEncodeStream implements ReadableWritablePair<Uint8Array, EncodableResponse> {
  /** The bytes to send. */
  readonly readable: ReadableStream<Uint8Array>;
  /** Takes the responses; one waits while the one before it is encoded. */
  readonly writable: WritableStream<EncodableResponse>;

  /** Creates a stream that takes responses and emits bytes. */
  constructor() {
    // Not a transformer: it could not wait for its reader within a response.
    const queue = new TransformStream<EncodableResponse, EncodableResponse>();
    const responses = new EncodedResponses(queue.readable.getReader());
    this.writable = queue.writable;
    this.readable = new ReadableStream({
      pull: (controller) => responses.pull(controller),
      cancel: (reason) => responses.cancel(reason),
    }, { highWaterMark: 0 });
  }
}

/** Encodes one response after another, piece by piece. */
class EncodedResponses {
  readonly #responses: ReadableStreamDefaultReader<EncodableResponse>;
  readonly #encoder = new ResponseEncoder();
  readonly #pieces = this.#encodeAll();
  /** The content that is being sent. */
  #source: ReadableStreamDefaultReader<Uint8Array> | null = null;

  constructor(responses: ReadableStreamDefaultReader<EncodableResponse>) {
    this.#responses = responses;
  }

  async pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    try {
      const { done, value } = await this.#pieces.next();
      if (done) controller.close();
      else controller.enqueue(value);
    } catch (error) {
      await this.cancel(error);
      throw error;
    }
  }

  /** Cancels the content that is being sent, and refuses further responses. */
  async cancel(reason: unknown): Promise<void> {
    if (this.#source !== null) ignoreRejection(this.#source.cancel(reason));
    await this.#responses.cancel(reason);
  }

  async *#encodeAll(): AsyncGenerator<Uint8Array, void> {
    while (this.#encoder.state !== "closed") {
      const { done, value } = await this.#responses.read();
      if (done) return;
      yield* this.#encode(value);
    }
    await this.#responses.cancel("The last response ends the connection");
  }

  async *#encode(response: EncodableResponse): AsyncGenerator<Uint8Array, void> {
    const { request = ANY_REQUEST, status, headers } = response;
    if (status < 200 && status !== 101) {
      const bytes = this.#encoder.interim(request, status, headers);
      if (bytes.length > 0) yield bytes;
      return;
    }
    if (response.body instanceof ReadableStream) yield* this.#encodeStream(request, response);
    else yield this.#encodeWhole(request, response, contentBytes(response.body));
    dropBody(request);
  }

  /** Encodes head and content in one piece. */
  #encodeWhole(
    request: AnsweredRequest,
    response: EncodableResponse,
    content: Uint8Array,
  ): Uint8Array {
    // Trailers need chunks.
    const size = response.trailers === undefined || request.protocol.minor === 0
      ? content.length
      : null;
    const head = this.#head(request, response, size);
    const data = this.#encoder.data(content);
    return joined([head, data, this.#encoder.end(trailersOf(response))]);
  }

  async *#encodeStream(
    request: AnsweredRequest,
    response: EncodableResponse,
  ): AsyncGenerator<Uint8Array, void> {
    const source = (response.body as ReadableStream<Uint8Array>).getReader();
    this.#source = source;
    yield this.#head(request, response, null);
    if (this.#encoder.sendsContent) yield* this.#content(source);
    else ignoreRejection(source.cancel());
    this.#source = null;
    const end = this.#encoder.end(trailersOf(response));
    if (end.length > 0) yield end;
  }

  async *#content(
    source: ReadableStreamDefaultReader<Uint8Array>,
  ): AsyncGenerator<Uint8Array, void> {
    for (;;) {
      const { done, value } = await source.read();
      if (done) return;
      const bytes = this.#encoder.data(contentChunk(value));
      if (bytes.length > 0) yield bytes;
    }
  }

  #head(request: AnsweredRequest, response: EncodableResponse, size: number | null): Uint8Array {
    const { status, statusText, headers: fields } = response;
    return this.#encoder.head(request, { status, statusText, fields, size, date: dateNow() });
  }
}

/** For a response without a request, such as that to one that was rejected. */
const ANY_REQUEST: AnsweredRequest = {
  method: "GET",
  protocol: { minor: 1 },
  framing: { persistent: true, upgrade: null },
};

function trailersOf({ trailers }: EncodableResponse): FieldsInit | null | undefined {
  return trailers?.();
}

/** Lets the next request come: the response tells that nothing more of this one is wanted. */
function dropBody(request: AnsweredRequest | ParsedRequest): void {
  if ("body" in request && request.framing.body !== 0) ignoreRejection(request.body.cancel());
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

let second = 0;
let date = "";

/** The value of Date, formatted once a second. */
function dateNow(): string {
  const now = Math.floor(Date.now() / 1000);
  if (now !== second) {
    second = now;
    date = new Date(now * 1000).toUTCString();
  }
  return date;
}
