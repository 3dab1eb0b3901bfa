import { headersOf } from "../../src/web/lazy_headers.ts";
import { assertEquals } from "@std/assert";
import { bytesOf } from "../fixtures.ts";
import type { RequestHead } from "../../src/wire/request_head.ts";
import { RequestParser } from "../../src/wire/request_parser.ts";
import { parserOptions, testRows } from "./runners.ts";
import type { Row } from "./runners.ts";

/** A GET with this between the Host line and the empty line. */
function withLines(lines: string): string {
  return `GET / HTTP/1.1\r\nHost: h\r\n${lines}\r\n\r\n`;
}

/** Field lines that are taken, with the name and the value that come of them. */
const accepted: readonly (readonly [title: string, line: string, name: string, value: string])[] = [
  ["RFC 9112, 5: a name and a value", "Name: value", "Name", "value"],
  ["RFC 9112, 5: no space before the value", "Name:value", "Name", "value"],
  ["RFC 9112, 5: an empty value", "Name:", "Name", ""],
  ["RFC 9112, 5: a value of spaces only", "Name:  \t ", "Name", ""],
  ["RFC 9112, 5.1: spaces and tabs around the value", "Name: \t value\t \t", "Name", "value"],
  ["RFC 9112, 5.1: spaces within the value", "Name: a  b\tc", "Name", "a  b\tc"],
  ["RFC 9112, 5: a colon within the value", "Name: a:b", "Name", "a:b"],
  ["RFC 9112, 5: a colon at the start of the value", "Name::", "Name", ":"],
  ["RFC 9112, 5: a name of one character", "N: v", "N", "v"],
  ["RFC 9110, 5.1: every mark of a token", "!#$%&'*+-.^_`|~: v", "!#$%&'*+-.^_`|~", "v"],
  ["RFC 9110, 5.5: bytes above 0x7f", "N: \x80\xe4\xff", "N", "\x80\xe4\xff"],
  ["hardening 14: 0x85 at the ends is no space", "N: \x85a\x85", "N", "\x85a\x85"],
  ["hardening 14: 0xa0 at the ends is no space", "N: \xa0a\xa0", "N", "\xa0a\xa0"],
  ["hardening 31: __proto__ is a name like another", "__proto__: v", "__proto__", "v"],
  ["hardening 31: constructor is a name like another", "constructor: v", "constructor", "v"],
];

testRows(accepted.map(([title, line, name, value]): Row => ({
  title: `${title} is taken`,
  bytes: withLines(line),
  events: ["GET / HTTP/1.1", "end"],
  facts: { fields: [["Host", "h"], [name, value]] },
})));

/** Lines that are refused. */
const refused: readonly (readonly [title: string, lines: string, event: string])[] = [
  ["RFC 9112, 5: a line without a colon", "Name", "400 bad-field"],
  ["RFC 9112, 5: a line without a name", ": value", "400 bad-field"],
  ["RFC 9112, 5: a colon alone", ":", "400 bad-field"],
  ["RFC 9112, 5.1: a space before the colon", "Name : value", "400 bad-field"],
  ["RFC 9112, 5.1: a tab before the colon", "Name\t: value", "400 bad-field"],
  ["RFC 9112, 5.1: a space within the name", "Na me: value", "400 bad-field"],
  ["RFC 9112, 5.1: a space before Content-Length's colon", "Content-Length : 5", "400 bad-field"],
  ["RFC 9110, 5.1: a bracket in the name", "Na[me: value", "400 bad-field"],
  ["RFC 9110, 5.1: a slash in the name", "Na/me: value", "400 bad-field"],
  ["RFC 9110, 5.1: a quote in the name", '"Name": value', "400 bad-field"],
  ["RFC 9110, 5.1: an at sign in the name", "@Name: value", "400 bad-field"],
  ["RFC 9110, 5.1: a byte above 0x7f in the name", "Nam\xe9: value", "400 bad-field"],
  ["RFC 9110, 5.1: a byte above 0x7f alone", "\xe9: value", "400 bad-field"],
  ["RFC 9112, 5.2: a fold with a space", "Name: a\r\n b", "400 bad-field"],
  ["RFC 9112, 5.2: a fold with a tab", "Name: a\r\n\tb", "400 bad-field"],
  ["RFC 9112, 5.2: a fold that is empty", "Name: a\r\n ", "400 bad-field"],
  ["RFC 9112, 5.2: a fold that looks like a field", "Name: a\r\n B: c", "400 bad-field"],
  ["RFC 9112, 5.2: Transfer-Encoding folded", "Transfer-Encoding:\r\n chunked", "400 bad-field"],
  ["hardening 11: a bare LF at the end of a line", "A: b\nC: d", "400 bad-line-ending"],
  ["hardening 11: a bare CR at the end of a line", "A: b\rC: d", "400 bad-line-ending"],
  ["hardening 11: CR CR LF at the end of a line", "A: b\r\r\nC: d", "400 bad-line-ending"],
  ["hardening 11: LF CR at the end of a line", "A: b\n\rC: d", "400 bad-line-ending"],
  ["hardening 11: a bare LF as the empty line", "A: b\r\n\n", "400 bad-line-ending"],
  ["hardening 11: a bare CR as the empty line", "A: b\r\n\rC: d", "400 bad-line-ending"],
  ["hardening 11: two bare LFs", "A: b\n\nGET /evil HTTP/1.1", "400 bad-line-ending"],
  ["hardening 11: a bare CR in a name", "A\rB: c", "400 bad-line-ending"],
  ["hardening 11: a bare LF in a name", "A\nB: c", "400 bad-line-ending"],
  ["hardening 11: a bare CR before the colon", "A\r: c", "400 bad-line-ending"],
  ["hardening 11: a bare CR at the start of a value", "A:\rb", "400 bad-line-ending"],
  ["hardening 14: NUL in a value", "A: b\0c", "400 bad-character"],
  ["hardening 14: NUL at the end of a value", "A: b\0", "400 bad-character"],
  ["hardening 14: NUL in a name", "A\0: b", "400 bad-character"],
  ["hardening 14: NUL before the colon", "A\0:b", "400 bad-character"],
  ["hardening 14: 0x01 in a value", "A: \x01", "400 bad-character"],
  ["hardening 14: a backspace in a value", "A: \x08", "400 bad-character"],
  ["hardening 14: a vertical tab in a value", "A: \x0bb", "400 bad-character"],
  ["hardening 14: a form feed in a value", "A: b\x0c", "400 bad-character"],
  ["hardening 14: ESC in a value", "A: \x1b[2J", "400 bad-character"],
  ["hardening 14: 0x1f in a value", "A: \x1f", "400 bad-character"],
  ["hardening 14: DEL in a value", "A: \x7f", "400 bad-character"],
  ["hardening 14: DEL in a name", "A\x7f: b", "400 bad-character"],
];

