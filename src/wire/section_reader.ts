/**
 * The lines of a head or a trailer section, found in one pass, and their fields.
 *
 * A line ends at CRLF and nowhere else (RFC 9112, 2.2 allows a recipient to take a
 * bare LF for a line end; two recipients that differ in it see two messages, see
 * CVE-2023-30589). The same pass refuses every control character, so nothing behind
 * it has to look for CR, LF or NUL again.
 *
 * `LineReader` remembers how far it has looked: no byte is scanned twice, however the
 * input is split. Which error is found depends on the bytes only, never on the split.
 *
 * `field-line = field-name ":" OWS field-value OWS` (RFC 9112, 5). No whitespace
 * before the colon (5.1: a server MUST reject it), no line folding (5.2: a server
 * MUST reject it or undo it; undoing it is where CVE-2022-32213 came back).
 */
import { HttpError } from "../errors.ts";
import type { RejectCode } from "../errors.ts";
import { Fields, NO_FIELDS } from "./fields.ts";
import { COLON, CR, isOws, LF, TEXT, TOKEN } from "./syntax.ts";

/** The size that a section may have, and how a breach is called. */
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

/** The field lines that a section may have, and how a breach is called. */
export interface FieldLimits {
  /** Bytes of one line. */
  readonly line: number;
  readonly lineBreach: LineBreach;
  /** How many fields. */
  readonly count: number;
  readonly countBreach: () => HttpError;
}

/** Collects the places of the fields of one section. */
export class FieldSection {
  readonly #limits: FieldLimits;
  #places: number[] = [];

  constructor(limits: FieldLimits) {
    this.#limits = limits;
  }

  /**
   * Reads on to the empty line. True when it was there: `lines.start` is then the
   * place behind it, and `take()` has the fields.
   */
  read(lines: LineReader, bytes: Uint8Array, from: number, end: number): boolean {
    const { line, lineBreach, count, countBreach } = this.#limits;
    for (;;) {
      const lineEnd = lines.find(bytes, from, end, line, lineBreach);
      if (lineEnd === -1) return false;
      const lineStart = lines.start;
      lines.next();
      if (lineEnd === lineStart) return true;
      if (this.#places.length / 4 >= count) throw countBreach();
      this.#add(bytes, from, lineStart, lineEnd);
    }
  }

  /** The fields that were read, the bytes of the section being kept from `from` on; it is empty again. */
  take(bytes: Uint8Array, from: number): Fields {
    if (this.#places.length === 0) return NO_FIELDS;
    const fields = new Fields(bytes, from, this.#places);
    this.#places = [];
    return fields;
  }

  /** The CR at `lineEnd` belongs to no class: it stops every loop but the last. */
  #add(bytes: Uint8Array, from: number, lineStart: number, lineEnd: number): void {
    let at = from + lineStart;
    while (TOKEN[bytes[at]!] === 1) at++;
    if (bytes[at] !== COLON || at === from + lineStart) throw badName(bytes, from + lineStart, at);
    const nameEnd = at++;
    while (isOws(bytes[at]!)) at++;
    let valueEnd = from + lineEnd;
    while (valueEnd > at && isOws(bytes[valueEnd - 1]!)) valueEnd--;
    this.#places.push(lineStart, nameEnd - from, at - from, valueEnd - from);
  }
}

function badName(bytes: Uint8Array, lineStart: number, at: number): HttpError {
  const found = bytes[at]!;
  if (at === lineStart && isOws(found)) {
    return reject(
      "bad-field",
      "A header line must not begin with whitespace: line folding is obsolete (RFC 9112, 5.2)",
    );
  }
  if (at === lineStart) {
    return reject("bad-field", "A header line must begin with a field name (RFC 9112, 5.1)");
  }
  if (isOws(found)) {
    return reject(
      "bad-field",
      "A field name must be followed by a colon without whitespace between (RFC 9112, 5.1)",
    );
  }
  return reject(
    "bad-field",
    "A header line must be a field name, a colon and a value (RFC 9112, 5)",
  );
}
