/** Clients at work: a fixed number at a time, each with one exchange after another. */
import { Random } from "../random.ts";
import { ROUGH } from "./rough_traffic.ts";
import type { Ports } from "./server_process.ts";
import { WELL_BEHAVED } from "./traffic.ts";
import type { Kind } from "./traffic.ts";
import { WireClient } from "./wire_client.ts";

const KINDS: readonly Kind[] = [...WELL_BEHAVED, ...ROUGH];

/** An exchange that takes longer has failed. The slowest takes a second on an idle machine. */
const MOST_TIME = 30_000;

/** The number of failures that are described. */
const MOST_TOLD = 20;

/** The clients and the outcome of their exchanges. */
export class Load {
  done = 0;
  failed = 0;
  readonly counts = new Map<string, number>();
  /** Descriptions of the first failures. */
  readonly failures: string[] = [];
  readonly #ports: Ports;
  readonly #seed: number;
  readonly #stopped = Promise.withResolvers<void>();
  #running = true;

  constructor(ports: Ports, seed: number) {
    this.#ports = ports;
    this.#seed = seed;
  }

  /** Works until `stop` is called. */
  async run(concurrency: number): Promise<void> {
    const clients = Array.from({ length: concurrency }, (_, at) => this.#client(at));
    await Promise.all(clients);
  }

  /** Begins no further exchange. */
  stop(): void {
    this.#running = false;
    this.#stopped.resolve();
  }

  /** Waits, at most until `stop` is called. */
  async pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    await Promise.race([promise, this.#stopped.promise]);
    clearTimeout(timer);
  }

  async #client(at: number): Promise<void> {
    const random = new Random(this.#seed + at);
    while (this.#running) {
      const kind = random.pick(KINDS);
      await this.#exchange(kind, random);
      this.done++;
      this.counts.set(kind.name, (this.counts.get(kind.name) ?? 0) + 1);
    }
  }

  async #exchange(kind: Kind, random: Random): Promise<void> {
    const clients: WireClient[] = [];
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      for (const client of clients) client.close();
    }, MOST_TIME);
    const connect = async (port: number) => {
      const client = await WireClient.connect(port);
      clients.push(client);
      return client;
    };
    try {
      await kind.run({ ports: this.#ports, random, connect });
    } catch (error) {
      this.#fail(kind, late ? `not finished after ${MOST_TIME} ms` : String(error));
      // Without a pause a server that is down would get a thousand requests per millisecond.
      await this.pause(100);
    } finally {
      clearTimeout(timer);
      for (const client of clients) client.close();
    }
  }

  #fail(kind: Kind, reason: string): void {
    this.failed++;
    if (this.failures.length < MOST_TOLD) this.failures.push(`${kind.name}: ${reason}`);
  }
}
