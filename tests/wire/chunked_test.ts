import { encodeChunkEnd, encodeChunkSize, encodeLastChunk } from "../../src/wire/chunked.ts";
import { WriteBuffer } from "../../src/wire/write_buffer.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { bytesOf, textOf } from "../fixtures.ts";
import { HttpError } from "../../src/errors.ts";
import { ChunkedDecoder } from "../../src/wire/chunked.ts";
import { ReadBuffer } from "../../src/wire/read_buffer.ts";
import { DEFAULT_LIMITS } from "../../src/limits.ts";
import { testRows } from "./runners.ts";
import type { Row } from "./runners.ts";

const LINE = "PUT / HTTP/1.1";

function chunked(body: string): string {
  return `${LINE}\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n${body}`;
}

/** Bodies that are taken: the bytes, the data, the end. */
const accepted: readonly (readonly [title: string, body: string, data: string, end: string])[] = [
  ["an empty body", "0\r\n\r\n", "", "end"],
  ["one chunk", "3\r\nabc\r\n0\r\n\r\n", "abc", "end"],
  ["several chunks", "1\r\na\r\n2\r\nbc\r\n3\r\ndef\r\n0\r\n\r\n", "abcdef", "end"],
  ["a size in lower case", "a\r\n0123456789\r\n0\r\n\r\n", "0123456789", "end"],
  ["a size in upper case", "A\r\n0123456789\r\n0\r\n\r\n", "0123456789", "end"],
  ["a size of two digits", "1F\r\n" + "x".repeat(31) + "\r\n0\r\n\r\n", "x".repeat(31), "end"],
  ["a size with leading zeros", "0000000000003\r\nabc\r\n0\r\n\r\n", "abc", "end"],
  ["a last chunk of several zeros", "000\r\n\r\n", "", "end"],
  ["a last chunk of 13 zeros", "0000000000000\r\n\r\n", "", "end"],
  ["data of line ends", "4\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n", "end"],
  ["data that looks like the end", "5\r\n0\r\n\r\n\r\n0\r\n\r\n", "0\r\n\r\n", "end"],
  ["data of any bytes", "4\r\n\0\x7f\x80\xff\r\n0\r\n\r\n", "\0\x7f\x80\xff", "end"],
  ["an extension", "1;a=b\r\nx\r\n0\r\n\r\n", "x", "end"],
  ["an extension without a value", "1;a\r\nx\r\n0\r\n\r\n", "x", "end"],
  ["an extension of the last chunk", "0;a=b\r\n\r\n", "", "end"],
  ["trailers", "1\r\nx\r\n0\r\nA: 1\r\nb:\t2 \r\nA: 3\r\n\r\n", "x", "end A=1 b=2 A=3"],
  ["trailers of an empty body", "0\r\nA: 1\r\n\r\n", "", "end A=1"],
  ["a trailer with an empty value", "0\r\nA:\r\n\r\n", "", "end A="],
];

testRows(accepted.map(([title, body, data, end]): Row => ({
  title: `RFC 9112, 7.1: ${title} is taken`,
  bytes: chunked(body),
  events: data === "" ? [LINE, end] : [LINE, "data " + data, end],
})));

/** `*( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )` (RFC 9112, 7.1.1). */
const wellFormed: readonly (readonly [title: string, extensions: string])[] = [
  ["a name", ";a"],
  ["every mark of a token", ";!#$%&'*+-.^_`|~=!#$%&'*+-.^_`|~"],
  ["digits", ";1=2"],
  ["several", ";a;b=c;d"],
  ["the same name twice", ";a=1;a=2"],
  ["whitespace behind a semicolon", "; \ta"],
  ["whitespace before a second semicolon", ";a \t;b=c\t ;d"],
  ["whitespace around an equals sign", ";a \t=\t b"],
  ["an empty quoted value", ';a=""'],
  ["a quoted value", ';a="b c\td"'],
  ["delimiters in a quoted value", ';a="b;c=d,e";f'],
  ["a line end in words in a quoted value", ';a="\\r\\n"'],
  ["an escaped quote", ';a="\\""'],
  ["an escaped backslash", ';a="\\\\"'],
  ["an escaped quote, then a semicolon", ';a="\\";";b'],
  ["an escaped space and tab", ';a="\\ \\\t"'],
  ["bytes above 0x7f in a quoted value", ';a="\x80\\\xff\xff"'],
  ["whitespace behind a quoted value", ';a="b" ; c'],
];

