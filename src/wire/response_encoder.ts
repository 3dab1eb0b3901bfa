/**
 * Status line, fields, empty line: a response's head as bytes (RFC 9112, 4 and 5).
 *
 * Everything is checked before the first byte is written: a call that throws writes nothing.
 */
import { inspected } from "../validate.ts";
import type { FieldPair } from "./fields.ts";
import type { WriteBuffer } from "./write_buffer.ts";
import { decideResponse, isNamed } from "./response_framing.ts";
import type { ResponseFacts, ResponseFraming } from "./response_framing.ts";
import { reasonPhrase } from "./status.ts";
import { consistsOf, TEXT } from "./syntax.ts";

/** The head of a response, before the decisions about it. */
export interface ResponseHead extends ResponseFacts {
  /** The reason phrase; the standard one if omitted. */
  readonly statusText?: string;
  /** The value of Date, if the caller's fields have none. */
  readonly date: string;
}

/** A head, the decisions about it, and its bytes up to the value of Content-Length. */
interface EncodedHead {
  readonly head: ResponseHead;
  readonly framing: ResponseFraming;
  readonly prefix: Uint8Array;
}

/**
 * The head whose bytes are reused. Most responses of a server differ from the previous one
 * only in their length: their heads begin with the same bytes.
 */
let cached: EncodedHead | null = null;
/** The previous candidate: a head that occurs only once is not worth the copy of its bytes (0.7 µs). */
let previous: ResponseHead | null = null;

/**
 * Writes a head to `out` and returns the decisions about it.
 *
 * @throws {RangeError} The status is not that of a final response.
 * @throws {TypeError} A part of the head is invalid.
 */
export function encodeHead(out: WriteBuffer, head: ResponseHead): ResponseFraming {
  if (cached !== null && differOnlyInSize(cached.head, head)) {
    return encodeCached(out, cached, head.size!);
  }
  const line = statusLine(head.status, head.statusText);
  const framing = decideResponse(head);
  const start = out.length;
  out.latin1(line);
  const hasDate = encodeHandlerFields(out, head.fields, framing);
  if (!hasDate) encodeField(out, "Date", head.date);
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
  head: ResponseHead,
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
function differOnlyInSize(one: ResponseHead, other: ResponseHead): boolean {
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
  if (typeof statusText !== "string" || !consistsOf(statusText, TEXT)) {
    throw new TypeError(
      `Invalid statusText ${
        JSON.stringify(statusText)
      }: it must be text without controls or characters above U+00FF (RFC 9112, 4)`,
    );
  }
  return `HTTP/1.1 ${status} ${statusText}\r\n`;
}