testRows(refused.map(([title, lines, event]): Row => ({
  title: `${title} is refused`,
  bytes: withLines(lines),
  events: [event],
})));

testRows([
  {
    title: "hardening 13: whitespace before the first field is refused",
    bytes: "GET / HTTP/1.1\r\n Host: h\r\n\r\n",
    events: ["400 bad-field"],
  },
  {
    title: "hardening 13: a tab before the first field is refused",
    bytes: "GET / HTTP/1.1\r\n\tHost: h\r\n\r\n",
    events: ["400 bad-field"],
  },
  {
    title: "RFC 9110, 5.2 and 5.3: order, case and duplicates are kept",
    bytes: withLines("b: 1\r\nA: 2\r\nB: 3\r\nset-cookie: x\r\nb: 1\r\nSet-Cookie: y"),
    events: ["GET / HTTP/1.1", "end"],
    facts: {
      fields: [
        ["Host", "h"],
        ["b", "1"],
        ["A", "2"],
        ["B", "3"],
        ["set-cookie", "x"],
        ["b", "1"],
        ["Set-Cookie", "y"],
      ],
    },
  },
  {
    title: "the fields of a head outlive a body that needs new memory",
    bytes: `POST / HTTP/1.1\r\nHost: h\r\nA: first\r\nContent-Length: 5000\r\n\r\n${
      "x".repeat(5000)
    }`,
    events: ["POST / HTTP/1.1", "data " + "x".repeat(5000), "end"],
    facts: {
      fields: [["Host", "h"], ["A", "first"], ["Content-Length", "5000"]],
      url: "http://h/",
    },
  },
  {
    title: "the fields of a head that was moved while it arrived",
    bytes: withLines(`A: ${"a".repeat(3000)}\r\nB: ${"b".repeat(3000)}`),
    events: ["GET / HTTP/1.1", "end"],
    facts: { fields: [["Host", "h"], ["A", "a".repeat(3000)], ["B", "b".repeat(3000)]] },
  },
  {
    title: "names and values of more than 1024 bytes are whole",
    bytes: withLines(`${"n".repeat(1025)}: ${"v".repeat(2049)}w`),
    events: ["GET / HTTP/1.1", "end"],
    facts: { fields: [["Host", "h"], ["n".repeat(1025), "v".repeat(2049) + "w"]] },
  },
]);

/** Every byte in a value and in a name, against the grammar as a pattern. */
for (let byte = 0; byte < 256; byte++) {
  const char = String.fromCharCode(byte);
  const shown = "0x" + byte.toString(16).padStart(2, "0");
  const isText = byte === 9 || (byte >= 0x20 && byte !== 0x7f);
  const isLineEnd = byte === 0x0a || byte === 0x0d;
  const refusal = isLineEnd ? "400 bad-line-ending" : "400 bad-character";
  testRows([
    {
      title: `RFC 9110, 5.5: ${shown} within a value`,
      bytes: withLines(`A: b${char}c`),
      events: isText ? ["GET / HTTP/1.1", "end"] : [refusal],
      ...(isText && { facts: { fields: [["Host", "h"], ["A", `b${char}c`]] } }),
    },
    {
      title: `RFC 9110, 5.1: ${shown} within a name`,
      bytes: withLines(`A${char}c: d`),
      events: /[\w!#$%&'*+.^`|~:-]/.test(char)
        ? ["GET / HTTP/1.1", "end"]
        : [isText ? "400 bad-field" : refusal],
    },
  ]);
}

Deno.test("hardening 31: Headers contain every received field, even __proto__", () => {
  const parser = new RequestParser(parserOptions({}));
  parser.input.push(
    bytesOf(withLines("__proto__: x\r\nA: 1\r\na: 2\r\nSet-Cookie: b\r\nSet-Cookie: c\r\nE: \xe4")),
  );
  const head = parser.next() as RequestHead;
  const headers = headersOf(head.fields);
  assertEquals(headers.get("__proto__"), "x");
  assertEquals(headers.get("a"), "1, 2");
  assertEquals(headers.getSetCookie(), ["b", "c"]);
  assertEquals(headers.get("e"), "\xe4");
  assertEquals(headers.get("constructor"), null);
});
