/**
 * One row, many runners: a byte case is data, and each runs whole, byte by byte, split in
 * two at every place, and with a second request behind it.
 *
 * Events are written as text, so that a row is readable:
 *
 * ```text
 * GET /path HTTP/1.1     a head
 * data abc               the body so far, adjacent pieces joined
 * end                    the end; with trailers: end A=1 B=2
 * 400 bad-chunk          refused
 * ```
 */
import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { bytesOf, textOf } from "../fixtures.ts";
import { HttpError } from "../../src/errors.ts";
import type { FieldPair } from "../../src/wire/fields.ts";
import type { Framing } from "../../src/wire/request_framing.ts";
import type { RequestHead } from "../../src/wire/request_head.ts";
import { RequestParser } from "../../src/wire/request_parser.ts";
import type { MessageLimits, RequestParserOptions } from "../../src/wire/parser_options.ts";

/** Facts that a row may state about its first head, besides the request line. */
export interface Facts extends Framing {
  readonly fields: readonly FieldPair[];
  readonly form: string;
  /** The result of `head.url("http", "local:1")`. */
  readonly url: string;
  readonly pathname: string;
}

export interface RowOptions {
  readonly profile?: "original" | "rfc";
  readonly maxBody?: number;
  readonly limits?: Partial<MessageLimits>;
}

/** Without limits. */
export const UNBOUNDED: RowOptions = {
  maxBody: Infinity,
  limits: {
    line: Infinity,
    head: Infinity,
    headers: Infinity,
    chunkLine: Infinity,
    chunkExtensions: Infinity,
    trailers: Infinity,
    trailerFields: Infinity,
  },
};

/** Bytes, one a character, and the events that they must give. */
export interface Row extends RowOptions {
  readonly title: string;
  readonly bytes: string;
  readonly events: readonly string[];
  readonly facts?: Partial<Facts>;
}

export function parserOptions(
  { profile = "original", maxBody, limits }: RowOptions,
): RequestParserOptions {
  return { profile, maxBody, limits };
}

/** A way to put bytes into a parser. */
export type Feed = (parser: RequestParser, piece: Uint8Array) => void;

const POISON = 0xaa;

/** Uses `push`, from memory that is overwritten afterwards. */
export function byPush(parser: RequestParser, piece: Uint8Array): void {
  const lent = piece.slice();
  parser.input.push(lent);
  lent.fill(POISON);
}

/** Uses `space` as a socket does, and leaves garbage in the space that is not filled. */
export function bySpace(parser: RequestParser, piece: Uint8Array): void {
  for (let at = 0; at < piece.length;) {
    const room = parser.input.space();
    assert(room.length > 0, "space() must give room");
    room.fill(POISON);
    const part = piece.subarray(at, at + room.length);
    room.set(part);
    parser.input.filled(part.length);
    at += part.length;
  }
}

/** The output of one parser. */
export interface Seen {
  readonly events: readonly string[];
  readonly heads: readonly RequestHead[];
}

/** Feeds the pieces one by one, asks for events after each, and ends the input. */
export function run(pieces: readonly Uint8Array[], options: RowOptions, feed: Feed): Seen {
  const parser = new RequestParser(parserOptions(options));
  const seen = { events: [] as string[], heads: [] as RequestHead[] };
  for (const piece of pieces) {
    feed(parser, piece);
    const error = drain(parser, seen);
    if (error !== null) {
      assertThrowsForever(parser, error);
      seen.events.push(errorText(error));
      return seen;
    }
  }
  seen.events.push(...endOf(parser));
  return seen;
}

/** Takes events until need-data or an error. */
function drain(
  parser: RequestParser,
  seen: { events: string[]; heads: RequestHead[] },
): HttpError | null {
  try {
    for (;;) {
      const event = parser.next();
      if (event.type === "need-data") return null;
      if (event.type === "head") {
        seen.heads.push(event);
        seen.events.push(`${event.method} ${event.target} ${event.protocol.orig}`);
        assertEquals(event.protocol.major, 1);
        assertEquals(event.protocol.orig, `HTTP/1.${event.protocol.minor}`);
      } else if (event.type === "data") {
        addData(seen.events, event.bytes);
      } else {
        const trailers = event.trailers.pairs().map(([name, value]) => ` ${name}=${value}`);
        seen.events.push("end" + trailers.join(""));
      }
    }
  } catch (error) {
    assertInstanceOf(error, HttpError);
    return error;
  }
}

function addData(events: string[], bytes: Uint8Array): void {
  assert(bytes.length > 0, "A data event must not be empty");
  const last = events.at(-1)!;
  if (last.startsWith("data ")) events[events.length - 1] = last + textOf(bytes);
  else events.push("data " + textOf(bytes));
}

