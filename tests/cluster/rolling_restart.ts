/**
 * Rolling restarts under 200 clients that keep their connections, uploads and event streams among
 * them. A client repeats nothing: a connection that ends without a whole response, or that is
 * refused, is a request that has failed. The argument is the number of restarts, each of a new
 * cluster.
 */
import { assertEquals } from "@std/assert";
import { delay } from "@std/async";
import { PersistentClient } from "../server/persistent_client.ts";
import type { Exchange } from "../server/persistent_client.ts";
import { expect, head } from "../soak/traffic.ts";
import { LaunchedCluster } from "./launched_cluster.ts";

const CLIENTS = 200;
/** Responses that each client gets before a restart, and again after it. */
const ANSWERS = 2;

const hello: Exchange = async (wire) => {
  await wire.send(head("GET", "/"));
  const answer = await wire.answer();
  expect(answer, 200, 6, "hello\n");
  return answer;
};

const slow: Exchange = async (wire) => {
  await wire.send(head("GET", "/slow?ms=50"));
  const answer = await wire.answer();
  expect(answer, 200, 5, "slow\n");
  return answer;
};

const upload: Exchange = async (wire) => {
  await wire.send(head("PUT", "/upload", "Content-Length: 40000"));
  for (let piece = 0; piece < 4; piece++) {
    await delay(20);
    await wire.send("x".repeat(10_000));
  }
  const answer = await wire.answer();
  expect(answer, 200, 12, "40000 bytes\n");
  return answer;
};

/** Ends with its last event, early where the worker ends; its chunks must be whole. */
const events: Exchange = async (wire) => {
  await wire.send(head("GET", "/events?count=100"));
  const answer = await wire.answer();
  assertEquals([answer.status, answer.text.slice(0, 9)], [200, "data: 0\n\n"]);
  return answer;
};

const KINDS = [hello, slow, upload, events];

/** What restarts under load came to. */
export interface Outcome {
  readonly requests: number;
  /** Requests without a whole response. */
  readonly failed: number;
  /** How often clients were told that their connection ends. */
  readonly told: number;
  /** The number of processes that have answered. */
  readonly processes: number;
}

/** Clients that send requests until they are stopped. */
class Load implements Disposable {
  readonly clients: readonly PersistentClient[];
  readonly errors: string[] = [];
  readonly #asking: Promise<unknown>;
  #stopped = false;

  constructor(port: number) {
    this.clients = Array.from({ length: CLIENTS }, () => new PersistentClient(port));
    this.#asking = Promise.all(this.clients.map((client, at) => this.#ask(client, at)));
  }

  /** Resolves when each client has had `answers` more responses, or requests fail in numbers. */
  async advance(answers: number): Promise<void> {
    const before = this.clients.map((client) => client.answers.length);
    const isBehind = (client: PersistentClient, at: number) =>
      client.answers.length < before[at]! + answers;
    while (this.clients.some(isBehind) && this.errors.length < CLIENTS) await delay(10);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#asking;
  }

  /** Sends all kinds in turn, each client from another start. */
  async #ask(client: PersistentClient, first: number): Promise<void> {
    for (let kind = first; !this.#stopped; kind++) {
      try {
        await client.ask(KINDS[kind % KINDS.length]!);
      } catch (error) {
        this.errors.push(String(error));
        await delay(10); // a fault that lasts must not spin
      }
    }
  }

  [Symbol.dispose](): void {
    this.#stopped = true;
    for (const client of this.clients) client[Symbol.dispose]();
  }
}

/** Replaces the workers of a cluster `rounds` times under load. */
export async function rollingRestarts(cluster: LaunchedCluster, rounds: number): Promise<Outcome> {
  using load = new Load(cluster.port);
  await load.advance(ANSWERS);
  for (let round = 1; round <= rounds; round++) {
    cluster.running.kill("SIGHUP");
    await cluster.replaced(round);
    await load.advance(ANSWERS);
  }
  await load.stop();
  for (const error of new Set(load.errors)) console.log(error);
  const answers = load.clients.flatMap((client) => client.answers);
  const resent = load.clients.reduce((sum, client) => sum + client.resent, 0);
  return {
    requests: answers.length,
    failed: load.errors.length + resent,
    told: answers.filter(({ fields }) => fields.get("connection") === "close").length,
    processes: new Set(answers.map(({ fields }) => fields.get("x-process"))).size,
  };
}

if (import.meta.main) {
  for (let restart = 1; restart <= Number(Deno.args[0] ?? 10); restart++) {
    await using cluster = await LaunchedCluster.start({ workers: 2 });
    const outcome = await rollingRestarts(cluster, 1);
    console.log(`Rolling restart ${restart}: ${JSON.stringify(outcome)}`);
    if (outcome.failed > 0) Deno.exitCode = 1;
  }
}
