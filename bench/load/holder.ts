/**
 * A process that holds idle connections: `holder.ts PLAN` opens them, sends one request
 * over each, prints a line, and keeps them until its standard input ends.
 */
import { Client } from "./client.ts";
import type { Plan } from "./load.ts";

/** So many connections are opened at a time: fewer than the backlog of a listener. */
const AT_A_TIME = 100;

const plan: Plan = JSON.parse(Deno.args[0]!);
const request = await Deno.readFile(plan.requestFile);
const clients: Client[] = [];

async function open(): Promise<void> {
  const client = await Client.connect(plan, request);
  clients.push(client);
  await client.exchange();
}

while (clients.length < plan.connections) {
  const count = Math.min(AT_A_TIME, plan.connections - clients.length);
  await Promise.all(Array.from({ length: count }, open));
}
console.log(`held ${clients.length}`);
await Deno.stdin.readable.pipeTo(new WritableStream());
for (const client of clients) client[Symbol.dispose]();
