import { testRows } from "./runners.ts";
import type { Row } from "./runners.ts";

/** A request with these lines behind Host, and what follows the empty line. */
function request(lines: string, body = "", line = "POST / HTTP/1.1"): string {
  return `${line}\r\nHost: h\r\n${lines}${lines && "\r\n"}\r\n${body}`;
}

const CHUNKED = "3\r\nabc\r\n0\r\n\r\n";
const POST = "POST / HTTP/1.1";

/** Transfer-Encoding (RFC 9112, 6.1; hardening 1 to 4). */
const codings: readonly (readonly [title: string, lines: string, event: string])[] = [
  ["chunked twice in one line", "Transfer-Encoding: chunked, chunked", "400 bad-transfer-encoding"],
  [
    "chunked twice in two lines",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    "400 bad-transfer-encoding",
  ],
  ["chunked not last", "Transfer-Encoding: chunked, gzip", "400 bad-transfer-encoding"],
  [
    "chunked not last, in two lines",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip",
    "400 bad-transfer-encoding",
  ],
  ["chunked and identity", "Transfer-Encoding: chunked, identity", "400 bad-transfer-encoding"],
  ["an empty value", "Transfer-Encoding:", "400 bad-transfer-encoding"],
  ["spaces only", "Transfer-Encoding: \t ", "400 bad-transfer-encoding"],
  ["an empty member at the end", "Transfer-Encoding: chunked,", "400 bad-transfer-encoding"],
  ["an empty member at the start", "Transfer-Encoding: ,chunked", "400 bad-transfer-encoding"],
  ["a comma alone", "Transfer-Encoding: ,", "400 bad-transfer-encoding"],
  [
    "an empty second line",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding:",
    "400 bad-transfer-encoding",
  ],
  ["quotes", 'Transfer-Encoding: "chunked"', "400 bad-transfer-encoding"],
  [
    "single quotes around it are another token",
    "Transfer-Encoding: 'chunked'",
    "501 unsupported-transfer-coding",
  ],
  ["a parameter", "Transfer-Encoding: chunked;a=b", "400 bad-transfer-encoding"],
  ["a parameter behind spaces", "Transfer-Encoding: chunked ; a=b", "400 bad-transfer-encoding"],
  ["an empty parameter", "Transfer-Encoding: chunked;", "400 bad-transfer-encoding"],
  ["two words", "Transfer-Encoding: chunked chunked", "400 bad-transfer-encoding"],
  ["a space within", "Transfer-Encoding: chun ked", "400 bad-transfer-encoding"],
  ["a tab within", "Transfer-Encoding: x\tchunked", "400 bad-transfer-encoding"],
  ["a colon before it", "Transfer-Encoding: : chunked", "400 bad-transfer-encoding"],
  ["a byte above 0x7f before it", "Transfer-Encoding: \xa0chunked", "400 bad-transfer-encoding"],
  ["a byte above 0x7f behind it", "Transfer-Encoding: chunked\x85", "400 bad-transfer-encoding"],
  ["a vertical tab before it", "Transfer-Encoding: \x0bchunked", "400 bad-character"],
  ["a NUL behind it", "Transfer-Encoding: chunked\0", "400 bad-character"],
  ["a bare LF before it", "Transfer-Encoding: \nchunked", "400 bad-line-ending"],
  ["a space before the colon", "Transfer-Encoding : chunked", "400 bad-field"],
  [
    "a malformed coding before it",
    "Transfer-Encoding: g zip, chunked",
    "400 bad-transfer-encoding",
  ],
  ["a malformed parameter", "Transfer-Encoding: gzip;a", "400 bad-transfer-encoding"],
  ["a parameter without a name", "Transfer-Encoding: gzip;=b", "400 bad-transfer-encoding"],
  [
    "a parameter with two equals signs",
    "Transfer-Encoding: gzip;a=b=c",
    "400 bad-transfer-encoding",
  ],
  ["a parameter without a value", "Transfer-Encoding: gzip;a=", "400 bad-transfer-encoding"],
  ["another coding", "Transfer-Encoding: gzip", "501 unsupported-transfer-coding"],
  [
    "another coding with a parameter",
    "Transfer-Encoding: x ; a=b",
    "501 unsupported-transfer-coding",
  ],
  [
    "another coding before chunked",
    "Transfer-Encoding: gzip, chunked",
    "501 unsupported-transfer-coding",
  ],
  [
    "another coding before chunked, in two lines",
    "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked",
    "501 unsupported-transfer-coding",
  ],
  ["identity", "Transfer-Encoding: identity", "501 unsupported-transfer-coding"],
  ["xchunked", "Transfer-Encoding: xchunked", "501 unsupported-transfer-coding"],
  ["chunkedx", "Transfer-Encoding: chunkedx", "501 unsupported-transfer-coding"],
  ["cow", "Transfer-Encoding: cow", "501 unsupported-transfer-coding"],
  [
    "beside a Content-Length",
    "Transfer-Encoding: chunked\r\nContent-Length: 3",
    "400 bad-transfer-encoding",
  ],
  [
    "behind a Content-Length",
    "Content-Length: 3\r\nTransfer-Encoding: chunked",
    "400 bad-transfer-encoding",
  ],
  [
    "beside a Content-Length of 0",
    "Content-Length: 0\r\nTransfer-Encoding: chunked",
    "400 bad-transfer-encoding",
  ],
  [
    "beside a Content-Length that is none",
    "Content-Length: x\r\nTransfer-Encoding: chunked",
    "400 bad-transfer-encoding",
  ],
  [
    "identity beside a Content-Length",
    "Content-Length: 3\r\nTransfer-Encoding: identity",
    "400 bad-transfer-encoding",
  ],
];

