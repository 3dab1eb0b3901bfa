/**
 * Header fields, in the order in which they were received or will be sent.
 *
 * Never an object keyed by names: `__proto__` is a valid field name, and joining
 * two lines into one string has hidden more than one second `Host`.
 */
import type { FieldsInit } from "../fields_init.ts";
import { consistsOf, equalsIgnoreCase, isOws, isToken, latin1, spells, TEXT } from "./syntax.ts";

/** One header field: its name as it was sent, and its value. */
export type FieldPair = readonly [name: string, value: string];

/**
 * The fields of one section as received: names, values, order, case, duplicates.
 *
 * Stores offsets into the bytes; strings are created on access.
 */
export class Fields {
  readonly #bytes: Uint8Array;
  readonly #base: number;
  readonly #offsets: readonly number[];
  #pairs: readonly FieldPair[] | undefined;

  /** `offsets` holds four numbers per field, relative to `base`: name start and end, value start and end. */
  constructor(bytes: Uint8Array, base: number, offsets: readonly number[]) {
    this.#bytes = bytes;
    this.#base = base;
    this.#offsets = offsets;
  }

  get length(): number {
    return this.#offsets.length / 4;
  }

  nameLength(index: number): number {
    return this.#offsets[index * 4 + 1]! - this.#offsets[index * 4]!;
  }

