/**
 * The lines of a head or a trailer section, found in one pass, and their fields.
 *
 * A line ends at CRLF and nowhere else (RFC 9112, 2.2 allows a recipient to accept a
 * bare LF as a line end; two recipients that disagree on it see different messages, see
 * CVE-2023-30589). The same pass rejects every control character, so later code need
 * not search for CR, LF or NUL again.
 *
 * `LineReader` remembers how far it has scanned: no byte is scanned twice, however the
 * input is split. Which error is thrown depends on the bytes only, never on the split.
 *
 * `field-line = field-name ":" OWS field-value OWS` (RFC 9112, 5). No whitespace
 * before the colon (5.1: a server MUST reject it), no line folding (5.2: a server
 * MUST reject it or replace it by spaces; replacing is how CVE-2022-32213 came back).
 */
import { HttpError } from "../errors.ts";
import type { RejectCode } from "../errors.ts";
import { Fields, NO_FIELDS } from "./fields.ts";
import type { ReadBuffer } from "./read_buffer.ts";
import { COLON, CR, isOws, LF, textEnd, TOKEN } from "./syntax.ts";

/** The maximum size of a section, and the error for a larger one. */
export interface SectionLimits {
  /** Bytes of the whole section. */
  readonly maxBytes: number;
  /** Returns the error to throw for more than `maxBytes`. */
  readonly tooLarge: () => HttpError;
}

/** Returns the error for a line of more than `limit` bytes that begins at `at`. */
export type LineTooLong = (bytes: Uint8Array, at: number, limit: number) => HttpError;

/** Finds one line after another. Offsets are relative to the start of the section. */
export class LineReader {
  /** Offset of the current line. */
  start = 0;
  /** Offset after the token, perhaps an empty one, that the current line begins with; -1 while more of it may arrive. */
  tokenEnd = -1;
  #scanned = 0;
  readonly #limits: SectionLimits;

  constructor(limits: SectionLimits) {
    this.#limits = limits;
  }

  /** Starts a new section. */
  reset(): void {
    this.start = this.#scanned = 0;
    this.tokenEnd = -1;
  }

  /**
   * Returns the offset of the CR that ends the current line, or -1 if it has not arrived.
   *
   * The section begins at the start of `input`. `lineTooLong` receives the line as far as it
   * was read, and returns the error for one of more than `limit` bytes.
   */
  find(input: ReadBuffer, limit: number, lineTooLong: LineTooLong): number {
    const { bytes, start, end } = input;
    const latestCr = start + this.start + limit;
    const sectionEnd = start + this.#limits.maxBytes;
    const at = this.#scan(input, Math.min(end, latestCr + 1, sectionEnd));
    if (at > latestCr) throw lineTooLong(bytes, start + this.start, limit);
    if (at >= sectionEnd) throw this.#limits.tooLarge();
    if (at === end) return -1;
    if (bytes[at] !== CR) throw badByte(bytes[at]!);
    if (at + 1 >= sectionEnd) throw this.#limits.tooLarge();
    if (at + 1 === end) return -1;
    if (bytes[at + 1] !== LF) throw badByte(CR);
    return this.#scanned;
  }

  /** Advances past the line that `find` has found. */
  next(): void {
    this.start = this.#scanned += 2;
    this.tokenEnd = -1;
  }

  /** Scans the token and the text behind it; returns the offset in `bytes` where they end, at most `stop`. */
  #scan({ bytes, view, start }: ReadBuffer, stop: number): number {
    let at = start + this.#scanned;
    if (this.tokenEnd === -1) {
      while (at < stop && TOKEN[bytes[at]!] === 1) at++;
      if (at < stop) this.tokenEnd = at - start;
    }
    at = textEnd(bytes, view, at, stop);
    this.#scanned = at - start;
    return at;
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

/** The bounds of a section's field lines, and the errors for exceeding them. */
export interface FieldLimits {
  /** Bytes of one line. */
  readonly maxLineBytes: number;
  readonly lineTooLong: LineTooLong;
  /** Fields of one section. */
  readonly maxFields: number;
  readonly tooManyFields: () => HttpError;
}

/** Collects the places of the fields of one section. */
export class FieldSection {
  readonly #limits: FieldLimits;
  #places: number[] = [];

  constructor(limits: FieldLimits) {
    this.#limits = limits;
  }

  /**
   * Reads field lines up to the empty line. Returns true once it was read: `lines.start` is
   * then the offset after it, and `take()` returns the fields.
   */
  read(lines: LineReader, input: ReadBuffer): boolean {
    const { maxLineBytes, lineTooLong, maxFields, tooManyFields } = this.#limits;
    for (;;) {
      const lineEnd = lines.find(input, maxLineBytes, lineTooLong);
      if (lineEnd === -1) return false;
      const { start, tokenEnd } = lines;
      if (lineEnd !== start) {
        if (this.#places.length / 2 >= maxFields) throw tooManyFields();
        this.#add(input, start, tokenEnd);
      }
      // Only now: an error leaves the reader at the line that is at fault.
      lines.next();
      if (lineEnd === start) return true;
    }
  }

  /** Returns the fields that were read, of the section with this text, and becomes empty. */
  take(text: string): Fields {
    if (this.#places.length === 0) return NO_FIELDS;
    const fields = new Fields(text, this.#places);
    this.#places = [];
    return fields;
  }

  #add({ bytes, start }: ReadBuffer, lineStart: number, nameEnd: number): void {
    if (bytes[start + nameEnd] !== COLON || nameEnd === lineStart) {
      throw badName(bytes, start + lineStart, start + nameEnd);
    }
    this.#places.push(lineStart, nameEnd);
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
