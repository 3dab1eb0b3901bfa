/**
 * A program on several cores, for the tests. Its argument is a record of options, as JSON; `fail`
 * is the number of a worker that cannot start, while the file `failWith` exists, if one is named.
 */
import { setTimeout as delay } from "node:timers/promises";
import { AsyncHttpServer, type Request, streaming } from "@asynchttp/server";
import { cluster, type ClusterOptions, type ClusterWorker } from "@asynchttp/server/cluster";

const { fail, failWith, ...options } = JSON.parse(Deno.args[0]!) as
  & Partial<ClusterOptions>
  & { readonly fail?: number; readonly failWith?: string };

/** One event, and more until the client has had `count`, or the worker ends. */
async function* events(count: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  yield encoder.encode("data: 0\n\n");
  for (let event = 1; event < count && !signal.aborted; event++) {
    await delay(10);
    yield encoder.encode(`data: ${event}\n\n`);
  }
  yield encoder.encode("event: end\n\n");
}

async function countBytes(request: Request): Promise<number> {
  let count = 0;
  for await (const chunk of request.stream) count += chunk.length;
  return count;
}

function exists(file: string): boolean {
  try {
    return Deno.statSync(file).isFile;
  } catch {
    return false;
  }
}

function hang(): never {
  for (;;);
}

function main({ number, port, signal, stats }: ClusterWorker): AsyncHttpServer {
  if (number === fail && (!failWith || exists(failWith))) {
    throw new Error("This worker cannot start");
  }
  const headers = { "X-Worker": String(number), "X-Process": String(Deno.pid) };
  const handler = streaming(async (request) => {
    const { pathname, searchParams } = request.url;
    switch (pathname) {
      case "/slow":
        await delay(Number(searchParams.get("ms")));
        return await request.respond(200, "slow\n", headers);
      case "/events": {
        const source = ReadableStream.from(events(Number(searchParams.get("count")), signal));
        return await request.respond(200, source, headers);
      }
      case "/upload":
        return await request.respond(200, `${await countBytes(request)} bytes\n`, headers);
      case "/stats":
        return await request.respond(200, JSON.stringify(await stats()));
      case "/hang":
        return hang();
      case "/exit":
        return Deno.exit(7);
      default:
        console.log(`worker ${number} is asked for ${pathname}`);
        return await request.respond(200, "hello\n", headers);
    }
  });
  const server = new AsyncHttpServer({ reusePort: true });
  server.serve(port, handler, { address: "127.0.0.1" });
  return server;
}

const master = await cluster({
  flags: ["--allow-net=127.0.0.1"],
  log: (message) => console.log(message),
  ...options,
  main,
});
console.log(`Process ${Deno.pid}: Listening on http://127.0.0.1:${master.port}/`);
try {
  await master.finished;
  console.log(`Finished: ${JSON.stringify(master.stats())}`);
} catch (error) {
  console.log(`Failed: ${(error as Error).message}`);
}
