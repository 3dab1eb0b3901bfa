/**
 * Hardening 25: the work grows with the bytes, not with their square, however they
 * are split. Where bytes are read one by one the reads are counted: no clock, no chance.
 */
import { assert, assertEquals } from "@std/assert";
import { bytesOf } from "../fixtures.ts";
import { ReadBuffer } from "../../src/wire/read_buffer.ts";

// The decoder of Buffer takes no Proxy: the parser must believe that there is none.
const { Buffer } = globalThis as { Buffer?: unknown };
Reflect.deleteProperty(globalThis, "Buffer");
const { parserOptions, UNBOUNDED } = await import("./runners.ts");
const { RequestParser } = await import("../../src/wire/request_parser.ts");
Object.assign(globalThis, { Buffer });

const OPTIONS = parserOptions({ profile: "rfc", ...UNBOUNDED });

/** Counts the reads of bytes from the memory of `input`, one by one or four at a time. */
function countReads(input: ReadBuffer): () => number {
  let reads = 0;
  input.bytes = new Proxy(input.bytes, {
    get(target, key) {
      if (typeof key === "string" && /^\d/.test(key)) reads++;
      const value = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const { view } = input;
  const getInt32 = (at: number, littleEndian: boolean) => {
    reads += 4;
    return view.getInt32(at, littleEndian);
  };
  input.view = { getInt32 } as unknown as DataView;
  return () => reads;
}

/** Counts the reads when `step` bytes arrive at a time. */
function readsOf(text: string, step: number): number {
  const parser = new RequestParser(OPTIONS);
  parser.input.push(bytesOf(text));
  const { end } = parser.input;
  const reads = countReads(parser.input);
  let ends = 0;
  for (let known = Math.min(step, end);; known = Math.min(end, known + step)) {
    parser.input.end = known;
    for (let event = parser.next(); event.type !== "need-data"; event = parser.next()) {
      if (event.type === "end") ends++;
    }
    if (known === end) break;
  }
  assertEquals(ends, 1, "The request must have come out");
  return reads();
}

const PUT = "PUT / HTTP/1.1\r\nHost: h\r\n";
const CHUNKED = PUT + "Transfer-Encoding: chunked\r\n\r\n";

/** Requests of about `n` bytes. */
const SHAPES: readonly (readonly [title: string, make: (n: number) => string])[] = [
  ["one long request line", (n) => `GET /${"a".repeat(n)} HTTP/1.1\r\nHost: h\r\n\r\n`],
  ["one long method", (n) => `${"A".repeat(n)} / HTTP/1.1\r\nHost: h\r\n\r\n`],
  ["one long header line", (n) => `${PUT}A: ${"a".repeat(n)}\r\n\r\n`],
  ["one long field name", (n) => `${PUT}${"a".repeat(n)}: a\r\n\r\n`],
  ["a value of spaces", (n) => `${PUT}A:${" ".repeat(n)}\r\n\r\n`],
  ["many header lines", (n) => PUT + "A: b\r\n".repeat(n / 6) + "\r\n"],
  ["one long extension", (n) => `${CHUNKED}0;${"a".repeat(n)}\r\n\r\n`],
  ["many chunks", (n) => CHUNKED + "1\r\na\r\n".repeat(n / 6) + "0\r\n\r\n"],
  ["one long trailer", (n) => `${CHUNKED}0\r\nA: ${"a".repeat(n)}\r\n\r\n`],
  ["many trailers", (n) => `${CHUNKED}0\r\n${"A: b\r\n".repeat(n / 6)}\r\n`],
];

const N = 32_768;

for (const [title, make] of SHAPES) {
  Deno.test(`hardening 25: ${title}: each byte is read only a few times, however it is split`, () => {
    const text = make(N);
    const whole = readsOf(text, text.length);
    assert(whole > text.length / 2, `${whole} reads: are they still counted?`);
    assert(whole <= 4 * text.length, `${whole} reads of ${text.length} bytes`);
    // At the end of the bytes the next one is read too; a line end may be read once more.
    const byByte = readsOf(text, 1);
    assert(byByte <= whole + 4 * text.length, `${byByte} reads byte by byte, ${whole} whole`);
    const bySeven = readsOf(text, 7);
    assert(bySeven <= whole + text.length, `${bySeven} reads by seven, ${whole} whole`);
  });
}

Deno.test("hardening 25: a large head is moved a few times, not at each piece", () => {
  const input = new ReadBuffer();
  const piece = new Uint8Array(100).fill(0x61);
  let moves = 0;
  let last = input.bytes;
  for (let i = 0; i < 10_000; i++) {
    input.push(piece);
    if (input.bytes !== last) moves++;
    last = input.bytes;
  }
  assertEquals(input.length, 1_000_000);
  assert(moves < 20, `${moves} moves`);
});

/** How often a pair of times is taken: a busy machine makes some of them wrong, quadratic time all of them. */
const ATTEMPTS = 20;

/** Returns the time of a run, in milliseconds. */
function timeOf(run: () => void): number {
  const start = performance.now();
  run();
  return performance.now() - start;
}

function parseAll(bytes: Uint8Array): void {
  const parser = new RequestParser(OPTIONS);
  parser.input.push(bytes);
  try {
    while (parser.next().type !== "need-data");
  } catch {
    // A refusal is fine: only the time matters.
  }
}

/** Values that are read as text: 16 times the bytes may not take 256 times as long. */
const VALUES: readonly (readonly [title: string, make: (n: number) => string])[] = [
  ["Connection: spaces within", (n) => `Connection: a${" ".repeat(n)}b`],
  ["Connection: commas", (n) => `Connection: ${",".repeat(n)}`],
  ["Connection: tabs and commas", (n) => `Connection: a${"\t,".repeat(n / 2)}b`],
  ["Transfer-Encoding: spaces within", (n) => `Transfer-Encoding: a${" ".repeat(n)}b`],
  ["Transfer-Encoding: semicolons", (n) => `Transfer-Encoding: ${"a;".repeat(n / 2)}b`],
  ["Transfer-Encoding: members", (n) => `Transfer-Encoding: ${"a,".repeat(n / 2)}b`],
  ["Upgrade: spaces within", (n) => `Connection: upgrade\r\nUpgrade: a${" ".repeat(n)}b`],
  ["Content-Length: zeros", (n) => `Content-Length: ${"0".repeat(n)}`],
  ["Expect: spaces within", (n) => `Expect: a${" ".repeat(n)}b`],
  ["many Connection lines", (n) => "Connection: a\r\n".repeat(n / 15) + "A: b"],
];

for (const [title, make] of VALUES) {
  Deno.test(`hardening 25: ${title}: 16 times the bytes do not take 256 times as long`, () => {
    const time = (n: number) => {
      const bytes = bytesOf(`GET / HTTP/1.1\r\nHost: h\r\n${make(n)}\r\n\r\n`);
      return timeOf(() => parseAll(bytes));
    };
    time(512); // compiled before it is measured
    // One millisecond for noise that a short run cannot average out.
    const isLinear = () => time(32_768) <= 64 * time(2048) + 1;
    assert(Array.from({ length: ATTEMPTS }).some(isLinear), `slower in ${ATTEMPTS} attempts`);
  });
}
