import { testRows } from "./runners.ts";
import type { Row } from "./runners.ts";

const REST = "\r\nHost: h\r\n\r\n";
const BAD_LINE = ["400 bad-request-line"];

/** Request lines that are refused, each before its header lines have arrived. */
const refused: readonly (readonly [title: string, line: string, event: string])[] = [
  ["RFC 9112, 2.3: a lower-case version", "GET / http/1.1", "400 bad-request-line"],
  ["RFC 9112, 2.3: a mixed-case version", "GET / HTTp/1.1", "400 bad-request-line"],
  ["RFC 9112, 2.3: a version without a minor", "GET / HTTP/1", "400 bad-request-line"],
  ["RFC 9112, 2.3: a version with an empty minor", "GET / HTTP/1.", "400 bad-request-line"],
  ["RFC 9112, 2.3: two digits in the minor", "GET / HTTP/1.10", "400 bad-request-line"],
  ["RFC 9112, 2.3: HTTP/1.32", "GET / HTTP/1.32", "400 bad-request-line"],
  ["RFC 9112, 2.3: two digits in the major", "GET / HTTP/01.1", "400 bad-request-line"],
  ["RFC 9112, 2.3: a comma for the dot", "GET / HTTP/1,1", "400 bad-request-line"],
  ["RFC 9112, 2.3: a letter for the minor", "GET / HTTP/1.x", "400 bad-request-line"],
  ["RFC 9112, 2.3: a letter for the major", "GET / HTTP/x.1", "400 bad-request-line"],
  ["RFC 9112, 2.3: a sign in the version", "GET / HTTP/+1.1", "400 bad-request-line"],
  ["RFC 9112, 2.3: HTTP:1.1 for a version", "GET / HTTP:1.1", "400 bad-request-line"],
  ["RFC 9112, 2.3: HTXP/1.1 for a version", "GET / HTXP/1.1", "400 bad-request-line"],
  ["RFC 9112, 2.3: HXTP/1.1 for a version", "GET / HXTP/1.1", "400 bad-request-line"],
  ["RFC 9112, 2.3: XTTP/1.1 for a version", "GET / XTTP/1.1", "400 bad-request-line"],
  ["RFC 9112, 2.3: another protocol", "GET / HTTQ/1.1", "400 bad-request-line"],
  ["RFC 9112, 2.3: a protocol of another length", "GET / ICY/1.1", "400 bad-request-line"],
  ["RFC 9112, 2.3: HTTP/2.0", "GET / HTTP/2.0", "505 unsupported-version"],
  ["RFC 9112, 2.3: HTTP/0.9 spelled out", "GET / HTTP/0.9", "505 unsupported-version"],
  ["RFC 9112, 2.3: HTTP/3.1", "GET / HTTP/3.1", "505 unsupported-version"],
  ["RFC 9112, 3: an HTTP/0.9 request line", "GET /", "400 bad-request-line"],
  ["RFC 9112, 3: a method alone", "GET", "400 bad-request-line"],
  ["RFC 9112, 3: a method and a space alone", "GET ", "400 bad-request-line"],
  ["RFC 9112, 3: a method and two spaces alone", "GET  ", "400 bad-request-line"],
  ["RFC 9112, 3: two spaces before the target", "GET  / HTTP/1.1", "400 bad-request-line"],
  ["RFC 9112, 3: two spaces before the version", "GET /  HTTP/1.1", "400 bad-request-line"],
  ["RFC 9112, 3: a space behind the version", "GET / HTTP/1.1 ", "400 bad-request-line"],
  ["RFC 9112, 3: a space before the method", " GET / HTTP/1.1", "400 bad-request-line"],
  ["RFC 9112, 3: a tab before the target", "GET\t/ HTTP/1.1", "400 bad-request-line"],
  ["RFC 9112, 3: a tab before the version", "GET /\tHTTP/1.1", "400 bad-request-line"],
  ["RFC 9112, 3: a tab behind the version", "GET / HTTP/1.1\t", "400 bad-request-line"],
  ["RFC 9112, 3: an empty target", "GET  HTTP/1.1", "400 bad-request-line"],
  ["RFC 9112, 3: no target", "GET HTTP/1.1", "400 bad-request-line"],
  ["RFC 9112, 3: a space within the target", "GET /a b HTTP/1.1", "400 bad-request-line"],
  ["RFC 9112, 3: a fourth part", "GET / HTTP/1.1 x", "400 bad-request-line"],
  ["RFC 9112, 3: an empty method", " / HTTP/1.1", "400 bad-request-line"],
  ["RFC 9112, 3.1: a colon in the method", "GE:T / HTTP/1.1", "400 bad-request-line"],
  ["RFC 9112, 3.1: a parenthesis in the method", "G(T / HTTP/1.1", "400 bad-request-line"],
  ["RFC 9112, 3.1: a slash in the method", "GET/ / HTTP/1.1", "400 bad-request-line"],
  ["RFC 9112, 3.1: a byte above 0x7f in the method", "G\xcaT / HTTP/1.1", "400 bad-request-line"],
  ["RFC 9112, 3.1: a quote in the method", '"GET" / HTTP/1.1', "400 bad-request-line"],
  ["hardening 14: NUL in the method", "G\0ET / HTTP/1.1", "400 bad-character"],
  ["hardening 14: NUL in the target", "GET /\0 HTTP/1.1", "400 bad-character"],
  ["hardening 14: DEL in the target", "GET /\x7f HTTP/1.1", "400 bad-character"],
  ["hardening 14: a vertical tab for a space", "GET\x0b/ HTTP/1.1", "400 bad-character"],
  ["hardening 14: a form feed for a space", "GET\x0c/ HTTP/1.1", "400 bad-character"],
  ["hardening 14: ESC in the version", "GET / HTTP/1.\x1b", "400 bad-character"],
];

