/** A number of milliseconds for work, of which waits use nothing. */
export class TimeBudget {
  readonly #now: () => number;
  readonly #ms: number;
  #used = 0;
  /** Until when time has been charged. */
  #charged = 0;

  constructor(ms: number, now: () => number) {
    this.#ms = ms;
    this.#now = now;
  }

  /** Begins anew. */
  reset(): void {
    this.#used = 0;
  }

  /** Charges so many milliseconds; returns whether the budget is used up. */
  charge(ms: number): boolean {
    this.#used += ms;
    return this.#used >= this.#ms;
  }

  /** Charges what has passed since a time, but none of it twice. */
  chargeSince(since: number): boolean {
    const now = this.#now();
    const ms = Math.max(0, now - Math.max(since, this.#charged));
    this.#charged = now;
    return this.charge(ms);
  }
}
