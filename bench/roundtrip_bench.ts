/**
 * One keep-alive connection over loopback, server and client in this process: the time
 * from the request's write to the last byte of its answer. Half of it is the client's and
 * the kernel's, the same for all; for throughput see load.ts.
 *
 * ```sh
 * deno bench -A bench/roundtrip_bench.ts
 * ```
 */
import { AsyncHttpServer } from "@asynchttp/server";
import { AnswerReader } from "./load/answers.ts";
import { bytesOf, CHROME, HELLO, ORDER_POST } from "./requests.ts";
import { ASYNCHTTP_HANDLERS } from "./servers/asynchttp_handlers.ts";
import { serveRaw } from "./servers/raw_connection.ts";
import type { Route } from "./servers/routes.ts";
import { WEB_HANDLERS } from "./servers/web_handlers.ts";

const ADDRESS = "127.0.0.1";

function startAsynchttp(route: Route): number {
  const server = new AsyncHttpServer();
  server.serve(0, ASYNCHTTP_HANDLERS[route], { address: ADDRESS });
  return server.getPort();
}

function startDenoServe(route: Route): number {
  const server = Deno.serve({ port: 0, hostname: ADDRESS, onListen() {} }, WEB_HANDLERS[route]);
  return server.addr.port;
}

/** Answers hello whatever is asked: the floor of the small exchanges. */
function startRawLoop(): number {
  const listener = Deno.listen({ port: 0, hostname: ADDRESS });
  (async () => {
    for await (const conn of listener) serveRaw(conn);
  })();
  return (listener.addr as Deno.NetAddr).port;
}

async function bench(group: string, name: string, port: number, request: string): Promise<void> {
  const bytes = bytesOf(request);
  const conn = await Deno.connect({ hostname: ADDRESS, port });
  const answers = new AnswerReader(conn);
  Deno.bench({
    name,
    group,
    baseline: name === "ours",
    async fn() {
      await conn.write(bytes);
      const { status } = await answers.next();
      if (status !== 200) throw new Error(`Status 200 was expected: got ${status}`);
    },
  });
}

const SCENARIOS: readonly (readonly [group: string, route: Route, request: string])[] = [
  ["hello", "hello", HELLO],
  ["browser head, url and headers read", "browser", CHROME],
  ["POST of 1 KiB JSON", "json", ORDER_POST],
  ["answer of 64 KiB", "bytes", HELLO],
];

for (const [group, route, request] of SCENARIOS) {
  await bench(group, "ours", startAsynchttp(route), request);
  await bench(group, "Deno.serve", startDenoServe(route), request);
  if (route === "hello") await bench(group, "raw loop", startRawLoop(), request);
}
