/**
 * The decisions that requests and responses have in common (RFC 9112, 6 and 9.3): which fields
 * are dangerous, how long a body is, what Connection says.
 *
 * One implementation for both directions: a proxy whose two sides read a length in two ways is
 * how requests are smuggled.
 */
import { HttpError, quoted } from "../errors.ts";
import { listMembers, trimmed } from "./fields.ts";
import type { Fields } from "./fields.ts";
import { decimal, isDigits, isToken } from "./syntax.ts";

/**
 * The length of a body in bytes, or "chunked": up to the last chunk.
 *
 * @example
 * ```ts
 * import type { BodyLength } from "@asynchttp/server/wire";
 *
 * const described = (body: BodyLength) => body === "chunked" ? "of unknown size" : `${body} bytes`;
 * console.log(described(1024)); // 1024 bytes
 * console.log(described("chunked")); // of unknown size
 * ```
 */
export type BodyLength = number | "chunked";

/** The values of the dangerous fields, one per line. */
export interface DangerousFields {
  host: string[];
  contentLength: string[];
  transferEncoding: string[];
  connection: string[];
  expect: string[];
  upgrade: string[];
}

const NONE: string[] = [];
/** Browsers send this with every request. */
const KEEP_ALIVE: string[] = ["keep-alive"];

/** Collects the dangerous fields in one pass; the length of the name excludes most others. */
export function dangerousFields(fields: Fields): DangerousFields {
  const found = {
    host: NONE,
    contentLength: NONE,
    transferEncoding: NONE,
    connection: NONE,
    expect: NONE,
    upgrade: NONE,
  };
  const { length } = fields;
  for (let i = 0; i < length; i++) {
    switch (fields.nameLength(i)) {
      case 4:
        if (fields.nameIs(i, "host")) found.host = appended(found.host, fields.value(i));
        break;
      case 6:
        if (fields.nameIs(i, "expect")) found.expect = appended(found.expect, fields.value(i));
        break;
      case 7:
        if (fields.nameIs(i, "upgrade")) found.upgrade = appended(found.upgrade, fields.value(i));
        break;
      case 10:
        if (fields.nameIs(i, "connection")) {
          found.connection = appended(found.connection, fields.value(i));
        }
        break;
      case 14:
        if (fields.nameIs(i, "content-length")) {
          found.contentLength = appended(found.contentLength, fields.value(i));
        }
        break;
      case 17:
        if (fields.nameIs(i, "transfer-encoding")) {
          found.transferEncoding = appended(found.transferEncoding, fields.value(i));
        }
        break;
    }
  }
  return found;
}

/** Appends a value; allocates no array for the many fields that are absent. */
function appended(values: string[], value: string): string[] {
  if (values === NONE) return [value];
  values.push(value);
  return values;
}

/**
 * Applies RFC 9112, 6.3, and rejects everything that two recipients could read differently.
 *
 * Returns null if the message has neither field, which means no body.
 */
export function decideBody(minor: number, lengths: string[], codings: string[]): BodyLength | null {
  if (codings.length === 0) return lengths.length === 0 ? null : contentLength(lengths);
  if (lengths.length > 0) {
    throw badCoding(
      "A message must not have both Content-Length and Transfer-Encoding (RFC 9112, 6.1)",
    );
  }
  if (minor === 0) {
    throw badCoding("An HTTP/1.0 message must not have a Transfer-Encoding (RFC 9112, 6.1)");
  }
  checkCodings(listMembers(codings.join(",")));
  return "chunked";
}

/**
 * Accepts one line of digits. More than 2^53-1, whose digits a number cannot hold, is a body
 * that is too large rather than a malformed length. A second line is rejected even if it is equal: RFC 9110, 8.6
 * allows a recipient to accept it, and a proxy that keeps the other line is how CL.CL works.
 */
function contentLength(values: string[]): number {
  if (values.length > 1) {
    throw badLength("A message must have only one Content-Length (RFC 9110, 8.6)");
  }
  const length = decimal(values[0]!);
  if (length >= 0) return length;
  if (isDigits(values[0]!)) throw bodyTooLarge(Number.MAX_SAFE_INTEGER);
  throw badLength(
    `Content-Length must be a decimal number: got ${quoted(values[0]!)} (RFC 9110, 8.6)`,
  );
}

/** Accepts `chunked` alone; rejects other well-formed codings with 501 (RFC 9112, 6.1). */
function checkCodings(codings: string[]): void {
  const names = codings.map((coding) => codingName(coding));
  const chunkedAt = names.indexOf("chunked");
  if (chunkedAt !== -1 && chunkedAt !== names.length - 1) {
    throw badCoding("chunked must be the last transfer coding, and only once (RFC 9112, 6.1)");
  }
  if (names.length === 1 && chunkedAt === 0) return;
  throw new HttpError(
    501,
    "unsupported-transfer-coding",
    "Only the transfer coding chunked is supported (RFC 9112, 6.1)",
  );
}

/** `transfer-coding = token *( OWS ";" OWS transfer-parameter )`, and `chunked` has no parameters (RFC 9112, 7). */
function codingName(coding: string): string {
  const [name = "", ...parameters] = coding.split(";").map((part) => trimmed(part));
  const lower = name.toLowerCase();
  const wellFormed = isToken(name) && parameters.every(isParameter);
  if (!wellFormed || (lower === "chunked" && parameters.length > 0)) {
    throw badCoding(`Transfer-Encoding must be chunked: got ${quoted(coding)} (RFC 9112, 6.1)`);
  }
  return lower;
}

/** `transfer-parameter = token BWS "=" BWS ( token / quoted-string )`; only the form with a token gets 501. */
function isParameter(text: string): boolean {
  const parts = text.split("=");
  return parts.length === 2 && parts.every(isToken);
}

/** Returns the options of all Connection fields in lower case; members that are not tokens match no option. */
export function connectionOptions(values: string[]): string[] {
  if (values.length === 0) return NONE;
  if (values.length === 1 && values[0] === "keep-alive") return KEEP_ALIVE;
  return listMembers(values.join(",")).map((option) => option.toLowerCase());
}

/** RFC 9112, 9.3. */
export function decidePersistence(minor: number, connection: string[]): boolean {
  if (connection.includes("close")) return false;
  return minor >= 1 || connection.includes("keep-alive");
}

/** Returns the error for a body over `maxBody` bytes, chunked or not. */
export function bodyTooLarge(maxBody: number): HttpError {
  return new HttpError(413, "body-too-large", `The body must be at most ${maxBody} bytes long`);
}

function badLength(message: string): HttpError {
  return new HttpError(400, "bad-content-length", message);
}

function badCoding(message: string): HttpError {
  return new HttpError(400, "bad-transfer-encoding", message);
}
