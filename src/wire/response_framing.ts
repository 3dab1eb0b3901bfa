/**
 * The decisions about a response, taken once, before its first byte is written.
 *
 * The server owns Content-Length, Transfer-Encoding and Connection: they determine where
 * the next response begins, so a handler's values are checked, or rejected.
 */
import { listMembers } from "./fields.ts";
import type { FieldPair } from "./fields.ts";
import { decimal } from "./syntax.ts";

/** The facts about a request and its response that determine the framing. */
export interface ResponseFacts {
  /** The method of the request. */
  readonly method: string;
  /** The minor HTTP version of the request. */
  readonly minor: number;
  readonly status: number;
  /** The caller's fields, already checked. */
  readonly fields: readonly FieldPair[];
  /** The size of the content in bytes; null for a stream of unknown size. */
  readonly size: number | null;
  /** Whether the connection may persist, before the caller's `Connection` field is taken into account. */
  readonly persistent: boolean;
}

/** The decisions about a response. */
export interface ResponseFraming {
  /** Whether the content is sent. */
  readonly sendsContent: boolean;
  /** The Content-Length: a number to add, "given" if it is among the caller's fields, "none" if it is omitted. */
  readonly length: number | "given" | "none";
  /** The caller's Content-Length; null if it is not given, or not sent. */
  readonly givenLength: number | null;
  /** Whether the content is sent in chunks. */
  readonly chunked: boolean;
  /** The value of Connection; null if the field is not needed. */
  readonly connection: string | null;
  /** Whether another request may follow. */
  readonly persistent: boolean;
}

/**
 * Makes all decisions about a response.
 *
 * @throws {TypeError} The handler's fields contradict the content or each other.
 */
export function decideResponse(facts: ResponseFacts): ResponseFraming {
  const given = framingFields(facts.fields);
  const tunnel = opensTunnel(facts);
  const sendsContent = !tunnel && mayHaveContent(facts.method, facts.status);
  const length = tunnel ? "none" : decideLength(facts, given.contentLength, sendsContent);
  const isUnbounded = sendsContent && length === "none";
  const chunked = isUnbounded && facts.minor >= 1;
  // RFC 9112, 6.3: a response of unknown length to HTTP/1.0 ends with its connection.
  const untilClose = tunnel || (isUnbounded && !chunked);
  const persistent = facts.persistent && !untilClose && !given.connection.some(isClose);
  return {
    sendsContent,
    length,
    givenLength: length === "given" ? decimal(given.contentLength!) : null,
    chunked,
    connection: connectionValue(facts.minor, persistent, given.connection),
    persistent,
  };
}

/** RFC 9112, 6.3: no content in response to HEAD, or with 1xx, 204 or 304; RFC 9110, 15.3.6: nor with 205. */
function mayHaveContent(method: string, status: number): boolean {
  return method !== "HEAD" && status >= 200 && status !== 204 && status !== 205 && status !== 304;
}

/**
 * After a 2xx to CONNECT the client treats every byte as data of its tunnel (RFC 9110,
 * 9.3.6: no length, no coding). An ordinary response opens no tunnel: the connection closes.
 */
function opensTunnel({ method, status }: ResponseFacts): boolean {
  return method === "CONNECT" && status >= 200 && status < 300;
}

function decideLength(
  { status, method, size }: ResponseFacts,
  given: string | null,
  sendsContent: boolean,
): number | "given" | "none" {
  // RFC 9110, 8.6: "MUST NOT send a Content-Length header field in any response with a status code of 1xx or 204".
  if (status === 204 || status < 200) return "none";
  if (status === 205) return 0;
  if (given === null) return status === 304 || size === null ? "none" : size;
  if (sendsContent && size !== null && decimal(given) !== size) {
    throw new TypeError(
      `Content-Length ${
        JSON.stringify(given)
      } does not match the content of ${size} bytes: omit it, the server adds it`,
    );
  }
  if (decimal(given) < 0) {
    throw new TypeError(
      `Content-Length of a response to ${method} must be a decimal number: got ${
        JSON.stringify(given)
      }`,
    );
  }
  return "given";
}

/** The caller's fields about framing. */
interface FramingFields {
  contentLength: string | null;
  /** The options of Connection, in the caller's case. */
  connection: readonly string[];
}

const NO_FRAMING_FIELDS: FramingFields = { contentLength: null, connection: [] };

function framingFields(fields: readonly FieldPair[]): FramingFields {
  let found = NO_FRAMING_FIELDS;
  for (const [name, value] of fields) {
    if (isNamed(name, "content-length")) {
      if (found.contentLength !== null) {
        throw new TypeError("Content-Length must be given only once");
      }
      found = { ...found, contentLength: value };
    } else if (isNamed(name, "connection")) {
      found = { ...found, connection: [...found.connection, ...listMembers(value)] };
    } else if (isNamed(name, "transfer-encoding")) {
      throw new TypeError("Transfer-Encoding must not be given: the server chooses it");
    }
  }
  return found;
}

/** Whether `name` is the field `lower`. Compares the lengths first, which settles most comparisons. */
export function isNamed(name: string, lower: string): boolean {
  return name.length === lower.length && name.toLowerCase() === lower;
}

function isClose(option: string): boolean {
  return isNamed(option, "close");
}

/** RFC 9112, 9.3 and 9.6: `close` if the connection ends, `keep-alive` if it persists in HTTP/1.0, and the caller's other options. */
function connectionValue(
  minor: number,
  persistent: boolean,
  given: readonly string[],
): string | null {
  const others = given.filter((option) =>
    option !== "" && !isClose(option) && !isNamed(option, "keep-alive")
  );
  if (!persistent) return ["close", ...others].join(", ");
  if (minor === 0) return ["keep-alive", ...others].join(", ");
  return others.length > 0 ? others.join(", ") : null;
}

/** Returns the fields of `101 Switching Protocols` (RFC 9110, 7.8 and 15.2.2): `Connection` and, unless the caller names a protocol, the first one offered. */
export function upgradeFields(offered: string, given: readonly FieldPair[]): readonly FieldPair[] {
  const named = given.some(([name]) => isNamed(name, "upgrade"));
  const fields: FieldPair[] = [["Connection", "Upgrade"]];
  if (!named) fields.push(["Upgrade", offered.split(",")[0]!]);
  return [...fields, ...given.filter(([name]) => !isNamed(name, "connection"))];
}

/**
 * Checks the fields of a response that never has content: 1xx, or 2xx to CONNECT.
 *
 * @throws {TypeError} One of them specifies the length of the content (RFC 9110, 8.6 and
 * 9.3.6; RFC 9112, 6.1: a server MUST NOT send it).
 */
export function checkBareFields(fields: readonly FieldPair[]): void {
  for (const [name] of fields) {
    if (isNamed(name, "content-length") || isNamed(name, "transfer-encoding")) {
      throw new TypeError(
        `Field "${name}" must not be sent in a response without content (RFC 9110, 8.6)`,
      );
    }
  }
}