  /** Whether the name of the field is `lower`, in any case. */
  nameIs(index: number, lower: string): boolean {
    const from = this.#base + this.#offsets[index * 4]!;
    return equalsIgnoreCase(this.#bytes, from, from + this.nameLength(index), lower);
  }

  /** Whether the value of the field is `text`, byte for byte. */
  valueIs(index: number, text: string): boolean {
    const from = this.#offsets[index * 4 + 2]!;
    if (this.#offsets[index * 4 + 3]! - from !== text.length) return false;
    return spells(this.#bytes, this.#base + from, text);
  }

  name(index: number): string {
    return this.#text(index * 4);
  }

  value(index: number): string {
    return this.#text(index * 4 + 2);
  }

  /** Returns names and values as received. */
  pairs(): readonly FieldPair[] {
    return this.#pairs ??= Object.freeze(
      Array.from(
        { length: this.length },
        (_, i) => Object.freeze([this.name(i), this.value(i)] as const),
      ),
    );
  }

  #text(at: number): string {
    return latin1(
      this.#bytes,
      this.#base + this.#offsets[at]!,
      this.#base + this.#offsets[at + 1]!,
    );
  }
}

/**
 * Fields for framing, routing or authentication: as trailers they would arrive after the
 * decision that depends on them (RFC 9110, 6.5.1).
 */
const NEVER_TRAILERS = new Set([
  ...["content-length", "transfer-encoding", "trailer", "te", "host", "connection", "upgrade"],
  ...[
    "keep-alive",
    "proxy-connection",
    "expect",
    "max-forwards",
    "range",
    "cache-control",
    "pragma",
  ],
  ...["if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range"],
  ...["authorization", "proxy-authorization", "authentication-info", "proxy-authenticate"],
  ...["www-authenticate", "cookie", "set-cookie", "age", "date", "expires", "location"],
  ...["retry-after", "vary", "warning", "content-encoding", "content-type", "content-range"],
]);

/** Whether a trailer section may contain a field of this name. */
export function isTrailerName(name: string): boolean {
  return !NEVER_TRAILERS.has(name.toLowerCase());
}

/** No fields at all. */
export const NO_FIELDS: Fields = new Fields(new Uint8Array(0), 0, []);

/**
 * Returns the members of a comma-separated list without the OWS around them.
 *
 * `#element` of RFC 9110, 5.6.1. Empty members are kept, because framing decisions must
 * see them. Only for fields whose members cannot contain a quoted comma.
 */
export function listMembers(value: string): string[] {
  return value.split(",").map(trimmed);
}

/** Removes SP and HTAB from both ends; `String.prototype.trim` would remove more. */
export function trimmed(text: string): string {
  // Not a regular expression: /[ \t]+$/ restarts at each of 8,000 spaces before a letter.
  let start = 0;
  let end = text.length;
  while (start < end && isOws(text.charCodeAt(start))) start++;
  while (end > start && isOws(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

/**
 * Validates fields to send: each name is a token, each value free of CR, LF, NUL and
 * other controls, so that no value can end its line and begin another (CWE-113).
 *
 * A record or an array keeps its case and its order.
 *
 * @throws {TypeError} The fields have the wrong shape, or one of them is invalid.
 */
export function fieldsToSend(init: FieldsInit | null | undefined): readonly FieldPair[] {
  if (init === undefined || init === null) return NO_PAIRS;
  if (hasFields(init, lastValidated)) return lastValidated;
  return lastValidated = Array.from(entriesOf(init)).flatMap(validatedPairs);
}

const NO_PAIRS: readonly FieldPair[] = Object.freeze([]);

/**
 * Most handlers send the same fields with each response: equal fields are not validated
 * again, and the encoder recognizes them by the identity of the array.
 */
let lastValidated: readonly FieldPair[] = NO_PAIRS;

/** Whether an array or a plain record consists of the fields in `pairs`. */
function hasFields(init: FieldsInit, pairs: readonly FieldPair[]): boolean {
  if (Array.isArray(init)) return arrayHasFields(init, pairs);
  if (Object.getPrototypeOf(init) !== Object.prototype) return false;
  if (Symbol.iterator in init) return false;
  let at = 0;
  for (const name in init) {
    const pair = pairs[at++];
    if (pair === undefined || pair[0] !== name || !Object.hasOwn(init, name)) return false;
    if (pair[1] !== (init as Record<string, unknown>)[name]) return false;
  }
  return at === pairs.length;
}

/** Compares with a loop: `every` skips holes, so `delete headers[0]` would send the previous call's field. */
function arrayHasFields(init: unknown[], pairs: readonly FieldPair[]): boolean {
  // A custom iterator yields other fields than those compared here.
  if (init.length !== pairs.length || init[Symbol.iterator] !== ARRAY_ITERATOR) return false;
  for (let i = 0; i < pairs.length; i++) if (!isPair(init[i], pairs[i])) return false;
  return true;
}

const ARRAY_ITERATOR = Array.prototype[Symbol.iterator];

function isPair(field: unknown, pair: FieldPair | undefined): boolean {
  return Array.isArray(field) && field.length === 2 && field[0] === pair![0] &&
    field[1] === pair![1];
}

function entriesOf(init: FieldsInit): Iterable<Iterable<unknown>> {
  if (typeof init !== "object") {
    throw new TypeError(
      `Header fields must be Headers, a record or an array of pairs: got ${typeof init}`,
    );
  }
  return Symbol.iterator in init ? init as Iterable<Iterable<unknown>> : Object.entries(init);
}

/** Returns a field for each line: one, or as many as the value has items. */
function validatedPairs(pair: string | Iterable<unknown>): FieldPair[] {
  const parts = typeof pair === "string" ? [pair] : [...pair];
  if (parts.length !== 2) {
    throw new TypeError(
      `A header field must be a pair of name and value: got ${parts.length} item${
        parts.length === 1 ? "" : "s"
      }`,
    );
  }
  const name = String(parts[0]);
  const values: unknown[] = Array.isArray(parts[1]) ? parts[1] : [parts[1]];
  return values.map((value) => validatedPair(name, String(value)));
}

function validatedPair(name: string, value: string): FieldPair {
  if (!isToken(name)) {
    throw new TypeError(
      `Invalid field name ${
        JSON.stringify(name)
      }: a name consists of letters, digits and !#$%&'*+-.^_\`|~ (RFC 9110, 5.6.2)`,
    );
  }
  if (!consistsOf(value, TEXT)) {
    throw new TypeError(
      `Invalid value of field "${name}": ${
        JSON.stringify(value)
      } has a control or a character above U+00FF (RFC 9110, 5.5)`,
    );
  }
  return [name, value];
}
