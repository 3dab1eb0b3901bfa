/**
 * Whose fault it is, and what is said about it.
 *
 * Two kinds of error end an exchange. An {@linkcode HttpError} can be answered:
 * the client sent something we refuse, and it is still there to read why. A
 * `ConnectionLost` cannot: nobody is left, so nothing is written and nothing is
 * logged. The status is chosen where the error is thrown; `errorResponseTo` is the one
 * place where an error becomes an answer, and `connection.ts` the one place
 * where that answer is written.
 */

/**
 * Why a request was refused: a closed set, made for counters and for `switch`.
 *
 * The status that goes with each is in the table "The life of a request" of the
 * README; two of them depend on {@linkcode Profile}.
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
  | "unsupported-version"
  | "bad-content-length"
  | "bad-transfer-encoding"
  | "unsupported-transfer-coding"
  | "length-required"
  | "expectation-failed"
  | "body-too-large"
  | "bad-chunk"
  | "chunk-line-too-long"
  | "chunk-extensions-too-large"
  | "trailers-too-large"
  | "incomplete-message"
  | "head-timeout"
  | "body-timeout"
  | "handler-timeout"
  | "handler-failed"
  | "not-answered";

/**
 * Which statuses refuse a request that breaks a limit.
 *
 * `"original"`: those of Nim's `std/asynchttpserver`. `"rfc"`: those of RFC 9110,
 * RFC 9112 and RFC 6585, and no 411.
 */
export type Profile = "original" | "rfc";

/** Where the two profiles differ; every other code has one status, that of its throw site. */
const RFC_STATUS: { readonly [code in RejectCode]?: number } = {
  "request-line-too-long": 414, // RFC 9112, 3: "a server that receives a request-target longer than any URI it wishes to parse MUST respond with a 414"
  "method-too-long": 400, // 414 speaks of the target; here the target was never reached
  "field-line-too-long": 431, // RFC 6585, 5
  "too-many-fields": 431,
};

/**
 * A request that is refused, with the status that says so.
 *
 * @example A request that breaks the grammar
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
  /** The status code of the answer, by the `"original"` profile. */
  readonly status: number;
  /** Which rule was broken. */
  readonly code: RejectCode;

  /**
   * Makes an error that can be answered.
   *
   * @param status The status code of the answer.
   * @param code Which rule was broken.
   * @param message What was wrong with the request; sent to the client as the body of the answer.
   * @param options The cause, where there is one. It is never sent.
   */
  constructor(status: number, code: RejectCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
    this.code = code;
  }
}

/** The peer has gone, or the connection was cut: there is nobody to answer. */
export class ConnectionLost extends Error {
  override readonly name = "ConnectionLost";
}

/** What is written for a request that was refused. */
export interface ErrorResponse {
  /** The status code. */
  status: number;
  /**
   * The reason phrase.
   *
   * @default {the standard one of the status}
   */
  statusText?: string;
  /**
   * Header fields besides `Date`, `Connection` and `Content-Length`.
   *
   * @default {[["Content-Type", "text/plain; charset=utf-8"]]}
   */
  headers?: HeadersInit;
  /**
   * The body.
   *
   * @default {""}
   */
  body?: string | Uint8Array;
}

/** The one mapping from an error to what is said about it. */
export function errorResponseTo(error: HttpError, profile: Profile): ErrorResponse {
  const status = profile === "rfc" ? RFC_STATUS[error.code] ?? error.status : error.status;
  return {
    status,
    headers: [["Content-Type", "text/plain; charset=utf-8"]],
    body: error.message + "\n",
  };
}

/**
 * Text from the client, made safe to stand in a message or a log.
 *
 * A client that puts line ends or terminal escapes into a method or a field must
 * not be able to write lines of its own into somebody's log.
 */
export function quoted(text: string, most = 40): string {
  const cut = text.length > most ? text.slice(0, most) + "…" : text;
  const safe = cut.replace(
    // deno-lint-ignore no-control-regex
    /[\x00-\x1f"\\\x7f-\xff]/g,
    (char) => "\\x" + char.charCodeAt(0).toString(16).padStart(2, "0"),
  );
  return `"${safe}"`;
}
