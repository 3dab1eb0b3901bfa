/** A share of time, for waiters that go on together until it is over. */

/** The most that go on together. */
const MAX_BATCH = 16;

/** One slice after another, of any length; the monotonic clock is handed in. */
export class TimeSlice {
  readonly #now: () => number;
  #began = 0;
  /** Its length in milliseconds; 0 while there is none. */
  #ms = 0;
  #batch = 1;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Whether it has begun. */
  get hasBegun(): boolean {
    return this.#ms > 0;
  }

  /** Whether it is over. */
  get isOver(): boolean {
    return this.#taken >= this.#ms;
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
  }

  /** Ends it: the next one has more waiters if this one was not used up, and fewer if it took too long. */
  end(): void {
    const taken = this.#taken;
    if (taken < this.#ms) this.#batch = Math.min(this.#batch * 2, MAX_BATCH);
    else if (taken > 2 * this.#ms) this.#batch = Math.ceil(this.#batch / 2);
    this.drop();
  }

  /** Ends it without a conclusion. */
  drop(): void {
    this.#ms = 0;
  }

  get #taken(): number {
    return this.#now() - this.#began;
  }
}
