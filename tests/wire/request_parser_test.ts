import { headersOf } from "../../src/web/lazy_headers.ts";
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { bytesOf, GET, textOf } from "../fixtures.ts";
import { HttpError } from "../../src/errors.ts";
import type { RequestHead } from "../../src/wire/request_head.ts";
import { RequestParser } from "../../src/wire/request_parser.ts";
import type { RequestEvent } from "../../src/wire/request_parser.ts";
import { parserOptions } from "./runners.ts";
import type { RowOptions } from "./runners.ts";

const FIXED = "PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n";
const CHUNKED = "PUT /b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";

function parserWith(text: string, options: RowOptions = {}): RequestParser {
  const parser = new RequestParser(parserOptions(options));
  parser.input.push(bytesOf(text));
  return parser;
}

function textIn(event: RequestEvent): string {
  if (event.type !== "data") throw new Error(`Not data: ${event.type}`);
  return textOf(event.bytes);
}

function refusal(parser: RequestParser): string {
  return assertThrows(() => parser.next(), HttpError).code;
}

Deno.test("parser: returns one event at a time, and need-data repeatedly", () => {
  const parser = parserWith(FIXED + "ab");
  assertEquals(parser.next().type, "head");
  assertEquals(textIn(parser.next()), "ab");
  assertEquals(parser.next().type, "need-data");
  assertEquals(parser.next().type, "need-data");
  parser.input.push(bytesOf("cdGE"));
  assertEquals(textIn(parser.next()), "cd");
  assertEquals(parser.next().type, "end");
  assertEquals(parser.next().type, "need-data");
  assertEquals(parser.input.length, 2);
});

Deno.test("parser: bytes after a request stay in the input until the next call", () => {
  const parser = parserWith(FIXED + "abcdrest");
  parser.next();
  assertEquals(textIn(parser.next()), "abcd");
  assertEquals(parser.next().type, "end");
  assertEquals(textOf(parser.input.takeAll()), "rest");
});

Deno.test("parser: the data of a body is a view of the input, not a copy", () => {
  const parser = parserWith(FIXED + "abcd");
  parser.next();
  const event = parser.next();
  if (event.type !== "data") throw new Error("No data");
  assertStrictEquals(event.bytes.buffer, parser.input.bytes.buffer);
});

Deno.test("parser: a body with a Content-Length has a known rest", () => {
  const parser = parserWith("");
  assertEquals(parser.bodyRemaining, 0);
  parser.input.push(bytesOf(FIXED + "a"));
  parser.next();
  assertEquals(parser.bodyRemaining, 4);
  parser.next();
  assertEquals(parser.bodyRemaining, 3);
  parser.input.push(bytesOf("bcd"));
  parser.next();
  assertEquals(parser.bodyRemaining, 0);
  parser.next();
  assertEquals(parser.bodyRemaining, 0);
});

Deno.test("parser: a chunked body has no known rest", () => {
  const parser = parserWith(CHUNKED + "1\r\na\r\n0\r\n\r\n");
  parser.next();
  assertEquals(parser.bodyRemaining, Infinity);
  parser.next();
  assertEquals(parser.bodyRemaining, Infinity);
  assertEquals(parser.next().type, "end");
  assertEquals(parser.bodyRemaining, 0);
});

Deno.test("parser: a refused request has no rest", () => {
  const parser = parserWith(CHUNKED + "z");
  parser.next();
  assertEquals(refusal(parser), "bad-chunk");
  assertEquals(parser.bodyRemaining, 0);
});

Deno.test("parser: maxBody is that of the options until it is set", () => {
  const parser = parserWith(FIXED + "abcd" + FIXED + "abcd", { maxBody: 3 });
  assertEquals(parser.maxBody, 3);
  parser.next();
  parser.maxBody = 4;
  assertEquals(parser.maxBody, 4);
  assertEquals(textIn(parser.next()), "abcd");
  parser.next();
  assertEquals(parser.next().type, "head");
  assertEquals(parser.maxBody, 3);
  assertEquals(refusal(parser), "body-too-large");
});

