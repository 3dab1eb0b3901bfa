/**
 * Lines of a head or a trailer section, found in one pass.
 *
 * A line ends at CRLF and nowhere else (RFC 9112, 2.2 allows a recipient to take a
 * bare LF for a line end; two recipients that differ in it see two messages, see
 * CVE-2023-30589). The same pass refuses every control character, so nothing behind
 * it has to look for CR, LF or NUL again.
 *
 * The reader remembers how far it has looked: no byte is scanned twice, however the
 * input is split. Which error is found depends on the bytes only, never on the split.
 */
import { HttpError } from "../errors.ts";
import type { RejectCode } from "../errors.ts";
import { CR, LF, TEXT } from "./syntax.ts";

/** What a section allows, and how a breach is called. */
export interface SectionLimits {
  /** Bytes of the whole section. */
  readonly total: number;
  /** What to throw when there are more. */
  readonly totalBreach: () => HttpError;
}

/** How a line of more than `limit` bytes, which begins at `at`, is called. */
export type LineBreach = (bytes: Uint8Array, at: number, limit: number) => HttpError;

/** Finds one line after another. Places are counted from the start of the section. */
export class LineReader {
  /** Where the current line begins. */
  start = 0;
  #scanned = 0;
  readonly #limits: SectionLimits;

  constructor(limits: SectionLimits) {
    this.#limits = limits;
  }

  /** A new section begins. */
  reset(): void {
    this.start = this.#scanned = 0;
  }

  /**
   * The place where the current line ends (that of its CR), or -1 when the end has not arrived.
   *
   * `bytes[from..end)` is the section as far as it has arrived. `breach` says how a
   * line of more than `limit` bytes is called; it is given the line as far as it was read.
   */
  find(
    bytes: Uint8Array,
    from: number,
    end: number,
    limit: number,
    breach: LineBreach,
  ): number {
    const latestCr = from + this.start + limit;
    const sectionEnd = from + this.#limits.total;
    const stop = Math.min(end, latestCr + 1, sectionEnd);
    let at = from + this.#scanned;
    while (at < stop && TEXT[bytes[at]!] === 1) at++;
    this.#scanned = at - from;
    if (at > latestCr) throw breach(bytes, from + this.start, limit);
    if (at >= sectionEnd) throw this.#limits.totalBreach();
    if (at === end) return -1;
    if (bytes[at] !== CR) throw badByte(bytes[at]!);
    if (at + 1 >= sectionEnd) throw this.#limits.totalBreach();
    if (at + 1 === end) return -1;
    if (bytes[at + 1] !== LF) throw badByte(CR);
    return this.#scanned;
  }

  /** The line that `find` gave is done with. */
  next(): void {
    this.start = this.#scanned += 2;
  }
}

function badByte(byte: number): HttpError {
  if (byte === LF || byte === CR) {
    return reject(
      "bad-line-ending",
      `A line must end with CRLF: got a bare ${byte === LF ? "LF" : "CR"} (RFC 9112, 2.2)`,
    );
  }
  return reject(
    "bad-character",
    `A head must not contain control characters: got 0x${
      byte.toString(16).padStart(2, "0")
    } (RFC 9110, 5.5)`,
  );
}

function reject(code: RejectCode, message: string): HttpError {
  return new HttpError(400, code, message);
}