testRows(refused.map(([title, line, event]): Row => ({
  title: `${title} is refused`,
  bytes: line + REST,
  events: [event],
})));

/** Methods are tokens, upper-case only as sent (RFC 9110, 9.1). */
const methods = [
  "GET",
  "PUT",
  "HEAD",
  "PATCH",
  "DELETE",
  "OPTIONS",
  "TRACE",
  "PROPFIND",
  "GETX",
  "GE",
  "PUTT",
  "OPTION",
  "get",
  "Get",
  "GEX",
  "M-SEARCH",
  "!#$%&'*+-.^_`|~09",
  "G",
];

testRows(methods.map((method): Row => ({
  title: `RFC 9110, 9.1: the method ${method} is taken as it was sent`,
  bytes: `${method} /p HTTP/1.1${REST}`,
  events: [`${method} /p HTTP/1.1`, "end"],
})));

/** One letter off from a name that is known. */
const others = ["GET", "POST", "PUT", "HEAD", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"]
  .flatMap((name) => Array.from(name, (_, at) => `${name.slice(0, at)}x${name.slice(at + 1)}`));

testRows(others.map((method): Row => ({
  title: `RFC 9110, 9.1: ${method} is another method`,
  bytes: `${method} /p HTTP/1.1${REST}`,
  events: [`${method} /p HTTP/1.1`, "end"],
})));

testRows([
  {
    title: "RFC 9112, 2.1: a request without fields but Host",
    bytes: "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
    events: ["GET / HTTP/1.1", "end"],
    facts: { fields: [["Host", "h"]], form: "origin", body: 0, url: "http://h/" },
  },
  {
    title: "RFC 9112, 2.2: a bare LF ends no request line",
    bytes: "GET / HTTP/1.1\nHost: h\r\n\r\n",
    events: ["400 bad-line-ending"],
  },
  {
    title: "RFC 9112, 2.2: a bare CR ends no request line",
    bytes: "GET / HTTP/1.1\rHost: h\r\n\r\n",
    events: ["400 bad-line-ending"],
  },
  {
    title: "RFC 9112, 2.2: CR CR LF ends no request line",
    bytes: "GET / HTTP/1.1\r\r\nHost: h\r\n\r\n",
    events: ["400 bad-line-ending"],
  },
  {
    title: "RFC 9112, 2.2: a bare CR within the target is refused",
    bytes: "GET /\ra HTTP/1.1\r\nHost: h\r\n\r\n",
    events: ["400 bad-line-ending"],
  },
  {
    title: "RFC 9112, 2.2: one empty line before the request line is skipped",
    bytes: "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
    events: ["GET / HTTP/1.1", "end"],
    facts: { fields: [["Host", "h"]] },
  },
  {
    title: "RFC 9112, 2.2: a second empty line before the request line is refused",
    bytes: "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
    events: BAD_LINE,
  },
  {
    title: "RFC 9112, 2.2: one empty line may stand before each request",
    bytes:
      "\r\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n\r\nGET /c HTTP/1.1\r\nHost: h\r\n\r\n",
    events: ["GET /a HTTP/1.1", "end", "GET /b HTTP/1.1", "end", "GET /c HTTP/1.1", "end"],
  },
  {
    title: "RFC 9112, 2.2: a bare LF before the request line is refused",
    bytes: "\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
    events: ["400 bad-line-ending"],
  },
  {
    title: "RFC 9112, 2.2: a bare CR before the request line is refused",
    bytes: "\rGET / HTTP/1.1\r\nHost: h\r\n\r\n",
    events: ["400 bad-line-ending"],
  },
  {
    title: "RFC 9112, 2.2: an empty line and then a bare CR are refused",
    bytes: "\r\n\rGET / HTTP/1.1\r\nHost: h\r\n\r\n",
    events: ["400 bad-line-ending"],
  },
  {
    title: "RFC 9112, 2.2: whitespace between the request line and the fields is refused",
    bytes: "GET / HTTP/1.1\r\n \r\nHost: h\r\n\r\n",
    events: ["400 bad-field"],
  },
  {
    title: "RFC 9112, 2.3: HTTP/1.0 without Host is taken, and closes",
    bytes: "GET /x HTTP/1.0\r\n\r\n",
    events: ["GET /x HTTP/1.0", "end"],
    facts: { host: null, persistent: false, url: "http://local:1/x", fields: [] },
  },
  {
    title: "RFC 9112, 2.3: another minor version is treated as 1.1 is",
    bytes: "GET / HTTP/1.2\r\nHost: h\r\n\r\n",
    events: ["GET / HTTP/1.2", "end"],
    facts: { persistent: true, host: "h" },
  },
  {
    title: "RFC 9112, 2.3: HTTP/1.9 needs a Host as 1.1 does",
    bytes: "GET / HTTP/1.9\r\n\r\n",
    events: ["400 bad-host"],
  },
  {
    title: "RFC 9113, 3.4: the preface of HTTP/2 is refused as a version",
    bytes: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    events: ["505 unsupported-version"],
  },
  {
    title: "hardening 11: the start of a TLS handshake is refused",
    bytes: "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
    events: ["400 bad-character"],
  },
  {
    title: "RFC 9112, 8: no bytes are no request",
    bytes: "",
    events: [],
  },
  {
    title: "RFC 9112, 8: an empty line alone is no request",
    bytes: "\r\n",
    events: [],
  },
  {
    title: "RFC 9112, 8: half an empty line is incomplete",
    bytes: "\r",
    events: ["400 incomplete-message"],
  },
  {
    title: "RFC 9112, 8: half a request line is incomplete",
    bytes: "GET / HT",
    events: ["400 incomplete-message"],
  },
  {
    title: "RFC 9112, 8: a request line and its CR are incomplete",
    bytes: "GET / HTTP/1.1\r",
    events: ["400 incomplete-message"],
  },
  {
    title: "RFC 9112, 8: a request line alone is incomplete",
    bytes: "GET / HTTP/1.1\r\n",
    events: ["400 incomplete-message"],
  },
  {
    title: "RFC 9112, 8: a head without its empty line is incomplete",
    bytes: "GET / HTTP/1.1\r\nHost: h\r\n",
    events: ["400 incomplete-message"],
  },
  {
    title: "RFC 9112, 8: a head but for its last byte is incomplete",
    bytes: "GET / HTTP/1.1\r\nHost: h\r\n\r",
    events: ["400 incomplete-message"],
  },
]);