Deno.test("parser: maxBody may be lowered before the body is read", () => {
  const parser = parserWith(FIXED + "abcd");
  parser.next();
  parser.maxBody = 3;
  assertEquals(refusal(parser), "body-too-large");
});

Deno.test("parser: maxBody may be raised and lowered for a chunked body", () => {
  const raised = parserWith(CHUNKED + "4\r\nabcd\r\n0\r\n\r\n", { maxBody: 3 });
  raised.next();
  raised.maxBody = 4;
  assertEquals(textIn(raised.next()), "abcd");
  assertEquals(raised.next().type, "end");

  const lowered = parserWith(CHUNKED + "4\r\nabcd\r\n0\r\n\r\n");
  lowered.next();
  lowered.maxBody = 3;
  assertEquals(refusal(lowered), "body-too-large");
});

Deno.test("hardening 23: a body that is too large is refused before any of its bytes arrives", () => {
  const parser = parserWith(FIXED, { maxBody: 3 });
  assertEquals(parser.next().type, "head");
  const error = assertThrows(() => parser.next(), HttpError);
  assertEquals([error.status, error.code], [413, "body-too-large"]);
  assertEquals(error.message, "The body must be at most 3 bytes long");
});

Deno.test("parser: the method is known as soon as the request line is complete", () => {
  const parser = parserWith("");
  assertEquals(parser.method, "");
  parser.input.push(bytesOf("HEAD /"));
  parser.next();
  assertEquals(parser.method, "");
  parser.input.push(bytesOf(" HTTP/1.1\r\nHost"));
  parser.next();
  assertEquals(parser.method, "HEAD");
});

Deno.test("parser: the method is not that of the previous request", () => {
  for (const next of ["GE", "\n", "B AD", "\r\n"]) {
    const parser = parserWith("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n" + next);
    parser.next();
    parser.next();
    assertEquals(parser.method, "HEAD");
    try {
      parser.next();
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
    }
    assertEquals(parser.method, "", JSON.stringify(next));
  }
});

