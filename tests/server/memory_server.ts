/** A server whose memory is watched from outside: it counts uploads and makes downloads. */
import { AsyncHttpServer, streaming } from "@asynchttp/server";
import type { Request } from "@asynchttp/server";

/** From --v8-flags=--expose-gc. */
declare const gc: () => void;

const CHUNK = 65_536;
const SAMPLED = 2 ** 26;

/** Live memory on and off the heap, after a collection, for each 64 MiB since the last report. */
let samples: number[] = [];

/**
 * Collects first: without it, resident memory only shows when V8 collects (84 to 128 MB for
 * the same download).
 */
function sample(): void {
  gc();
  // The first call sweeps array buffers in the background; the second waits for it.
  gc();
  const { heapUsed, external } = Deno.memoryUsage();
  samples.push(heapUsed + external);
}

/** Bytes of the current download that the server has pulled from its source. */
let made = 0;

async function count(request: Request): Promise<void> {
  request.maxBody = Infinity;
  let bytes = 0;
  const reader = request.stream.getReader({ mode: "byob" });
  let buffer = new ArrayBuffer(CHUNK);
  for (;;) {
    const { done, value } = await reader.read(new Uint8Array(buffer));
    if (done) break;
    const sampled = Math.floor(bytes / SAMPLED);
    bytes += value.length;
    if (Math.floor(bytes / SAMPLED) > sampled) sample();
    buffer = value.buffer;
  }
  await request.respond(200, String(bytes));
}

function generate(size: number): ReadableStream<Uint8Array> {
  made = 0;
  return new ReadableStream({
    pull(controller) {
      if (made >= size) return controller.close();
      controller.enqueue(new Uint8Array(Math.min(size - made, CHUNK)));
      made += CHUNK;
      if (made % SAMPLED === 0) sample();
    },
  }, { highWaterMark: 0 });
}

function takeSamples(): number[] {
  const taken = samples;
  samples = [];
  return taken;
}

const handler = streaming(async (request) => {
  const { pathname, searchParams } = request.url;
  switch (pathname) {
    case "/count":
      return await count(request);
    case "/make":
      return await request.respond(200, generate(Number(searchParams.get("size"))));
    case "/made":
      return await request.respond(200, String(made));
    default:
      await request.respond(200, JSON.stringify(takeSamples()));
  }
});

const server = new AsyncHttpServer();
const serving = server.serve(0, handler, { address: "127.0.0.1" });
console.log(`Listening on http://127.0.0.1:${server.getPort()}/`);
await serving;
