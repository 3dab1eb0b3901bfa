/**
 * Status line, fields, empty line: a response's head as bytes (RFC 9112, 4 and 5).
 *
 * Everything is checked before the first byte is written: a call that throws writes nothing.
 */
import type { FieldsInit } from "../fields_init.ts";
import { inspected } from "../validate.ts";
import { fieldsToSend } from "./fields.ts";
import type { FieldPair } from "./fields.ts";
import { MessageEncoder } from "./message_encoder.ts";
import { requestAllowsReuse } from "./request_framing.ts";
import type { Framing } from "./request_framing.ts";
import { WriteBuffer } from "./write_buffer.ts";
import { checkBareFields, decideResponse, isNamed, upgradeFields } from "./response_framing.ts";
import type { ResponseFacts, ResponseFraming } from "./response_framing.ts";
import { reasonPhrase } from "./status.ts";
import { consistsOf, TEXT } from "./syntax.ts";

/** The head of a response, before the decisions about it. */
export interface HeadToSend extends ResponseFacts {
  /** The reason phrase; the standard one if omitted. */
  readonly statusText?: string;
  /** The value of Date, if the caller's fields have none; null if a sender without a clock adds none. */
  readonly date: string | null;
}

/** A head, the decisions about it, and its bytes up to the value of Content-Length. */
interface EncodedHead {
  readonly head: HeadToSend;
  readonly framing: ResponseFraming;
  readonly prefix: Uint8Array;
}

/**
 * The head whose bytes are reused. Most responses of a server differ from the previous one
 * only in their length: their heads begin with the same bytes.
 */
let cached: EncodedHead | null = null;
/** The previous candidate: a head that occurs only once is not worth the copy of its bytes (0.7 µs). */
let previous: HeadToSend | null = null;

/**
 * Writes a head to `out` and returns the decisions about it.
 *
 * @throws {RangeError} The status is not that of a final response.
 * @throws {TypeError} A part of the head is invalid.
 */
export function encodeHead(out: WriteBuffer, head: HeadToSend): ResponseFraming {
  if (cached !== null && differOnlyInSize(cached.head, head)) {
    return encodeCached(out, cached, head.size!);
  }
  const line = statusLine(head.status, head.statusText);
  const framing = decideResponse(head);
  const start = out.length;
  out.latin1(line);
  const hasDate = encodeHandlerFields(out, head.fields, framing);
  if (!hasDate && head.date !== null) encodeField(out, "Date", head.date);
  if (framing.connection !== null) encodeField(out, "Connection", framing.connection);
  if (typeof framing.length === "number") {
    out.latin1("Content-Length: ");
    if (framing.sendsContent) cacheRepeated(head, framing, out, start);
    endWithLength(out, framing.length);
    return framing;
  }
  if (framing.chunked) encodeField(out, "Transfer-Encoding", "chunked");
  out.latin1("\r\n");
  return framing;
}

/** Remembers the second of two successive heads that begin with the same bytes. */
function cacheRepeated(
  head: HeadToSend,
  framing: ResponseFraming,
  out: WriteBuffer,
  start: number,
): void {
  if (previous !== null && differOnlyInSize(previous, head)) {
    cached = { head, framing, prefix: out.since(start) };
  }
  previous = head;
}

/** Whether the decisions about both are the same, except for a length that the server adds. Equal fields are the same array: see `fieldsToSend`. */
function differOnlyInSize(one: HeadToSend, other: HeadToSend): boolean {
  return one.fields === other.fields && one.status === other.status && other.size !== null &&
    one.date === other.date && one.method === other.method && one.minor === other.minor &&
    one.persistent === other.persistent && one.statusText === other.statusText;
}

function encodeCached(
  out: WriteBuffer,
  { framing, prefix }: EncodedHead,
  size: number,
): ResponseFraming {
  out.copy(prefix);
  endWithLength(out, size);
  return framing.length === size ? framing : { ...framing, length: size };
}

function endWithLength(out: WriteBuffer, length: number): void {
  out.latin1(String(length));
  out.latin1("\r\n\r\n");
}

/**
 * Writes the head of an interim response (RFC 9110, 15.2), or of the response that ends
 * HTTP on the connection: adds no fields of its own.
 */
export function encodeBareHead(
  out: WriteBuffer,
  status: number,
  fields: readonly FieldPair[],
): void {
  out.latin1(`HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n`);
  encodeFields(out, fields);
  out.latin1("\r\n");
}

/** Writes only field lines, unchanged. */
export function encodeFields(out: WriteBuffer, fields: readonly FieldPair[]): void {
  for (const [name, value] of fields) encodeField(out, name, value);
}

/** Writes the caller's fields in the caller's order; returns whether Date was among them. */
function encodeHandlerFields(
  out: WriteBuffer,
  fields: readonly FieldPair[],
  framing: ResponseFraming,
): boolean {
  let hasDate = false;
  for (const [name, value] of fields) {
    if (isNamed(name, "connection")) continue; // the decided value is written once, after these
    if (framing.length !== "given" && isNamed(name, "content-length")) continue;
    if (isNamed(name, "date")) hasDate = true;
    encodeField(out, name, value);
  }
  return hasDate;
}

