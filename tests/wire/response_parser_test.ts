/**
 * The response parser. Each row runs whole, byte by byte, and split in two at every place, with
 * `push` and with `space`; then the input ends.
 *
 * ```text
 * 200 OK HTTP/1.1          a head
 * 103 Early Hints interim  an interim one
 * data abc                 the body so far
 * end                      the end; with trailers: end A=1
 * switched, abc            another protocol, and its first bytes
 * bad-chunk                refused, with status 502
 * ```
 */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { HttpError } from "../../src/errors.ts";
import type { ResponseParserOptions } from "../../src/wire/parser_options.ts";
import type { AwaitedResponse } from "../../src/wire/response_head.ts";
import { ResponseParser } from "../../src/wire/response_parser.ts";
import { bytesOf, textOf } from "../fixtures.ts";
import { bySpace, placesToSplit } from "./runners.ts";

interface Row {
  readonly title: string;
  /** The methods of the requests, one GET if omitted; `GET:a/1` offers a protocol. */
  readonly methods?: string;
  readonly bytes: string;
  readonly events: readonly string[];
  readonly options?: ResponseParserOptions;
}

function awaitedOf(method: string): AwaitedResponse {
  const [name = "", upgrade] = method.split(":");
  return { method: name, upgrade };
}

type Feed = (parser: ResponseParser, piece: Uint8Array) => void;

function byPush(parser: ResponseParser, piece: Uint8Array): void {
  const lent = piece.slice();
  parser.input.push(lent);
  lent.fill(0xaa);
}

/** Feeds the pieces, asks for events after each, and ends the input. */
function run(
  { methods = "GET", options }: Row,
  pieces: readonly Uint8Array[],
  feed: Feed,
): string[] {
  const parser = new ResponseParser(options);
  for (const method of methods.split(" ").filter(Boolean)) parser.expect(awaitedOf(method));
  const events: string[] = [];
  try {
    for (const piece of pieces) {
      feed(parser, piece);
      drain(parser, events);
    }
    parser.finish();
    drain(parser, events);
    parser.finish();
  } catch (error) {
    assertInstanceOf(error, HttpError);
    assertEquals(error.status, 502);
    assertThrowsForever(parser, error);
    events.push(error.code);
  }
  return events;
}

/** Takes events until more input is needed, or HTTP has ended. */
function drain(parser: ResponseParser, events: string[]): void {
  for (;;) {
    const event = parser.next();
    switch (event.type) {
      case "need-data":
        return;
      case "switched":
        if (events.at(-1)?.startsWith("switched, ")) {
          events.push(events.pop()! + textOf(parser.input.takeAll()));
        } else events.push(`switched, ${textOf(parser.input.takeAll())}`);
        return;
      case "data":
        assert(event.bytes.length > 0, "A data event must not be empty");
        if (events.at(-1)!.startsWith("data ")) events.push(events.pop()! + textOf(event.bytes));
        else events.push("data " + textOf(event.bytes));
        break;
      case "end":
        events.push(["end", ...event.trailers.pairs().map((pair) => pair.join("="))].join(" "));
        break;
      default:
        events.push(
          `${event.status} ${event.statusText} ${
            event.type === "interim" ? "interim" : event.protocol.orig
          }`,
        );
    }
  }
}

/** A parser that has failed throws the same error, whatever else arrives. */
function assertThrowsForever(parser: ResponseParser, error: HttpError): void {
  for (const more of ["", "HTTP/1.1 204 \r\n\r\n"]) {
    parser.input.push(bytesOf(more));
    assertStrictEquals(assertThrows(() => parser.next(), HttpError), error);
    assertStrictEquals(assertThrows(() => parser.finish(), HttpError), error);
  }
}

function testRows(rows: readonly Row[]): void {
  for (const row of rows) {
    Deno.test(row.title, () => {
      const bytes = bytesOf(row.bytes);
      for (const feed of [byPush, bySpace as unknown as Feed]) {
        assertEquals(run(row, [bytes], feed), row.events, "whole");
        const single = Array.from(bytes, (byte) => Uint8Array.of(byte));
        assertEquals(run(row, single, feed), row.events, "byte by byte");
        for (const at of placesToSplit(bytes)) {
          const pieces = [bytes.subarray(0, at), bytes.subarray(at)];
          assertEquals(run(row, pieces, feed), row.events, `split at ${at}`);
        }
      }
    });
  }
}

const OK = "200 OK HTTP/1.1";
const NEXT = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
const NEXT_EVENTS = ["404 Not Found HTTP/1.1", "end"];

