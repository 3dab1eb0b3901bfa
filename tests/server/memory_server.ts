/** A server whose memory is watched from outside: it counts uploads and makes downloads. */
import { AsyncHttpServer, streaming } from "@asynchttp/server";
import type { Request } from "@asynchttp/server";

let peak = 0;
const sample = setInterval(() => peak = Math.max(peak, Deno.memoryUsage().rss), 20);

async function count(request: Request): Promise<void> {
  request.maxBody = Infinity;
  let bytes = 0;
  const reader = request.stream.getReader({ mode: "byob" });
  let buffer = new ArrayBuffer(65_536);
  for (;;) {
    const { done, value } = await reader.read(new Uint8Array(buffer));
    if (done) break;
    bytes += value.length;
    buffer = value.buffer;
  }
  await request.respond(200, String(bytes));
}

function generate(size: number): ReadableStream<Uint8Array> {
  let left = size;
  return new ReadableStream({
    pull(controller) {
      if (left <= 0) return controller.close();
      controller.enqueue(new Uint8Array(Math.min(left, 65_536)));
      left -= 65_536;
    },
  }, { highWaterMark: 0 });
}

const handler = streaming(async (request) => {
  const { pathname, searchParams } = request.url;
  if (pathname === "/count") return await count(request);
  if (pathname === "/make") {
    return await request.respond(200, generate(Number(searchParams.get("size"))));
  }
  await request.respond(200, String(peak));
});

const server = new AsyncHttpServer();
const serving = server.serve(0, handler, { address: "127.0.0.1" });
console.log(`Listening on http://127.0.0.1:${server.getPort()}/`);
await serving;
clearInterval(sample);
