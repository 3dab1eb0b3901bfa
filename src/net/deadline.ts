/**
 * A time limit that is recorded, not armed: the ticks of the clock find that it has passed.
 *
 * It counts from the first tick after it was set. Counting from the tick before would end it
 * up to one tick early, and reading the monotonic clock costs 82 ns each time (measured),
 * several times a request. So it is never early, and late by less than two ticks, which are
 * half as long as they would be otherwise.
 */

/** The value of `#at` before the first tick after `set`. */
const UNSEEN = -1;

/** A time limit that is set anew for each phase. */
export class Deadline {
  #ms = Infinity;
  #at = Infinity;

  /** Restarts the limit: `ms` milliseconds from now; Infinity disables it. */
  set(ms: number): void {
    this.#ms = ms;
    this.#at = UNSEEN;
  }

  /** Whether the limit has passed at `now`, a tick of the clock. */
  isOver(now: number): boolean {
    if (this.#at === UNSEEN) this.#at = now + this.#ms;
    return now >= this.#at;
  }
}