function head(...lines: string[]): string {
  return `${["HTTP/1.1 200 OK", ...lines].join("\r\n")}\r\n\r\n`;
}

testRows([
  {
    title: "RFC 9112, 6.3: a body of Content-Length bytes, and the next response",
    methods: "GET GET",
    bytes: head("content-length: 3") + "abc" + NEXT,
    events: [OK, "data abc", "end", ...NEXT_EVENTS],
  },
  {
    title: "RFC 9112, 7.1: chunks with extensions and trailers, and the next response",
    methods: "GET GET",
    bytes: head("Transfer-Encoding: Chunked") + "2;x=y\r\nab\r\n1\r\nc\r\n0\r\nA: b\r\n\r\n" + NEXT,
    events: [OK, "data abc", "end A=b", ...NEXT_EVENTS],
  },
  {
    title: "RFC 9112, 6.3: a body until the connection closes",
    bytes: head("A: b") + "HTTP/1.1 404 Not Found\r\n\r\n",
    events: [OK, "data HTTP/1.1 404 Not Found\r\n\r\n", "end"],
  },
  { title: "RFC 9112, 6.3: an empty body until close", bytes: head(), events: [OK, "end"] },
  {
    title: "RFC 9112, 6.3: the body of HTTP/1.0 without a length",
    bytes: "HTTP/1.0 200 OK\r\n\r\nabc",
    events: ["200 OK HTTP/1.0", "data abc", "end"],
  },
  {
    title: "RFC 9112, 6.3: HEAD has no content, whatever its fields say",
    methods: "HEAD HEAD HEAD GET",
    bytes: head("Content-Length: 3") + head("Transfer-Encoding: chunked") + head() + NEXT,
    events: [OK, "end", OK, "end", OK, "end", ...NEXT_EVENTS],
  },
  {
    title: "RFC 9112, 6.3: 204 and 304 have no content",
    methods: "GET GET GET GET",
    bytes: "HTTP/1.1 204 No Content\r\n\r\n" +
      "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n" +
      "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n" + NEXT,
    events: [
      ...["204 No Content HTTP/1.1", "end", "304 Not Modified HTTP/1.1", "end"],
      ...["304 Not Modified HTTP/1.1", "end", ...NEXT_EVENTS],
    ],
  },
  {
    title: "RFC 9110, 8.6: 204 with Content-Length: 0 is accepted",
    methods: "GET GET",
    bytes: "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n" + NEXT,
    events: ["204 No Content HTTP/1.1", "end", ...NEXT_EVENTS],
  },
  {
    title: "RFC 9110, 15.3.6: 205 is read by its length",
    methods: "GET GET",
    bytes: "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n" + NEXT,
    events: ["205 Reset Content HTTP/1.1", "end", ...NEXT_EVENTS],
  },
  {
    title: "RFC 9110, 15.2: interim responses precede the response",
    methods: "HEAD GET",
    bytes: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" +
      head("Content-Length: 3") + "HTTP/1.1 199 \r\n\r\n" + NEXT,
    events: [
      ...["100 Continue interim", "103 Early Hints interim", OK, "end"],
      ...["199  interim", ...NEXT_EVENTS],
    ],
  },
  {
    title: "RFC 9110, 15.2: interim responses up to maxInterim, for each response",
    methods: "GET GET",
    options: { maxInterim: 1 },
    bytes: ("HTTP/1.1 102 \r\n\r\n" + NEXT).repeat(2),
    events: ["102  interim", ...NEXT_EVENTS, "102  interim", ...NEXT_EVENTS],
  },
  {
    title: "RFC 9110, 15.2: an interim response over maxInterim",
    options: { maxInterim: 1 },
    bytes: "HTTP/1.1 102 \r\n\r\n".repeat(2),
    events: ["102  interim", "too-many-interim"],
  },
  {
    title: "RFC 9110, 9.3.6: a 2xx to CONNECT opens a tunnel, whatever its fields say",
    methods: "CONNECT",
    bytes: head("Content-Length: 3", "Transfer-Encoding: chunked") + "\x16\x03HTTP",
    events: [OK, "switched, \x16\x03HTTP"],
  },
  {
    title: "RFC 9110, 9.3.6: another response to CONNECT opens none",
    methods: "CONNECT GET",
    bytes: "HTTP/1.1 407 No\r\nContent-Length: 1\r\n\r\na" + NEXT,
    events: ["407 No HTTP/1.1", "data a", "end", ...NEXT_EVENTS],
  },
  {
    title: "RFC 9110, 15.2.2: 101 to a request that offers a protocol",
    methods: "GET:a/1",
    bytes: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: a/1\r\nConnection: Upgrade\r\n\r\nabc",
    events: ["101 Switching Protocols HTTP/1.1", "switched, abc"],
  },
  {
    title: "RFC 9110, 15.2.2: 101 to a request that offers none",
    bytes: "HTTP/1.1 101 Switching Protocols\r\n\r\nabc",
    events: ["unexpected-response"],
  },
  {
    title: "RFC 9112, 9.3: nothing follows a response with Connection: close",
    methods: "GET GET",
    bytes: head("Connection: close", "Content-Length: 1") + "a" + NEXT,
    events: [OK, "data a", "end", "unexpected-response"],
  },
  {
    title: "RFC 9112, 9.3: nothing follows chunks with Connection: close",
    bytes: head("Connection: close", "Transfer-Encoding: chunked") + "0\r\n\r\n" + NEXT,
    events: [OK, "end", "unexpected-response"],
  },
  {
    title: "RFC 9112, 9.3: HTTP/1.0 persists only with keep-alive",
    methods: "GET GET GET",
    bytes: "HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: Keep-Alive\r\n\r\n" +
      "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n" + NEXT,
    events: ["200 OK HTTP/1.0", "end", "200 OK HTTP/1.0", "end", "unexpected-response"],
  },
  {
    title: "RFC 9112, 9.2: a response without a request",
    methods: "",
    bytes: NEXT,
    events: ["unexpected-response"],
  },
  {
    title: "RFC 9112, 9.2: a second response to one request",
    bytes: NEXT + NEXT,
    events: [...NEXT_EVENTS, "unexpected-response"],
  },
  { title: "RFC 9112, 8: no bytes and no request", methods: "", bytes: "", events: [] },
  { title: "RFC 9112, 8: no response", bytes: "", events: ["incomplete-message"] },
  {
    title: "RFC 9112, 8: no second response",
    methods: "GET GET",
    bytes: NEXT,
    events: [...NEXT_EVENTS, "incomplete-message"],
  },
  {
    title: "RFC 9112, 8: no response behind one that closes",
    methods: "GET GET",
    bytes: head("Connection: close", "Content-Length: 0"),
    events: [OK, "end", "incomplete-message"],
  },
  {
    title: "RFC 9112, 8: an interim response only",
    bytes: "HTTP/1.1 100 \r\n\r\n",
    events: ["100  interim", "incomplete-message"],
  },
  { title: "RFC 9112, 8: half a status line", bytes: "HTTP/1.", events: ["incomplete-message"] },
  {
    title: "RFC 9112, 8: half a head",
    bytes: "HTTP/1.1 200 OK\r\nA:",
    events: ["incomplete-message"],
  },
  {
    title: "RFC 9112, 8: half a body",
    bytes: head("Content-Length: 3") + "ab",
    events: [OK, "data ab", "incomplete-message"],
  },
  {
    title: "RFC 9112, 8: no last chunk",
    bytes: head("Transfer-Encoding: chunked") + "1\r\na\r\n",
    events: [OK, "data a", "incomplete-message"],
  },
]);