testRows(wellFormed.flatMap(([title, extensions]): Row[] => [
  {
    title: `hardening 50: chunk extensions: ${title}: taken`,
    bytes: chunked(`1${extensions}\r\nx\r\n0\r\n\r\n`),
    events: [LINE, "data x", "end"],
  },
  {
    title: `hardening 50: chunk extensions of the last chunk: ${title}: taken`,
    bytes: chunked(`0${extensions}\r\nA: b\r\n\r\n`),
    events: [LINE, "end A=b"],
  },
]));

const malformed: readonly (readonly [title: string, extensions: string])[] = [
  ["no name", ";"],
  ["no name, whitespace", "; \t"],
  ["no name between two", ";a;;b"],
  ["no name behind one", ";a;"],
  ["no name before an equals sign", ";=b"],
  ["a name of two words", ";a b"],
  ["a name that is no token", ";@=1"],
  ["a name in quotes", ';"a"=b'],
  ["a byte above 0x7f in a name", ";\x80"],
  ["a slash in a name", ";a/b"],
  ["a comma instead of a semicolon", ";a,b"],
  ["no value", ";a="],
  ["no value, whitespace", ";a= "],
  ["no value before a semicolon", ";a=;b"],
  ["a value of two words", ";a=b c"],
  ["a value that is no token", ";a=b@"],
  ["a value that begins with none", ";a=(b)"],
  ["a byte above 0x7f in a token", ";a=\xff"],
  ["two equals signs", ";a==b"],
  ["two values", ";a=b=c"],
  ["a quote behind a token", ';a=b"c"'],
  ["a token behind a quote", ';a="b"c'],
  ["a second value in quotes", ';a="b""c"'],
  ["an equals sign behind a quoted value", ';a="b"=c'],
  ["a quote that does not end", ';a="b'],
  ["a quote that ends escaped", ';a="b\\"'],
  ["a quote that ends with a backslash", ';a="b\\'],
  ["a quote alone", ';a="'],
  ["a quote in single quotes", ";a='b c'"],
  ["whitespace before the line end, behind a name", ";a "],
  ["whitespace before the line end, behind a value", ";a=b\t"],
  ["whitespace before the line end, behind quotes", ';a="b" '],
  ["NUL in quotes", ';a="\0"'],
  ["DEL in quotes", ';a="\x7f"'],
  ["an escaped NUL", ';a="\\\0"'],
  ["an escaped ESC", ';a="\\\x1b"'],
  ["an escaped LF", ';a="\\\n"'],
  ["an escaped CRLF", ';a="\\\r\n"'],
  ["a bare CR in quotes", ';a="b\rc"'],
  ["CRLF in quotes", ';a="b\r\nc"'],
  ["a bare LF in quotes", ';a="b\nc"'],
  ["a bare LF behind quotes", ';a="b"\n'],
];

testRows(malformed.flatMap(([title, extensions]): Row[] =>
  ["1", "0"].map((size) => ({
    title: `hardening 50: chunk extensions behind ${size}: ${title}: refused`,
    bytes: chunked(`${size}${extensions}\r\nx\r\n0\r\n\r\n`),
    events: [LINE, "400 bad-chunk"],
  }))
));

/** What the extension of one chunk has ended with says nothing about that of the next. */
const ENDS_OF_EXTENSIONS = [";a", ";a=b", ';a="b"'];

