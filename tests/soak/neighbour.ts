/**
 * One well-behaved client: a request, its response, a short pause, on one connection.
 *
 * Takes its argument as JSON and prints its times as JSON. A request that fails ends it.
 */
import { expect, head, pause } from "./traffic.ts";
import { WireClient } from "./wire_client.ts";

/** Where the client connects and how long it stays. */
export interface Stay {
  readonly port: number;
  readonly ms: number;
}

/** What the client experienced, in milliseconds. */
export interface Experience {
  readonly answers: number;
  readonly median: number;
  readonly p99: number;
  readonly worst: number;
}

const PAUSE = 3;
const SIZE = 1000;

async function live({ port, ms }: Stay): Promise<Experience> {
  using client = await WireClient.connect(port);
  const times: number[] = [];
  for (const end = performance.now() + ms; performance.now() < end; await pause(PAUSE)) {
    const begin = performance.now();
    await client.send(head("GET", `/text?n=${SIZE}`));
    expect(await client.answer(), 200, SIZE);
    times.push(performance.now() - begin);
  }
  times.sort((one, other) => one - other);
  const quantile = (part: number) => times[Math.min(times.length - 1, times.length * part | 0)]!;
  return { answers: times.length, median: quantile(0.5), p99: quantile(0.99), worst: quantile(1) };
}

console.log(JSON.stringify(await live(JSON.parse(Deno.args[0]!))));