function errorText(error: HttpError): string {
  return `${error.status} ${error.code}`;
}

/** Asserts that the parser throws the same error forever, whatever else arrives. */
function assertThrowsForever(parser: RequestParser, error: HttpError): void {
  for (const more of ["", NEIGHBOUR]) {
    parser.input.push(bytesOf(more));
    assert(assertThrows(() => parser.next(), HttpError) === error, "The same error must come");
    assert(assertThrows(() => parser.finish(), HttpError) === error, "finish() must throw it too");
  }
}

function endOf(parser: RequestParser): string[] {
  try {
    assertEquals(parser.finish(), true);
    return [];
  } catch (error) {
    assertInstanceOf(error, HttpError);
    return [errorText(error)];
  }
}

/** A request that must follow an accepted one; so small that it exceeds no row's limits. */
const NEIGHBOUR = "GET /next HTTP/1.0\r\n\r\n";
const NEIGHBOUR_EVENTS = ["GET /next HTTP/1.0", "end"];

/** All rows that were registered: other tests put them through other readers. */
export const ROWS: Row[] = [];

/** Registers one test a row, which runs it in every way. */
export function testRows(rows: readonly Row[]): void {
  ROWS.push(...rows);
  for (const row of rows) Deno.test(row.title, () => checkRow(row));
}

/** Runs one row in every way. */
export function checkRow(row: Row): void {
  const bytes = bytesOf(row.bytes);
  for (const feed of [byPush, bySpace]) {
    check(row, "whole", run([bytes], row, feed), row.events);
    check(
      row,
      "byte by byte",
      run(Array.from(bytes, (b) => Uint8Array.of(b)), row, feed),
      row.events,
    );
    for (const at of placesToSplit(bytes)) {
      const pieces = [bytes.subarray(0, at), bytes.subarray(at)];
      check(row, `split at ${at}`, run(pieces, row, feed), row.events);
    }
    checkWithNeighbour(row, feed);
  }
}

function checkWithNeighbour(row: Row, feed: Feed): void {
  const last = row.events.at(-1);
  if (last === "400 incomplete-message") return; // the neighbour would complete it
  const refused = /^[45]\d\d /.test(last!);
  const expected = refused ? row.events : [...row.events, ...NEIGHBOUR_EVENTS];
  const bytes = bytesOf(row.bytes + NEIGHBOUR);
  check(row, "with a neighbour", run([bytes], row, feed), expected);
  check(
    row,
    "with a neighbour, byte by byte",
    run(Array.from(bytes, (b) => Uint8Array.of(b)), row, feed),
    expected,
  );
}

function check(row: Row, how: string, seen: Seen, expected: readonly string[]): void {
  assertEquals(seen.events, expected, `${row.title}: ${how}`);
  if (row.facts === undefined) return;
  // Only after everything was read: a head must outlive the bytes that it came from.
  assertEquals(factsOf(seen.heads[0]!, row.facts), row.facts, `${row.title}: ${how}`);
}

function factsOf(head: RequestHead, wanted: Partial<Facts>): Partial<Facts> {
  const url = head.url("http", "local:1");
  const facts: Facts = {
    ...head.framing,
    fields: head.fields.pairs(),
    form: head.targetForm,
    url: url.href,
    pathname: url.pathname,
  };
  return Object.fromEntries(Object.entries(facts).filter(([name]) => name in wanted));
}

const EVERY_PLACE = 2048;

/** Returns every place; for long inputs some 200 spread evenly, and those around line ends. */
export function placesToSplit(bytes: Uint8Array): readonly number[] {
  const places = new Set<number>();
  const step = bytes.length <= EVERY_PLACE ? 1 : Math.ceil(bytes.length / 200);
  for (let at = 1; at < bytes.length; at += step) places.add(at);
  const lineEnds = bytes.indexOf(0x0a) === -1 ? [] : lineEndsOf(bytes);
  for (const end of lineEnds) {
    for (const at of [end - 1, end, end + 1]) {
      if (at > 0 && at < bytes.length) places.add(at);
    }
  }
  return [...places];
}

/** Returns the line ends; of many only the first and the last 20. */
function lineEndsOf(bytes: Uint8Array): number[] {
  const ends: number[] = [];
  for (let at = bytes.indexOf(0x0a); at !== -1; at = bytes.indexOf(0x0a, at + 1)) ends.push(at);
  return ends.length <= 40 ? ends : [...ends.slice(0, 20), ...ends.slice(-20)];
}
