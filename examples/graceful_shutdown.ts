/**
 * A restart without a lost request: SIGTERM lets running requests finish, a second one ends
 * them at once.
 *
 * ```sh
 * deno run --allow-net --unstable-net examples/graceful_shutdown.ts 8080 &
 * curl -i 'http://localhost:8080/slow?ms=5000' &
 * deno run --allow-net --unstable-net examples/graceful_shutdown.ts 8080 &
 * kill -TERM %1   # once the new process listens: the old one still sends curl its response
 * ```
 *
 * `reusePort` lets both processes listen for a while, so that one of them always accepts. That
 * needs Linux; elsewhere the second process says that the port is taken.
 * A client whose connection ends without a byte of a response sends its request again, as
 * connection pools do where that is safe (RFC 9110, 9.2.2; RFC 9112, 9.3.1).
 *
 * Arguments: the port, and how many milliseconds running requests may take. Configure the
 * service manager that sends the signal to wait longer than that.
 */
import { setTimeout as delay } from "node:timers/promises";
import { AsyncHttpServer, type Request, streaming } from "@asynchttp/server";

const PORT = Number(Deno.args[0] ?? 8080);
const GRACE_MS = Number(Deno.args[1] ?? 10_000);

/** `X-Process` tells which process has sent the response. */
const HEADERS = { "Content-Type": "text/plain; charset=utf-8", "X-Process": String(Deno.pid) };

async function* ticks(count: number, ms: number): AsyncGenerator<Uint8Array> {
  for (let tick = 1; tick <= count; tick++) {
    await delay(ms);
    yield new TextEncoder().encode(`tick ${tick} of ${count}\n`);
  }
}

async function countBytes(request: Request): Promise<number> {
  let count = 0;
  for await (const chunk of request.stream) count += chunk.length;
  return count;
}

async function handler(request: Request): Promise<void> {
  const { pathname, searchParams } = request.url;
  const ms = Number(searchParams.get("ms") ?? 1000);
  switch (pathname) {
    case "/":
      return await request.respond(200, "Hello, World!\n", HEADERS);
    case "/slow":
      await delay(ms);
      return await request.respond(200, "That took a while\n", HEADERS);
    case "/ticks":
      return await request.respond(200, ReadableStream.from(ticks(5, ms)), HEADERS);
    case "/upload":
      return await request.respond(200, `${await countBytes(request)} bytes\n`, HEADERS);
    default:
      return await request.respond(404, "Not found\n", HEADERS);
  }
}

const server = new AsyncHttpServer({ reusePort: true });
let ending = false;

async function end(): Promise<void> {
  const down = server.shutdown({ grace: ending ? 0 : GRACE_MS });
  if (!ending) console.log("Finishing what runs; a second signal ends it at once");
  ending = true;
  const { finished, cut } = await down;
  console.log(JSON.stringify({ finished, cut, requests: server.stats().requests }));
  Deno.exit(cut === 0 ? 0 : 1);
}

// Nothing sends SIGTERM on Windows; SIGBREAK is Ctrl+Break.
const TERMINATION = Deno.build.os === "windows" ? "SIGBREAK" : "SIGTERM";
for (const signal of ["SIGINT", TERMINATION] as const) Deno.addSignalListener(signal, end);

const serving = server.serve(PORT, streaming(handler), { address: "127.0.0.1" });
console.log(`Process ${Deno.pid}: Listening on http://127.0.0.1:${server.getPort()}/`);
await serving;
