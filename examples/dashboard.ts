/**
 * A dashboard of a running server: requests a second, latency percentiles, open connections, bytes
 * and rejections, live over server-sent events.
 *
 * ```sh
 * deno run --allow-net examples/dashboard.ts [port] [dashboard port] [--demo]
 * ```
 *
 * Open http://127.0.0.1:8081/ in a browser; the server that it watches is at port 8080. `--demo`
 * sends that server requests, good and bad ones, so that there is something to see.
 *
 * The dashboard is a server of its own, on loopback: its traffic is not counted, and no client of
 * the watched server can reach it. `dashboard/` has the page; uPlot, from npm, draws the charts.
 */
import { createHistogram } from "node:perf_hooks";
import { AsyncHttpServer, type Request, type RequestOutcome } from "@asynchttp/server";
import chartScript from "npm:uplot@1/dist/uPlot.iife.min.js" with { type: "text" };
import chartStyle from "npm:uplot@1/dist/uPlot.min.css" with { type: "text" };
import page from "./dashboard/page.html" with { type: "text" };
import pageScript from "./dashboard/page.js" with { type: "text" };
import pageStyle from "./dashboard/style.css" with { type: "text" };
import { sendDemoTraffic } from "./dashboard/demo_traffic.ts";

/** What happened between two looks at the watched server. */
interface Sample {
  /** Milliseconds since 1970; also the ID of the event. */
  readonly time: number;
  /** Seconds since the previous sample: a busy process looks late. */
  readonly seconds: number;
  readonly requests: number;
  /** Milliseconds; null where no request ended. */
  readonly latency: { readonly p50: number; readonly p90: number; readonly p99: number } | null;
  readonly open: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly rejected: number;
  /** Since the server began. */
  readonly rejections: { readonly [code: string]: number };
}

const SAMPLE_MS = 1000;
/** Five minutes: what a page that is opened late still gets to see. */
const MAX_SAMPLES = 300;

const isDemo = Deno.args.includes("--demo");
const [port = "8080", dashboardPort = "8081"] = Deno.args.filter((arg) => arg !== "--demo");

// The watched server

/** Microseconds, because it takes integers; precise to a thousandth from 1 µs to an hour. */
const latencies = createHistogram({ lowest: 1, highest: 3_600_000_000, figures: 3 });

async function app(request: Request): Promise<void> {
  const { pathname } = request.url;
  if (pathname === "/slow") await new Promise((resolve) => setTimeout(resolve, 20));
  await request.respond(pathname === "/missing" ? 404 : 200, `This is ${pathname}\n`);
}

/** Records the time to the head: an event stream lasts for as long as its client likes. */
function record({ handled, headMs }: RequestOutcome): void {
  if (handled && headMs !== null) latencies.record(Math.max(1, Math.round(headMs * 1000)));
}

const watched = new AsyncHttpServer({ onResponse: record });

// The samples

const samples: Sample[] = [];
let previous = { at: performance.now(), stats: watched.stats() };
/** Wakes the pages that wait for the next sample. */
let next = Promise.withResolvers<void>();

function takeSample(): void {
  const at = performance.now();
  const stats = watched.stats();
  const before = previous.stats;
  const total = (counts: typeof stats.rejections) =>
    Object.values(counts).reduce((sum, count) => sum + count, 0);
  samples.push({
    time: Date.now(),
    seconds: (at - previous.at) / 1000,
    requests: stats.requests - before.requests,
    latency: takeLatency(),
    open: stats.connections.open,
    bytesIn: stats.bytesIn - before.bytesIn,
    bytesOut: stats.bytesOut - before.bytesOut,
    rejected: total(stats.rejections) - total(before.rejections),
    rejections: stats.rejections as Sample["rejections"],
  });
  if (samples.length > MAX_SAMPLES) samples.shift();
  previous = { at, stats };
  next.resolve();
  next = Promise.withResolvers();
}

/** Percentiles cannot be averaged, so each second has its own, of all its requests. */
function takeLatency(): Sample["latency"] {
  if (latencies.count === 0) return null;
  const [p50, p90, p99] = [50, 90, 99].map((rank) => latencies.percentile(rank) / 1000);
  latencies.reset();
  return { p50: p50!, p90: p90!, p99: p99! };
}

// The dashboard

/**
 * Yields the samples that are newer than `last`, and then each as it is taken. A page that reads
 * slowly finds several in one event: nothing accumulates for it.
 */
async function* eventsAfter(last: number): AsyncGenerator<string> {
  for (let sent = last;;) {
    const fresh = samples.filter(({ time }) => time > sent);
    if (fresh.length > 0) {
      sent = fresh.at(-1)!.time;
      yield `id: ${sent}\ndata: ${JSON.stringify(fresh)}\n\n`;
    } else {
      await next.promise;
    }
  }
}

async function sendEvents(request: Request): Promise<void> {
  // A browser that reconnects names the last event that it has seen.
  const last = Number(request.headers.get("last-event-id") ?? 0) || 0;
  const events = ReadableStream.from(eventsAfter(last)).pipeThrough(new TextEncoderStream());
  await request.respond(200, events, {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
  });
}

const FILES: { readonly [path: string]: readonly [type: string, content: string] } = {
  "/": ["text/html", page],
  "/page.js": ["text/javascript", pageScript],
  "/style.css": ["text/css", pageStyle],
  "/uplot.js": ["text/javascript", chartScript],
  "/uplot.css": ["text/css", chartStyle],
};

/** The names of this machine: a page of another site can give its own name this address. */
const OWN_NAMES = ["127.0.0.1", "localhost"];

async function dashboard(request: Request): Promise<void> {
  const { hostname, pathname } = request.url;
  if (!OWN_NAMES.includes(hostname)) return await request.respond(421, "Not this host\n");
  if (pathname === "/events") return await sendEvents(request);
  if (!Object.hasOwn(FILES, pathname)) return await request.respond(404, "Not found\n");
  const [type, content] = FILES[pathname]!;
  await request.respond(200, content, {
    "Content-Type": `${type}; charset=utf-8`,
    "Content-Security-Policy": "default-src 'self'; img-src data:; frame-ancestors 'none'",
  });
}

const pages = new AsyncHttpServer();
const serving = [
  watched.serve(Number(port), app, { address: "127.0.0.1" }),
  pages.serve(Number(dashboardPort), dashboard, { address: "127.0.0.1" }),
];
setInterval(takeSample, SAMPLE_MS);
if (isDemo) sendDemoTraffic(watched.getPort());
console.log(`Listening on http://127.0.0.1:${watched.getPort()}/`);
console.log(`Dashboard on http://127.0.0.1:${pages.getPort()}/`);
await Promise.all(serving);
