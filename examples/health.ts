/**
 * Health for a load balancer: `/healthz` while the process lives, `/readyz` while it wants new
 * clients. On SIGTERM `/readyz` turns to 503 first, so that the balancer looks elsewhere; only
 * then does the listener close, and requests end.
 *
 * ```sh
 * deno run --allow-net examples/health.ts
 * curl -i http://localhost:8080/readyz
 * ```
 *
 * Arguments: the port; for how many milliseconds `/readyz` says no before the listener closes,
 * longer than the balancer takes to notice, its interval times its number of failures; the address.
 */
import { setTimeout as delay } from "node:timers/promises";
import { AsyncHttpServer, type Request } from "@asynchttp/server";

const PORT = Number(Deno.args[0] ?? 8080);
const NOTICE_MS = Number(Deno.args[1] ?? 5000);
const ADDRESS = Deno.args[2] ?? "127.0.0.1";

const server = new AsyncHttpServer({
  forwarded: { from: ["127.0.0.1"], header: "x-forwarded" },
  timeouts: { handler: 30_000 },
});
let isReady = true;

/** Caches and proxies must ask each time. */
const HEADERS = { "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store" };

async function handler(request: Request): Promise<void> {
  switch (request.url.pathname) {
    case "/healthz":
      return await request.respond(200, "alive\n", HEADERS);
    case "/readyz":
      // Here belongs what the program cannot work without, such as its database.
      return await request.respond(isReady ? 200 : 503, isReady ? "ready\n" : "leaving\n", HEADERS);
  }
  await request.respond(200, `Hello, ${request.hostname}!\n`, HEADERS);
}

async function leave(): Promise<void> {
  if (!isReady) return void await server.shutdown({ grace: 0 });
  isReady = false;
  await delay(NOTICE_MS);
  await server.shutdown({ grace: 20_000 });
}

// Nothing sends SIGTERM on Windows; SIGBREAK is Ctrl+Break.
const TERMINATION = Deno.build.os === "windows" ? "SIGBREAK" : "SIGTERM";
for (const signal of ["SIGINT", TERMINATION] as const) Deno.addSignalListener(signal, leave);
await server.serve(PORT, handler, {
  address: ADDRESS,
  onListen: () => console.log(`Listening on http://${ADDRESS}:${server.getPort()}/`),
});
Deno.exit();
