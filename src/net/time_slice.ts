/** A share of time, for waiters that go on together until it is over. */

/** The most that go on together. With 16 a client beside attacks waits a quarter longer, and uploads are no faster. */
const MAX_BATCH = 4;

/** One slice after another, of any length; the monotonic clock is handed in. */
export class TimeSlice {
  readonly #now: () => number;
  #began = 0;
  #ms = 0;
  #batch = 1;
  /** Whether a waiter has come back when it was over. */
  #isUsedUp = false;

  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * How many go on together: one if it uses the slice up alone, whose bytes then stay in the
   * processor's caches, and more if each of them soon waits for its client.
   */
  get batch(): number {
    return this.#batch;
  }

  /** Begins another slice of this length, in milliseconds. */
  begin(ms: number): void {
    this.#began = this.#now();
    this.#ms = ms;
    this.#isUsedUp = false;
  }

  /** Whether a waiter may go on. */
  mayGoOn(): boolean {
    this.#isUsedUp ||= this.#taken >= this.#ms;
    return !this.#isUsedUp;
  }

  /**
   * Ends it: the next one has more waiters if none has come back too late, and fewer if it took
   * too long. By the time alone the handlers of others would keep the batch at 1.
   */
  end(): void {
    if (!this.#isUsedUp) this.#batch = Math.min(this.#batch * 2, MAX_BATCH);
    else if (this.#taken > 2 * this.#ms) this.#batch = Math.ceil(this.#batch / 2);
  }

  get #taken(): number {
    return this.#now() - this.#began;
  }
}
