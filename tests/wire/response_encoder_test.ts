import { assertEquals, assertThrows } from "@std/assert";
import { textOf } from "../fixtures.ts";
import { fieldsToSend } from "../../src/wire/fields.ts";
import type { FieldPair } from "../../src/wire/fields.ts";
import { WriteBuffer } from "../../src/wire/write_buffer.ts";
import { encodeBareHead, encodeFields, encodeHead } from "../../src/wire/response_encoder.ts";
import type { HeadToSend } from "../../src/wire/response_encoder.ts";

const DATE = "Sun, 06 Nov 1994 08:49:37 GMT";
const DATE_LINE = `Date: ${DATE}\r\n`;

function head(of: Partial<HeadToSend>): HeadToSend {
  return {
    method: "GET",
    minor: 1,
    status: 200,
    fields: [],
    size: 5,
    persistent: true,
    date: DATE,
    ...of,
  };
}

/** What is written, exactly (RFC 9112, 4 and 5). */
const HEADS: readonly (readonly [title: string, of: Partial<HeadToSend>, bytes: string])[] = [
  ["nothing given", {}, `HTTP/1.1 200 OK\r\n${DATE_LINE}Content-Length: 5\r\n\r\n`],
  [
    "no content",
    { size: 0 },
    `HTTP/1.1 200 OK\r\n${DATE_LINE}Content-Length: 0\r\n\r\n`,
  ],
  [
    "an answer to HTTP/1.0 is in 1.1 too (RFC 9110, 6.2)",
    { minor: 0, persistent: false },
    `HTTP/1.1 200 OK\r\n${DATE_LINE}Connection: close\r\nContent-Length: 5\r\n\r\n`,
  ],
  [
    "HTTP/1.0 that persists",
    { minor: 0 },
    `HTTP/1.1 200 OK\r\n${DATE_LINE}Connection: keep-alive\r\nContent-Length: 5\r\n\r\n`,
  ],
  [
    "order, case and duplicates are kept",
    { fields: [["b", "1"], ["A", "2"], ["B", "3"], ["Set-Cookie", "x"], ["set-cookie", "y"]] },
    "HTTP/1.1 200 OK\r\nb: 1\r\nA: 2\r\nB: 3\r\nSet-Cookie: x\r\nset-cookie: y\r\n" +
    `${DATE_LINE}Content-Length: 5\r\n\r\n`,
  ],
  [
    "bytes above 0x7f are one byte each",
    { fields: [["A", "\x80\xe4\xff"]] },
    `HTTP/1.1 200 OK\r\nA: \x80\xe4\xff\r\n${DATE_LINE}Content-Length: 5\r\n\r\n`,
  ],
  [
    "an empty value",
    { fields: [["A", ""]] },
    `HTTP/1.1 200 OK\r\nA: \r\n${DATE_LINE}Content-Length: 5\r\n\r\n`,
  ],
  [
    "Date given, where it stands",
    { fields: [["dATE", "now"], ["A", "b"]] },
    "HTTP/1.1 200 OK\r\ndATE: now\r\nA: b\r\nContent-Length: 5\r\n\r\n",
  ],
  [
    "Content-Length given, where it stands",
    { fields: [["content-length", "5"], ["A", "b"]] },
    `HTTP/1.1 200 OK\r\ncontent-length: 5\r\nA: b\r\n${DATE_LINE}\r\n`,
  ],
  [
    "Connection given goes out once, as decided",
    { fields: [["Connection", "x"], ["A", "b"], ["connection", "Close"]] },
    `HTTP/1.1 200 OK\r\nA: b\r\n${DATE_LINE}Connection: close, x\r\nContent-Length: 5\r\n\r\n`,
  ],
  [
    "keep-alive given says nothing new in HTTP/1.1",
    { fields: [["Connection", "keep-alive"]] },
    `HTTP/1.1 200 OK\r\n${DATE_LINE}Content-Length: 5\r\n\r\n`,
  ],
  [
    "HEAD has the length of GET",
    { method: "HEAD" },
    `HTTP/1.1 200 OK\r\n${DATE_LINE}Content-Length: 5\r\n\r\n`,
  ],
  [
    "204 has no length, given or not",
    { status: 204, size: 0, fields: [["Content-Length", "0"], ["A", "b"]] },
    `HTTP/1.1 204 No Content\r\nA: b\r\n${DATE_LINE}\r\n`,
  ],
  [
    "205 has a length of 0, whatever was given",
    { status: 205, fields: [["Content-Length", "5"]] },
    `HTTP/1.1 205 Reset Content\r\n${DATE_LINE}Content-Length: 0\r\n\r\n`,
  ],
  [
    "304 has no length of its own",
    { status: 304, fields: [["ETag", '"x"']] },
    `HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n${DATE_LINE}\r\n`,
  ],
  [
    "304 has the length that was given",
    { status: 304, size: 0, fields: [["Content-Length", "1234"]] },
    `HTTP/1.1 304 Not Modified\r\nContent-Length: 1234\r\n${DATE_LINE}\r\n`,
  ],
  [
    "2xx to CONNECT has no length, given or not",
    { method: "CONNECT", fields: [["Content-Length", "5"]] },
    `HTTP/1.1 200 OK\r\n${DATE_LINE}Connection: close\r\n\r\n`,
  ],
  [
    "a reason phrase",
    { statusText: "Fine \xe4\t!" },
    `HTTP/1.1 200 Fine \xe4\t!\r\n${DATE_LINE}Content-Length: 5\r\n\r\n`,
  ],
  [
    "an empty reason phrase keeps its space",
    { statusText: "" },
    `HTTP/1.1 200 \r\n${DATE_LINE}Content-Length: 5\r\n\r\n`,
  ],
  [
    "a status without a reason phrase",
    { status: 299 },
    `HTTP/1.1 299 \r\n${DATE_LINE}Content-Length: 5\r\n\r\n`,
  ],
  [
    "the highest status",
    { status: 599 },
    `HTTP/1.1 599 \r\n${DATE_LINE}Content-Length: 5\r\n\r\n`,
  ],
  [
    "a large size",
    { size: 9007199254740991 },
    `HTTP/1.1 200 OK\r\n${DATE_LINE}Content-Length: 9007199254740991\r\n\r\n`,
  ],
];