/** Status lines (RFC 9112, 4). */
const STATUS_LINES: readonly (readonly [line: string, event: string])[] = [
  ["HTTP/1.1 200 ", "200  HTTP/1.1"],
  ["HTTP/1.1 200 \xe4\t b ", "200 \xe4\t b  HTTP/1.1"],
  ["HTTP/1.7 599 x", "599 x HTTP/1.7"],
  ["HTTP/1.1 200", "bad-status-line"],
  ["HTTP/1.1 200OK", "bad-status-line"],
  ["HTTP/1.1  200 OK", "bad-status-line"],
  ["HTTP/1.1\t200 OK", "bad-status-line"],
  ["HTTP/1.1 200\tOK", "bad-status-line"],
  ["HTTP/1.1 20 OK", "bad-status-line"],
  ["HTTP/1.1 2000 OK", "bad-status-line"],
  ["HTTP/1.1 099 OK", "bad-status-line"],
  ["HTTP/1.1 600 OK", "bad-status-line"],
  ["HTTP/1.1 +20 OK", "bad-status-line"],
  ["HTTP/1.1 2x0 OK", "bad-status-line"],
  ["HTTP/1.10 200 OK", "bad-status-line"],
  ["HTTP/1 200 OK", "bad-status-line"],
  ["http/1.1 200 OK", "bad-status-line"],
  [" HTTP/1.1 200 OK", "bad-status-line"],
  ["ICY 200 OK", "bad-status-line"],
  ["GET / HTTP/1.1", "bad-status-line"],
  ["", "bad-status-line"],
  ["HTTP/2.0 200 OK", "unsupported-version"],
  ["HTTP/0.9 200 OK", "unsupported-version"],
  ["HTTP/1.1 200 O\x00K", "bad-character"],
  ["HTTP/1.1 200 O\x7fK", "bad-character"],
  ["HTTP/1.1 200 O\nK", "bad-line-ending"],
  ["HTTP/1.1 200 O\rK", "bad-line-ending"],
];

