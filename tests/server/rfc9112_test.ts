/**
 * RFC 9112 in its own order, as raw bytes over TCP: what is sent, and the status of
 * each answer that comes before the server closes.
 */
import { assertEquals } from "@std/assert";
import { AsyncHttpServer } from "@asynchttp/server";
import { exchangeBytes } from "./tools.ts";

const HOST = "Host: x\r\n";
const END = `GET /end HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`;

/** Section and rule, what is sent, the statuses of the answers. */
type Rule = readonly [rule: string, sent: string, statuses: readonly number[]];

function chunked(body: string, method = "POST"): string {
  return `${method} / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${body}`;
}

function withField(line: string, method = "GET"): string {
  return `${method} / HTTP/1.1\r\n${HOST}${line}\r\n\r\n`;
}

const RULES: readonly Rule[] = [
  ["2.2: a request", END, [200]],
  ["2.2: one empty line before the request is ignored", "\r\n" + END, [200]],
  ["2.2: two are not", "\r\n\r\n" + END, [400]],
  ["2.2: a bare LF is no line end", `GET / HTTP/1.1\n${HOST}\r\n` + END, [400]],
  ["2.2: a bare CR is no line end", `GET / HTTP/1.1\r\n${HOST}X: a\rb\r\n\r\n` + END, [400]],
  ["2.2: whitespace between request line and first field", `GET / HTTP/1.1\r\n ${HOST}\r\n` + END, [
    400,
  ]],
  ["2.3: the version is case-sensitive", `GET / http/1.1\r\n${HOST}\r\n` + END, [400]],
  ["2.3: HTTP/1.2 is treated as HTTP/1.1", `GET / HTTP/1.2\r\n${HOST}\r\n` + END, [200, 200]],
  ["2.3: another major version", `GET / HTTP/2.0\r\n${HOST}\r\n` + END, [505]],
  ["2.3: HTTP/0.9", "GET /\r\n", [400]],
  ["3: two spaces", `GET  / HTTP/1.1\r\n${HOST}\r\n` + END, [400]],
  ["3: a tab for a space", `GET\t/ HTTP/1.1\r\n${HOST}\r\n` + END, [400]],
  ["3: a space at the end", `GET / HTTP/1.1 \r\n${HOST}\r\n` + END, [400]],
  ["3: a line that is too long", `GET /${"a".repeat(8192)} HTTP/1.1\r\n${HOST}\r\n` + END, [413]],
  ["3.1: a method is any token", `M-SEARCH! / HTTP/1.1\r\n${HOST}\r\n` + END, [200, 200]],
  ["3.1: and nothing else", `G(T / HTTP/1.1\r\n${HOST}\r\n` + END, [400]],
  ["3.2: no Host", "GET / HTTP/1.1\r\n\r\n" + END, [400]],
  ["3.2: two Hosts", `GET / HTTP/1.1\r\n${HOST}${HOST}\r\n` + END, [400]],
  ["3.2: a Host that is none", "GET / HTTP/1.1\r\nHost: a/b?c=\r\n\r\n" + END, [400]],
  ["3.2: HTTP/1.0 needs no Host", "GET / HTTP/1.0\r\n\r\n", [200]],
  ["3.2.1: a space in the target", `GET /a b HTTP/1.1\r\n${HOST}\r\n` + END, [400]],
  ["3.2.1: a fragment", `GET /a#b HTTP/1.1\r\n${HOST}\r\n` + END, [400]],
  ["3.2.1: no leading slash", `GET a HTTP/1.1\r\n${HOST}\r\n` + END, [400]],
  ["3.2.2: absolute-form", `GET http://y/a HTTP/1.1\r\n${HOST}\r\n` + END, [200, 200]],
  ["3.2.2: with a user", `GET http://u@y/a HTTP/1.1\r\n${HOST}\r\n` + END, [400]],
  ["3.2.3: authority-form needs a port", `CONNECT y HTTP/1.1\r\n${HOST}\r\n` + END, [400]],
  ["3.2.3: authority-form is for CONNECT only", `GET y:80 HTTP/1.1\r\n${HOST}\r\n` + END, [400]],
  ["3.2.4: asterisk-form", `OPTIONS * HTTP/1.1\r\n${HOST}\r\n` + END, [200, 200]],
  ["3.2.4: asterisk-form is for OPTIONS only", `GET * HTTP/1.1\r\n${HOST}\r\n` + END, [400]],
  ["5: a line without a colon", withField("abc") + END, [400]],
  ["5: a NUL in a value", withField("A: b\0c") + END, [400]],
  ["5: bytes above 0x7f in a value", withField("A: \xe9") + END, [200, 200]],
  ["5: 129 fields", withField(Array(128).fill("A: b").join("\r\n")) + END, [400]],
  ["5: a field line that is too long", withField("A: " + "b".repeat(8190)) + END, [413]],
  [
    "5: a head that is too large",
    withField(Array(5).fill("A: " + "b".repeat(8000)).join("\r\n")) + END,
    [431],
  ],
  ["5.1: whitespace before the colon", withField("A : b") + END, [400]],
  ["5.1: an empty name", withField(": b") + END, [400]],
  ["5.2: a folded line", withField("A: b\r\n c") + END, [400]],
  [
    "6.1: Transfer-Encoding and Content-Length",
    withField("Transfer-Encoding: chunked\r\nContent-Length: 3") + END,
    [400],
  ],
  [
    "6.1: Transfer-Encoding in HTTP/1.0",
    "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + END,
    [400],
  ],
  ["6.1: a coding that we do not have", withField("Transfer-Encoding: gzip, chunked") + END, [501]],
  ["6.1: chunked is not last", withField("Transfer-Encoding: chunked, gzip") + END, [400]],
  ["6.1: chunked twice", withField("Transfer-Encoding: chunked, chunked") + END, [400]],
  [
    "6.1: chunked twice, in two lines",
    withField("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked") + END,
    [400],
  ],
  ["6.1: chunked with a parameter", withField("Transfer-Encoding: chunked;a=b") + END, [400]],
  ["6.1: xchunked", withField("Transfer-Encoding: xchunked") + END, [501]],
  ["6.1: no coding at all", withField("Transfer-Encoding:") + END, [400]],
  ["6.2: Content-Length", withField("Content-Length: 3") + "abc" + END, [200, 200]],
  ["6.2: twice the same", withField("Content-Length: 3\r\nContent-Length: 3") + "abc" + END, [400]],
  ["6.2: a list", withField("Content-Length: 3, 3") + "abc" + END, [400]],
  ["6.2: a sign", withField("Content-Length: +3") + "abc" + END, [400]],
  ["6.2: hexadecimal", withField("Content-Length: 0x3") + "abc" + END, [400]],
  ["6.2: empty", withField("Content-Length:") + END, [400]],
  ["6.2: garbage behind it", withField("Content-Length: 3abc") + "abc" + END, [400]],
  ["6.2: beyond 2^53-1", withField("Content-Length: 9007199254740992") + END, [400]],
  ["6.2: beyond maxBody", withField("Content-Length: 9007199254740991") + END, [413]],
  ["6.3: a POST without either (the original)", withField("A: b", "POST") + END, [411]],
  ["7.1: chunks", chunked("3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n") + END, [200, 200]],
  ["7.1: a size with 0x", chunked("0x3\r\nabc\r\n0\r\n\r\n") + END, [400]],
  ["7.1: a size with a space", chunked("3 \r\nabc\r\n0\r\n\r\n") + END, [400]],
  ["7.1: no size", chunked("\r\nabc\r\n0\r\n\r\n") + END, [400]],
  ["7.1: a size of 14 digits", chunked("00000000000003\r\nabc\r\n0\r\n\r\n") + END, [400]],
  ["7.1: data that is too long", chunked("3\r\nabcd\r\n0\r\n\r\n") + END, [400]],
  ["7.1: a bare LF behind the size", chunked("3\nabc\r\n0\r\n\r\n") + END, [400]],
  ["7.1: a bare LF behind the data", chunked("3\r\nabc\n0\r\n\r\n") + END, [400]],
  ["7.1.1: an extension", chunked('3;a="b c"\r\nabc\r\n0;d\r\n\r\n') + END, [200, 200]],
  ["7.1.1: a bare LF in an extension", chunked("3;a\nabc\r\n0\r\n\r\n") + END, [400]],
  ["7.1.1: 4,097 bytes of line", chunked(`3;${"a".repeat(4095)}\r\nabc\r\n0\r\n\r\n`) + END, [400]],
  ["7.1.2: trailers", chunked("0\r\nA: b\r\nContent-Length: 3\r\n\r\n") + END, [200, 200]],
  ["7.1.2: a trailer that is none", chunked("0\r\nA b\r\n\r\n") + END, [400]],
  ["7.1.2: 33 trailers", chunked(`0\r\n${"A: b\r\n".repeat(33)}\r\n`) + END, [431]],
  ["8: an end within the head", "GET / HTTP/1.1\r\nHo", [400]],
  ["8: an end within the body", withField("Content-Length: 3") + "ab", [400]],
  ["8: an end within a chunk", chunked("3\r\nab"), [400]],
  ["9.3: persistence", END.replace("Connection: close\r\n", "") + END, [200, 200]],
  ["9.3: HTTP/1.0 does not persist", "GET / HTTP/1.0\r\n\r\n" + END, [200]],
  ["9.3: unless it asks", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + END, [200, 200]],
  [
    "9.3.2: pipelining",
    (END.replace("Connection: close\r\n", "")).repeat(10) + END,
    Array(11).fill(200),
  ],
  ["9.6: close, among other options", withField("Connection: x, CLOSE") + END, [200]],
];

for (const [rule, sent, statuses] of RULES) {
  Deno.test(`RFC 9112, ${rule}`, async () => {
    await using server = new AsyncHttpServer();
    const ended = server.serve(0, (request) => request.respond(200), { address: "127.0.0.1" });
    const answer = await exchangeBytes(server.getPort(), sent);
    assertEquals(
      [...answer.matchAll(/^HTTP\/1\.1 (\d+) /gm)].map(([, status]) => Number(status)),
      statuses,
    );
    server.close();
    await ended;
  });
}
