/** The counters of all workers as one. */
import type { ServerStats } from "../stats.ts";

/**
 * Where a worker stands.
 *
 * - "starting": it does not listen yet.
 * - "listening": it serves.
 * - "ending": it was told to end, and finishes what it has.
 * - "ended": its process is over.
 *
 * @example A check for a load balancer: whether a worker serves
 * ```ts ignore
 * import { AsyncHttpServer } from "@asynchttp/server";
 * import { cluster, type WorkerState } from "@asynchttp/server/cluster";
 *
 * const SERVES: WorkerState = "listening";
 *
 * await using workers = await cluster({
 *   workers: 1,
 *   main({ port }) {
 *     const server = new AsyncHttpServer({ reusePort: true });
 *     server.serve(port, (request) => request.respond(200), { address: "127.0.0.1" });
 *     return server;
 *   },
 * });
 * console.log(workers.stats().workers.some(({ state }) => state === SERVES)); // true
 * ```
 */
export type WorkerState = "starting" | "listening" | "ending" | "ended";

/**
 * One worker of a {@linkcode ClusterStats}.
 *
 * @example
 * ```ts ignore
 * import { AsyncHttpServer } from "@asynchttp/server";
 * import { cluster, type WorkerStats } from "@asynchttp/server/cluster";
 *
 * const line = ({ number, state, stats }: WorkerStats) =>
 *   `worker ${number} ${state}, ${stats.connections.open} open`;
 *
 * await using workers = await cluster({
 *   workers: 2,
 *   main({ port }) {
 *     const server = new AsyncHttpServer({ reusePort: true });
 *     server.serve(port, (request) => request.respond(200), { address: "127.0.0.1" });
 *     return server;
 *   },
 * });
 * console.log(workers.stats().workers.map(line).join("; ")); // worker 1 listening, 0 open; worker 2 listening, 0 open
 * ```
 */
export interface WorkerStats {
  /** Its number, from 1 on, which its successors have, too. */
  readonly number: number;
  /** The id of its process. */
  readonly pid: number;
  /** Where it stands. */
  readonly state: WorkerState;
  /** Its counters as it last told them, at most a second old. */
  readonly stats: ServerStats;
}

/**
 * A snapshot of the counters of all workers together, those that have ended included, so that no
 * counter goes down. What a killed worker counted in its last second is lost.
 *
 * @example
 * ```ts ignore
 * import { AsyncHttpServer } from "@asynchttp/server";
 * import { cluster, type ClusterStats } from "@asynchttp/server/cluster";
 *
 * const logged = ({ requests, restarts, workers }: ClusterStats) =>
 *   `${requests} requests, ${restarts} restarts, ${workers.length} workers`;
 *
 * await using workers = await cluster({
 *   workers: 2,
 *   main({ port }) {
 *     const server = new AsyncHttpServer({ reusePort: true });
 *     server.serve(port, (request) => request.respond(200), { address: "127.0.0.1" });
 *     return server;
 *   },
 * });
 * console.log(logged(workers.stats())); // 0 requests, 0 restarts, 2 workers
 * ```
 */
export interface ClusterStats extends ServerStats {
  /** Workers that were started because another one had died or hung. */
  readonly restarts: number;
  /** The workers there are. */
  readonly workers: readonly WorkerStats[];
}

/** The counters of a worker that has not told any yet. */
export const NO_STATS: ServerStats = Object.freeze({
  connections: Object.freeze({ open: 0, accepted: 0, acceptErrors: 0 }),
  requests: 0,
  bytesIn: 0,
  bytesOut: 0,
  rejections: Object.freeze({}),
});

/** Adds two snapshots. */
export function sum(one: ServerStats, other: ServerStats): ServerStats {
  const rejections: Record<string, number> = { ...one.rejections };
  for (const [code, count] of Object.entries(other.rejections)) {
    rejections[code] = (rejections[code] ?? 0) + count;
  }
  return {
    connections: {
      open: one.connections.open + other.connections.open,
      accepted: one.connections.accepted + other.connections.accepted,
      acceptErrors: one.connections.acceptErrors + other.connections.acceptErrors,
    },
    requests: one.requests + other.requests,
    bytesIn: one.bytesIn + other.bytesIn,
    bytesOut: one.bytesOut + other.bytesOut,
    rejections,
  };
}

/** The counters of a worker that has ended: it has no open connections. */
export function withoutOpen(stats: ServerStats): ServerStats {
  return { ...stats, connections: { ...stats.connections, open: 0 } };
}