testRows(STATUS_LINES.map(([line, event]) => ({
  title: `RFC 9112, 4: the status line ${JSON.stringify(line)}`,
  bytes: `${line}\r\nContent-Length: 0\r\n\r\n`,
  events: event.includes(" ") ? [event, "end"] : [event],
})));

/** Field lines that are refused. */
const FIELDS: readonly (readonly [line: string, code: string])[] = [
  ["A : b", "bad-field"],
  [" A: b", "bad-field"],
  ["abc", "bad-field"],
  ["A: \x01", "bad-character"],
  ["A: b\nB: c", "bad-line-ending"],
  ["Content-Length: 1\r\nTransfer-Encoding: chunked", "bad-transfer-encoding"],
  ["Transfer-Encoding: chunked, chunked", "bad-transfer-encoding"],
  ["Transfer-Encoding: xchunked", "unsupported-transfer-coding"],
  ["Transfer-Encoding: gzip, chunked", "unsupported-transfer-coding"],
  ["Content-Length: 1\r\nContent-Length: 1", "bad-content-length"],
  ["Content-Length: +1", "bad-content-length"],
  ["Content-Length: 9007199254740992", "body-too-large"],
];

testRows(FIELDS.flatMap(([line, code]) =>
  ["GET", "HEAD"].map((methods) => ({
    title: `RFC 9112, 5 and 6: ${JSON.stringify(line)} in a response to ${methods}`,
    methods,
    bytes: head(line),
    events: [code],
  }))
));

