/**
 * How fast the client moves bytes in one direction of a connection: whether it stands
 * still, or is slower than allowed.
 *
 * Time counts only while the server waits for the client: a handler that reads slowly, or
 * makes its response slowly, does not make a slow client. A timeout alone is not enough: a
 * byte every 29 seconds is progress, and keeps a connection for days (Kestrel, hyper).
 *
 * A wait counts from the first tick after its beginning to the last one before its end, so
 * that no wait counts for longer than it was.
 */
import type { Clock } from "./clock.ts";

/** Milliseconds of waiting in which a transfer may be as slow as it likes; connections begin slowly. From Kestrel. */
const GRACE_MS = 5000;

/** After so many milliseconds of waiting, half of what was measured is forgotten. */
const MEMORY_MS = 20_000;

/** `#since` while nothing is awaited, and before the first tick of a wait. */
const NOT_WAITING = Infinity;
const UNSEEN = -1;

/** The throughput of one direction of a connection. */
export class Throughput {
  readonly #clock: Clock;
  readonly #stallTimeout: number;
  readonly #minDataRate: number;
  /** The tick since which the client was waited for without progress. */
  #since = NOT_WAITING;
  /** How long it was waited for before that, and how many bytes came. */
  #waited = 0;
  #bytes = 0;

  /** `stallTimeout`: milliseconds without progress. `minDataRate`: bytes per second; 0 and Infinity mean none. */
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

  /** Starts to wait for the client. */
  begin(): void {
    this.#since = UNSEEN;
  }

  /** Ends the wait, in which `bytes` were moved. */
  end(bytes: number): void {
    if (this.#since >= 0 && this.#since !== NOT_WAITING) {
      this.#waited += this.#clock.now - this.#since;
    }
    this.#bytes += bytes;
    this.#since = NOT_WAITING;
    if (this.#waited < MEMORY_MS) return;
    // A fast transfer long ago does not make up for a slow one now.
    this.#waited /= 2;
    this.#bytes /= 2;
  }

  /**
   * Whether the client has stood still, or been slow, for too long at `now`, a tick.
   *
   * Only waits that have ended count for the rate: one that has brought nothing yet is a
   * matter of `stallTimeout`.
   */
  breached(now: number): boolean {
    if (this.#since === NOT_WAITING) return false;
    if (this.#since === UNSEEN) this.#since = now;
    if (now - this.#since >= this.#stallTimeout) return true;
    return this.#waited >= GRACE_MS && this.#bytes * 1000 < this.#waited * this.#minDataRate;
  }
}
