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
import { isExhausted } from "./exhaustion.ts";

/** Milliseconds of waiting before the minimum data rate applies: connections start slowly. From Kestrel. */
const MIN_RATE_GRACE_MS = 5000;

/** Milliseconds of waiting after which the weight of everything measured so far is halved. */
const MAX_MEMORY_MS = 20_000;

/** The largest multiple of the stall timeout in which a client may drain what the kernel took in one go. */
const MAX_STALL_FACTOR = 10;

/** Values of `#since` outside a wait, and before the first tick of one. */
const NOT_WAITING = Infinity;
const UNSEEN = -1;

/** Measures the throughput of one direction of a connection. */
export class Throughput {
  readonly #clock: Clock;
  readonly #stallTimeout: number;
  readonly #minDataRate: number;
  readonly #drainRate: number;
  /** Bytes that were moved since the last stall. */
  #burst = 0;
  /** The tick since which the client has made no progress. */
  #since = NOT_WAITING;
  /** Milliseconds of the waits that have ended, and the bytes that they moved. */
  #waited = 0;
  #bytes = 0;

  /**
   * `stallTimeout`: milliseconds without progress. `minDataRate`: bytes per second; 0 and
   * Infinity disable it. `drainRate`: bytes per second at which the client drains what the
   * kernel has buffered for it; Infinity if it buffers nothing.
   */
  constructor(clock: Clock, stallTimeout: number, minDataRate: number, drainRate = Infinity) {
    this.#drainRate = drainRate;
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
      this.#burst = 0;
    }
    this.#burst += bytes;
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
    if (now - this.#since >= this.#maxStall) return true;
    return this.#waited >= MIN_RATE_GRACE_MS &&
      this.#bytes * 1000 < this.#waited * this.#minDataRate;
  }

  /**
   * The kernel calls a socket writable when a third of its buffer is free, which is 1.4 MB
   * of the usual 4: a client at 10 KB/s makes no progress for 140 s. So a stall may last for
   * as long as the burst before it takes to drain, unless descriptors are short.
   */
  get #maxStall(): number {
    if (isExhausted()) return this.#stallTimeout;
    const toDrain = this.#burst * 1000 / this.#drainRate;
    return Math.max(
      this.#stallTimeout,
      Math.min(toDrain, this.#stallTimeout * MAX_STALL_FACTOR),
    );
  }
}
