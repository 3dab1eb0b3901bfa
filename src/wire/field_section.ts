/**
 * Field lines up to the empty line: the header section, and the trailer section.
 *
 * `field-line = field-name ":" OWS field-value OWS` (RFC 9112, 5). No whitespace
 * before the colon (5.1: a server MUST reject it), no line folding (5.2: a server
 * MUST reject it or undo it; undoing it is where CVE-2022-32213 came back).
 */
import { HttpError } from "../errors.ts";
import { Fields, NO_FIELDS } from "./fields.ts";
import type { LineBreach, LineReader } from "./lines.ts";
import { COLON, isOws, TOKEN } from "./syntax.ts";

/** What a section allows, and how a breach is called. */
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
    return badField(
      "A header line must not begin with whitespace: line folding is obsolete (RFC 9112, 5.2)",
    );
  }
  if (at === lineStart) {
    return badField("A header line must begin with a field name (RFC 9112, 5.1)");
  }
  if (isOws(found)) {
    return badField(
      "A field name must be followed by a colon without whitespace between (RFC 9112, 5.1)",
    );
  }
  return badField("A header line must be a field name, a colon and a value (RFC 9112, 5)");
}

function badField(message: string): HttpError {
  return new HttpError(400, "bad-field", message);
}
