/**
 * A time limit, written down and not armed: a sweep by the clock's ticks finds it over.
 *
 * It counts from the first tick after it was set. To count from the tick before would strike
 * up to one tick early, and to read the monotonic clock costs 250 ns each time (measured),
 * several times a request. So it is never early, and late by less than two ticks.
 */
const UNSEEN = -1;

/** One time limit, set again for each phase. */
export class Deadline {
  #ms = Infinity;
  #at = Infinity;

  /** Starts anew: `ms` milliseconds from now; Infinity for ever. */
  set(ms: number): void {
    this.#ms = ms;
    this.#at = UNSEEN;
  }

  /** Whether it is over at `now`, a tick of the clock. */
  isOver(now: number): boolean {
    if (this.#at === UNSEEN) this.#at = now + this.#ms;
    return now >= this.#at;
  }
}
