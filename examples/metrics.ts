/**
 * Counters in the text format of Prometheus: those of the server, and how long requests take.
 *
 * ```sh
 * deno run --allow-net examples/metrics.ts
 * curl -i http://localhost:8080/
 * curl http://localhost:8080/metrics
 * ```
 *
 * Arguments: the port.
 */
import { AsyncHttpServer, type Request } from "@asynchttp/server";

/** Upper bounds in seconds. */
const BUCKETS = [0.001, 0.01, 0.1, 1, Infinity];
const buckets = BUCKETS.map(() => 0);
let seconds = 0;

async function timed(request: Request, handler: (request: Request) => Promise<void>) {
  const begin = performance.now();
  try {
    await handler(request);
  } finally {
    const took = (performance.now() - begin) / 1000;
    seconds += took;
    // Buckets are cumulative: each counts what is faster, too.
    for (const [i, bound] of BUCKETS.entries()) if (took <= bound) buckets[i]!++;
  }
}

function exposition(): string {
  const { connections, requests, bytesIn, bytesOut, rejections } = server.stats();
  const lines = [
    "# TYPE http_connections_open gauge",
    `http_connections_open ${connections.open}`,
    "# TYPE http_connections_accepted_total counter",
    `http_connections_accepted_total ${connections.accepted}`,
    "# TYPE http_accept_errors_total counter",
    `http_accept_errors_total ${connections.acceptErrors}`,
    "# TYPE http_requests_total counter",
    `http_requests_total ${requests}`,
    "# TYPE http_received_bytes_total counter",
    `http_received_bytes_total ${bytesIn}`,
    "# TYPE http_sent_bytes_total counter",
    `http_sent_bytes_total ${bytesOut}`,
    "# TYPE http_rejections_total counter",
    ...Object.entries(rejections).map(([code, count]) =>
      `http_rejections_total{code="${code}"} ${count}`
    ),
    "# TYPE http_request_seconds histogram",
    ...BUCKETS.map((bound, i) =>
      `http_request_seconds_bucket{le="${bound === Infinity ? "+Inf" : bound}"} ${buckets[i]}`
    ),
    `http_request_seconds_sum ${seconds}`,
    `http_request_seconds_count ${buckets.at(-1)}`,
  ];
  return lines.join("\n") + "\n";
}

async function app(request: Request): Promise<void> {
  if (request.url.pathname === "/metrics") {
    return await request.respond(200, exposition(), {
      "Content-Type": "text/plain; version=0.0.4",
    });
  }
  await request.respond(200, "Hello, World!\n", { "Content-Type": "text/plain; charset=utf-8" });
}

const server = new AsyncHttpServer();
const serving = server.serve(Number(Deno.args[0] ?? 8080), (request) => timed(request, app), {
  address: "127.0.0.1",
});
console.log(`Listening on http://127.0.0.1:${server.getPort()}/`);
await serving;
