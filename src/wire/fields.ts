/**
 * Header fields, in the order in which they were received or will be sent.
 *
 * Never an object keyed by names: `__proto__` is a valid field name, and joining
 * two lines into one string has hidden more than one second `Host`.
 */
import type { FieldsInit } from "../fields_init.ts";
import { consistsOf, equalsIgnoreCase, isOws, isToken, TEXT } from "./syntax.ts";

/**
 * One header field: its name as it was sent, and its value.
 *
 * @example
 * ```ts
 * import { type FieldPair, RequestParser } from "@asynchttp/server/wire";
 *
 * const inLowerCase = ([name, value]: FieldPair): FieldPair => [name.toLowerCase(), value];
 *
 * const parser = new RequestParser();
 * parser.input.push(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\nX-A: b\r\n\r\n"));
 * const head = parser.next();
 * if (head.type !== "head") throw new Error("The head is not complete");
 * console.log(head.fields.pairs().map(inLowerCase)); // [ [ "host", "x" ], [ "x-a", "b" ] ]
 * ```
 */
export type FieldPair = readonly [name: string, value: string];

/**
 * The fields of one section as received: names, values, order, case, duplicates.
 *
 * Holds the text of the section and the places of its lines. Names and values are slices of
 * the text, made when they are read.
 *
 * @example The values of a field, one for each of its lines
 * ```ts
 * import { type Fields, RequestParser } from "@asynchttp/server/wire";
 *
 * function* valuesOf(fields: Fields, lower: string): Iterable<string> {
 *   for (let i = 0; i < fields.length; i++) if (fields.nameIs(i, lower)) yield fields.value(i);
 * }
 *
 * const parser = new RequestParser();
 * const sent = "GET / HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nACCEPT: text/plain\r\n\r\n";
 * parser.input.push(new TextEncoder().encode(sent));
 * const head = parser.next();
 * if (head.type !== "head") throw new Error("The head is not complete");
 * console.log([...valuesOf(head.fields, "accept")]); // [ "text/html", "text/plain" ]
 * ```
 */
export class Fields {
  readonly #text: string;
  readonly #places: readonly number[];
  #pairs: readonly FieldPair[] | undefined;

  /**
   * `text` ends with the empty line of the section. `places` holds two offsets per field: that
   * of its line, and that of the colon behind its name.
   *
   * @ignore Made by the parsers.
   */
  constructor(text: string, places: readonly number[]) {
    this.#text = text;
    this.#places = places;
  }

  /** The number of fields. */
  get length(): number {
    return this.#places.length / 2;
  }

  /**
   * Returns the length of the name of a field, which costs less than the name.
   *
   * @param index The place of the field, from 0 to `length`, not included.
   * @returns The length, in bytes.
   *
   * @example
   * ```ts
   * import { RequestParser } from "@asynchttp/server/wire";
   *
   * const parser = new RequestParser();
   * parser.input.push(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
   * const head = parser.next();
   * if (head.type === "head") console.log(head.fields.nameLength(0)); // 4
   * ```
   */
  nameLength(index: number): number {
    return this.#places[index * 2 + 1]! - this.#places[index * 2]!;
  }

  /**
   * Compares the name of a field, without making it.
   *
   * @param index The place of the field, from 0 to `length`, not included.
   * @param lower A name in lower case.
   * @returns Whether the name of the field is `lower`, in any case.
   *
   * @example
   * ```ts
   * import { RequestParser } from "@asynchttp/server/wire";
   *
   * const parser = new RequestParser();
   * parser.input.push(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
   * const head = parser.next();
   * if (head.type === "head") console.log(head.fields.nameIs(0, "host")); // true
   * ```
   */
  nameIs(index: number, lower: string): boolean {
    const at = index * 2;
    return equalsIgnoreCase(this.#text, this.#places[at]!, this.#places[at + 1]!, lower);
  }

  /**
   * Returns the name of a field.
   *
   * @param index The place of the field, from 0 to `length`, not included.
   * @returns The name as it was sent.
   *
   * @example
   * ```ts
   * import { RequestParser } from "@asynchttp/server/wire";
   *
   * const parser = new RequestParser();
   * parser.input.push(new TextEncoder().encode("GET / HTTP/1.1\r\nhOST: x\r\n\r\n"));
   * const head = parser.next();
   * if (head.type === "head") console.log(head.fields.name(0)); // hOST
   * ```
   */
  name(index: number): string {
    return this.#text.slice(this.#places[index * 2], this.#places[index * 2 + 1]);
  }

  /**
   * Returns the value of a field.
   *
   * @param index The place of the field, from 0 to `length`, not included.
   * @returns The value without the OWS around it (RFC 9112, 5.1), one character a byte.
   *
   * @example
   * ```ts
   * import { RequestParser } from "@asynchttp/server/wire";
   *
   * const parser = new RequestParser();
   * parser.input.push(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: \t x \r\n\r\n"));
   * const head = parser.next();
   * if (head.type === "head") console.log(head.fields.value(0)); // x
   * ```
   */
  value(index: number): string {
    const nextLine = this.#places[index * 2 + 2] ?? this.#text.length - CRLF;
    return trimmed(this.#text, this.#places[index * 2 + 1]! + 1, nextLine - CRLF);
  }

  /**
   * Returns all fields.
   *
   * @returns Names and values as received; always the same array.
   *
   * @example
   * ```ts
   * import { RequestParser } from "@asynchttp/server/wire";
   *
   * const parser = new RequestParser();
   * parser.input.push(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n"));
   * const head = parser.next();
   * if (head.type === "head") console.log(head.fields.pairs()); // [ [ "Host", "x" ], [ "A", "b" ] ]
   * ```
   */
  pairs(): readonly FieldPair[] {
    return this.#pairs ??= this.#createPairs();
  }

  #createPairs(): readonly FieldPair[] {
    const { length } = this;
    const pairs: FieldPair[] = [];
    for (let i = 0; i < length; i++) pairs.push(Object.freeze([this.name(i), this.value(i)]));
    return Object.freeze(pairs);
  }
}

/** The length of a line end. */
const CRLF = 2;

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
export const NO_FIELDS: Fields = new Fields("", []);

/**
 * Returns the members of a comma-separated list without the OWS around them.
 *
 * `#element` of RFC 9110, 5.6.1. Empty members are kept, because framing decisions must
 * see them. Only for fields whose members cannot contain a quoted comma.
 */
export function listMembers(value: string): string[] {
  return value.split(",").map((member) => trimmed(member));
}

/** Returns `text[start..end)` without SP and HTAB at its ends; `String.prototype.trim` would remove more. */
export function trimmed(text: string, start = 0, end = text.length): string {
  // Not a regular expression: /[ \t]+$/ restarts at each of 8,000 spaces before a letter.
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
