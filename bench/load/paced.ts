/**
 * At a rate of its own, whatever the server does: each request is due at a time that is
 * known before, and its latency is counted from then. A server that stands still for
 * 10 ms makes all requests late that were due meanwhile, not only the 50 that were on
 * their way ("coordinated omission": a client that waits with a slow server hides it).
 */
import { setImmediate } from "node:timers";
import { Client } from "./client.ts";
import type { Driven, Plan } from "./load.ts";

/** Before anything is recorded, in milliseconds: this process must not be what makes answers late. */
const WARM = 1500;

/** Measures the latencies of a plan that has a rate. */
export async function runPaced(plan: Plan, request: Uint8Array): Promise<Driven> {
  const clients = await Promise.all(
    Array.from({ length: plan.connections }, () => Client.connect(plan, request)),
  );
  const pacer = new Pacer(plan);
  await Promise.all(clients.map((client, index) => work(client, index, pacer)));
  for (const client of clients) client[Symbol.dispose]();
  return pacer.driven();
}

/** The `index`-th client takes every n-th of the requests that are due. */
async function work(client: Client, index: number, pacer: Pacer): Promise<void> {
  for (let turn = index;; turn += pacer.clients) {
    const due = pacer.dueTime(turn);
    if (due >= pacer.deadline) return;
    if (performance.now() < due) await pacer.until(index, due);
    await client.exchange();
    pacer.record(due);
  }
}

/** Knows when requests are due, wakes who waits for it, and keeps the latencies. */
class Pacer {
  readonly clients: number;
  readonly deadline: number;
  readonly #begin: number;
  readonly #interval: number;
  readonly #recordFrom: number;
  readonly #waiting: ({ readonly due: number; readonly wake: () => void } | null)[];
  readonly #latencies: number[] = [];

  constructor({ connections, rate, seconds }: Plan) {
    this.clients = connections;
    this.#interval = 1000 / rate!;
    this.#begin = performance.now();
    this.#recordFrom = this.#begin + WARM;
    this.deadline = this.#recordFrom + seconds * 1000;
    this.#waiting = Array.from({ length: connections }, () => null);
    this.#turn();
  }

  dueTime(turn: number): number {
    return this.#begin + turn * this.#interval;
  }

  until(index: number, due: number): Promise<void> {
    return new Promise((wake) => this.#waiting[index] = { due, wake });
  }

  record(due: number): void {
    if (due >= this.#recordFrom) this.#latencies.push(performance.now() - due);
  }

  /** The time is that until the last answer: who cannot keep the rate has a lower one. */
  driven(): Driven {
    const sorted = Float64Array.from(this.#latencies).sort();
    return {
      answered: sorted.length,
      seconds: (performance.now() - this.#recordFrom) / 1000,
      p99: sorted[Math.floor(sorted.length * 0.99)],
    };
  }

  /** Looks at the clock once a turn of the event loop: timers are too coarse by three orders. */
  #turn(): void {
    const now = performance.now();
    for (const [index, waiter] of this.#waiting.entries()) {
      if (waiter === null || waiter.due > now) continue;
      this.#waiting[index] = null;
      waiter.wake();
    }
    if (now < this.deadline) setImmediate(() => this.#turn());
  }
}
