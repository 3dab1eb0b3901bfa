/**
 * A limit of requests for each client: a bucket of tokens, refilled at a steady rate. A request
 * over the limit is 429, before its body is read.
 *
 * ```sh
 * deno run --allow-net examples/rate_limit.ts
 * curl -i http://localhost:8080/
 * ```
 *
 * Arguments: the port, the requests at once, and the requests a second.
 */
import { AsyncHttpServer, type Request, streaming } from "@asynchttp/server";

const BURST = Number(Deno.args[1] ?? 10);
const PER_SECOND = Number(Deno.args[2] ?? 1);
/** Bounds the memory: beyond it the client that was limited longest ago is forgotten. */
const MAX_CLIENTS = 100_000;

interface Bucket {
  tokens: number;
  /** Milliseconds, on the monotonic clock. */
  filled: number;
}

/** In the order of their last request: a map keeps the order in which its keys were set. */
const buckets = new Map<string, Bucket>();

/** Takes a token; returns for how many seconds to wait if there is none. */
function secondsToWait(client: string): number {
  const now = performance.now();
  const { tokens, filled } = buckets.get(client) ?? { tokens: BURST, filled: now };
  const full = Math.min(BURST, tokens + (now - filled) / 1000 * PER_SECOND);
  buckets.delete(client);
  buckets.set(client, { tokens: full >= 1 ? full - 1 : full, filled: now });
  if (buckets.size > MAX_CLIENTS) buckets.delete(buckets.keys().next().value!);
  return full >= 1 ? 0 : (1 - full) / PER_SECOND;
}

/** The owner of an IPv6 address has the other 2^64 of its network, too: its first four groups count. */
function clientOf({ hostname }: Request): string {
  if (!hostname.includes(":")) return hostname;
  const parts = hostname.split("::").map((part) => part === "" ? [] : part.split(":"));
  const [before = [], behind = []] = parts;
  // Two colons stand for as many groups of zeros as are missing.
  const zeros = new Array<string>(8 - before.length - behind.length).fill("0");
  return [...before, ...zeros, ...behind].slice(0, 4).join(":");
}

const handler = streaming(async (request) => {
  const wait = secondsToWait(clientOf(request));
  if (wait > 0) {
    return await request.respond(429, "Too many requests\n", {
      "Retry-After": String(Math.ceil(wait)),
    });
  }
  await request.respond(200, "Hello, World!\n", { "Content-Type": "text/plain; charset=utf-8" });
});

const server = new AsyncHttpServer();
const serving = server.serve(Number(Deno.args[0] ?? 8080), handler, { address: "127.0.0.1" });
console.log(`Listening on http://127.0.0.1:${server.getPort()}/`);
await serving;
