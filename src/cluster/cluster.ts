/**
 * Worker processes of one program on one port, and the master that starts, watches and replaces
 * them. Named as in Node's `cluster` and nginx.
 *
 * Each worker has a listener of its own (`SO_REUSEPORT`), among which the kernel spreads new
 * connections: no connection passes through the master, which may die without a request lost.
 *
 * ```text
 * starting ──► running ──► stopping ──► stopped
 *    └─────────────────────►
 * ```
 */
import { ignoreRejection } from "../ignore_rejection.ts";
import { moved } from "../transitions.ts";
import type { Transitions } from "../transitions.ts";
import { checkRecord, isCount } from "../validate.ts";
import { resolveClusterOptions } from "./options.ts";
import type { ClusterOptions, ResolvedClusterOptions } from "./options.ts";
import { RestartPolicy } from "./restart_policy.ts";
import { NO_STATS, sum, withoutOpen } from "./stats.ts";
import type { ClusterStats } from "./stats.ts";
import { runWorker } from "./worker.ts";
import { isWorker, workerCommand } from "./worker_command.ts";
import { exitOf, WorkerProcess } from "./worker_process.ts";

export type { ClusterOptions } from "./options.ts";
export type { ClusterStats, WorkerState, WorkerStats } from "./stats.ts";
export type { ClusterWorker, WorkerMain, WorkerServer } from "./worker.ts";

/**
 * The workers of a program, as its master has them.
 *
 * @example
 * ```ts ignore
 * import { AsyncHttpServer } from "@asynchttp/server";
 * import { type Cluster, cluster } from "@asynchttp/server/cluster";
 *
 * const urlOf = ({ port }: Cluster) => `http://127.0.0.1:${port}/`;
 *
 * await using workers = await cluster({
 *   workers: 2,
 *   main({ port }) {
 *     const server = new AsyncHttpServer({ reusePort: true });
 *     server.serve(port, (request) => request.respond(200, "hello"), { address: "127.0.0.1" });
 *     return server;
 *   },
 * });
 * console.log(await (await fetch(urlOf(workers))).text()); // hello
 * await workers.reload(); // after a new version was installed
 * await workers.shutdown({ grace: 1000 });
 * await workers.finished;
 * console.log(workers.stats().requests); // 1
 * ```
 */
export interface Cluster extends AsyncDisposable {
  /** The port that the workers listen on. */
  readonly port: number;
  /**
   * Resolves when all workers have ended after `shutdown` or a signal; rejects when the cluster
   * has given up, because too many workers died. The exit code is 1 then.
   */
  readonly finished: Promise<void>;
  /**
   * The counters of all workers together, at most a second old.
   *
   * @returns A snapshot.
   */
  stats(): ClusterStats;
  /**
   * Replaces the workers one after the other, as SIGHUP does; each successor listens before its
   * predecessor ends. The new ones run the program as it is on the disk now.
   *
   * @returns A promise that resolves when all are replaced.
   * @throws {Error} A successor has not listened in time: its predecessor goes on, and so do those that were not replaced yet. Or the cluster is ending.
   */
  reload(): Promise<void>;
  /**
   * Ends all workers, as SIGTERM does.
   *
   * @param options How long requests may take, in milliseconds; the option `grace` of the cluster by default.
   * @returns A promise that resolves when all have ended.
   * @throws {TypeError} An option is unknown or has the wrong type.
   * @throws {RangeError} `grace` is negative or not an integer; `Infinity` is allowed.
   */
  shutdown(options?: { grace?: number }): Promise<void>;
}

