/**
 * How fast the other side moves: does it stand still, is it slower than allowed?
 *
 * Time counts only while we wait for it: a handler that reads slowly, or makes its
 * response slowly, is nobody's slow client. A timeout alone is not enough: a byte every
 * 29 seconds is progress, and keeps a connection for days (Kestrel, hyper).
 */
import type { Clock } from "./clock.ts";

/** So long a transfer may be as slow as it likes; connections begin slowly. From Kestrel. */
const GRACE_MS = 5000;

/** Of so many milliseconds of waiting the older half is forgotten by half. */
const MEMORY_MS = 20_000;

/** The pace of one direction of a connection. */
export class Throughput {
  readonly #clock: Clock;
  readonly #patience: number;
  readonly #minRate: number;
  /** Since when we have waited without progress; Infinity when we do not wait. */
  #since = Infinity;
  /** How long we had waited before that, and what came. */
  #waited = 0;
  #bytes = 0;

  /** `patience`: milliseconds without progress. `minRate`: bytes per second; 0 and Infinity mean none. */
  constructor(clock: Clock, patience: number, minRate: number) {
    this.#clock = clock;
    this.#patience = patience;
    this.#minRate = minRate === Infinity ? 0 : minRate;
  }

  /** A new transfer: what was before does not count. */
  reset(): void {
    this.#waited = this.#bytes = 0;
    this.#since = Infinity;
  }

  /** We wait. */
  begin(): void {
    this.#since = this.#clock.now;
  }

  /** So many bytes have moved, and we wait no longer. */
  end(bytes: number): void {
    this.#waited += this.#clock.now - this.#since;
    this.#bytes += bytes;
    this.#since = Infinity;
    if (this.#waited < MEMORY_MS) return;
    // What was fast long ago does not make up for what is slow now.
    this.#waited /= 2;
    this.#bytes /= 2;
  }

  /**
   * Has the other side stood still, or been slow, for too long?
   *
   * Only waits that have ended count for the rate: one that has brought nothing yet is
   * a matter of patience.
   */
  breached(now: number): boolean {
    if (this.#since === Infinity) return false;
    if (now - this.#since >= this.#patience) return true;
    return this.#waited >= GRACE_MS && this.#bytes * 1000 < this.#waited * this.#minRate;
  }
}
