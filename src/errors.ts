/**
 * The errors that end an exchange, and the responses to them.
 *
 * There are two kinds. An {@linkcode HttpError} has a response: the server rejects what
 * the client has sent, and the client is still connected to read why. A
 * `ConnectionLost` has none: no client is left, so nothing is written or logged. The
 * status is chosen where the error is thrown; `errorResponseTo` is the one place where
 * an error becomes a response, and `error_response.ts` the one place where that response
 * is written.
 */
import type { FieldsInit } from "./fields_init.ts";

/**
 * Why a request was rejected: a closed set, made for counters and for `switch`.
 *
 * Each with its status, and that of {@linkcode Profile} `"rfc"` where it is another one;
 * `docs/protocol.md` says what each refuses.
 *
 * - `request-line-too-long`: 413, in `"rfc"` 414
 * - `method-too-long`: 413, in `"rfc"` 400
 * - `field-line-too-long`: 413, in `"rfc"` 431
 * - `too-many-fields`: 400, in `"rfc"` 431
 * - `head-too-large`: 431
 * - `bad-line-ending`: 400
 * - `bad-character`: 400
 * - `bad-request-line`: 400
 * - `bad-target`: 400
 * - `bad-field`: 400
 * - `bad-host`: 400
 * - `bad-forwarded`: 400
 * - `bad-proxy-header`: 400
 * - `unsupported-version`: 505
 * - `bad-content-length`: 400
 * - `bad-transfer-encoding`: 400
 * - `unsupported-transfer-coding`: 501
 * - `length-required`: 411, never in `"rfc"`
 * - `expectation-failed`: 417
 * - `body-too-large`: 413
 * - `no-body-memory`: 503
 * - `bad-chunk`: 400
 * - `chunk-line-too-long`: 400
 * - `chunk-extensions-too-large`: 400
 * - `trailers-too-large`: 431
 * - `incomplete-message`: 400
 * - `bad-json`: 400
 * - `bad-form`: 400
 * - `head-timeout`: 408
 * - `body-timeout`: 408
 * - `handler-timeout`: 503
 * - `handler-failed`: 500
 * - `not-answered`: 500
 *
 * @example
 * ```ts
 * import type { RejectCode } from "@asynchttp/server";
 * import { serveInMemory } from "@asynchttp/server/testing";
 *
 * const seen: RejectCode[] = [];
 * await using server = serveInMemory((request) => request.respond(200), {
 *   onReject: ({ code }) => void seen.push(code as RejectCode),
 * });
 * using conn = server.connect();
 * await conn.write(new TextEncoder().encode("GET / HTTP/9.1\r\n\r\n"));
 * await new Response(conn.readable).text();
 * console.log(seen); // [ "unsupported-version" ]
 * ```
 */
export type RejectCode =
  | "request-line-too-long"
  | "method-too-long"
  | "field-line-too-long"
  | "too-many-fields"
  | "head-too-large"
  | "bad-line-ending"
  | "bad-character"
  | "bad-request-line"
  | "bad-target"
  | "bad-field"
  | "bad-host"
  | "bad-forwarded"
  | "bad-proxy-header"
  | "unsupported-version"
  | "bad-content-length"
  | "bad-transfer-encoding"
  | "unsupported-transfer-coding"
  | "length-required"
  | "expectation-failed"
  | "body-too-large"
  | "no-body-memory"
  | "bad-chunk"
  | "chunk-line-too-long"
  | "chunk-extensions-too-large"
  | "trailers-too-large"
  | "incomplete-message"
  | "bad-json"
  | "bad-form"
  | "head-timeout"
  | "body-timeout"
  | "handler-timeout"
  | "handler-failed"
  | "not-answered";

/**
 * Why a response was rejected, besides the reasons that it has in common with a request: the codes
 * of `ResponseParser` in the entry `./wire`. Always with status 502.
 *
 * @example
 * ```ts
 * import { HttpError, ResponseParser, type ResponseRejectCode } from "@asynchttp/server/wire";
 *
 * const unasked: ResponseRejectCode = "unexpected-response";
 * const parser = new ResponseParser(); // expects no response
 * parser.input.push(new TextEncoder().encode("HTTP/1.1 204 No Content\r\n\r\n"));
 * try {
 *   parser.next();
 * } catch (error) {
 *   console.log(error instanceof HttpError && error.code === unasked); // true
 * }
 * ```
 */
export type ResponseRejectCode =
  | "bad-status-line"
  | "unexpected-response"
  | "too-many-interim";

