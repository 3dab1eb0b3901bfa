/** The response reader: what is read, what is malformed, and that no boundary of a read matters. */
import { assertEquals, assertRejects } from "@std/assert";
import { ResponseReader } from "../../src/testing/response_reader.ts";
import { bytesOf, textOf } from "../fixtures.ts";

/** Delivers the pieces one by one. */
function readerOf(pieces: readonly string[]): ResponseReader {
  const left = pieces.map(bytesOf);
  return new ResponseReader({
    read(into) {
      const piece = left.shift();
      if (piece === undefined) return Promise.resolve(null);
      const count = Math.min(piece.length, into.length);
      into.set(piece.subarray(0, count));
      if (count < piece.length) left.unshift(piece.subarray(count));
      return Promise.resolve(count);
    },
  });
}

/** All responses as text: status, reason, fields, content. */
async function readAll(pieces: readonly string[], methods: readonly string[]): Promise<string[]> {
  const reader = readerOf(pieces);
  const got: string[] = [];
  for (const method of methods) {
    const { status, statusText, fields, content } = await reader.next(method);
    const text = content && textOf(await new Response(content).bytes());
    got.push(
      [`${status} ${statusText}`, ...fields.map((field) => field.join("=")), text].join("|"),
    );
  }
  return got;
}

/** Whole, byte by byte, and split in two at every place. */
function splits(bytes: string): string[][] {
  return [[bytes], [...bytes], ...[...bytes].map((_, i) => [bytes.slice(0, i), bytes.slice(i)])]
    .map((pieces) => pieces.filter((piece) => piece !== ""));
}

const READ: readonly (readonly [title: string, methods: string, bytes: string, got: string[]])[] = [
  ["9112, 6.3: a length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", [
    "200 OK|Content-Length=3|abc",
  ]],
  ["9112, 6.3: until close", "GET", "HTTP/1.0 200 \r\nA:\t b \t\r\n\r\nabc", ["200 |A=b|abc"]],
  [
    "9112, 7.1: chunks, and a response behind them",
    "GET GET",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2;x\r\nab\r\n1\r\nc\r\n0\r\nT: u\r\n\r\n" +
    "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    ["200 OK|Transfer-Encoding=Chunked|abc", "404 Not Found|Content-Length=0|"],
  ],
  [
    "9112, 6.3: HEAD, 204, 304 and interim responses have no content",
    "HEAD GET GET GET GET",
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n" +
    "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" +
    "HTTP/1.1 200 \xe4\r\nContent-Length: 0\r\n\r\n",
    [
      "200 OK|Content-Length=3|",
      "204 No Content|",
      "304 Not Modified|Content-Length=9|",
      "103 Early Hints|Link=a|",
      "200 \xe4|Content-Length=0|",
    ],
  ],
];

for (const [title, methods, bytes, expected] of READ) {
  Deno.test(`RFC ${title}`, async () => {
    for (const pieces of splits(bytes)) {
      assertEquals(await readAll(pieces, methods.split(" ")), expected);
    }
  });
}

function field(line: string): string {
  return `HTTP/1.1 200 OK\r\n${line}\r\n\r\n`;
}

const MALFORMED: readonly (readonly [title: string, bytes: string, why: string])[] = [
  ["9112, 4: no status line", "nonsense\r\n\r\n", "status line must be"],
  ["9112, 4: another version", "HTTP/2.0 200 OK\r\n\r\n", "Version must be"],
  ["9112, 4: a status of two digits", "HTTP/1.1 20 OK\r\n\r\n", "status line"],
  ["9112, 4: a status of 600", "HTTP/1.1 600 OK\r\n\r\n", "status line"],
  ["9112, 4: no space behind the status", "HTTP/1.1 200\r\n\r\n", "status line"],
  ["9112, 2.2: a bare LF", "HTTP/1.1 200 OK\nA: b\r\n\r\n", "bare LF"],
  ["9112, 5.1: whitespace before the colon", field("A : b"), "without whitespace between"],
  ["9112, 5.2: a folded line", field("A: b\r\n c"), "line folding"],
  ["9110, 5.5: a control character", field("A: \x01"), "control characters"],
  ["9112, 5: no colon", field("abc"), "a colon and a value"],
  [
    "9112, 6.3: both lengths",
    field("Content-Length: 1\r\nTransfer-Encoding: chunked"),
    "both Content-Length and Transfer-Encoding",
  ],
  [
    "9110, 8.6: two lengths",
    field("Content-Length: 1\r\nContent-Length: 1"),
    "only one Content-Length",
  ],
  ["9110, 8.6: a sign", field("Content-Length: +1"), "must be a decimal number"],
  [
    "9112, 6.1: another coding",
    field("Transfer-Encoding: gzip, chunked"),
    "Only the transfer coding chunked",
  ],
  [
    "9112, 6.1: chunks in HTTP/1.0",
    "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "must not have a Transfer-Encoding",
  ],
  ["9112, 8: nothing", "", "before the response was complete"],
  ["9112, 8: half a head", "HTTP/1.1 200 OK\r\n", "before the response was complete"],
  [
    "9112, 8: half a length",
    field("Content-Length: 3") + "ab",
    "before the response was complete",
  ],
  [
    "9112, 8: half a chunk",
    field("Transfer-Encoding: chunked") + "3\r\nab",
    "before the response was complete",
  ],
  [
    "9112, 8: no last chunk",
    field("Transfer-Encoding: chunked") + "1\r\na\r\n",
    "before the response was complete",
  ],
  [
    "9112, 3: an endless head",
    field(`A: ${"x".repeat(70_000)}`).slice(0, -4),
    "at most 65536 bytes",
  ],
];

for (const [title, bytes, why] of MALFORMED) {
  Deno.test(`RFC ${title} is malformed`, async () => {
    await assertRejects(() => readAll(bytes === "" ? [] : [bytes], ["GET"]), TypeError, why);
  });
}

Deno.test("RFC 9112, 7.1: a malformed chunk fails the content", async () => {
  const bytes = field("Transfer-Encoding: chunked") + "0x3\r\nabc\r\n0\r\n\r\n";
  await assertRejects(() => readAll([bytes], ["GET"]), Error, "chunk");
});