Deno.test("parser: the method of a head that is refused is known", () => {
  const parser = parserWith("HEAD / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
  assertEquals(refusal(parser), "bad-host");
  assertEquals(parser.method, "HEAD");
});

Deno.test("parser: the input may end between two requests", () => {
  const parser = parserWith("");
  assertEquals(parser.finish(), true);
  parser.input.push(bytesOf(GET));
  parser.next();
  parser.next();
  assertEquals(parser.finish(), true);
});

Deno.test("parser: the input must not end while an event is pending", () => {
  const parser = parserWith(GET);
  assertEquals(assertThrows(() => parser.finish(), HttpError).code, "incomplete-message");
  parser.next();
  assertEquals(assertThrows(() => parser.finish(), HttpError).code, "incomplete-message");
  parser.next();
  assertEquals(parser.finish(), true);
});

Deno.test("RFC 9112, 8: an incomplete request gives incomplete-message", () => {
  const error = assertThrows(() => parserWith("GET").finish(), HttpError);
  assertEquals(
    [error.status, error.code, error.message],
    [
      400,
      "incomplete-message",
      "The request ended before it was complete (RFC 9112, 8)",
    ],
  );
});

Deno.test("parser: an internal error is passed on and does not count as a refusal", () => {
  const parser = parserWith("");
  const { input } = parser;
  input.push(bytesOf(GET));
  const { bytes } = input;
  input.bytes = undefined as unknown as Uint8Array<ArrayBuffer>;
  assertThrows(() => parser.next(), TypeError);
  input.bytes = bytes;
  assertEquals(parser.next().type, "head");
});

Deno.test("parser: common versions and methods are not created for each request", () => {
  const [first, second] = [GET, GET].map((text) => parserWith(text).next() as RequestHead);
  assertStrictEquals(first!.protocol, second!.protocol);
  assertThrows(() => Object.assign(first!.protocol, { minor: 9 }), TypeError);
});

Deno.test("parser: memory is released between requests, and heads outlive it", () => {
  const parser = parserWith(`GET /long HTTP/1.1\r\nHost: h\r\nA: ${"a".repeat(5000)}\r\n\r\n`);
  const head = parser.next() as RequestHead;
  parser.next();
  parser.input.releaseMemory();
  assertEquals(parser.input.bytes.length, 0);
  parser.input.push(bytesOf("PUT /other HTTP/1.1\r\nHost: g\r\nContent-Length: 0\r\n\r\n"));
  const next = parser.next() as RequestHead;
  assertEquals(head.target, "/long");
  assertEquals(head.fields.value(1), "a".repeat(5000));
  assertEquals(next.target, "/other");
});

/** Error messages name the limit and the rule, and never contain raw bytes (hardening 33). */
const MESSAGES: readonly (readonly [text: string, message: string])[] = [
  [
    `GET /${"a".repeat(8192)}`,
    "The request line must be at most 8192 bytes long",
  ],
  [
    `GET / HTTP/1.1\r\nA: ${"a".repeat(8192)}`,
    "A header line must be at most 8192 bytes long",
  ],
  [
    `GET / HTTP/1.1\r\n${"A: b\r\n".repeat(129)}`,
    "A request must have at most 128 header fields",
  ],
  [
    `GET / HTTP/1.1\r\n${`A: ${"b".repeat(8000)}\r\n`.repeat(5)}`,
    "The head of a request must be at most 32768 bytes long",
  ],
  ["GET / HTTP/1.1\n", "A line must end with CRLF: got a bare LF (RFC 9112, 2.2)"],
  ["GET / HTTP/1.1\r\r", "A line must end with CRLF: got a bare CR (RFC 9112, 2.2)"],
  ["GET / HTTP/1.1\x1b", "A head must not contain control characters: got 0x1b (RFC 9110, 5.5)"],
  [
    "GET / HTTP/1.1\r\nA : b\r\n",
    "A field name must be followed by a colon without whitespace between (RFC 9112, 5.1)",
  ],
  ["GET / HTTP/1.1\r\n: b\r\n", "A header line must begin with a field name (RFC 9112, 5.1)"],
  [
    "GET / HTTP/1.1\r\n b\r\n",
    "A header line must not begin with whitespace: line folding is obsolete (RFC 9112, 5.2)",
  ],
  [
    "GET / HTTP/1.1\r\nA\r\n",
    "A header line must be a field name, a colon and a value (RFC 9112, 5)",
  ],
  [
    "POST / HTTP/1.1\r\nHost: h\r\n\r\n",
    "A POST must have a Content-Length or be chunked: send Content-Length: 0 where it has no body (RFC 9110, 15.5.12)",
  ],
  [
    "GET / HTTP/9.9\r\n",
    'Version must be HTTP/1.0 or HTTP/1.1: got "HTTP/9.9" (RFC 9112, 2.3)',
  ],
  [
    "GET / HTTP/1.1\r\nHost: h\r\nExpect: \x9b\\\r\n\r\n",
    'The only expectation that can be met is 100-continue: got "\\x9b\\x5c" (RFC 9110, 10.1.1)',
  ],
  [
    "GET / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nExpect: a\r\n\r\n",
    'The only expectation that can be met is 100-continue: got "100-continue, a" (RFC 9110, 10.1.1)',
  ],
  [
    "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: \xb2\r\n\r\n",
    'Content-Length must be a decimal number: got "\\xb2" (RFC 9110, 8.6)',
  ],
  [
    "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 9007199254740992\r\n\r\n",
    "The body must be at most 9007199254740991 bytes long",
  ],
  [
    "GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \x85chunked\r\n\r\n",
    'Transfer-Encoding must be chunked: got "\\x85chunked" (RFC 9112, 6.1)',
  ],
];

for (const [text, message] of MESSAGES) {
  Deno.test(`parser: message ${JSON.stringify(message)}`, () => {
    assertEquals(assertThrows(() => parserWith(text).next(), HttpError).message, message);
  });
}

/** Parses the pieces; returns a description of each head. */
function headsOf(pieces: readonly string[]): string[] {
  const parser = parserWith("");
  const heads: string[] = [];
  for (const piece of pieces) {
    parser.input.push(bytesOf(piece));
    for (let event; (event = parser.next()).type !== "need-data";) {
      if (event.type === "head") heads.push(`${parser.method} ${event.target}`);
    }
  }
  assertEquals(parser.input.length, 0);
  return heads;
}

Deno.test("parser: a repeated head, whole, split, after an empty line, and after other heads", () => {
  const other = GET.replace("/", "/other");
  for (let at = 0; at <= GET.length; at++) {
    const pieces = [GET, GET.slice(0, at), GET.slice(at), `\r\n${GET}${GET}`, `\r\n${other}`, GET];
    assertEquals(headsOf(pieces), ["GET /", "GET /", "GET /", "GET /", "GET /other", "GET /"]);
  }
});

Deno.test("parser: a head of the same length that differs anywhere is another head", () => {
  const first = "GET /a HTTP/1.1\r\nHost: x\r\nCookie: abcdefghijklmnop\r\n\r\n";
  for (const place of ["/a", ": x", "abc", "nop"]) {
    const at = first.indexOf(place) + place.length - 1;
    const other = `${first.slice(0, at)}z${first.slice(at + 1)}`;
    for (const texts of [[first, other, first], [first, `\r\n${other}`, first]]) {
      const parser = parserWith(texts.join(""));
      const heads: string[] = [];
      for (let event; (event = parser.next()).type !== "need-data";) {
        if (event.type === "head") heads.push(event.target + event.fields.pairs().join());
      }
      assertEquals(heads[0], "/aHost,x,Cookie,abcdefghijklmnop");
      assertEquals(heads[1] === heads[0], false);
      assertEquals(heads[2], heads[0]);
    }
  }
});

Deno.test("parser: a shorter head, whose body ends where the previous head did, keeps its text", () => {
  const head = "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n";
  const first = GET.replace(
    "\r\n\r\n",
    `\r\nX: ${"y".repeat(head.length + 4 - GET.length)}\r\n\r\n`,
  );
  assertEquals(first.length, head.length + 9);
  const parser = parserWith(`${first}${head}12345\r\n\r\n`);
  for (let event; (event = parser.next()).type !== "need-data";) {
    if (event.type !== "head" || event.method !== "PUT") continue;
    assertEquals(event.fields.pairs(), [["Host", "x"], ["Content-Length", "9"]]);
    return;
  }
  throw new Error("No head");
});

Deno.test("parser: a head that only begins like the previous one differs from it", () => {
  const longer = GET.replace("\r\n\r\n", "\r\nX: y\r\n\r\n");
  const parser = parserWith(GET + longer + GET);
  const fields: number[] = [];
  for (let event; (event = parser.next()).type !== "need-data";) {
    if (event.type === "head") fields.push(event.fields.length);
  }
  assertEquals(fields, [1, 2, 1]);
});

Deno.test("parser: changes to the headers of a head do not show in a repeated head", () => {
  const parser = parserWith(GET + GET + GET);
  const hosts: (string | null)[] = [];
  for (let event; (event = parser.next()).type !== "need-data";) {
    if (event.type !== "head") continue;
    const headers = headersOf(event.fields);
    hosts.push(headers.get("Host"));
    headers.set("Host", "changed");
  }
  assertEquals(hosts, ["x", "x", "x"]);
});

Deno.test("parser: a repeated head after releaseMemory", () => {
  const parser = parserWith(GET);
  parser.next();
  parser.next();
  parser.releaseMemory();
  parser.input.push(bytesOf(GET));
  assertEquals((parser.next() as RequestHead).target, "/");
});

Deno.test("parser: a repeated head, and then one that is refused", () => {
  const parser = parserWith(GET + GET + GET.replace("Host", "Hos t"));
  for (let i = 0; i < 4; i++) parser.next();
  assertEquals(refusal(parser), "bad-field");
});

Deno.test("RequestParser: where the line is that is being read", () => {
  const parser = new RequestParser();
  const starts = ["GET / HTTP", "/1.1\r\nHo", "st: h\r\nA", ": b\r\n\r\n"].map((bytes) => {
    parser.input.push(bytesOf(bytes));
    parser.next();
    return parser.lineStart;
  });
  assertEquals(starts, [0, 16, 25, 0]);
});

Deno.test("RequestParser: an unknown option is refused", () => {
  assertThrows(
    () => new RequestParser({ x: 1 } as never),
    TypeError,
    "known are maxBody, profile, limits",
  );
});