testRows(codings.map(([title, lines, event]): Row => ({
  title: `RFC 9112, 6.1: Transfer-Encoding: ${title} is refused`,
  bytes: request(lines, CHUNKED),
  events: [event],
})));

/** Ways of writing chunked that are taken. */
testRows([
  "Transfer-Encoding: chunked",
  "transfer-encoding:chunked",
  "TRANSFER-ENCODING: CHUNKED",
  "Transfer-Encoding: ChUnKeD",
  "Transfer-Encoding: \t chunked \t ",
].map((line): Row => ({
  title: `RFC 9112, 7: ${JSON.stringify(line)} is taken`,
  bytes: request(line, CHUNKED),
  events: [POST, "data abc", "end"],
  facts: { body: "chunked", persistent: true },
})));

/** Content-Length (RFC 9110, 8.6; hardening 6). */
const badLengths = [
  "",
  "+3",
  "-3",
  "-0",
  "0x3",
  "3_0",
  "3.0",
  "3e0",
  "3abc",
  "abc",
  "3 3",
  "3, 3",
  "3,3",
  "3,",
  ",3",
  "3;",
  '"3"',
  "\xb23",
  "3\xa0",
  "\x853",
  "9007199254740992x",
  "-9007199254740992",
  "9007199254740992, 9007199254740992",
  "Infinity",
  "NaN",
];

testRows(badLengths.map((value): Row => ({
  title: `RFC 9110, 8.6: Content-Length: ${value.slice(0, 30)} is refused`,
  bytes: request(`Content-Length: ${value}`, "abc"),
  events: ["400 bad-content-length"],
})));

/** Numbers beyond 2^53-1, which no `maxBody` allows. */
const hugeLengths = [
  "9007199254740992",
  "9007199254740993",
  "0009007199254740992",
  "18446744073709551616",
  "18446744073709551619",
  "99999999999999999999999999",
  "1" + "0".repeat(400),
];

testRows(hugeLengths.map((value): Row => ({
  title: `hardening 6: Content-Length: ${value.slice(0, 30)} is too large`,
  bytes: request(`Content-Length: ${value}`, "abc"),
  events: ["413 body-too-large"],
  maxBody: Infinity,
})));

