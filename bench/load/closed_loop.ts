/** As fast as the server answers: each client sends its next request when it has the answer. */
import { Client } from "./client.ts";
import type { Driven, Plan } from "./load.ts";

/** Counts the answers that come within the time. */
export async function runClosedLoop(plan: Plan, request: Uint8Array): Promise<Driven> {
  const begin = performance.now();
  const deadline = begin + plan.seconds * 1000;
  const work = plan.closes ? connectEachTime : keepConnection;
  const counts = await Promise.all(
    Array.from({ length: plan.connections }, () => work(plan, request, deadline)),
  );
  return { answered: counts.reduce((sum, count) => sum + count, 0), seconds: plan.seconds };
}

async function keepConnection(plan: Plan, request: Uint8Array, deadline: number): Promise<number> {
  using client = await Client.connect(plan, request);
  for (let answered = 0;; answered += plan.pipelined) {
    await client.exchange();
    if (performance.now() >= deadline) return answered;
  }
}

async function connectEachTime(plan: Plan, request: Uint8Array, deadline: number): Promise<number> {
  for (let answered = 0;; answered++) {
    using client = await Client.connect(plan, request);
    await client.exchange();
    if (performance.now() >= deadline) return answered;
  }
}