/**
 * Starts `options.workers` processes of this program, and runs `options.main` in each.
 *
 * In a worker the promise does not resolve: what follows `await cluster(…)` runs in the master
 * only. SIGTERM and SIGINT end all workers with grace, at once the second time; SIGHUP replaces
 * them one after the other, or ends them where it tells that the terminal was closed. A worker that dies or hangs is replaced. The workers end with the
 * master, however it ends.
 *
 * The master needs `--allow-run` for Deno's own executable, and nothing else.
 *
 * @param options The program of a worker, how many, and how they are watched.
 * @returns A promise that resolves when every worker listens.
 * @throws {TypeError} `main` is missing, an option is unknown, or has the wrong type, or `flags` is needed because this process does not have `--allow-net` whole.
 * @throws {RangeError} A number is out of range, or `workers` is not finite.
 * @throws {Deno.errors.NotSupported} The system is not Linux.
 * @throws {Deno.errors.NotCapable} The permission `--allow-run` is missing.
 * @throws {Error} A worker has ended before it listened, or has not listened within `start`.
 *
 * @example
 * ```ts ignore
 * import { AsyncHttpServer, type Request } from "@asynchttp/server";
 * import { cluster } from "@asynchttp/server/cluster";
 *
 * await using workers = await cluster({
 *   workers: 2,
 *   main({ number, port }) {
 *     const server = new AsyncHttpServer({ reusePort: true });
 *     const handler = (request: Request) => request.respond(200, `Hello from worker ${number}`);
 *     server.serve(port, handler, { address: "127.0.0.1" });
 *     return server;
 *   },
 * });
 * const text = await (await fetch(`http://127.0.0.1:${workers.port}/`)).text();
 * console.log(text.slice(0, -1)); // Hello from worker
 * ```
 */
export async function cluster(options: ClusterOptions): Promise<Cluster> {
  if (isWorker()) return await runWorker(options.main);
  const master = new Master(resolveClusterOptions(options));
  await master.start();
  return master;
}

type ClusterState = "starting" | "running" | "stopping" | "stopped";

const TRANSITIONS: Transitions<ClusterState> = {
  starting: ["running", "stopping"],
  running: ["stopping"],
  stopping: ["stopped"],
  stopped: [],
};

/** Milliseconds between the beats of a worker, at most. */
const MAX_BEAT_MS = 1000;
/** A worker is taken for hung after as many beats at the least. */
const MIN_BEATS = 4;

/** The place of a worker, which its successors take. */
interface Slot {
  readonly number: number;
  current: WorkerProcess | null;
  /** The worker that is to take the place, until it listens. */
  successor: WorkerProcess | null;
  /** The timer of a restart. */
  restart: ReturnType<typeof setTimeout> | undefined;
}

class Master implements Cluster {
  readonly #options: ResolvedClusterOptions;
  readonly #policy: RestartPolicy;
  readonly #slots: readonly Slot[];
  readonly #finished = Promise.withResolvers<void>();
  readonly #processes = new Set<WorkerProcess>();
  readonly finished = ignoreRejection(this.#finished.promise);
  #state: ClusterState = "starting";
  #port: number;
  #restarts = 0;
  /** The counters of workers that have ended. */
  #past = NO_STATS;
  #reloading: Promise<void> | null = null;
  #reloadAgain = false;
  readonly #hadTerminal = Deno.stdin.isTerminal();

  constructor(options: ResolvedClusterOptions) {
    this.#options = options;
    this.#port = options.port;
    this.#policy = new RestartPolicy(options.maxRestarts, options.restartWindow);
    this.#slots = Array.from(
      { length: options.workers },
      (_, i) => ({ number: i + 1, current: null, successor: null, restart: undefined }),
    );
  }

  get port(): number {
    return this.#port;
  }

