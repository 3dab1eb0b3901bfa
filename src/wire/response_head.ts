/**
 * The head of a received response, and the decisions about it.
 *
 * ```abnf
 * status-line = HTTP-version SP status-code SP [ reason-phrase ]
 * status-code = 3DIGIT
 * ```
 *
 * Read as strictly as a request: a client, or a proxy, that finds another end of a response than
 * its server does takes the rest for the response to its next request.
 */
import { HttpError, quoted } from "../errors.ts";
import { perLimits } from "../limits.ts";
import type { Limits } from "../limits.ts";
import type { Fields } from "./fields.ts";
import { latin1 } from "./latin1.ts";
import {
  connectionOptions,
  dangerousFields,
  decideBody,
  decidePersistence,
} from "./message_framing.ts";
import type { BodyLength, DangerousFields } from "./message_framing.ts";
import type { ReadBuffer } from "./read_buffer.ts";
import { FieldSection, LineReader } from "./section_reader.ts";
import { isDigit, SP } from "./syntax.ts";
import { readVersion, VERSION_BYTES } from "./version.ts";
import type { Protocol } from "./version.ts";

/**
 * A request whose response is awaited: what decides how the response is read.
 *
 * @example
 * ```ts
 * import { type AwaitedResponse, ResponseParser } from "@asynchttp/server/wire";
 *
 * const awaited: AwaitedResponse = { method: "HEAD" };
 * const parser = new ResponseParser();
 * parser.expect(awaited);
 * parser.input.push(new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"));
 * console.log(parser.next().type, parser.next().type); // head end: HEAD gets no content
 * ```
 */
export interface AwaitedResponse {
  /** The method of the request. */
  readonly method: string;
  /** The protocols that the request offers to upgrade to; none if omitted. */
  readonly upgrade?: string | null;
}

/**
 * How the end of the content is found (RFC 9112, 6.3).
 *
 * - a number: so many bytes.
 * - "chunked": up to the last chunk.
 * - "until close": up to the end of the input.
 * - "switched": never. HTTP has ended on the connection, with 101 or with a 2xx to CONNECT.
 *
 * @example
 * ```ts
 * import type { ContentLength } from "@asynchttp/server/wire";
 *
 * // Whether the connection can be used again when the content was read.
 * const hasEnd = (content: ContentLength) => content !== "until close" && content !== "switched";
 * console.log(hasEnd(0), hasEnd("chunked"), hasEnd("until close")); // true true false
 * ```
 */
export type ContentLength = BodyLength | "until close" | "switched";

/**
 * The decisions about a received response.
 *
 * @example
 * ```ts
 * import { type ReceivedFraming, ResponseParser } from "@asynchttp/server/wire";
 *
 * const parser = new ResponseParser();
 * parser.expect({ method: "GET" });
 * parser.input.push(new TextEncoder().encode("HTTP/1.0 200 OK\r\n\r\n"));
 * const head = parser.next();
 * if (head.type !== "head") throw new Error("The head is not complete");
 * const { content, persistent }: ReceivedFraming = head.framing;
 * console.log(content, persistent); // until close false
 * ```
 */
export interface ReceivedFraming {
  /** How the end of the content is found. */
  readonly content: ContentLength;
  /** Whether another response may follow. */
  readonly persistent: boolean;
}

/**
 * The head of a response.
 *
 * @example
 * ```ts
 * import { type ResponseHead, ResponseParser } from "@asynchttp/server/wire";
 *
 * const isFinal = ({ type }: ResponseHead) => type === "head";
 *
 * const parser = new ResponseParser();
 * parser.expect({ method: "GET" });
 * const sent = "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";
 * parser.input.push(new TextEncoder().encode(sent));
 * for (let event = parser.next(); event.type !== "need-data"; event = parser.next()) {
 *   if ("status" in event) console.log(event.status, isFinal(event)); // 103 false, then 204 true
 * }
 * ```
 */
export interface ResponseHead {
  /** `"interim"` for 1xx but 101 (RFC 9110, 15.2), which the final response follows; else `"head"`. */
  readonly type: "head" | "interim";
  /** The status code, 100 to 599. */
  readonly status: number;
  /** The reason phrase as it was sent. */
  readonly statusText: string;
  /** The HTTP version. */
  readonly protocol: Protocol;
  /** The header fields as they were sent. */
  readonly fields: Fields;
  /** The decisions about the response. */
  readonly framing: ReceivedFraming;
}

/** A parsed status line. */
type StatusLine = Pick<ResponseHead, "protocol" | "status" | "statusText">;

const headRules = perLimits((limits) => ({
  maxBytes: limits.head,
  tooLarge: () => tooLarge("head-too-large", "head", limits.head),
  maxLineBytes: limits.line,
  lineTooLong: () => tooLarge("field-line-too-long", "header line", limits.line),
  maxFields: limits.headers,
  tooManyFields: () =>
    new HttpError(
      502,
      "too-many-fields",
      `A response must have at most ${limits.headers} header fields`,
    ),
}));

/** Parses one head after another from the buffer of a connection. */
export class ResponseHeadParser {
  readonly #limits: Readonly<Limits>;
  readonly #lines: LineReader;
  readonly #section: FieldSection;
  #line: StatusLine | null = null;

  constructor(limits: Readonly<Limits>) {
    this.#limits = limits;
    const rules = headRules(limits);
    this.#lines = new LineReader(rules);
    this.#section = new FieldSection(rules);
  }

