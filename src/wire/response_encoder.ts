/**
 * Status line, fields, empty line: a response's head as bytes (RFC 9112, 4 and 5).
 *
 * Everything is checked before the first byte is written: what throws has written nothing.
 */
import type { FieldPair } from "./fields.ts";
import type { WriteBuffer } from "./write_buffer.ts";
import { decideResponse, isNamed } from "./response_framing.ts";
import type { ResponseFacts, ResponseFraming } from "./response_framing.ts";
import { reasonPhrase } from "./status.ts";
import { consistsOf, TEXT } from "./syntax.ts";

/** A response's head, before anything was decided about it. */
export interface ResponseHead extends ResponseFacts {
  /** The reason phrase; the standard one where it is left out. */
  readonly statusText?: string;
  /** The value of Date, unless the caller gives one. */
  readonly date: string;
}

/** A head up to the value of its Content-Length, and what was said and decided about it. */
interface EncodedHead {
  readonly head: ResponseHead;
  readonly framing: ResponseFraming;
  readonly beginning: Uint8Array;
}

/**
 * The head that was encoded last. Most answers of a server differ from the one before
 * in their length only: they begin with the same bytes.
 */
let last: EncodedHead | null = null;
/** What has been seen once is not worth the copy of its bytes (0.7 µs). */
let seen: ResponseHead | null = null;

/**
 * Writes a head to `out` and says what was decided.
 *
 * @throws {RangeError} The status is not one of a final response.
 * @throws {TypeError} A part of the head cannot be sent.
 */
export function encodeHead(out: WriteBuffer, head: ResponseHead): ResponseFraming {
  if (last !== null && differOnlyInSize(last.head, head)) return encodeAgain(out, last, head.size!);
  const line = statusLine(head.status, head.statusText);
  const framing = decideResponse(head);
  const start = out.length;
  out.latin1(line);
  const dateGiven = encodeGiven(out, head.fields, framing);
  if (!dateGiven) encodeField(out, "Date", head.date);
  if (framing.connection !== null) encodeField(out, "Connection", framing.connection);
  if (typeof framing.length === "number") {
    out.latin1("Content-Length: ");
    if (framing.sendsContent) remember(head, framing, out, start);
    endWithLength(out, framing.length);
    return framing;
  }
  if (framing.chunked) encodeField(out, "Transfer-Encoding", "chunked");
  out.latin1("\r\n");
  return framing;
}

/** The second of two that begin with the same bytes is remembered. */
function remember(
  head: ResponseHead,
  framing: ResponseFraming,
  out: WriteBuffer,
  start: number,
): void {
  if (seen !== null && differOnlyInSize(seen, head)) {
    last = { head, framing, beginning: out.since(start) };
  }
  seen = head;
}

/** Is the same decided about both, but for a length that is not the caller's? Fields that were not checked anew are the same array. */
function differOnlyInSize(one: ResponseHead, other: ResponseHead): boolean {
  return one.fields === other.fields && one.status === other.status && other.size !== null &&
    one.date === other.date && one.method === other.method && one.minor === other.minor &&
    one.persistent === other.persistent && one.statusText === other.statusText;
}

function encodeAgain(
  out: WriteBuffer,
  { framing, beginning }: EncodedHead,
  size: number,
): ResponseFraming {
  out.copy(beginning);
  endWithLength(out, size);
  return framing.length === size ? framing : { ...framing, length: size };
}

function endWithLength(out: WriteBuffer, length: number): void {
  out.latin1(String(length));
  out.latin1("\r\n\r\n");
}

/**
 * Writes the head of an interim response (RFC 9110, 15.2), or of the one that ends
 * HTTP on the connection: nothing is added to it.
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

/** Writes field lines only, as they were given. */
export function encodeFields(out: WriteBuffer, fields: readonly FieldPair[]): void {
  for (const [name, value] of fields) encodeField(out, name, value);
}

/** The caller's fields, in the caller's order; true when Date was among them. */
function encodeGiven(
  out: WriteBuffer,
  fields: readonly FieldPair[],
  framing: ResponseFraming,
): boolean {
  let dateGiven = false;
  for (const [name, value] of fields) {
    if (isNamed(name, "connection")) continue; // what was decided goes out, once
    if (framing.length !== "given" && isNamed(name, "content-length")) continue;
    if (isNamed(name, "date")) dateGiven = true;
    encodeField(out, name, value);
  }
  return dateGiven;
}

function encodeField(out: WriteBuffer, name: string, value: string): void {
  out.latin1(name);
  out.latin1(": ");
  out.latin1(value);
  out.latin1("\r\n");
}

/**
 * `status-line = HTTP-version SP status-code SP [ reason-phrase ]`: the second space
 * stands also where there is no reason.
 */
function statusLine(status: number, statusText = reasonPhrase(status)): string {
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new RangeError(`Status must be an integer from 200 to 599: got ${status}`);
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
