/**
 * Metrics for Prometheus, by prom-client: how long requests take, by the class of their status and
 * how they ended; open connections; bytes; refusals by code.
 *
 * ```sh
 * deno run --allow-net examples/metrics.ts
 * curl -i http://localhost:8080/
 * curl http://localhost:9464/metrics
 * ```
 *
 * The metrics have a port of their own, so that clients cannot read them, and no scrape is counted.
 * Every label has few values: a client cannot create series, as it could with a label for the path
 * or the method. `collectDefaultMetrics()` would add those of the process; it needs `--allow-read`.
 *
 * Arguments: the port, the port of the metrics.
 */
import { AsyncHttpServer, type Request, type RequestOutcome } from "@asynchttp/server";
import { Counter, Gauge, Histogram, register } from "npm:prom-client@15";

const durations = new Histogram({
  name: "http_request_duration_seconds",
  help: "From the first byte of a request to the end of its response",
  labelNames: ["status", "ended"],
  buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10],
});

function observe({ status, ended, totalMs }: RequestOutcome): void {
  const statusClass = status === null ? "none" : `${Math.floor(status / 100)}xx`;
  durations.observe({ status: statusClass, ended }, totalMs / 1000);
}

const server = new AsyncHttpServer({ onResponse: observe });

new Gauge({
  name: "http_connections_open",
  help: "Connections that are open now",
  collect() {
    this.set(server.stats().connections.open);
  },
});

/** Registers a counter that the server counts itself: each scrape takes its value over. */
function serverCounter(name: string, help: string, value: () => number): void {
  new Counter({
    name,
    help,
    collect() {
      this.reset();
      this.inc(value());
    },
  });
}

serverCounter("http_connections_accepted_total", "Connections since the start", () => {
  return server.stats().connections.accepted;
});
serverCounter("http_accept_errors_total", "Accepts that failed", () => {
  return server.stats().connections.acceptErrors;
});
serverCounter("http_received_bytes_total", "Bytes read", () => server.stats().bytesIn);
serverCounter("http_sent_bytes_total", "Bytes written", () => server.stats().bytesOut);

new Counter({
  name: "http_rejections_total",
  help: "Requests that were refused, by reason",
  labelNames: ["code"],
  collect() {
    this.reset();
    for (const [code, count] of Object.entries(server.stats().rejections)) {
      this.inc({ code }, count);
    }
  },
});

async function metricsPage(request: Request): Promise<void> {
  if (request.url.pathname !== "/metrics") return await request.respond(404, "See /metrics\n");
  await request.respond(200, await register.metrics(), { "Content-Type": register.contentType });
}

const [port = "8080", metricsPort = "9464"] = Deno.args;
const address = "127.0.0.1";
const metrics = new AsyncHttpServer();
await Promise.all([
  server.serve(Number(port), (request) => request.respond(200, "Hello, World!\n"), {
    address,
    onListen: () => console.log(`Listening on http://${address}:${server.getPort()}/`),
  }),
  metrics.serve(Number(metricsPort), metricsPage, {
    address,
    onListen: () => console.log(`Metrics at http://${address}:${metrics.getPort()}/metrics`),
  }),
]);