  /** How far behind the start of the head the line is that is being read, in bytes. */
  get lineStart(): number {
    return this.#lines.start;
  }

  /** Consumes the next head of `input`; returns null if it is incomplete. */
  parse(input: ReadBuffer, awaited: AwaitedResponse): ResponseHead | null {
    this.#line ??= this.#readStatusLine(input);
    if (this.#line === null || !this.#section.read(this.#lines, input)) return null;
    const length = this.#lines.start;
    const text = latin1(input.bytes, input.start, input.start + length);
    const line = this.#line;
    const fields = this.#section.take(text);
    this.#lines.reset();
    this.#line = null;
    // Before the head is consumed: an error leaves the input where the head begins.
    const framing = decideReceived(line.status, line.protocol.minor, fields, awaited);
    input.consume(length);
    return { type: isInterim(line.status) ? "interim" : "head", ...line, fields, framing };
  }

  /** Checks the line as soon as it is complete: a server of another protocol may send no other. */
  #readStatusLine(input: ReadBuffer): StatusLine | null {
    const lineEnd = this.#lines.find(
      input,
      this.#limits.line,
      (_bytes, _at, limit) => tooLarge("bad-status-line", "status line", limit),
    );
    if (lineEnd === -1) return null;
    const line = statusLine(input.bytes, input.start, input.start + lineEnd);
    this.#lines.next();
    return line;
  }
}

/** Whether the response is followed by another one to the same request (RFC 9110, 15.2). */
function isInterim(status: number): boolean {
  return status < 200 && status !== 101;
}

const STATUS_BYTES = 3;

function statusLine(bytes: Uint8Array, start: number, end: number): StatusLine {
  const statusStart = start + VERSION_BYTES + 1;
  const statusEnd = statusStart + STATUS_BYTES;
  // The second space is required even if the reason phrase is empty (RFC 9112, 4).
  const hasParts = end > statusEnd && bytes[statusStart - 1] === SP && bytes[statusEnd] === SP;
  const protocol = hasParts ? readVersion(bytes, start) : null;
  const status = hasParts ? statusCode(bytes, statusStart) : -1;
  if (protocol === null || status === -1) {
    throw new HttpError(
      502,
      "bad-status-line",
      `The status line must be a version, a status from 100 to 599 and a reason phrase, with one space between: got ${
        quoted(latin1(bytes, start, end))
      } (RFC 9112, 4)`,
    );
  }
  return { protocol, status, statusText: latin1(bytes, statusEnd + 1, end) };
}

/** Returns the status that three bytes spell; -1 if they spell none from 100 to 599. */
function statusCode(bytes: Uint8Array, at: number): number {
  let status = 0;
  for (let i = at; i < at + STATUS_BYTES; i++) {
    if (!isDigit(bytes[i]!)) return -1;
    status = status * 10 + bytes[i]! - 0x30;
  }
  return status >= 100 && status <= 599 ? status : -1;
}

/** Makes all decisions about a received response. */
function decideReceived(
  status: number,
  minor: number,
  fields: Fields,
  awaited: AwaitedResponse,
): ReceivedFraming {
  const found = dangerousFields(fields);
  const content = decideContent(status, minor, found, awaited);
  const mayPersist = content !== "until close" && content !== "switched";
  const persistent = mayPersist && decidePersistence(minor, connectionOptions(found.connection));
  return { content, persistent };
}

/** Applies RFC 9112, 6.3, in its order. */
function decideContent(
  status: number,
  minor: number,
  { contentLength, transferEncoding }: DangerousFields,
  awaited: AwaitedResponse,
): ContentLength {
  if (opensTunnel(status, awaited)) return "switched";
  // Also where no content follows: a recipient that does not know why would read the fields.
  const length = decideBody(minor, contentLength, transferEncoding);
  if (status < 200 || status === 204) {
    checkBare(status, length);
    if (status !== 101) return 0;
    checkSwitch(awaited);
    return "switched";
  }
  if (awaited.method === "HEAD" || status === 304) return 0;
  return length ?? "until close";
}

/** RFC 9110, 9.3.6: "A client MUST ignore any Content-Length or Transfer-Encoding header fields received in a successful response to CONNECT". */
function opensTunnel(status: number, { method }: AwaitedResponse): boolean {
  return method === "CONNECT" && status >= 200 && status < 300;
}

/**
 * RFC 9110, 8.6 and RFC 9112, 6.1: a server MUST NOT send Content-Length or Transfer-Encoding with
 * 1xx and 204. `Content-Length: 0` is accepted, which many send, and which reads in one way only.
 */
function checkBare(status: number, length: BodyLength | null): void {
  if (length === null || length === 0) return;
  throw new HttpError(
    502,
    length === "chunked" ? "bad-transfer-encoding" : "bad-content-length",
    `A response with status ${status} must not have content (RFC 9112, 6.3)`,
  );
}

/** RFC 9110, 15.2.2: 101 answers a request that offers another protocol. */
function checkSwitch({ upgrade }: AwaitedResponse): void {
  if (typeof upgrade === "string" && upgrade !== "") return;
  throw new HttpError(
    502,
    "unexpected-response",
    "A response must not be 101: the request offers no other protocol (RFC 9110, 7.8)",
  );
}

function tooLarge(
  code: "head-too-large" | "field-line-too-long" | "bad-status-line",
  what: string,
  limit: number,
): HttpError {
  return new HttpError(502, code, `The ${what} of a response must be at most ${limit} bytes long`);
}
