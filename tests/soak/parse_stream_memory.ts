/**
 * One body of any size through `RequestParseStream`, while resident memory is watched. Collects
 * garbage before each sample, and compares the last quarter of the samples with the second one.
 *
 * ```sh
 * deno task stream-memory --gib 5
 * ```
 */
import { RequestParseStream } from "@asynchttp/server";
import { numberOf, parseArgs } from "./args.ts";

const GIB = 2 ** 30;
const CHUNK = 65_536;
const SAMPLES = 64;
/** Keeping a fiftieth of a body of 0.25 GiB would exceed it. */
const MAX_GROWTH = 5e6;

const size = Math.round(numberOf(parseArgs(Deno.args, ["gib"]).get("gib"), 5) * GIB);
const collect = (globalThis as unknown as { gc(): void }).gc;

/** The request, from one buffer that is used again. */
async function* request(): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(`PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: ${size}\r\n\r\n`);
  const chunk = new Uint8Array(CHUNK).fill(0x61);
  for (let left = size; left > 0; left -= CHUNK) yield chunk.subarray(0, Math.min(left, CHUNK));
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

const samples: number[] = [];
let received = 0;
const began = performance.now();
const parsed = ReadableStream.from(request())
  .pipeThrough(new RequestParseStream({ maxBody: Infinity }));
for await (const { body } of parsed) {
  for await (const piece of body) {
    received += piece.length;
    if (received < size / SAMPLES * (samples.length + 1)) continue;
    collect();
    samples.push(Deno.memoryUsage().rss);
  }
}
const seconds = (performance.now() - began) / 1000;
const quarter = samples.length >> 2;
const growth = median(samples.slice(-quarter)) - median(samples.slice(quarter, 2 * quarter));
const peak = Math.max(...samples);
const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
console.log(
  `${(received / GIB).toFixed(2)} GiB in ${seconds.toFixed(1)} s, ${
    megabytes(received / seconds)
  } MB/s; peak ${megabytes(peak)} MB, growth ${megabytes(growth)} MB`,
);
if (received !== size || growth > MAX_GROWTH) Deno.exit(1);