function encodeField(out: WriteBuffer, name: string, value: string): void {
  out.latin1(name);
  out.latin1(": ");
  out.latin1(value);
  out.latin1("\r\n");
}

/**
 * `status-line = HTTP-version SP status-code SP [ reason-phrase ]`: the second space is
 * required even if the reason phrase is empty.
 */
function statusLine(status: number, statusText = reasonPhrase(status)): string {
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new RangeError(`Status must be an integer from 200 to 599: got ${inspected(status)}`);
  }
  checkText("statusText", statusText, "RFC 9112, 4");
  return `HTTP/1.1 ${status} ${statusText}\r\n`;
}

function checkText(name: string, text: unknown, section: string): void {
  if (typeof text === "string" && consistsOf(text, TEXT)) return;
  throw new TypeError(
    `Invalid ${name} ${
      JSON.stringify(text)
    }: it must be text without controls or characters above U+00FF (${section})`,
  );
}

/** The server counts bytes; a caller of this entry may have the number from elsewhere. */
export function checkSize(size: number | null): void {
  if (size === null || (Number.isSafeInteger(size) && size >= 0)) return;
  throw new RangeError(`Size must be an integer from 0 on, or null: got ${inspected(size)}`);
}

/**
 * The request that a response is for: the head that a {@linkcode RequestParser} has returned, or its like.
 *
 * @example A request that no parser of this module has read
 * ```ts
 * import { type AnsweredRequest, ResponseEncoder } from "@asynchttp/server/wire";
 *
 * const request: AnsweredRequest = {
 *   method: "GET",
 *   protocol: { minor: 0 },
 *   framing: { persistent: true, upgrade: null },
 * };
 * const head = new ResponseEncoder().head(request, { status: 200, size: 2 });
 * console.log(new TextDecoder().decode(head).includes("Connection: keep-alive")); // true
 * ```
 */
export interface AnsweredRequest {
  /** The method. */
  readonly method: string;
  /** The HTTP version. */
  readonly protocol: {
    /** The minor version. */
    readonly minor: number;
  };
  /** The decisions about the request. */
  readonly framing: Pick<Framing, "persistent" | "upgrade">;
}

/**
 * The head of a response to send.
 *
 * @example
 * ```ts
 * import { ResponseEncoder, type ResponseToSend } from "@asynchttp/server/wire";
 *
 * const request = {
 *   method: "GET",
 *   protocol: { minor: 1 },
 *   framing: { persistent: true, upgrade: null },
 * };
 * const response: ResponseToSend = { status: 404, fields: { "X-A": "b" }, size: 9 };
 * const head = new ResponseEncoder().head(request, response);
 * console.log(new TextDecoder().decode(head).split("\r\n"));
 * // [ "HTTP/1.1 404 Not Found", "X-A: b", "Content-Length: 9", "", "" ]
 * ```
 */
export interface ResponseToSend {
  /** The status, 200 to 599. */
  readonly status: number;
  /**
   * The reason phrase.
   *
   * @default {the standard phrase of the status}
   */
  readonly statusText?: string;
  /**
   * The header fields. The encoder adds `Content-Length`, `Transfer-Encoding` and `Connection`.
   *
   * @default {none}
   */
  readonly fields?: FieldsInit | null;
  /**
   * The size of the content in bytes; null if it is not known: then it is sent in chunks, to
   * HTTP/1.0 until the connection closes.
   *
   * @default {0}
   */
  readonly size?: number | null;
  /**
   * The value of `Date`, if `fields` have none: an origin server with a clock must send it
   * (RFC 9110, 6.6.1), and this encoder has no clock.
   *
   * @default {no Date}
   */
  readonly date?: string | null;
}

/**
 * Encodes one response after another, by the rules of the server.
 *
 * @example The response to a request
 * ```ts
 * import { RequestParser, ResponseEncoder } from "@asynchttp/server/wire";
 *
 * const parser = new RequestParser();
 * parser.input.push(new TextEncoder().encode("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"));
 * const request = parser.next();
 * if (request.type !== "head") throw new Error("The head is not complete");
 *
 * const encoder = new ResponseEncoder();
 * const head = encoder.head(request, { status: 200, size: 2 });
 * console.log(new TextDecoder().decode(head).split("\r\n"));
 * // [ "HTTP/1.1 200 OK", "Content-Length: 2", "", "" ]
 * console.log(encoder.data(new TextEncoder().encode("hi")).length); // 0: HEAD has no content
 * encoder.end();
 * ```
 */
