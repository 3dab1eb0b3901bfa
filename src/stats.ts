/** What a server counts. */
import type { RejectCode } from "./errors.ts";

/** A snapshot of what a server has counted. */
export interface ServerStats {
  /** Connections. */
  readonly connections: {
    /** Open now. */
    readonly open: number;
    /** Accepted since the server was made. */
    readonly accepted: number;
    /** Accepts that failed. */
    readonly acceptErrors: number;
  };
  /** Requests whose head was read. */
  readonly requests: number;
  /** Bytes read from sockets. */
  readonly bytesIn: number;
  /** Bytes that sockets have taken. */
  readonly bytesOut: number;
  /** Requests that were refused, by the rule they broke. */
  readonly rejections: { readonly [code in RejectCode]?: number };
}

/** The counters behind a snapshot. */
export class Counters {
  accepted = 0;
  acceptErrors = 0;
  requests = 0;
  /** How often a connection has begun to wait for a request. */
  waits = 0;
  /** Of connections that have ended. */
  bytesIn = 0;
  /** Of connections that have ended. */
  bytesOut = 0;
  readonly #rejections = new Map<RejectCode, number>();

  reject(code: RejectCode): void {
    this.#rejections.set(code, (this.#rejections.get(code) ?? 0) + 1);
  }

  get rejections(): ServerStats["rejections"] {
    return Object.fromEntries(this.#rejections);
  }
}
