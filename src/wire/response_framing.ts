/**
 * The decisions about a response, taken once, before its first byte is written.
 *
 * The server owns Content-Length, Transfer-Encoding and Connection: they say where
 * the next response begins, so a handler's word on them is checked or refused.
 */
import { listMembers } from "./fields.ts";
import type { FieldPair } from "./fields.ts";
import { decimal } from "./syntax.ts";

/** What a response answers, and what it is made of. */
export interface ResponseFacts {
  /** Of the request. */
  readonly method: string;
  /** Of the request's HTTP version. */
  readonly minor: number;
  readonly status: number;
  /** What the caller gave, checked. */
  readonly fields: readonly FieldPair[];
  /** Bytes of the content; null when it is a stream, whose end nobody knows yet. */
  readonly size: number | null;
  /** May the connection persist, as far as everybody but the caller is concerned? */
  readonly persistent: boolean;
}

/** What was decided about a response. */
export interface ResponseFraming {
  /** Is the content written, or only spoken of? */
  readonly sendsContent: boolean;
  /** What becomes of Content-Length: a number is added, "given" stands among the caller's fields, "none" is left out. */
  readonly length: number | "given" | "none";
  /** What the caller says that Content-Length is; null when the caller does not. */
  readonly givenLength: number | null;
  /** Is the content sent in chunks? */
  readonly chunked: boolean;
  /** The value of Connection; null when there is nothing to say. */
  readonly connection: string | null;
  /** May another request follow? */
  readonly persistent: boolean;
}

/**
 * Takes all decisions about a response.
 *
 * @throws {TypeError} The caller's fields contradict the content or each other.
 */
export function decideResponse(facts: ResponseFacts): ResponseFraming {
  const given = framingFields(facts.fields);
  const tunnel = opensTunnel(facts);
  const sendsContent = !tunnel && mayHaveContent(facts.method, facts.status);
  const length = tunnel ? "none" : decideLength(facts, given.contentLength, sendsContent);
  const endless = sendsContent && length === "none";
  const chunked = endless && facts.minor >= 1;
  // RFC 9112, 6.3: a response of unknown length to HTTP/1.0 ends with its connection.
  const untilClose = tunnel || (endless && !chunked);
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

/** RFC 9112, 6.3: never a body after HEAD, with 1xx, 204 or 304; RFC 9110, 15.3.6: nor with 205. */
function mayHaveContent(method: string, status: number): boolean {
  return method !== "HEAD" && status >= 200 && status !== 204 && status !== 205 && status !== 304;
}

/**
 * After a 2xx the client of CONNECT takes every byte for its tunnel (RFC 9110,
 * 9.3.6: no length, no coding). An ordinary answer has no tunnel behind it: it ends.
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
      } does not match the content of ${size} bytes: leave it out, it is added`,
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

/** What the caller says about framing. */
interface FramingFields {
  contentLength: string | null;
  /** The options of Connection, in the case they were given. */
  connection: readonly string[];
}

const NOTHING_SAID: FramingFields = { contentLength: null, connection: [] };

function framingFields(fields: readonly FieldPair[]): FramingFields {
  let said = NOTHING_SAID;
  for (const [name, value] of fields) {
    if (isNamed(name, "content-length")) {
      if (said.contentLength !== null) {
        throw new TypeError("Content-Length must be given only once");
      }
      said = { ...said, contentLength: value };
    } else if (isNamed(name, "connection")) {
      said = { ...said, connection: [...said.connection, ...listMembers(value)] };
    } else if (isNamed(name, "transfer-encoding")) {
      throw new TypeError("Transfer-Encoding must not be given: the server chooses it");
    }
  }
  return said;
}

/** Is `name` this field? Its length is compared first: that ends most comparisons. */
export function isNamed(name: string, lower: string): boolean {
  return name.length === lower.length && name.toLowerCase() === lower;
}

function isClose(option: string): boolean {
  return isNamed(option, "close");
}

/** RFC 9112, 9.3 and 9.6: `close` where it ends, `keep-alive` where HTTP/1.0 persists; other options are the caller's. */
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

/** The fields of `101 Switching Protocols` (RFC 9110, 7.8 and 15.2.2): `Connection` and, unless the caller names one, the first protocol that was offered. */
export function upgradeFields(offered: string, given: readonly FieldPair[]): readonly FieldPair[] {
  const named = given.some(([name]) => isNamed(name, "upgrade"));
  const fields: FieldPair[] = [["Connection", "Upgrade"]];
  if (!named) fields.push(["Upgrade", offered.split(",")[0]!]);
  return [...fields, ...given.filter(([name]) => !isNamed(name, "connection"))];
}

/**
 * Checks the fields of a response that has no content by its nature: 1xx, or 2xx to CONNECT.
 *
 * @throws {TypeError} One of them says how long the content is (RFC 9110, 8.6 and 9.3.6;
 * RFC 9112, 6.1: a server MUST NOT send it).
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
