/**
 * The accept loop by hand: your code decides when to accept, and what happens to errors.
 *
 * ```sh
 * deno run --allow-net examples/server_loop.ts
 * curl -i http://localhost:8080/
 * curl -i http://localhost:8080/fail
 * ```
 */
import { setTimeout as delay } from "node:timers/promises";
import { AsyncHttpServer, type Request } from "@asynchttp/server";

function log(...what: unknown[]): void {
  console.log(new Date().toISOString(), ...what);
}

async function handler(request: Request): Promise<void> {
  log(request.hostname, request.reqMethod, request.target);
  if (request.url.pathname === "/fail") throw new Error("This is what onError gets");
  await request.respond(200, "Hello, World!\n", { "Content-Type": "text/plain; charset=utf-8" });
}

const server = new AsyncHttpServer({
  maxConnections: 1000,
  onError: (error, request) => log("failed:", request?.target ?? "accept", error),
  onReject: (error, { remoteAddr }) => log("refused:", error.code, remoteAddr),
});
server.listen(Number(Deno.args[0] ?? 8080), { address: "127.0.0.1" });
log(`Listening on http://127.0.0.1:${server.getPort()}/`);

Deno.addSignalListener("SIGINT", async () => {
  log("Finishing what runs", await server.shutdown({ grace: 5000 }));
  Deno.exit();
});

for (;;) {
  // Not polling: resolves as soon as a connection that closes makes room.
  if (!server.shouldAcceptRequest()) {
    log("No room for a connection, waiting", server.stats().connections);
    await server.untilAcceptable();
  }
  try {
    await server.acceptRequest(handler);
  } catch (error) {
    if (error instanceof Deno.errors.BadResource) break; // the server was closed
    log("accept failed:", error);
    await delay(100);
  }
}
