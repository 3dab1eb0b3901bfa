/** The worker's side: it runs `main`, tells its master that it is well, and ends when told. */
import type { ServerStats } from "../stats.ts";
import { inspected } from "../validate.ts";
import { encodeRecord, jsonLines } from "./records.ts";
import type { Hello, Order, WorkerRecord } from "./records.ts";
import { NO_STATS } from "./stats.ts";
import type { ClusterStats } from "./stats.ts";
import { WORKER_VARIABLE } from "./worker_command.ts";

/**
 * What `main` is given.
 *
 * @example
 * ```ts ignore
 * import { AsyncHttpServer } from "@asynchttp/server";
 * import { cluster, type ClusterWorker } from "@asynchttp/server/cluster";
 *
 * function main({ number, port, signal }: ClusterWorker): AsyncHttpServer {
 *   const server = new AsyncHttpServer({ reusePort: true });
 *   signal.addEventListener("abort", () => console.error(`Worker ${number} ends`));
 *   server.serve(port, (request) => request.respond(200, `${number}`), { address: "127.0.0.1" });
 *   return server;
 * }
 *
 * await using workers = await cluster({ workers: 1, main });
 * console.log(workers.stats().workers.map(({ number }) => number)); // [ 1 ]
 * ```
 */
export interface ClusterWorker {
  /** Its number, from 1 on. The worker that takes its place has the same. */
  readonly number: number;
  /** The port to listen on; 0 for the first worker where the system is to choose one. */
  readonly port: number;
  /** Aborts when the worker is told to end: streams without an end should end then. */
  readonly signal: AbortSignal;
  /**
   * The counters of all workers, at most a second old.
   *
   * @returns A promise of the counters.
   */
  stats(): Promise<ClusterStats>;
}

/**
 * What a worker needs of its server.
 *
 * @example A worker with a server of another port, for metrics
 * ```ts ignore
 * import { AsyncHttpServer } from "@asynchttp/server";
 * import { cluster, type WorkerServer } from "@asynchttp/server/cluster";
 *
 * function both(server: AsyncHttpServer, metrics: AsyncHttpServer): WorkerServer {
 *   return {
 *     getPort: () => server.getPort(),
 *     stats: () => server.stats(),
 *     shutdown: (options) => Promise.all([server, metrics].map((each) => each.shutdown(options))),
 *   };
 * }
 *
 * await using workers = await cluster({
 *   workers: 1,
 *   main({ port, stats }) {
 *     const [server, metrics] = [true, false].map((reusePort) => new AsyncHttpServer({ reusePort }));
 *     server!.serve(port, (request) => request.respond(200), { address: "127.0.0.1" });
 *     metrics!.serve(0, async (request) => {
 *       await request.respond(200, `requests ${(await stats()).requests}\n`);
 *     }, { address: "127.0.0.1" });
 *     return both(server!, metrics!);
 *   },
 * });
 * console.log(workers.port > 0); // true
 * ```
 */
export interface WorkerServer {
  /**
   * Tells the port that it listens on.
   *
   * @returns The port.
   */
  getPort(): number;
  /**
   * Tells its counters.
   *
   * @returns A snapshot.
   */
  stats(): ServerStats;
  /**
   * Ends it. Called again when there is less time.
   *
   * @param options How long requests may take, and how long idle connections stay open, in milliseconds.
   * @returns A promise that resolves when it has ended; the process ends then.
   */
  shutdown(options: { grace: number; idle: number }): Promise<unknown>;
}

/**
 * The program of a worker.
 *
 * @example
 * ```ts ignore
 * import { AsyncHttpServer } from "@asynchttp/server";
 * import { cluster, type WorkerMain } from "@asynchttp/server/cluster";
 *
 * const main: WorkerMain = ({ port }) => {
 *   const server = new AsyncHttpServer({ reusePort: true });
 *   server.serve(port, (request) => request.respond(200, "hello"), { address: "127.0.0.1" });
 *   return server;
 * };
 * await using workers = await cluster({ workers: 1, main });
 * console.log(workers.stats().workers[0]!.state); // listening
 * ```
 */
export type WorkerMain = (worker: ClusterWorker) => WorkerServer | Promise<WorkerServer>;

/** Runs `main` in this process, which ends with it. */
export async function runWorker(main: WorkerMain): Promise<never> {
  Deno.env.delete(WORKER_VARIABLE);
  const orders = jsonLines<Hello | Order>(Deno.stdin.readable);
  const { value: hello } = await orders.next();
  const worker = new Worker(hello as Hello);
  worker.listenToSignals();
  const obeying = worker.obey(orders as AsyncGenerator<Order>);
  await worker.start(main);
  await obeying;
  return Deno.exit(1);
}

class Worker {
  readonly #hello: Hello;
  readonly #end = new AbortController();
  #server: WorkerServer | null = null;
  #asked: ((stats: ClusterStats) => void)[] = [];

  constructor(hello: Hello) {
    this.#hello = hello;
  }

  /** The terminal sends its signals to workers, too: the master decides about these. */
  listenToSignals(): void {
    const { grace, idle } = this.#hello;
    for (const signal of ["SIGINT", "SIGHUP"] as const) Deno.addSignalListener(signal, () => {});
    Deno.addSignalListener("SIGTERM", () => void this.#finish(grace, idle));
  }

  /** Follows the orders of the master; its end, however it comes, ends the worker at once. */
  async obey(orders: AsyncIterable<Order>): Promise<void> {
    for await (const order of orders) {
      if (order.type === "end") void this.#finish(order.grace, order.idle);
      else this.#asked.shift()?.(order.stats as ClusterStats);
    }
    Deno.exit(1);
  }

  async start(main: WorkerMain): Promise<void> {
    const { number, port, beat } = this.#hello;
    const { signal } = this.#end;
    this.#server = await main({ number, port, signal, stats: () => this.#ask() });
    checkServer(this.#server);
    this.#send({ type: "listening", port: this.#server.getPort(), stats: this.#server.stats() });
    setInterval(() => this.#beat(), beat);
  }

  #beat(): void {
    if (this.#server !== null) this.#send({ type: "beat", stats: this.#server.stats() });
  }

  #ask(): Promise<ClusterStats> {
    const { promise, resolve } = Promise.withResolvers<ClusterStats>();
    this.#asked.push(resolve);
    this.#send({ type: "ask", stats: this.#server?.stats() ?? NO_STATS });
    return promise;
  }

  /** Ends the process with its server; a second call may allow less time. */
  async #finish(grace: number, idle: number): Promise<void> {
    this.#end.abort();
    await this.#server?.shutdown({ grace, idle });
    this.#beat();
    Deno.exit(0);
  }

  /** A failure means that the master has gone. */
  #send(record: WorkerRecord): void {
    const bytes = encodeRecord(this.#hello.secret, record);
    try {
      for (let sent = 0; sent < bytes.length;) sent += Deno.stdout.writeSync(bytes.subarray(sent));
    } catch {
      Deno.exit(1);
    }
  }
}

function checkServer(server: WorkerServer): void {
  const isServer = ["getPort", "stats", "shutdown"].every((name) =>
    typeof (server as unknown as Record<string, unknown> | null)?.[name] === "function"
  );
  if (isServer) return;
  throw new TypeError(
    `Option main must return its server, which listens already: got ${inspected(server)}`,
  );
}