export class ResponseEncoder extends MessageEncoder {
  /**
   * Encodes the head of a response.
   *
   * @param request The request that it is for.
   * @param response Status, fields, and the size of the content.
   * @returns The bytes to send.
   * @throws {RangeError} The status is not that of a final response, or the size is not an integer from 0 on.
   * @throws {TypeError} Another part is invalid, the response before it has not ended, or none may follow it.
   *
   * @example
   * ```ts
   * import { RequestParser, ResponseEncoder } from "@asynchttp/server/wire";
   *
   * const parser = new RequestParser();
   * parser.input.push(new TextEncoder().encode("GET / HTTP/1.0\r\n\r\n"));
   * const request = parser.next();
   * if (request.type !== "head") throw new Error("The head is not complete");
   * const head = new ResponseEncoder().head(request, { status: 200, size: null });
   * console.log(new TextDecoder().decode(head).split("\r\n"));
   * // [ "HTTP/1.1 200 OK", "Connection: close", "", "" ]
   * ```
   */
  head(request: AnsweredRequest, response: ResponseToSend): Uint8Array {
    const { size = 0, date = null } = response;
    checkSize(size);
    if (date !== null) checkText("date", date, "RFC 9110, 5.5");
    return this.begin(() => {
      const out = new WriteBuffer();
      const { sendsContent, length, givenLength, chunked, persistent } = encodeHead(out, {
        method: request.method,
        minor: request.protocol.minor,
        status: response.status,
        statusText: response.statusText,
        fields: fieldsToSend(response.fields),
        size,
        persistent: requestAllowsReuse(request),
        date,
      });
      const bytes = typeof length === "number" ? length : givenLength;
      return { bytes: out.take(), framing: { sendsContent, length: bytes, chunked, persistent } };
    });
  }

  /**
   * Encodes an interim response (RFC 9110, 15.2); no bytes for HTTP/1.0, which has none.
   *
   * @param request The request that it is for.
   * @param status The status, 100 to 199 but not 101.
   * @param fields The header fields.
   * @returns The bytes to send.
   * @throws {RangeError} The status is not that of an interim response.
   * @throws {TypeError} A field is invalid, the response before it has not ended, or none may follow it.
   *
   * @example
   * ```ts
   * import { RequestParser, ResponseEncoder } from "@asynchttp/server/wire";
   *
   * const parser = new RequestParser();
   * const sent = "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n";
   * parser.input.push(new TextEncoder().encode(sent));
   * const request = parser.next();
   * if (request.type !== "head") throw new Error("The head is not complete");
   * console.log(request.framing.expectsContinue); // true
   * const bytes = new ResponseEncoder().interim(request, 100);
   * console.log(new TextDecoder().decode(bytes).split("\r\n")[0]); // HTTP/1.1 100 Continue
   * ```
   */
  interim(request: AnsweredRequest, status: number, fields?: FieldsInit | null): Uint8Array {
    if (!Number.isInteger(status) || status < 100 || status > 199 || status === 101) {
      throw new RangeError(
        `Status of an interim response must be an integer from 100 to 199, but not 101: got ${
          inspected(status)
        }`,
      );
    }
    return this.bare("head", () => {
      const bytes = bareHead(status, bareFields(fields));
      return request.protocol.minor > 0 ? bytes : NOTHING;
    });
  }

  /**
   * Encodes the head that ends HTTP on the connection: 101 to a request that offers a protocol,
   * 200 to CONNECT.
   *
   * @param request The request that it is for.
   * @param fields The header fields; `Upgrade` and `Connection` are added.
   * @returns The bytes to send.
   * @throws {TypeError} A field is invalid, the request offers no other protocol, the response before it has not ended, or none may follow it.
   *
   * @example
   * ```ts
   * import { RequestParser, ResponseEncoder } from "@asynchttp/server/wire";
   *
   * const parser = new RequestParser();
   * const sent = "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
   * parser.input.push(new TextEncoder().encode(sent));
   * const request = parser.next();
   * if (request.type !== "head") throw new Error("The head is not complete");
   * const bytes = new ResponseEncoder().upgrade(request);
   * console.log(new TextDecoder().decode(bytes).split("\r\n")[0]); // HTTP/1.1 101 Switching Protocols
   * ```
   */
  upgrade({ method, framing }: AnsweredRequest, fields?: FieldsInit | null): Uint8Array {
    return this.bare("switched", () => {
      const given = bareFields(fields);
      if (method === "CONNECT") return bareHead(200, given);
      if (framing.upgrade === null) {
        throw new TypeError("Cannot upgrade: the request offers no other protocol (RFC 9110, 7.8)");
      }
      return bareHead(101, upgradeFields(framing.upgrade, given));
    });
  }
}

function bareHead(status: number, fields: readonly FieldPair[]): Uint8Array {
  const out = new WriteBuffer();
  encodeBareHead(out, status, fields);
  return out.take();
}

const NOTHING = new Uint8Array(0);

function bareFields(init: FieldsInit | null | undefined): readonly FieldPair[] {
  const fields = fieldsToSend(init);
  checkBareFields(fields);
  return fields;
}
