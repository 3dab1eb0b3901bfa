/**
 * The throughput of one direction of a connection: whether the client has stalled, or is
 * slower than allowed.
 *
 * Time counts only while the server waits for the client: a handler that reads slowly, or
 * produces its response slowly, does not make the client slow. A timeout alone is not enough:
 * one byte every 29 seconds is progress, and keeps a connection open for days (Kestrel, hyper).
 *
 * A wait counts from the first tick after its start to the last one before its end, so
 * that it never counts for longer than it was.
 */
import type { Clock } from "./clock.ts";

/** Milliseconds of waiting before the minimum data rate applies: connections start slowly. From Kestrel. */
const MIN_RATE_GRACE_MS = 5000;

/** Milliseconds of waiting after which the weight of everything measured so far is halved. */
const MAX_MEMORY_MS = 20_000;

/** Values of `#since` outside a wait, and before the first tick of one. */
const NOT_WAITING = Infinity;
const UNSEEN = -1;

/** Measures the throughput of one direction of a connection. */
export class Throughput {
  readonly #clock: Clock;
  readonly #stallTimeout: number;
  readonly #minDataRate: number;
  /** The tick since which the client has made no progress. */
  #since = NOT_WAITING;
  /** Milliseconds of the waits that have ended, and the bytes that they moved. */
  #waited = 0;
  #bytes = 0;

  /** `stallTimeout`: milliseconds without progress. `minDataRate`: bytes per second; 0 and Infinity disable it. */
  constructor(clock: Clock, stallTimeout: number, minDataRate: number) {
    this.#clock = clock;
    this.#stallTimeout = stallTimeout;
    this.#minDataRate = minDataRate === Infinity ? 0 : minDataRate;
  }

  /** Forgets earlier transfers. */
  reset(): void {
    this.#waited = this.#bytes = 0;
    this.#since = NOT_WAITING;
  }

  /** Starts a wait for the client. */
  startWaiting(): void {
    this.#since = UNSEEN;
  }

  /** Ends the wait, in which `bytes` bytes were moved. */
  stopWaiting(bytes: number): void {
    if (this.#since >= 0 && this.#since !== NOT_WAITING) {
      this.#waited += this.#clock.now - this.#since;
    }
    this.#bytes += bytes;
    this.#since = NOT_WAITING;
    if (this.#waited < MAX_MEMORY_MS) return;
    // A fast transfer long ago does not make up for a slow one now.
    this.#waited /= 2;
    this.#bytes /= 2;
  }

  /**
   * Whether the client has stalled, or been slow, for too long at `now`, a tick of the clock.
   *
   * Only waits that have ended count for the rate: one that has moved no bytes yet is
   * bounded by `stallTimeout`.
   */
  isTooSlow(now: number): boolean {
    if (this.#since === NOT_WAITING) return false;
    if (this.#since === UNSEEN) this.#since = now;
    if (now - this.#since >= this.#stallTimeout) return true;
    return this.#waited >= MIN_RATE_GRACE_MS &&
      this.#bytes * 1000 < this.#waited * this.#minDataRate;
  }
}
