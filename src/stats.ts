/** The counters of a server. */
import type { HttpError } from "./errors.ts";

/**
 * A snapshot of a server's counters.
 *
 * @example
 * ```ts
 * import type { ServerStats } from "@asynchttp/server";
 * import { serveInMemory } from "@asynchttp/server/testing";
 *
 * const rejected = ({ rejections }: ServerStats) =>
 *   Object.values(rejections).reduce((sum, count) => sum + count, 0);
 * await using server = serveInMemory((request) => request.respond(200, "hello"));
 * await (await server.fetch("/")).text();
 * const stats = server.stats();
 * console.log(stats.requests, stats.connections.accepted, rejected(stats)); // 1 1 0
 * ```
 */
export interface ServerStats {
  /** Counts of connections. */
  readonly connections: {
    /** Connections that are open now. */
    readonly open: number;
    /** Connections accepted since the server was created. */
    readonly accepted: number;
    /** Accepts that failed; an accept error is not a rejected request. */
    readonly acceptErrors: number;
  };
  /** Requests whose head was read. */
  readonly requests: number;
  /** Bytes read from sockets. */
  readonly bytesIn: number;
  /** Bytes written to sockets. */
  readonly bytesOut: number;
  /** Rejected requests, by reason. */
  readonly rejections: { readonly [code in HttpError["code"]]?: number };
}

/** The counters behind a snapshot. */
export class Counters {
  accepted = 0;
  acceptErrors = 0;
  requests = 0;
  /** How often a connection began to wait for a request. */
  waits = 0;
  /** Bytes read by connections that have ended. */
  bytesIn = 0;
  /** Bytes written by connections that have ended. */
  bytesOut = 0;
  readonly #rejections = new Map<HttpError["code"], number>();

  reject(code: HttpError["code"]): void {
    this.#rejections.set(code, (this.#rejections.get(code) ?? 0) + 1);
  }

  get rejections(): ServerStats["rejections"] {
    return Object.fromEntries(this.#rejections);
  }
}