  /** Starts the workers; the first finds the port, if it is 0. One that does not listen ends all. */
  async start(): Promise<void> {
    this.#listenToSignals(Deno.addSignalListener);
    try {
      const [first, ...others] = this.#slots;
      await this.#startFirst(first!);
      await Promise.all(others.map((slot) => this.#startFirst(slot)));
    } catch (error) {
      await this.shutdown({ grace: 0 });
      throw error;
    }
    if (this.#state === "starting") this.#move("running");
  }

  stats(): ClusterStats {
    const workers = [...this.#processes]
      .map(({ number, pid, state, stats }) => ({ number, pid, state, stats }))
      .sort((one, other) => one.number - other.number);
    const total = workers.reduce((all, { stats }) => sum(all, stats), this.#past);
    return { ...total, restarts: this.#restarts, workers };
  }

  reload(): Promise<void> {
    if (this.#reloading !== null) {
      this.#reloadAgain = true;
      return this.#reloading;
    }
    this.#reloading = this.#reload().finally(() => this.#reloading = null);
    return ignoreRejection(this.#reloading);
  }

  async shutdown(options: { grace?: number } = {}): Promise<void> {
    checkRecord("options of shutdown", options, { grace: isCount(0) });
    const { grace = this.#options.grace } = options;
    if (this.#state === "stopped") return;
    if (this.#state !== "stopping") this.#move("stopping");
    for (const slot of this.#slots) clearTimeout(slot.restart);
    const idle = Math.min(grace, this.#options.idle);
    await Promise.all([...this.#processes].map((worker) => worker.end(grace, idle)));
    this.#stopped();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  /** The only assignment of the state. */
  #move(state: ClusterState): void {
    this.#state = moved(TRANSITIONS, this.#state, state);
  }

  #stopped(): void {
    if (this.#state === "stopped") return;
    this.#move("stopped");
    this.#listenToSignals(Deno.removeSignalListener);
    this.#finished.resolve();
  }

  #listenToSignals(change: (signal: Deno.Signal, listener: () => void) => void): void {
    change("SIGTERM", this.#onEnd);
    change("SIGINT", this.#onEnd);
    change("SIGHUP", this.#onHangup);
  }

  readonly #onEnd = (): void => {
    const insists = this.#state === "stopping";
    this.#options.log(insists ? "Ending all workers at once" : "Ending all workers");
    ignoreRejection(this.shutdown(insists ? { grace: 0 } : {}));
  };

  /** A terminal that is closed sends SIGHUP, too: its programs must not outlive it unseen. */
  readonly #onHangup = (): void => {
    if (this.#hadTerminal && !Deno.stdin.isTerminal()) this.#onEnd();
    else this.reload();
  };

  async #startFirst(slot: Slot): Promise<void> {
    slot.current = this.#spawn(slot);
    this.#port = await slot.current.listening;
  }

  #spawn(slot: Slot): WorkerProcess {
    const { flags, grace, idle, start, heartbeat, log } = this.#options;
    const beat = Math.min(MAX_BEAT_MS, Math.ceil(heartbeat / MIN_BEATS));
    const worker = new WorkerProcess({
      command: workerCommand(flags),
      hello: { number: slot.number, port: this.#port, beat, grace, idle },
      stats: () => this.stats(),
      ...{ start, heartbeat, log },
    });
    this.#processes.add(worker);
    worker.ended.then((status) => this.#onEnded(slot, worker, status));
    return worker;
  }

  /** A worker that was not told to end has died, unless it ended on a SIGTERM of its own. */
  #onEnded(slot: Slot, worker: WorkerProcess, status: Deno.CommandStatus): void {
    this.#processes.delete(worker);
    this.#past = sum(this.#past, withoutOpen(worker.stats));
    if (slot.current !== worker) return;
    slot.current = null;
    if (this.#state !== "running") return;
    this.#options.log(`Worker ${slot.number} (process ${worker.pid}) ended: ${exitOf(status)}`);
    if (slot.successor === null) this.#restart(slot);
  }

  #restart(slot: Slot): void {
    const delay = this.#policy.afterDeath(performance.now());
    if (delay === null) return this.#giveUp();
    this.#restarts++;
    slot.restart = setTimeout(() => slot.current = this.#spawn(slot), delay);
  }

  #giveUp(): void {
    const { maxRestarts, restartWindow, log } = this.#options;
    const reason =
      `More than ${maxRestarts} workers died within ${restartWindow} ms, ending the cluster`;
    log(reason);
    this.#finished.reject(new Error(reason));
    Deno.exitCode = 1;
    ignoreRejection(this.shutdown());
  }

  async #reload(): Promise<void> {
    const { log } = this.#options;
    do {
      this.#reloadAgain = false;
      try {
        for (const slot of this.#slots) await this.#replace(slot);
      } catch (error) {
        log(`Reload ended, the workers that were not replaced go on: ${(error as Error).message}`);
        throw error;
      }
      log("All workers were replaced");
    } while (this.#reloadAgain && this.#state === "running");
  }

  /** Starts a successor, and when it listens ends the predecessor. */
  async #replace(slot: Slot): Promise<void> {
    if (this.#state !== "running") throw new Error("The cluster is ending");
    clearTimeout(slot.restart);
    slot.successor = this.#spawn(slot);
    try {
      await slot.successor.listening;
    } catch (error) {
      slot.successor = null;
      if (slot.current === null && this.#state === "running") this.#restart(slot);
      throw error;
    }
    const old = slot.current;
    slot.current = slot.successor;
    slot.successor = null;
    const { grace, idle } = this.#options;
    if (this.#state === "running") await old?.end(grace, idle);
  }
}
