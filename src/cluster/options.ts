/** Every option of a cluster: its type, its default, and its check. */
import { checkRecord, inspected, isCount, isFunction, isIntegerWithin } from "../validate.ts";
import type { Check } from "../validate.ts";
import { warn } from "../warn.ts";
import type { WorkerMain } from "./worker.ts";
import { checkSystem, inheritedFlags } from "./worker_command.ts";

/**
 * Options for {@linkcode cluster}.
 *
 * @example
 * ```ts ignore
 * import { AsyncHttpServer } from "@asynchttp/server";
 * import { cluster, type ClusterOptions } from "@asynchttp/server/cluster";
 *
 * const options: ClusterOptions = {
 *   workers: 2,
 *   flags: ["--allow-net=127.0.0.1"],
 *   heartbeat: 5000,
 *   main({ port }) {
 *     const server = new AsyncHttpServer({ reusePort: true });
 *     server.serve(port, (request) => request.respond(200), { address: "127.0.0.1" });
 *     return server;
 *   },
 * };
 * await using workers = await cluster(options);
 * console.log(workers.stats().workers.length); // 2
 * ```
 */
export interface ClusterOptions {
  /**
   * The program of a worker: makes a server with `reusePort: true`, lets it listen on
   * `worker.port`, and returns it.
   */
  main: WorkerMain;
  /**
   * The number of worker processes.
   *
   * @default {navigator.hardwareConcurrency}
   */
  workers?: number;
  /**
   * The port of all workers; with 0 the system chooses one for the first.
   *
   * @default {0}
   */
  port?: number;
  /**
   * The flags of `deno run` for a worker: its permissions. `--unstable-net` and `--no-prompt` are
   * always there.
   *
   * @default {the permissions that the master has whole, but for --allow-run}
   */
  flags?: readonly string[];
  /**
   * How long a worker that is told to end may finish its requests, in milliseconds.
   *
   * @default {10000}
   */
  grace?: number;
  /**
   * How long idle connections of a worker that is told to end stay open for one more request,
   * which is answered with `Connection: close`, in milliseconds.
   *
   * @default {2000}
   */
  idle?: number;
  /**
   * How long a worker may take until it listens, in milliseconds.
   *
   * @default {30000}
   */
  start?: number;
  /**
   * How long the event loop of a worker may stand still, in milliseconds, until the worker is
   * killed and replaced. Whatever blocks it longer must run in a `Worker`.
   *
   * @default {10000}
   */
  heartbeat?: number;
  /**
   * How many workers may be restarted within `restartWindow`. One more, and the cluster ends.
   *
   * @default {10}
   */
  maxRestarts?: number;
  /**
   * The time within which restarts are counted, in milliseconds.
   *
   * @default {60000}
   */
  restartWindow?: number;
  /**
   * Called with a line for each worker that dies, hangs, or is replaced. What it throws is
   * ignored.
   *
   * @default {console.error}
   */
  log?: (message: string) => void;
}

/** The options with their defaults. */
export type ResolvedClusterOptions = Required<ClusterOptions>;

/** More than any machine has cores: a slip, such as a port, must not start so many processes. */
const MAX_WORKERS = 1024;

const CHECKS: { readonly [option in keyof Required<ClusterOptions>]: Check } = {
  main: isFunction,
  workers: isIntegerWithin(1, MAX_WORKERS),
  port: isIntegerWithin(0, 65_535),
  flags: isTexts,
  grace: isCount(0),
  idle: isCount(0),
  start: isCount(1),
  heartbeat: isCount(1),
  maxRestarts: isCount(0),
  restartWindow: isCount(1),
  log: isFunction,
};

/** Checks the options, and fills in the defaults. */
export function resolveClusterOptions(options: ClusterOptions): ResolvedClusterOptions {
  checkRecord("options of cluster", options, CHECKS);
  isFunction("main", options.main);
  checkSystem();
  return {
    main: options.main,
    workers: options.workers ?? navigator.hardwareConcurrency,
    port: options.port ?? 0,
    flags: options.flags ?? inheritedFlags(),
    grace: options.grace ?? 10_000,
    idle: options.idle ?? 2000,
    start: options.start ?? 30_000,
    heartbeat: options.heartbeat ?? 10_000,
    maxRestarts: options.maxRestarts ?? 10,
    restartWindow: options.restartWindow ?? 60_000,
    log: forgiving(options.log ?? warn),
  };
}

/** A log that fails must not end the cluster: `console.log` throws where its terminal was closed. */
function forgiving(log: (message: string) => unknown): (message: string) => void {
  return async (message) => {
    try {
      await log(message);
    } catch {
      // There is nowhere to tell.
    }
  };
}

function isTexts(name: string, value: unknown): void {
  if (Array.isArray(value) && value.every((each) => typeof each === "string")) return;
  throw new TypeError(`Option ${name} must be an array of strings: got ${inspected(value)}`);
}