testRows(["204 No Content", "100 Continue", "101 Switching Protocols"].flatMap((status) => [
  {
    title: `RFC 9112, 6.3: ${status} with a length`,
    methods: "GET:a",
    bytes: `HTTP/1.1 ${status}\r\nContent-Length: 5\r\n\r\nabcde`,
    events: ["bad-content-length"],
  },
  {
    title: `RFC 9112, 6.3: ${status} with chunks`,
    methods: "GET:a",
    bytes: `HTTP/1.1 ${status}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    events: ["bad-transfer-encoding"],
  },
]));

testRows([
  {
    title: "RFC 9112, 6.1: chunks in HTTP/1.0",
    bytes: "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    events: ["bad-transfer-encoding"],
  },
  {
    title: "RFC 9112, 7.1: a malformed chunk",
    bytes: head("Transfer-Encoding: chunked") + "1\r\na\r\n0x1\r\n",
    events: [OK, "data a", "bad-chunk"],
  },
]);

/** Each limit at its bound, and one over it. */
const LIMITS: readonly (readonly [options: ResponseParserOptions, bytes: string, code: string])[] =
  [
    [{ limits: { line: 15 } }, "HTTP/1.1 200 OK\r\n\r\n", "bad-status-line"],
    [{ limits: { line: 17 } }, head("Content-Length: 0"), "field-line-too-long"],
    [{ limits: { head: 38 } }, head("Content-Length: 0"), "head-too-large"],
    [{ limits: { headers: 1 } }, head("Content-Length: 0"), "too-many-fields"],
    [{ maxBody: 1 }, head("Content-Length: 1") + "a", "body-too-large"],
    [{ maxBody: 1 }, head() + "a", "body-too-large"],
    [{ maxBody: 1 }, head("Transfer-Encoding: chunked") + "1\r\na\r\n0\r\n\r\n", "body-too-large"],
    [
      { limits: { chunkLine: 3 } },
      head("Transfer-Encoding: chunked") + "1;a\r\na\r\n0\r\n\r\n",
      "chunk-line-too-long",
    ],
    [
      { limits: { chunkExtensions: 2 } },
      head("Transfer-Encoding: chunked") + "1;a\r\na\r\n0\r\n\r\n",
      "chunk-extensions-too-large",
    ],
    [
      { limits: { trailers: 8 } },
      head("Transfer-Encoding: chunked") + "0\r\nA: b\r\n\r\n",
      "trailers-too-large",
    ],
    [
      { limits: { trailerFields: 1 } },
      head("Transfer-Encoding: chunked") + "0\r\nA: b\r\n\r\n",
      "trailers-too-large",
    ],
  ];

/** Subtracts one from the one limit. */
function lowered(options: ResponseParserOptions): ResponseParserOptions {
  if (options.maxBody !== undefined) return { maxBody: options.maxBody - 1 };
  const lower = Object.entries(options.limits!).map(([name, value]) => [name, value - 1]);
  return { limits: Object.fromEntries(lower) };
}

for (const [options, bytes, code] of LIMITS) {
  Deno.test(`limits of a response: ${JSON.stringify(options)} of ${JSON.stringify(bytes)}`, () => {
    const row = { title: "", bytes, events: [], options };
    const events = run(row, [bytesOf(bytes)], byPush);
    assert(events.at(-1)!.startsWith("end"), events.join());
    assertEquals(run({ ...row, options: lowered(options) }, [bytesOf(bytes)], byPush).at(-1), code);
  });
}

Deno.test("ResponseParser: maxBody can be changed for one response", () => {
  const parser = new ResponseParser({ maxBody: 5 });
  for (const method of ["GET", "GET"]) parser.expect({ method });
  parser.input.push(bytesOf((head("Content-Length: 2") + "ab").repeat(2)));
  parser.next();
  assertEquals(parser.maxBody, 5);
  parser.maxBody = 2;
  assertEquals([parser.next().type, parser.next().type, parser.next().type], [
    "data",
    "end",
    "head",
  ]);
  assertEquals(parser.maxBody, 5);
  parser.maxBody = 1;
  assertThrows(() => parser.next(), HttpError, "at most 1 bytes");
});

Deno.test("ResponseParser: what is awaited, and what remains of a body", () => {
  const parser = new ResponseParser();
  for (const method of ["GET", "GET", "GET"]) parser.expect({ method });
  const seen: number[][] = [];
  const step = (bytes: string) => {
    parser.input.push(bytesOf(bytes));
    while (parser.next().type !== "need-data");
    seen.push([parser.awaited, parser.bodyRemaining, parser.lineStart]);
  };
  step("HTTP/1.1 200 OK\r\n");
  step("Content-Length: 3\r\n\r\na");
  step("bc" + head("Transfer-Encoding: chunked") + "1\r\n");
  step("a\r\n0\r\n\r\n" + head() + "a");
  assertEquals(seen, [[3, 0, 17], [2, 2, 0], [1, Infinity, 0], [0, Infinity, 0]]);
  parser.input.push(bytesOf("bc"));
  parser.finish();
  assertEquals(parser.bodyRemaining, 2);
  assertEquals([parser.next().type, parser.next().type, parser.next().type], [
    "data",
    "end",
    "need-data",
  ]);
});

Deno.test("ResponseParser: a head outlives its bytes, with the decisions about it", () => {
  const parser = new ResponseParser();
  parser.expect({ method: "GET" });
  parser.input.push(bytesOf(head("A: b", "a:c ", "Connection: close", "Content-Length: 1")));
  const event = parser.next();
  parser.input.bytes.fill(0xaa);
  assert(event.type === "head");
  assertEquals(event.framing, { content: 1, persistent: false });
  assertEquals(event.fields.pairs().slice(0, 2), [["A", "b"], ["a", "c"]]);
});

Deno.test("ResponseParser: the error of a rule that requests have too names it as its cause", () => {
  const parser = new ResponseParser();
  parser.expect({ method: "GET" });
  parser.input.push(bytesOf(head("A : b")));
  const error = assertThrows(() => parser.next(), HttpError);
  assertInstanceOf(error.cause, HttpError);
  assertEquals([error.status, error.cause.status, error.message], [502, 400, error.cause.message]);
});

/** Options that are refused. */
const BAD_OPTIONS:
  readonly (readonly [options: unknown, error: ErrorConstructor, message: string])[] = [
    [{ x: 1 }, TypeError, "known are maxBody, maxInterim, limits"],
    [{ limits: { drain: 1 } }, TypeError, "Unknown option drain"],
    [{ maxInterim: -1 }, RangeError, "maxInterim"],
    [{ maxBody: "1" }, TypeError, "maxBody"],
  ];

for (const [options, error, message] of BAD_OPTIONS) {
  Deno.test(`ResponseParser: the options ${JSON.stringify(options)} are refused`, () => {
    assertThrows(() => new ResponseParser(options as ResponseParserOptions), error, message);
  });
}