testRows(ENDS_OF_EXTENSIONS.flatMap((before): Row[] => [
  {
    title: `hardening 50: an extension behind a chunk with ${before}: taken`,
    bytes: chunked(`1${before}\r\nx\r\n1;c\r\ny\r\n0;d\r\n\r\n`),
    events: [LINE, "data xy", "end"],
  },
  {
    title: `hardening 50: a malformed extension behind a chunk with ${before}: refused`,
    bytes: chunked(`1${before}\r\nx\r\n1;;c\r\ny\r\n0\r\n\r\n`),
    events: [LINE, "data x", "400 bad-chunk"],
  },
]));

/** Every byte at each place of an extension, against the grammar as a pattern. */
const EXTENSIONS =
  /^(?:[ \t]*;[ \t]*[!#$%&'*+.^`|~\w-]+(?:[ \t]*=[ \t]*(?:[!#$%&'*+.^`|~\w-]+|"(?:[\t !#-[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"))?)*$/;

const PLACES: readonly (readonly [place: string, make: (char: string) => string])[] = [
  ["behind a semicolon", (char) => `;${char}a`],
  ["within a name", (char) => `;a${char}b`],
  ["behind an equals sign", (char) => `;a=${char}b`],
  ["within a value", (char) => `;a=b${char};c`],
  ["within quotes", (char) => `;a="b${char}"`],
  ["behind a backslash", (char) => `;a="b\\${char}"`],
  ["behind quotes", (char) => `;a="b"${char}`],
  ["behind whitespace, a name before it", (char) => `;a ${char}b`],
  ["behind whitespace, a value before it", (char) => `;a=b ${char}c`],
];

for (const [place, make] of PLACES) {
  Deno.test(`hardening 50: every byte ${place}`, () => {
    for (let byte = 0; byte < 256; byte++) {
      const extensions = make(String.fromCharCode(byte));
      const shown = JSON.stringify(extensions);
      const isTaken = decode([`1${extensions}\r\nx\r\n`], 6)[0] === '"x"';
      assertEquals(isTaken, EXTENSIONS.test(extensions), shown);
    }
  });
}

/** Bodies that are refused: the bytes, the data before, the refusal. */
const refused: readonly (readonly [title: string, body: string, data: string, error: string])[] = [
  ["hardening 7: 0x before the size", "0x1\r\na\r\n0\r\n\r\n", "", "400 bad-chunk"],
  ["hardening 7: x before the size", "x1\r\na\r\n", "", "400 bad-chunk"],
  ["hardening 7: a plus sign", "+1\r\na\r\n", "", "400 bad-chunk"],
  ["hardening 7: a minus sign", "-1\r\na\r\n", "", "400 bad-chunk"],
  ["hardening 7: minus zero", "-0\r\n\r\n", "", "400 bad-chunk"],
  ["hardening 7: an underscore", "1_0\r\n", "", "400 bad-chunk"],
  ["hardening 7: no size", "\r\na\r\n", "", "400 bad-chunk"],
  ["hardening 7: an extension without a size", ";a\r\na\r\n", "", "400 bad-chunk"],
  ["hardening 7: a space before the size", " 1\r\na\r\n", "", "400 bad-chunk"],
  ["hardening 7: a space behind the size", "1 \r\na\r\n", "", "400 bad-chunk"],
  ["hardening 7: a tab behind the size", "1\t\r\na\r\n", "", "400 bad-chunk"],
  ["hardening 7: a space before an extension", "1 ;a\r\na\r\n", "", "400 bad-chunk"],
  ["hardening 7: a space between digits", "1 0\r\n", "", "400 bad-chunk"],
  ["hardening 7: a letter behind the digits", "1g\r\na\r\n", "", "400 bad-chunk"],
  ["hardening 7: an h behind the digits", "1h\r\na\r\n", "", "400 bad-chunk"],
  ["hardening 7: a decimal point", "1.0\r\na\r\n", "", "400 bad-chunk"],
  ["hardening 7: a comma", "1,0\r\na\r\n", "", "400 bad-chunk"],
  ["hardening 7: quotes", '"1"\r\na\r\n', "", "400 bad-chunk"],
  ["hardening 7: a byte above 0x7f", "\xb1\r\na\r\n", "", "400 bad-chunk"],
  ["hardening 7: a NUL", "1\0\r\na\r\n", "", "400 bad-chunk"],
  ["hardening 7: 14 digits", "00000000000001\r\na\r\n", "", "400 bad-chunk"],
  ["hardening 7: 14 digits for the last chunk", "00000000000000\r\n\r\n", "", "400 bad-chunk"],
  ["hardening 7: 2^64 and 3", "10000000000000003\r\nabc\r\n0\r\n\r\n", "", "400 bad-chunk"],
  ["hardening 7: 2^32 and 1 is not 1", "100000001\r\na\r\n0\r\n\r\n", "", "413 body-too-large"],
  ["hardening 7: the largest size", "FFFFFFFFFFFFF\r\nabc", "", "413 body-too-large"],
  ["hardening 8: a bare LF behind the size", "1\na\r\n0\r\n\r\n", "", "400 bad-chunk"],
  ["hardening 8: a bare CR behind the size", "1\ra\r\n0\r\n\r\n", "", "400 bad-chunk"],
  ["hardening 8: CR CR LF behind the size", "1\r\r\na\r\n", "", "400 bad-chunk"],
  ["hardening 8: a bare LF in an extension", "1;a\nb\r\nx\r\n", "", "400 bad-chunk"],
  ["hardening 8: a bare LF behind an extension", "1;\nx\r\n0\r\n\r\n", "", "400 bad-chunk"],
  ["hardening 8: a bare CR in an extension", "1;a\rb\r\nx\r\n", "", "400 bad-chunk"],
  ["hardening 8: a bare LF in a quoted extension", '1;a="\n"\r\nx\r\n', "", "400 bad-chunk"],
  ["hardening 8: CRLF in a quoted extension", '1;a="\r\n"\r\nx\r\n', "", "400 bad-chunk"],
  ["hardening 8: a NUL in an extension", "1;a\0\r\nx\r\n", "", "400 bad-chunk"],
  ["hardening 8: ESC in an extension", "1;\x1b\r\nx\r\n", "", "400 bad-chunk"],
  ["hardening 8: DEL in an extension", "1;\x7f\r\nx\r\n", "", "400 bad-chunk"],
  ["hardening 8: a bare LF behind the last chunk", "0\n\r\n", "", "400 bad-chunk"],
  ["hardening 9: no CRLF behind the data", "1\r\nab\r\n", "a", "400 bad-chunk"],
  ["hardening 9: a bare LF behind the data", "1\r\na\n0\r\n\r\n", "a", "400 bad-chunk"],
  ["hardening 9: a bare CR behind the data", "1\r\na\r0\r\n\r\n", "a", "400 bad-chunk"],
  ["hardening 9: CR CR behind the data", "1\r\na\r\r\n", "a", "400 bad-chunk"],
  ["hardening 9: LF CR behind the data", "1\r\na\n\r", "a", "400 bad-chunk"],
  ["hardening 9: two other bytes behind the data", "1\r\naXX0\r\n\r\n", "a", "400 bad-chunk"],
  [
    "hardening 9: the data is shorter than its size",
    "3\r\na\r\n0\r\n\r\n",
    "a\r\n",
    "400 bad-chunk",
  ],
  ["RFC 9112, 7.1: another chunk is bad", "1\r\na\r\nz\r\n", "a", "400 bad-chunk"],
  ["RFC 9112, 7.1.2: a bare LF behind a trailer", "0\r\nA: b\n\r\n", "", "400 bad-line-ending"],
  ["RFC 9112, 7.1.2: a bare LF for the empty line", "0\r\n\n", "", "400 bad-line-ending"],
  ["RFC 9112, 7.1.2: a bare CR for the empty line", "0\r\n\rx", "", "400 bad-line-ending"],
  ["RFC 9112, 7.1.2: a NUL in a trailer", "0\r\nA: \0\r\n\r\n", "", "400 bad-character"],
  ["RFC 9112, 7.1.2: a folded trailer", "0\r\nA: b\r\n c\r\n\r\n", "", "400 bad-field"],
  ["RFC 9112, 7.1.2: a space before the colon", "0\r\nA : b\r\n\r\n", "", "400 bad-field"],
  ["RFC 9112, 7.1.2: no colon", "0\r\nA\r\n\r\n", "", "400 bad-field"],
  [
    "RFC 9112, 7.1.2: a request where trailers belong",
    "0\r\nGET / HTTP/1.1\r\n",
    "",
    "400 bad-field",
  ],
];

testRows(refused.map(([title, body, data, error]): Row => ({
  title: `${title} is refused`,
  bytes: chunked(body),
  events: data === "" ? [LINE, error] : [LINE, "data " + data, error],
})));

/** Bodies that end too early (RFC 9112, 8). */
const incomplete: readonly (readonly [body: string, data: string])[] = [
  ["", ""],
  ["3", ""],
  ["3;a", ""],
  ["3\r", ""],
  ["3\r\n", ""],
  ["3\r\na", "a"],
  ["3\r\nabc", "abc"],
  ["3\r\nabc\r", "abc"],
  ["3\r\nabc\r\n", "abc"],
  ["3\r\nabc\r\n0", "abc"],
  ["0\r\n", ""],
  ["0\r\n\r", ""],
  ["0\r\nA: b", ""],
  ["0\r\nA: b\r", ""],
  ["0\r\nA: b\r\n", ""],
  ["0\r\nA: b\r\n\r", ""],
];

testRows(incomplete.map(([body, data]): Row => ({
  title: `RFC 9112, 8: a chunked body that ends with ${JSON.stringify(body)} is incomplete`,
  bytes: chunked(body),
  events: data === ""
    ? [LINE, "400 incomplete-message"]
    : [LINE, "data " + data, "400 incomplete-message"],
})));

testRows([
  {
    title: "hardening 19: trailers are apart from the fields",
    bytes: chunked("0\r\nHost: evil\r\nContent-Length: 5\r\nTransfer-Encoding: gzip\r\n\r\n"),
    events: [LINE, "end Host=evil Content-Length=5 Transfer-Encoding=gzip"],
    facts: { fields: [["Host", "h"], ["Transfer-Encoding", "chunked"]], url: "http://h/" },
  },
  {
    title: "RFC 9112, 7.1: a chunk that needs new memory",
    bytes: chunked(`1388\r\n${"x".repeat(5000)}\r\n0\r\nA: ${"y".repeat(3000)}\r\n\r\n`),
    events: [LINE, "data " + "x".repeat(5000), "end A=" + "y".repeat(3000)],
    facts: { fields: [["Host", "h"], ["Transfer-Encoding", "chunked"]] },
  },
  {
    title: "RFC 9112, 7.1: two chunked requests, trailers and all",
    bytes: chunked("1\r\na\r\n0\r\nA: 1\r\n\r\n") + chunked("1\r\nb\r\n0\r\nB: 2\r\n\r\n"),
    events: [LINE, "data a", "end A=1", LINE, "data b", "end B=2"],
  },
  {
    title: "RFC 9112, 7.1.2: trailers of one request do not appear in the next",
    bytes: chunked("0\r\nA: 1\r\n\r\n") + chunked("0\r\n\r\n"),
    events: [LINE, "end A=1", LINE, "end"],
  },
]);

/** Every byte in place of a digit, against the grammar as a pattern. */
testRows(
  Array.from({ length: 256 }, (_, byte): Row => {
    const char = String.fromCharCode(byte);
    const shown = "0x" + byte.toString(16).padStart(2, "0");
    const isDigit = /[0-9A-Fa-f]/.test(char);
    const size = isDigit ? 16 + Number(`0x${char}`) : 0;
    return {
      title: `RFC 9112, 7.1: ${shown} as the second digit of a size`,
      bytes: chunked(`1${char}\r\n${"x".repeat(size)}\r\n0\r\n\r\n`),
      events: isDigit ? [LINE, "data " + "x".repeat(size), "end"] : [LINE, "400 bad-chunk"],
    };
  }).filter((row) => !/1[;\r]\r\n/.test(row.bytes)),
);

Deno.test("RFC 9112, 7.1: a decoder has its trailers at the end, and keeps returning end", () => {
  const input = new ReadBuffer();
  const decoder = new ChunkedDecoder(DEFAULT_LIMITS);
  assertEquals(decoder.read(input, Infinity), "need-data");
  input.push(bytesOf("0\r\nA: b\r\n"));
  assertEquals(decoder.read(input, Infinity), "need-data");
  assertEquals(decoder.trailers, null);
  input.push(bytesOf("\r\nrest"));
  assertEquals(decoder.read(input, Infinity), "end");
  assertEquals(decoder.trailers?.pairs(), [["A", "b"]]);
  assertEquals(decoder.read(input, Infinity), "end");
  assertEquals(input.length, 4);
});

/** Returns the results of a decoder that is given each of `texts` in turn. */
function decode(texts: readonly string[], most: number): string[] {
  const input = new ReadBuffer();
  const decoder = new ChunkedDecoder(DEFAULT_LIMITS);
  const said: string[] = [];
  for (const text of texts) {
    input.push(bytesOf(text));
    try {
      for (let found; (found = decoder.read(input, most)) !== "need-data";) {
        said.push(typeof found === "string" ? found : `"${textOf(found)}"`);
        if (found === "end") break;
      }
    } catch (error) {
      said.push((error as HttpError).code);
    }
  }
  return said;
}

Deno.test("RFC 9112, 7.1: the data of all available chunks is one piece", () => {
  const bytes = "1\r\na\r\n02;x=y\r\nbc\r\n3\r\ndef\r\n0\r\nA: b\r\n\r\n";
  assertEquals(decode([bytes], 6), ['"abcdef"', "end"]);
  assertEquals(decode([bytes.slice(0, 15), bytes.slice(15)], 6), ['"ab"', '"cdef"', "end"]);
});

Deno.test("RFC 9112, 7.1: a bad chunk after a piece is refused after it, again and again", () => {
  assertEquals(decode(["1\r\na\r\nx", "more"], 6), ['"a"', "bad-chunk", "bad-chunk"]);
});

Deno.test("maxBody: the announced size of a chunk counts before its data arrives", () => {
  assertEquals(decode(["3\r\nabc\r\n4\r", "\n"], 6), ['"abc"', "body-too-large"]);
  assertEquals(decode(["3\r\nabc\r\n4\r", "\n"], 7), ['"abc"']);
});

Deno.test("RFC 9112, 7.1: the encoding of chunks", () => {
  const out = new WriteBuffer();
  encodeChunkSize(out, 255);
  encodeChunkEnd(out);
  encodeLastChunk(out, [["X-Sum", "1"]]);
  encodeLastChunk(out, []);
  assertEquals(textOf(out.view()), "ff\r\n\r\n0\r\nX-Sum: 1\r\n\r\n0\r\n\r\n");
});

/** What is behind the input in its buffer is what earlier input has left there. */
for (
  const [title, first, second] of [
    ["the LF of a size line", "1\r\nx\r\n", "2\r"],
    ["the LF behind the data", "1\r\nx\r\n", "1\r\ny\r"],
    ["the CRLF behind the data", "1\r\nx\r\n", "1\r\ny"],
  ] as const
) {
  Deno.test(`RFC 9112, 7.1: ${title} is not taken from earlier input`, () => {
    const input = new ReadBuffer();
    const decoder = new ChunkedDecoder(DEFAULT_LIMITS);
    const read = () => {
      const found = decoder.read(input, Infinity);
      return typeof found === "string" ? found : textOf(found);
    };
    input.push(bytesOf(first));
    assertEquals([read(), read()], ["x", "need-data"]);
    input.push(bytesOf(second));
    while (read() !== "need-data");
    assertEquals(input.length, 0);
    input.push(bytesOf("!"));
    assertThrows(read, HttpError, "(RFC 9112, 7.1)");
  });
}
