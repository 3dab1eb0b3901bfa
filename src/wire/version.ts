/**
 * `HTTP-version = HTTP-name "/" DIGIT "." DIGIT` (RFC 9112, 2.3): exactly eight bytes, in upper
 * case. `HTTP/1.10` could be read as 1.1.
 */
import { HttpError, quoted } from "../errors.ts";
import { latin1 } from "./latin1.ts";
import { isDigit, spells } from "./syntax.ts";

/**
 * The HTTP version of a message (RFC 9112, 2.3).
 *
 * @example
 * ```ts
 * import type { Protocol } from "@asynchttp/server";
 * import { serveInMemory } from "@asynchttp/server/testing";
 *
 * const isOld = ({ minor }: Protocol) => minor === 0;
 *
 * await using server = serveInMemory((request) => request.respond(200, `${isOld(request.protocol)}`));
 * console.log(await (await server.fetch("/")).text()); // false
 * ```
 */
export interface Protocol {
  /** The version as it was sent, such as `"HTTP/1.1"`. */
  readonly orig: string;
  /** The major version; always 1, because others are rejected with 505. */
  readonly major: number;
  /** The minor version, 0 to 9. */
  readonly minor: number;
}

/** The length of a version in bytes. */
export const VERSION_BYTES = 8;

const HTTP_1_0: Protocol = Object.freeze({ orig: "HTTP/1.0", major: 1, minor: 0 });
const HTTP_1_1: Protocol = Object.freeze({ orig: "HTTP/1.1", major: 1, minor: 1 });

/**
 * Returns the version that the eight bytes at `start` spell; null if they spell none.
 *
 * @throws {HttpError} Its major version is not 1.
 */
export function readVersion(bytes: Uint8Array, start: number): Protocol | null {
  const major = bytes[start + 5]!;
  const minor = bytes[start + 7]!;
  const wellFormed = spells(bytes, start, "HTTP/") && isDigit(major) &&
    bytes[start + 6] === 0x2e && isDigit(minor);
  if (!wellFormed) return null;
  if (major !== 0x31) throw unsupported(latin1(bytes, start, start + VERSION_BYTES));
  if (minor === 0x31) return HTTP_1_1;
  if (minor === 0x30) return HTTP_1_0;
  const orig = latin1(bytes, start, start + VERSION_BYTES);
  return Object.freeze({ orig, major: 1, minor: minor - 0x30 });
}

function unsupported(version: string): HttpError {
  return new HttpError(
    505,
    "unsupported-version",
    `Version must be HTTP/1.0 or HTTP/1.1: got ${quoted(version)} (RFC 9112, 2.3)`,
  );
}