for (const [title, of, bytes] of HEADS) {
  Deno.test(`RFC 9112, 4: ${title}`, () => {
    const out = new WriteBuffer();
    encodeHead(out, head(of));
    assertEquals(textOf(out.view()), bytes);
  });
}

Deno.test("RFC 9112, 4: the returned framing is the one that is written", () => {
  const framing = encodeHead(new WriteBuffer(), head({ fields: [["Connection", "close"]] }));
  assertEquals(framing, {
    sendsContent: true,
    length: 5,
    givenLength: null,
    chunked: false,
    connection: "close",
    persistent: false,
  });
});

Deno.test("RFC 9112, 4: a head is appended to earlier bytes", () => {
  const out = new WriteBuffer();
  out.latin1("before");
  encodeHead(out, head({}));
  assertEquals(
    textOf(out.view()),
    `beforeHTTP/1.1 200 OK\r\n${DATE_LINE}Content-Length: 5\r\n\r\n`,
  );
});

Deno.test("fields alone are written as given, without a status line or an empty line", () => {
  const out = new WriteBuffer();
  encodeFields(out, []);
  assertEquals(out.length, 0);
  encodeFields(out, [["b", "1"], ["A", ""], ["Connection", "x"], ["Date", "y"]]);
  assertEquals(textOf(out.view()), "b: 1\r\nA: \r\nConnection: x\r\nDate: y\r\n");
});

/** Asserts that the call throws and writes nothing. */
function assertWritesNothing<E extends Error>(
  of: Partial<HeadToSend>,
  error: abstract new (...args: never[]) => E,
  message: string,
): void {
  const out = new WriteBuffer();
  out.latin1("before");
  assertThrows(() => encodeHead(out, head(of)), error, message);
  assertEquals(textOf(out.view()), "before");
}

for (
  const status of [0, 1, 99, 100, 101, 199, 600, 999, 1000, -200, 200.5, NaN, Infinity, "200", null]
) {
  Deno.test(`RFC 9110, 15: status ${JSON.stringify(status)} ${status} is out of range`, () => {
    const got = typeof status === "string" ? `"${status}", a string` : status;
    const message = `Status must be an integer from 200 to 599: got ${got}`;
    assertWritesNothing({ status: status as number }, RangeError, message);
  });
}

/** Characters that end a line, or would end one if their upper byte were dropped. */
const FORBIDDEN = [
  "\r",
  "\n",
  "\r\n",
  "\0",
  "\x01",
  "\x0b",
  "\x1f",
  "\x7f",
  "\u0100",
  "\u010a", // its low byte is LF
  "\u010d", // its low byte is CR
  "\u2028",
  "😀",
  "\ud800",
];

for (const char of FORBIDDEN) {
  Deno.test(`hardening 17: ${JSON.stringify(char)} in a statusText is refused`, () => {
    for (const statusText of [char, `a${char}b`, `OK${char}`]) {
      assertWritesNothing(
        { statusText },
        TypeError,
        `Invalid statusText ${JSON.stringify(statusText)}`,
      );
    }
  });

  Deno.test(`hardening 17: ${JSON.stringify(char)} in a name or a value is refused`, () => {
    const value = `a${char}Set-Cookie: evil`;
    assertThrows(() => fieldsToSend([["A", value]]), TypeError, 'Invalid value of field "A"');
    assertThrows(() => fieldsToSend({ A: char }), TypeError, JSON.stringify(char));
    assertThrows(() => fieldsToSend([["A", `${char}a`]]), TypeError);
    assertThrows(() => fieldsToSend([["A", `a${char}`]]), TypeError);
    assertThrows(() => fieldsToSend([[`A${char}`, "b"]]), TypeError, "Invalid field name");
    assertThrows(() => fieldsToSend([[`${char}A`, "b"]]), TypeError, "Invalid field name");
    assertThrows(() => fieldsToSend({ [`A${char}B`]: "b" }), TypeError, "Invalid field name");
    assertThrows(() => fieldsToSend([["A", "b"], ["C", value]]), TypeError);
  });
}

Deno.test("hardening 18: fields that contradict the content write nothing", () => {
  const wrong: [message: string, fields: FieldPair[]][] = [
    ["does not match", [["A", "b"], ["Content-Length", "4"]]],
    ["must not be given", [["A", "b"], ["Transfer-Encoding", "chunked"]]],
    ["only once", [["Content-Length", "5"], ["A", "b"], ["Content-Length", "5"]]],
  ];
  for (const [message, fields] of wrong) assertWritesNothing({ fields }, TypeError, message);
});

Deno.test("RFC 9112, 7: a stream of unknown length is chunked", () => {
  const out = new WriteBuffer();
  encodeHead(out, head({ size: null }));
  assertEquals(
    textOf(out.view()),
    `HTTP/1.1 200 OK\r\n${DATE_LINE}Transfer-Encoding: chunked\r\n\r\n`,
  );
});

Deno.test("RFC 9110, 15.2: an interim response gets no additional fields", () => {
  const out = new WriteBuffer();
  encodeBareHead(out, 103, [["Link", "</a>"]]);
  encodeBareHead(out, 199, []);
  assertEquals(
    textOf(out.view()),
    "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 199 \r\n\r\n",
  );
});
