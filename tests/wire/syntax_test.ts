/** Each table against the ABNF as a pattern, for all 256 bytes. */
import { assertEquals } from "@std/assert";
import { bytesOf } from "../fixtures.ts";
import * as syntax from "../../src/wire/syntax.ts";

const CLASSES: readonly (readonly [title: string, table: Uint8Array, pattern: RegExp])[] = [
  ["RFC 9110, 5.6.2: tchar", syntax.TOKEN, /[!#$%&'*+\-.^_`|~0-9A-Za-z]/],
  ["RFC 9110, 5.5: field-vchar, SP and HTAB", syntax.TEXT, /[\t -~\x80-\xff]/],
  ["RFC 3986, 3.3: pchar, /, and []^`{|}", syntax.PATH, /[!$%&'()*+,\-./0-9:;=@A-Z[\]^_`a-z{|}~]/],
  [
    "RFC 3986, 3.4: the same, ? and \\",
    syntax.QUERY,
    /[!$%&'()*+,\-./0-9:;=?@A-Z[\\\]^_`a-z{|}~]/,
  ],
  ["RFC 3986, 3.2.2: reg-name, without comma and %", syntax.REG_NAME, /[\w\-.~!$&'()*+;=]/],
  ["RFC 3986, 3.2.2: IPv6address", syntax.IP_LITERAL, /[0-9A-Fa-f:.]/],
];

for (const [title, table, pattern] of CLASSES) {
  Deno.test(title, () => {
    assertEquals(table.length, 256);
    for (let byte = 0; byte < 256; byte++) {
      const expected = pattern.test(String.fromCharCode(byte)) ? 1 : 0;
      assertEquals(table[byte], expected, `0x${byte.toString(16)}`);
    }
  });
}

Deno.test("syntax: the number of bytes in each class, counted by hand", () => {
  const count = (table: Uint8Array) => table.reduce((sum, bit) => sum + bit, 0);
  assertEquals(count(syntax.TOKEN), 15 + 10 + 52);
  assertEquals(count(syntax.TEXT), 1 + 95 + 128);
  assertEquals(count(syntax.PATH), 95 - 7); // of the printable: SP " # < > ? \
  assertEquals(count(syntax.QUERY), 95 - 5); // SP " # < >
  assertEquals(count(syntax.REG_NAME), 14 + 10 + 52); // - . _ ~ ! $ & ' ( ) * + ; =
  assertEquals(count(syntax.IP_LITERAL), 2 + 10 + 12);
});

Deno.test("RFC 5234, B.1: HEXDIG, in both cases", () => {
  const digits = "0123456789abcdef";
  for (let byte = 0; byte < 256; byte++) {
    const at = digits.indexOf(String.fromCharCode(byte).toLowerCase());
    assertEquals(syntax.HEX_VALUE[byte], at === -1 ? 255 : at, `0x${byte.toString(16)}`);
  }
});

Deno.test("RFC 5234, B.1: DIGIT, and OWS of RFC 9110, 5.6.3", () => {
  for (let byte = 0; byte < 256; byte++) {
    const char = String.fromCharCode(byte);
    assertEquals(syntax.isDigit(byte), "0123456789".includes(char));
    assertEquals(syntax.isOws(byte), " \t".includes(char));
  }
});

Deno.test("syntax: single bytes", () => {
  const { HTAB, LF, CR, SP, COLON, SEMICOLON } = syntax;
  assertEquals(String.fromCharCode(HTAB, LF, CR, SP, COLON, SEMICOLON), "\t\n\r :;");
});

/** RFC 9110, 8.6: 1*DIGIT, and not beyond 2^53-1. */
const DECIMALS: readonly (readonly [text: string, value: number])[] = [
  ["0", 0],
  ["00", 0],
  ["7", 7],
  ["0042", 42],
  ["9007199254740990", 9007199254740990],
  ["9007199254740991", 9007199254740991],
  ["9007199254740992", -1],
  ["9007199254740993", -1],
  ["90071992547409910", -1],
  ["1" + "0".repeat(400), -1],
  ["0".repeat(400) + "1", 1],
  ["", -1],
  ["-0", -1],
  ["-1", -1],
  ["+1", -1],
  [" 1", -1],
  ["1 ", -1],
  ["1_0", -1],
  ["1e3", -1],
  ["0x1", -1],
  ["1.0", -1],
  ["1/", -1],
  ["1:", -1],
  ["\u0661", -1],
  ["１", -1],
];

for (const [text, value] of DECIMALS) {
  Deno.test(`RFC 9110, 8.6: the number ${JSON.stringify(text.slice(0, 30))}`, () => {
    assertEquals(syntax.decimal(text), value);
    assertEquals(syntax.isDigits(text), /^[0-9]+$/.test(text));
  });
}

Deno.test("RFC 9110, 5.6.2: a token has at least one character, and only token characters", () => {
  for (const token of ["a", "GET", "!#$%&'*+-.^_`|~", "__proto__"]) {
    assertEquals(syntax.isToken(token), true, token);
  }
  for (const other of ["", " ", "a b", "a\t", "a:", "\xe4", "a\u0141", "a\n", "😀"]) {
    assertEquals(syntax.isToken(other), false, other);
  }
});

Deno.test("syntax: text that consists of one class only", () => {
  assertEquals(syntax.consistsOf("", syntax.TOKEN), true);
  assertEquals(syntax.consistsOf("abc", syntax.TOKEN), true);
  assertEquals(syntax.consistsOf("abc:", syntax.TOKEN), false);
  assertEquals(syntax.consistsOf(":abc", syntax.TOKEN), false);
  assertEquals(syntax.consistsOf("\u0161", syntax.TOKEN), false); // its low byte is "a"
});

Deno.test("RFC 9110, 5.5: textEnd finds the first byte that is not TEXT, at any place", () => {
  for (let length = 0; length < 14; length++) {
    for (let at = 0; at <= length; at++) {
      for (let byte = 0; byte < 256; byte++) {
        const bytes = new Uint8Array(16).fill(0x1f);
        bytes.fill(0xff, 2, 2 + length);
        if (at < length) bytes[2 + at] = byte;
        const isText = at === length || syntax.TEXT[byte] === 1;
        const end = syntax.textEnd(bytes, new DataView(bytes.buffer), 2, 2 + length);
        assertEquals(end, 2 + (isText ? length : at), `${length} bytes, ${byte} at ${at}`);
      }
    }
  }
});

Deno.test("RFC 9110, 5.5: textEnd finds the first of several", () => {
  const text = "\x80ab\x7e\xff\tcd\t\x20\x80\xe0efgh";
  for (const [rest, at] of [["", 0], ["\0\x7f\x1f\r", 0], ["\x7f\0", 0], ["i\n\x01", 1]] as const) {
    for (let from = 0; from <= text.length; from++) {
      const bytes = bytesOf(text + rest);
      const end = syntax.textEnd(bytes, new DataView(bytes.buffer), from, bytes.length);
      assertEquals(end, text.length + at, JSON.stringify(rest));
    }
  }
});

Deno.test("RFC 9110, 5.1: names are equal if they differ only in case", () => {
  const text = "..Content-Length";
  const equals = (lower: string, start = 2, end = text.length) =>
    syntax.equalsIgnoreCase(text, start, end, lower);
  assertEquals(equals("content-length"), true);
  assertEquals(equals("content-lengt"), false);
  assertEquals(equals("content-length-"), false);
  assertEquals(equals("content_length"), false);
  assertEquals(equals("xontent-length"), false);
  assertEquals(equals("content-lengtx"), false);
  assertEquals(equals("", 2, 2), true);
});

Deno.test("RFC 9110, 5.1: only ASCII letters equal another character", () => {
  for (let code = 0; code < 256; code++) {
    for (let lower = 0; lower < 256; lower++) {
      const isLetter = code >= 0x41 && code <= 0x5a;
      assertEquals(
        syntax.equalsIgnoreCase(String.fromCharCode(code), 0, 1, String.fromCharCode(lower)),
        lower === code || (isLetter && lower === code + 32),
        `${code} and ${lower}`,
      );
    }
  }
  assertEquals(syntax.equalsIgnoreCase("\u212a", 0, 1, "k"), false);
});