/**
 * Which statuses reject a request that exceeds a limit.
 *
 * `"original"`: those of Nim's `std/asynchttpserver`, and 411 to a POST without a
 * length. `"rfc"`: those of RFC 9110, RFC 9112 and RFC 6585, and no 411.
 *
 * @example
 * ```ts
 * import type { Profile } from "@asynchttp/server";
 * import { serveInMemory } from "@asynchttp/server/testing";
 *
 * const profiles: Profile[] = ["original", "rfc"];
 * for (const profile of profiles) {
 *   await using server = serveInMemory((request) => request.respond(200), { profile });
 *   const response = await server.fetch("/" + "a".repeat(9000));
 *   console.log(response.status); // 413, 414
 * }
 * ```
 */
export type Profile = "original" | "rfc";

/** Statuses of the `"rfc"` profile where it differs; every other code has the status of its throw site. */
const RFC_STATUS: { readonly [code in HttpError["code"]]?: number } = {
  "request-line-too-long": 414, // RFC 9112, 3: "a server that receives a request-target longer than any URI it wishes to parse MUST respond with a 414"
  "method-too-long": 400, // 414 is about the target, which was never reached
  "field-line-too-long": 431, // RFC 6585, 5
  "too-many-fields": 431,
};

/**
 * A rejected request, with the status of its response; in the entry `./wire` also a rejected
 * response, with the status with which a proxy answers then.
 *
 * @example Catch the error of a malformed request
 * ```ts
 * import { HttpError, RequestParseStream } from "@asynchttp/server";
 *
 * const bytes = ReadableStream.from([new TextEncoder().encode("GET  / HTTP/1.1\r\n\r\n")]);
 * try {
 *   for await (const _ of bytes.pipeThrough(new RequestParseStream()));
 * } catch (error) {
 *   if (!(error instanceof HttpError)) throw error;
 *   console.log(error.status, error.code); // 400 bad-request-line
 * }
 * ```
 */
export class HttpError extends Error {
  /** Always `"HttpError"`. */
  override readonly name = "HttpError";
  /** The status code of the response in the `"original"` profile. */
  readonly status: number;
  /** The rule that the message broke. */
  readonly code: RejectCode | ResponseRejectCode;

  /**
   * Creates an error that has a response.
   *
   * @param status The status code of the response.
   * @param code Which rule was broken.
   * @param message What is wrong with the request; sent to the client as the body of the response.
   * @param options The cause, if there is one; it is never sent.
   */
  constructor(
    status: number,
    code: RejectCode | ResponseRejectCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.status = status;
    this.code = code;
  }
}

/** The peer has disconnected, or the connection was destroyed: no response can be sent. */
export class ConnectionLost extends Error {
  override readonly name = "ConnectionLost";
  /** Which side has ended it. */
  readonly by: "client" | "server";

  constructor(message: string, options: ErrorOptions & { by?: "client" | "server" } = {}) {
    super(message, options);
    this.by = options.by ?? "client";
  }
}

/**
 * The response to a rejected request.
 *
 * @example
 * ```ts
 * import type { ErrorResponse } from "@asynchttp/server";
 * import { serveInMemory } from "@asynchttp/server/testing";
 *
 * const onReject = (): Partial<ErrorResponse> => ({ body: "Not here\n", headers: { "X-A": "b" } });
 * await using server = serveInMemory((request) => request.respond(200), { onReject, maxBody: 1 });
 * const response = await server.fetch("/", { method: "POST", body: "long" });
 * console.log(response.status, await response.text()); // 413 Not here
 * ```
 */
export interface ErrorResponse {
  /** The status code. */
  status: number;
  /**
   * The reason phrase.
   *
   * @default {the standard phrase of the status}
   */
  statusText?: string;
  /**
   * Header fields in addition to `Date`, `Connection` and `Content-Length`.
   *
   * @default {[["Content-Type", "text/plain; charset=utf-8"]]}
   */
  headers?: FieldsInit;
  /**
   * The body.
   *
   * @default {""}
   */
  body?: string | Uint8Array;
}

/** Maps an error to its response; the only place that does. */
export function errorResponseTo(error: HttpError, profile: Profile): ErrorResponse {
  // A code of a response that a handler has received has the status 502 in both profiles.
  const isRequests = error.status < 500 && profile === "rfc";
  const status = isRequests ? RFC_STATUS[error.code] ?? error.status : error.status;
  return {
    status,
    headers: [["Content-Type", "text/plain; charset=utf-8"]],
    body: error.message + "\n",
  };
}

/**
 * Quotes text from a client, safely for a message or a log.
 *
 * A client that puts line ends or terminal escapes into a method or a field must
 * not be able to write lines of its own into a log.
 */
export function quoted(text: string, maxLength = 40): string {
  const shortened = text.length > maxLength ? text.slice(0, maxLength) + "…" : text;
  const safe = shortened.replace(
    // deno-lint-ignore no-control-regex
    /[\x00-\x1f"\\\x7f-\xff]/g,
    (char) => "\\x" + char.charCodeAt(0).toString(16).padStart(2, "0"),
  );
  return `"${safe}"`;
}
