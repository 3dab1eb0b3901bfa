/**
 * Requests that research on desynchronization has used, whole, as an attacker sends them: what
 * is smuggled must be data of the first request, or never be read.
 */
import { testRows } from "./runners.ts";
import type { Row } from "./runners.ts";

const SMUGGLED = "GET /admin HTTP/1.1\r\nHost: h\r\n\r\n";
const POST = "POST / HTTP/1.1";

/** A request with these fields, and what follows its head. */
function post(fields: string, behind: string): string {
  return `${POST}\r\nHost: h\r\n${fields}\r\n\r\n${behind}`;
}

/** Refused before anything behind the head is read: the title, the fields, the error. */
const REFUSED: readonly (readonly [title: string, fields: string, error: string])[] = [
  ["CL.TE", "Content-Length: 6\r\nTransfer-Encoding: chunked", "400 bad-transfer-encoding"],
  ["TE.CL", "Transfer-Encoding: chunked\r\nContent-Length: 4", "400 bad-transfer-encoding"],
  [
    "TE.TE, the second unknown",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
    "400 bad-transfer-encoding",
  ],
  [
    "TE.TE, the first unknown",
    "Transfer-Encoding: x\r\nTransfer-Encoding: chunked",
    "501 unsupported-transfer-coding",
  ],
  ["TE with a folded value", "Transfer-Encoding:\r\n chunked", "400 bad-field"],
  ["TE behind a bare LF", "A: b\nTransfer-Encoding: chunked", "400 bad-line-ending"],
  ["TE behind a bare CR", "A: b\rTransfer-Encoding: chunked", "400 bad-line-ending"],
  ["TE with a space before the colon", "Transfer-Encoding : chunked", "400 bad-field"],
  ["TE with a NUL in its name", "Transfer-Encoding\0: chunked", "400 bad-character"],
  ["0.CL by a space before the colon", "Content-Length : 33", "400 bad-field"],
  ["0.CL by a folded value", "Content-Length:\r\n 33", "400 bad-field"],
  ["0.CL by a vertical tab", "Content-Length:\x0b33", "400 bad-character"],
  ["0.CL by an empty member", "Content-Length: ,33", "400 bad-content-length"],
  ["CL.CL", "Content-Length: 0\r\nContent-Length: 33", "400 bad-content-length"],
  [
    "Expect that is obfuscated",
    "Expect: y 100-continue\r\nContent-Length: 33",
    "417 expectation-failed",
  ],
  [
    "Expect twice",
    "Expect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 33",
    "417 expectation-failed",
  ],
];

testRows(REFUSED.map(([title, fields, error]): Row => ({
  title: `RFC 9112, 11.2: ${title}: refused`,
  bytes: post(fields, `0\r\n\r\n${SMUGGLED}`),
  events: [error],
  profile: "rfc",
})));

/** Refused within the chunked body: TERM.EXT, EXT.TERM, TERM.SPILL and others of 2025. */
const IN_CHUNKS: readonly (readonly [title: string, body: string, data: string])[] = [
  ["TERM.EXT: a bare LF ends the line for one side", `2;\nxx\r\n${SMUGGLED}`, ""],
  ["EXT.TERM: a bare CR ends the line for one side", `2;a\rxx\r\n${SMUGGLED}`, ""],
  ["TERM.SPILL: a bare LF behind the data", `2\r\nxx\n0\r\n\r\n${SMUGGLED}`, "xx"],
  ["SPILL.TERM: two bytes that are no CRLF", `2\r\nxxab0\r\n\r\n${SMUGGLED}`, "xx"],
  ["ONE.TWO: no line end behind the data", `2\r\nxx0\r\n\r\n${SMUGGLED}`, "xx"],
  ["a last chunk that ends with LF", `0\n\n${SMUGGLED}`, ""],
  ["an extension in quotes over a line end", `2;a="\r\nxx\r\n0\r\n\r\n${SMUGGLED}"\r\n`, ""],
];

testRows(IN_CHUNKS.map(([title, body, data]): Row => ({
  title: `RFC 9112, 7.1.1: ${title}: refused`,
  bytes: post("Transfer-Encoding: chunked", body),
  events: [POST, ...(data === "" ? [] : [`data ${data}`]), "400 bad-chunk"],
})));

/** Taken, because there is one way to read them: the smuggled request is data. */
testRows([
  {
    title: "RFC 9112, 6.3: CL.0: a request in the body of a GET is data",
    bytes: `GET / HTTP/1.1\r\nHost: h\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
    events: ["GET / HTTP/1.1", `data ${SMUGGLED}`, "end"],
  },
  {
    title: "RFC 9112, 6.3: TE.0: a request in the chunks of an OPTIONS is data",
    bytes: `OPTIONS / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n${
      SMUGGLED.length.toString(16)
    }\r\n${SMUGGLED}\r\n0\r\n\r\n`,
    events: ["OPTIONS / HTTP/1.1", `data ${SMUGGLED}`, "end"],
  },
  {
    title: "RFC 9110, 10.1.1: a request in the body of one that expects 100 is data",
    bytes: post(`Expect: 100-continue\r\nContent-Length: ${SMUGGLED.length}`, SMUGGLED),
    events: [POST, `data ${SMUGGLED}`, "end"],
    facts: { expectsContinue: true },
  },
  {
    title: "RFC 9112, 9.6: fields that Connection names frame all the same",
    bytes: post(`Connection: Content-Length\r\nContent-Length: ${SMUGGLED.length}`, SMUGGLED),
    events: [POST, `data ${SMUGGLED}`, "end"],
  },
]);
