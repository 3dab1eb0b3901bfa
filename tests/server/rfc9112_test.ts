/**
 * RFC 9112 in its own order, as raw bytes over TCP: what only a connection can show.
 *
 * A response must arrive although the client sends on, nothing behind a refused request is
 * served, and requests follow each other as their heads say. What a parser decides from the
 * bytes alone is a row in tests/wire/, where every row is also split at every place.
 */
import { assertEquals } from "@std/assert";
import { GET } from "../fixtures.ts";
import { exchangeBytes, servingWell } from "./tools.ts";

const HOST = "Host: x\r\n";
/** The last request: it must be served where the ones before it are, and only there. */
const END = `GET /end HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`;

function withField(line: string): string {
  return `GET / HTTP/1.1\r\n${HOST}${line}\r\n\r\n`;
}

function chunked(body: string): string {
  return withField("Transfer-Encoding: chunked") + body;
}

const LARGE_FIELDS = Array(5).fill("A: " + "b".repeat(8000)).join("\r\n");

/** Section and rule, the bytes that the client sends, the statuses of the responses. */
const RULES: readonly (readonly [rule: string, sent: string, statuses: readonly number[]])[] = [
  ["2.2: an empty line before the request is skipped", "\r\n" + END, [200]],
  ["2.2: a bare LF is refused", `GET / HTTP/1.1\n${HOST}\r\n` + END, [400]],
  ["2.3: another major version is refused", `GET / HTTP/2.0\r\n${HOST}\r\n` + END, [505]],
  ["3: a long request line is refused", `GET /${"a".repeat(8192)} HTTP/1.1\r\n${HOST}\r\n` + END, [
    413,
  ]],
  ["5: a large head is refused", withField(LARGE_FIELDS) + END, [431]],
  [
    "6.1: Transfer-Encoding beside Content-Length is refused",
    withField("Transfer-Encoding: chunked\r\nContent-Length: 3") + "0\r\n\r\n" + END,
    [400],
  ],
  ["6.2: a request follows Content-Length bytes", withField("Content-Length: 3") + "abc" + END, [
    200,
    200,
  ]],
  ["7.1: a request follows the last chunk", chunked("3\r\nabc\r\n0\r\n\r\n") + END, [200, 200]],
  ["7.1.2: 33 trailers are refused", chunked(`0\r\n${"A: b\r\n".repeat(33)}\r\n`) + END, [431]],
  ["8: an end within the head is refused", "GET / HTTP/1.1\r\nHo", [400]],
  ["8: an end within the body is refused", withField("Content-Length: 3") + "ab", [400]],
  ["8: an end within a chunk is refused", chunked("3\r\nab"), [400]],
  ["9.3: HTTP/1.1 persists", GET + END, [200, 200]],
  ["9.3: HTTP/1.0 does not persist", "GET / HTTP/1.0\r\n\r\n" + END, [200]],
  [
    "9.3: HTTP/1.0 with keep-alive persists",
    "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + END,
    [200, 200],
  ],
  ["9.3.2: pipelined requests are answered in order", GET.repeat(10) + END, Array(11).fill(200)],
  ["9.6: nothing behind close is served", withField("Connection: x, CLOSE") + END, [200]],
];

for (const [rule, sent, statuses] of RULES) {
  Deno.test(`RFC 9112, ${rule}`, async () => {
    await servingWell((request) => request.respond(200), async (port) => {
      const received = await exchangeBytes(port, sent);
      assertEquals(
        [...received.matchAll(/^HTTP\/1\.1 (\d+) /gm)].map(([, status]) => Number(status)),
        statuses,
      );
    });
  });
}