testRows([
  {
    title: "RFC 9110, 8.6: two Content-Lengths are refused",
    bytes: request("Content-Length: 3\r\nContent-Length: 4", "abc"),
    events: ["400 bad-content-length"],
  },
  {
    title: "hardening 6: two equal Content-Lengths are refused",
    bytes: request("Content-Length: 3\r\ncontent-length: 3", "abc"),
    events: ["400 bad-content-length"],
  },
  {
    title: "hardening 14: a vertical tab in Content-Length is refused",
    bytes: request("Content-Length: \x0b3", "abc"),
    events: ["400 bad-character"],
  },
  {
    title: "RFC 9112, 6.2: a body of Content-Length bytes",
    bytes: request("Content-Length: 3", "abc"),
    events: [POST, "data abc", "end"],
    facts: { body: 3, persistent: true, expectsContinue: false },
  },
  {
    title: "RFC 9112, 6.2: spaces and tabs around the number",
    bytes: request("Content-Length: \t3\t ", "abc"),
    events: [POST, "data abc", "end"],
    facts: { body: 3 },
  },
  {
    title: "RFC 9110, 8.6: leading zeros are digits",
    bytes: request("Content-Length: 0000000000000000000000003", "abc"),
    events: [POST, "data abc", "end"],
    facts: { body: 3 },
  },
  {
    title: "RFC 9112, 6.2: a Content-Length of 0",
    bytes: request("Content-Length: 0"),
    events: [POST, "end"],
    facts: { body: 0 },
  },
  {
    title: "RFC 9110, 8.6: the largest number that is exact",
    bytes: request("Content-Length: 9007199254740991", "abc"),
    events: [POST, "data abc", "400 incomplete-message"],
    facts: { body: 9007199254740991 },
    maxBody: Infinity,
  },
  {
    title: "RFC 9110, 15.5.14: the largest number that is exact is beyond maxBody",
    bytes: request("Content-Length: 9007199254740991", "abc"),
    events: [POST, "413 body-too-large"],
  },
  {
    title: "RFC 9112, 6.2: a body of any bytes",
    bytes: request("Content-Length: 8", "\r\n\r\n\0\x7f\x80\xff"),
    events: [POST, "data \r\n\r\n\0\x7f\x80\xff", "end"],
  },
  {
    title: "RFC 9112, 6.2: a request in a body is not read as one",
    bytes: request("Content-Length: 35", "GET /evil HTTP/1.1\r\nHost: evil\r\n\r\n\r"),
    events: [POST, "data GET /evil HTTP/1.1\r\nHost: evil\r\n\r\n\r", "end"],
  },
  {
    title: "RFC 9112, 8: a body that is too short is incomplete",
    bytes: request("Content-Length: 4", "abc"),
    events: [POST, "data abc", "400 incomplete-message"],
  },
  {
    title: "RFC 9112, 8: a body that never came is incomplete",
    bytes: request("Content-Length: 4"),
    events: [POST, "400 incomplete-message"],
  },
  {
    title: "RFC 9112, 6.1: Transfer-Encoding on HTTP/1.0 is refused",
    bytes: "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKED,
    events: ["400 bad-transfer-encoding"],
  },
  {
    title: "RFC 9112, 6.1: another coding on HTTP/1.0 is refused too",
    bytes: "POST / HTTP/1.0\r\nTransfer-Encoding: gzip\r\n\r\n",
    events: ["400 bad-transfer-encoding"],
  },
  {
    title: "RFC 9112, 6.1: chunked on HTTP/1.2 is taken",
    bytes: request("Transfer-Encoding: chunked", CHUNKED, "POST / HTTP/1.2"),
    events: ["POST / HTTP/1.2", "data abc", "end"],
  },
  {
    title: "RFC 9112, 6.2: Content-Length on HTTP/1.0 is taken",
    bytes: "POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc",
    events: ["POST / HTTP/1.0", "data abc", "end"],
    facts: { persistent: false },
  },
  {
    title: "hardening 2: a field whose name only resembles Transfer-Encoding means nothing",
    bytes: request("Transfer_Encoding: chunked\r\nContent-Length: 3", "abc"),
    events: [POST, "data abc", "end"],
  },
  {
    title: "hardening 6: a field whose name only resembles Content-Length means nothing",
    bytes: request("Content_Length: 9\r\nContent-Length: 3\r\nContent-Length2: 7", "abc"),
    events: [POST, "data abc", "end"],
  },
]);

/** Hardening 5: the framing does not depend on the method. */
const methods = ["GET", "HEAD", "OPTIONS", "DELETE", "TRACE", "PUT", "PATCH", "POST", "post", "X"];

testRows(methods.flatMap((method): Row[] => {
  const line = `${method} / HTTP/1.1`;
  return [
    {
      title: `hardening 5: ${method} may have a Content-Length`,
      bytes: request("Content-Length: 3", "abc", line),
      events: [line, "data abc", "end"],
      facts: { body: 3 },
    },
    {
      title: `hardening 5: ${method} may be chunked`,
      bytes: request("Transfer-Encoding: chunked", CHUNKED, line),
      events: [line, "data abc", "end"],
      facts: { body: "chunked" },
    },
    {
      title: `hardening 5: ${method} with a bad Content-Length is refused`,
      bytes: request("Content-Length: +3", "abc", line),
      events: ["400 bad-content-length"],
    },
    {
      title: `hardening 5: ${method} with both Transfer-Encoding and Content-Length is refused`,
      bytes: request("Transfer-Encoding: chunked\r\nContent-Length: 3", CHUNKED, line),
      events: ["400 bad-transfer-encoding"],
    },
    {
      title: `hardening 5: ${method} that is chunked twice is refused`,
      bytes: request("Transfer-Encoding: chunked, chunked", CHUNKED, line),
      events: ["400 bad-transfer-encoding"],
    },
    {
      title: `RFC 9112, 6.3: ${method} without a length has no body in the rfc profile`,
      bytes: request("", "", line),
      events: [line, "end"],
      facts: { body: 0 },
      profile: "rfc",
    },
    {
      title: `RFC 9110, 15.5.12: ${method} without a length in the original profile`,
      bytes: request("", "", line),
      events: method === "POST" ? ["411 length-required"] : [line, "end"],
    },
  ];
}));

testRows([
  {
    title: "RFC 9110, 15.5.12: POST of HTTP/1.0 without a length in the original profile",
    bytes: "POST / HTTP/1.0\r\n\r\n",
    events: ["411 length-required"],
  },
  {
    title: "RFC 9112, 6.3: POST of HTTP/1.0 without a length in the rfc profile",
    bytes: "POST / HTTP/1.0\r\n\r\n",
    events: ["POST / HTTP/1.0", "end"],
    profile: "rfc",
  },
]);
