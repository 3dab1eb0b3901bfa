/**
 * The decisions about a request, made once, when its head is complete.
 *
 * The length of the body, whether the connection may persist, what the client expects,
 * the host of the request: each dangerous field has one function here, and later code
 * reads the decision, never the field. No decision depends on the method (a server and a
 * proxy that disagree on whether a GET has a body see different messages: TE.0, CL.0).
 */
import { HttpError, quoted } from "../errors.ts";
import type { Profile } from "../errors.ts";
import { listMembers, trimmed } from "./fields.ts";
import type { Fields } from "./fields.ts";
import { decimal, isToken } from "./syntax.ts";
import { isHost } from "./target.ts";

/** The length of a request's body in bytes, or "chunked": up to the last chunk. */
export type BodyLength = number | "chunked";

/** The decisions about a request. */
export interface Framing {
  readonly body: BodyLength;
  /** Whether the client lets another request follow. */
  readonly persistent: boolean;
  /** Whether the client waits for `100 Continue` before it sends the body. */
  readonly expectsContinue: boolean;
  /** The protocols that the client offers to upgrade to; null if there are none. */
  readonly upgrade: string | null;
  /** The value of Host; null if an HTTP/1.0 request has none. */
  readonly host: string | null;
}

/** Makes all decisions about a request; `minor` is its minor HTTP version. */
export function decideRequest(
  method: string,
  minor: number,
  fields: Fields,
  profile: Profile,
): Framing {
  const found = dangerousFields(fields);
  const host = decideHost(minor, found.host);
  const connection = connectionOptions(found.connection);
  const body = decideBody(minor, found.contentLength, found.transferEncoding);
  if (body === null && method === "POST" && profile === "original") {
    throw new HttpError(
      411,
      "length-required",
      "A POST must have a Content-Length or be chunked: send Content-Length: 0 where it has no body (RFC 9110, 15.5.12)",
    );
  }
  return {
    body: body ?? 0,
    persistent: decidePersistence(minor, connection),
    expectsContinue: decideExpect(minor, found.expect) && body !== null && body !== 0,
    upgrade: decideUpgrade(minor, connection, found.upgrade),
    host,
  };
}

/** The values of the dangerous fields, one per line. */
interface DangerousFields {
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
function dangerousFields(fields: Fields): DangerousFields {
  const found = {
    host: NONE,
    contentLength: NONE,
    transferEncoding: NONE,
    connection: NONE,
    expect: NONE,
    upgrade: NONE,
  };
  for (let i = 0; i < fields.length; i++) {
    switch (fields.nameLength(i)) {
      case 4:
        if (fields.nameIs(i, "host")) found.host = appended(found.host, hostValue(fields, i));
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

/** The host that was validated last: nearly all requests to a server name the same one. */
let lastHost = "";

function hostValue(fields: Fields, index: number): string {
  return fields.valueIs(index, lastHost) ? lastHost : fields.value(index);
}

/** Appends a value; allocates no array for the many fields that are absent. */
function appended(values: string[], value: string): string[] {
  if (values === NONE) return [value];
  values.push(value);
  return values;
}

/** RFC 9112, 3.2: "400 to any HTTP/1.1 request message that lacks a Host header field and to any that contains more than one". */
function decideHost(minor: number, values: string[]): string | null {
  if (values.length === 0) {
    if (minor === 0) return null;
    throw badHost("An HTTP/1.1 request needs a Host (RFC 9112, 3.2)");
  }
  if (values.length > 1) throw badHost("A request must have only one Host (RFC 9112, 3.2)");
  const host = values[0]!;
  if (host === lastHost && host !== "") return host;
  if (!isHost(host)) {
    throw badHost(`Host must be a host with an optional port: got ${quoted(host)} (RFC 9110, 7.2)`);
  }
  return lastHost = host;
}

/**
 * Applies RFC 9112, 6.3, and rejects everything that two recipients could read differently.
 *
 * Returns null if the request has neither field, which means no body.
 */
function decideBody(minor: number, lengths: string[], codings: string[]): BodyLength | null {
  if (codings.length === 0) return lengths.length === 0 ? null : contentLength(lengths);
  if (lengths.length > 0) {
    throw badCoding(
      "A request must not have both Content-Length and Transfer-Encoding (RFC 9112, 6.1)",
    );
  }
  if (minor === 0) {
    throw badCoding("An HTTP/1.0 request must not have a Transfer-Encoding (RFC 9112, 6.1)");
  }
  checkCodings(listMembers(codings.join(",")));
  return "chunked";
}

/**
 * Accepts one line of digits. A second line is rejected even if it is equal: RFC 9110, 8.6
 * allows a recipient to accept it, and a proxy that keeps the other line is how CL.CL works.
 */
function contentLength(values: string[]): number {
  if (values.length > 1) {
    throw badLength("A request must have only one Content-Length (RFC 9110, 8.6)");
  }
  const length = decimal(values[0]!);
  if (length >= 0) return length;
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
  const [name = "", ...parameters] = coding.split(";").map(trimmed);
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
function connectionOptions(values: string[]): string[] {
  if (values.length === 0) return NONE;
  if (values.length === 1 && values[0] === "keep-alive") return KEEP_ALIVE;
  return listMembers(values.join(",")).map((option) => option.toLowerCase());
}

/** RFC 9112, 9.3. */
function decidePersistence(minor: number, connection: string[]): boolean {
  if (connection.includes("close")) return false;
  return minor >= 1 || connection.includes("keep-alive");
}

/** RFC 9110, 10.1.1: ignores expectations in HTTP/1.0, rejects any but 100-continue. */
function decideExpect(minor: number, values: string[]): boolean {
  if (minor === 0 || values.length === 0) return false;
  if (values.length === 1 && values[0]!.toLowerCase() === "100-continue") return true;
  throw new HttpError(
    417,
    "expectation-failed",
    `The only expectation that can be met is 100-continue: got ${
      quoted(values.join(", "))
    } (RFC 9110, 10.1.1)`,
  );
}

/**
 * RFC 9110, 7.8: ignores Upgrade in HTTP/1.0, and if Connection does not name it. Ignores
 * `h2c` too: it is obsolete (RFC 9113, 3.1), and some clients offer it with every request.
 */
function decideUpgrade(minor: number, connection: string[], values: string[]): string | null {
  if (minor === 0 || values.length === 0 || !connection.includes("upgrade")) return null;
  const offered = listMembers(values.join(",")).filter((protocol) =>
    protocol.split("/").every(isToken) && protocol.toLowerCase() !== "h2c"
  );
  return offered.length === 0 ? null : offered.join(", ");
}

function badHost(message: string): HttpError {
  return new HttpError(400, "bad-host", message);
}

function badLength(message: string): HttpError {
  return new HttpError(400, "bad-content-length", message);
}

function badCoding(message: string): HttpError {
  return new HttpError(400, "bad-transfer-encoding", message);
}
