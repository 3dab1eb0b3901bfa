/**
 * Timeouts: clients that are slow, and work that takes too long.
 *
 * ```sh
 * deno run --allow-net examples/timeouts.ts
 * curl -i 'http://localhost:8080/?ms=100'
 * curl -i 'http://localhost:8080/?ms=60000'
 * ```
 *
 * Arguments: the port, and the milliseconds that a handler may take.
 */
import { setTimeout as delay } from "node:timers/promises";
import { AsyncHttpServer, type Request } from "@asynchttp/server";

/** Stands for a query or a `fetch`, which take the signal in the same way. */
async function work(ms: number, signal: AbortSignal): Promise<string> {
  await delay(ms, undefined, { signal });
  return `Done after ${ms} ms\n`;
}

/** The signal ends the work when its time is over, and when the client goes: nothing waits for it then. */
async function handler(request: Request): Promise<void> {
  const ms = Number(request.url.searchParams.get("ms") ?? 100);
  try {
    await request.respond(200, await work(ms, request.signal));
  } catch (error) {
    if (!request.signal.aborted) throw error;
    console.log(`Given up: ${request.target}`);
  }
}

const server = new AsyncHttpServer({
  timeouts: {
    head: 10_000, // a client may take so long to send a head, however it splits it
    body: 10_000, // and may pause so long within a body
    write: 10_000, // or in reading a response
    idle: 60_000, // and so long a connection is kept for its next request
    handler: Number(Deno.args[1] ?? 5000), // off by default: event streams take for ever
  },
  onReject: ({ code }) => {
    if (code === "handler-timeout") return { headers: { "Retry-After": "10" } };
  },
});
const serving = server.serve(Number(Deno.args[0] ?? 8080), handler, { address: "127.0.0.1" });
console.log(`Listening on http://127.0.0.1:${server.getPort()}/`);
await serving;
