/**
 * The encoder alone: response heads and chunk framing, as bytes. The alternative is code
 * written by hand: a string that is encoded at the end.
 *
 * ```sh
 * deno bench -A bench/encoder_bench.ts
 * ```
 */
import { encodeChunkEnd, encodeChunkSize } from "../src/wire/chunked.ts";
import { fieldsToSend } from "../src/wire/fields.ts";
import { WriteBuffer } from "../src/wire/write_buffer.ts";
import { encodeHead } from "../src/wire/response_encoder.ts";

const DATE = "Sun, 06 Nov 1994 08:49:37 GMT";
const SIZE = 13;

const PAIRS: [string, string][] = [
  ["Content-Type", "text/html; charset=utf-8"],
  ["Cache-Control", "public, max-age=3600"],
  ["ETag", '"33a64df551425fcc55e4d42a148795d9f25f89d4"'],
  ["Last-Modified", "Sat, 05 Nov 1994 10:11:12 GMT"],
  ["Vary", "Accept-Encoding"],
  ["Strict-Transport-Security", "max-age=63072000; includeSubDomains"],
  ["X-Content-Type-Options", "nosniff"],
  ["Referrer-Policy", "strict-origin-when-cross-origin"],
  ["X-Request-ID", "5f2b7c1e9d3a4860b1c2d3e4f5a6b7c8"],
  ["Set-Cookie", "session=9f86d081884c7d65; Path=/; HttpOnly; SameSite=Lax"],
];

const out = new WriteBuffer();
const encoder = new TextEncoder();
const buffer = new Uint8Array(65_536);
const chunk = new Uint8Array(1024).fill(0x78);

function encode(init?: HeadersInit): void {
  out.clear();
  encodeHead(out, {
    method: "GET",
    minor: 1,
    status: 200,
    fields: fieldsToSend(init),
    size: SIZE,
    persistent: true,
    date: DATE,
  });
}

function byHand(fields: readonly (readonly [string, string])[]): void {
  let head = "HTTP/1.1 200 OK\r\n";
  for (const [name, value] of fields) head += `${name}: ${value}\r\n`;
  head += `Date: ${DATE}\r\nContent-Length: ${SIZE}\r\n\r\n`;
  encoder.encodeInto(head, buffer);
}

Deno.bench({ name: "ours", group: "hello head", baseline: true, fn: () => encode() });
Deno.bench({ name: "by hand, unchecked", group: "hello head", fn: () => byHand([]) });

const TEN = "head of ten fields, checked";
const record = Object.fromEntries(PAIRS);
const headers = new Headers(PAIRS);
Deno.bench({ name: "from pairs", group: TEN, baseline: true, fn: () => encode(PAIRS) });
Deno.bench({ name: "from a record", group: TEN, fn: () => encode(record) });
Deno.bench({ name: "from Headers", group: TEN, fn: () => encode(headers) });
Deno.bench({ name: "by hand, unchecked", group: TEN, fn: () => byHand(PAIRS) });

const FRAMING = "chunk of 1 KiB";
Deno.bench({
  name: "ours",
  group: FRAMING,
  baseline: true,
  fn() {
    out.clear();
    encodeChunkSize(out, chunk.length);
    out.copy(chunk);
    encodeChunkEnd(out);
  },
});
Deno.bench({
  name: "by hand",
  group: FRAMING,
  fn() {
    const { written } = encoder.encodeInto(`${chunk.length.toString(16)}\r\n`, buffer);
    buffer.set(chunk, written);
    encoder.encodeInto("\r\n", buffer.subarray(written + chunk.length));
  },
});
