/**
 * When a worker that died is started again.
 *
 * At once after the first death, then after a time that doubles, so that a program that cannot run
 * does not take the machine; and not at all after too many, because a supervisor above, which sees
 * the master end, may know a remedy. The same rule as that of Erlang's supervisors, with pm2's
 * backoff.
 */

/** The delay after a second death, in milliseconds. */
const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 5000;

/** The deaths of all workers within a sliding window of time. */
export class RestartPolicy {
  readonly #maxRestarts: number;
  readonly #window: number;
  #deaths: number[] = [];

  /** @param window In milliseconds. */
  constructor(maxRestarts: number, window: number) {
    this.#maxRestarts = maxRestarts;
    this.#window = window;
  }

  /** Records a death; returns the delay of the restart in milliseconds, or null for none. */
  afterDeath(now: number): number | null {
    this.#deaths = this.#deaths.filter((at) => now - at < this.#window);
    this.#deaths.push(now);
    const count = this.#deaths.length;
    if (count > this.#maxRestarts) return null;
    return count === 1 ? 0 : Math.min(FIRST_DELAY_MS * 2 ** (count - 2), MAX_DELAY_MS);
  }
}
