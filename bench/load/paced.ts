/**
 * Sends hello requests at a fixed rate: `paced.ts PORT RATE CONNECTIONS SECONDS`.
 *
 * Each request is due at a time that is known beforehand, and its latency counts from
 * then: a server that stalls for 10 ms delays every request that was due meanwhile, not
 * only those that were under way ("coordinated omission"). wrk knows no rate. autocannon
 * sends each connection's share of a second at once, at its beginning, corrects by a fixed
 * millisecond instead of the interval, and rounds to milliseconds.
 */
import { HELLO } from "../requests.ts";
import { Client } from "./client.ts";

/** Milliseconds before anything is recorded: this process must be compiled by then. */
const WARM_UP = 1500;

const [port = 0, rate = 0, connections = 0, seconds = 0] = Deno.args.map(Number);
const request = new TextEncoder().encode(HELLO);
const latencies: number[] = [];
const clients = await Promise.all(
  Array.from({ length: connections }, () => Client.connect(port)),
);
const begin = performance.now();
const recordFrom = begin + WARM_UP;
const end = recordFrom + seconds * 1000;

/** Takes every n-th request that is due; an infinite rate means as fast as the server answers. */
async function pace(client: Client, index: number): Promise<void> {
  for (let turn = index;; turn += connections) {
    const due = rate === Infinity ? performance.now() : begin + turn * 1000 / rate;
    if (due >= end) return;
    while (performance.now() < due) await nextTurn();
    await client.ask(request);
    if (due >= recordFrom) latencies.push(performance.now() - due);
  }
}

let turning: Promise<void> | null = null;

/** One turn of the event loop, shared by all clients: timers are a thousand times too coarse. */
function nextTurn(): Promise<void> {
  return turning ??= new Promise((resolve) =>
    setImmediate(() => {
      turning = null;
      resolve();
    })
  );
}

await Promise.all(clients.map(pace));
latencies.sort((one, other) => one - other);
const quantile = (part: number) => latencies[Math.floor((latencies.length - 1) * part)];
const answered = latencies.length / (performance.now() - recordFrom) * 1000;
const [p50, p99, max] = [0.5, 0.99, 1].map(quantile);
console.log(JSON.stringify({ rate: answered, p50, p99, max }));
Deno.exit();
