/**
 * The server that is soaked, attacked and starved of descriptors.
 *
 * Its only argument is a plan in JSON. It prints its ports on the first line, then one line
 * of JSON for each line that it reads. It shuts down when its input ends.
 */
import { AsyncHttpServer, fetchHandler, streaming } from "@asynchttp/server";
import type { AsyncHttpServerOptions, Handler, Request, ServerStats } from "@asynchttp/server";
import { PATTERN } from "./pattern.ts";
import type { Plan, Ports, Report } from "./server_process.ts";

// Deno 2.9.6 creates its pair of sockets for signals half a second after its start and panics
// if no descriptors are left for them; a listener, which a real server has, creates them now.
Deno.addSignalListener("SIGINT", () => Deno.exit(130));

const plan: Plan = JSON.parse(Deno.args[0] ?? "{}");
const errors = new Map<string, number>();
const kept: Uint8Array[] = [];

/** The error that the route /fail throws. */
class Deliberate extends Error {}

function count(error: unknown): void {
  const { code, name, message } = error as Error & { code?: string };
  const what = error instanceof Deliberate ? "deliberate" : code ?? `${name}: ${message}`;
  errors.set(what, (errors.get(what) ?? 0) + 1);
}

function numberIn(request: { url: URL | string }, name: string): number {
  return Number(new URL(request.url).searchParams.get(name));
}

/** Yields the same bytes again and again: all memory that is used is the server's. */
function generate(size: number): ReadableStream<Uint8Array<ArrayBuffer>> {
  let left = size;
  return new ReadableStream({
    pull(controller) {
      if (left <= 0) return controller.close();
      const chunk = PATTERN.subarray(0, Math.min(left, PATTERN.length));
      controller.enqueue(chunk);
      left -= chunk.length;
    },
  }, { highWaterMark: 0 });
}

async function countBody(request: Request): Promise<void> {
  let bytes = 0;
  for await (const chunk of request.stream) bytes += chunk.length;
  await request.respond(200, String(bytes));
}

/** Waits for `ms` milliseconds, at most until the client disconnects. */
async function wait(request: Request): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, numberIn(request, "ms"));
  request.signal.addEventListener("abort", () => resolve());
  await promise;
  clearTimeout(timer);
  await request.respond(200, "waited");
}

async function echoUpgraded(request: Request): Promise<void> {
  using conn = await request.upgrade();
  const buffer = new Uint8Array(4096);
  try {
    for (let got = await conn.read(buffer); got !== null; got = await conn.read(buffer)) {
      await conn.write(buffer.subarray(0, got));
    }
  } catch {
    // The client has disconnected.
  }
}

async function answerHijacked(request: Request): Promise<void> {
  using conn = request.hijack();
  const answer = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: close\r\n\r\nhijacked";
  await conn.write(new TextEncoder().encode(answer)).catch(() => {});
}

async function limited(request: Request): Promise<void> {
  request.maxBody = 1000;
  await request.respond(200, await request.text());
}

const ROUTES = new Map<string, Handler>([
  ["/text", (request) => request.respond(200, PATTERN.subarray(0, numberIn(request, "n")))],
  ["/make", (request) => request.respond(200, generate(numberIn(request, "n")))],
  ["/count", countBody],
  ["/echo", (request) => request.respond(200, request.stream)],
  ["/wait", wait],
  ["/limited", limited],
  ["/upgrade", echoUpgraded],
  ["/hijack", answerHijacked],
  ["/fail", () => {
    throw new Deliberate("As asked");
  }],
]);

function handle(request: Request): void | Promise<void> {
  if (plan.leak !== undefined) kept.push(new Uint8Array(plan.leak).fill(1));
  const route = ROUTES.get(request.url.pathname);
  return route === undefined ? request.respond(404, "no such route") : route(request);
}

async function answerFetch(request: globalThis.Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname === "/text") return new Response(PATTERN.subarray(0, numberIn(request, "n")));
  if (pathname === "/make") return new Response(generate(numberIn(request, "n")));
  if (pathname === "/echo") return new Response(request.body);
  if (pathname === "/count") return new Response(String((await request.bytes()).length));
  return new Response("no such route", { status: 404 });
}

/** The loop of `examples/server_loop.ts`. */
async function acceptByHand(server: AsyncHttpServer, handler: Handler): Promise<void> {
  server.listen(0, { address: "127.0.0.1" });
  for (;;) {
    await server.untilAcceptable(plan.assumedDescriptorsPerRequest);
    try {
      await server.acceptRequest(handler);
    } catch (error) {
      if (error instanceof Deno.errors.BadResource) return;
      count(error);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

function start(handler: Handler): { server: AsyncHttpServer; serving: Promise<void> } {
  const options: AsyncHttpServerOptions = { ...plan.options, onError: count };
  const server = new AsyncHttpServer(options);
  const { assumedDescriptorsPerRequest } = plan;
  const serving = plan.accept === "loop"
    ? acceptByHand(server, handler)
    : server.serve(0, handler, { address: "127.0.0.1", assumedDescriptorsPerRequest });
  return { server, serving };
}

/** Figures by name, and groups of them. */
type Figures = { readonly [name: string]: number | Figures };

function add(one: Figures, other: Figures): Figures {
  const both = new Map<string, number | Figures>(Object.entries(one));
  for (const [name, value] of Object.entries(other)) {
    const before = both.get(name);
    if (typeof value === "number") both.set(name, value + (before as number ?? 0));
    else both.set(name, add(before as Figures ?? {}, value));
  }
  return Object.fromEntries(both);
}

/** Adds up the figures of all servers. */
function sum(all: readonly ServerStats[]): ServerStats {
  const figures = all as unknown as readonly Figures[];
  return figures.reduce(add) as unknown as ServerStats;
}

const [streamed, whole, fetched] = [streaming(handle), handle, fetchHandler(answerFetch)].map(
  start,
);
const all = [streamed!, whole!, fetched!];
const ports: Ports = {
  streaming: streamed!.server.getPort(),
  whole: whole!.server.getPort(),
  fetch: fetched!.server.getPort(),
};
console.log(JSON.stringify(ports));

function report(): Report {
  const { rss, heapUsed } = Deno.memoryUsage();
  const stats = sum(all.map(({ server }) => server.stats()));
  return { rss, heapUsed, stats, errors: Object.fromEntries(errors) };
}

for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  for (const command of text.split("\n").slice(0, -1)) {
    if (command === "gc") (globalThis as { gc?: () => void }).gc?.();
    console.log(JSON.stringify(report()));
  }
}
await Promise.all(all.map(({ server }) => server.shutdown({ grace: 5000 })));
await Promise.all(all.map(({ serving }) => serving));
