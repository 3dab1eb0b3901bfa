/** Random numbers that can be had again: a run that failed is repeated with its seed. */

/** A generator (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 to 1, 1 excluded. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer from `least` to `most`, both included. */
  integer(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  /** Small ones most of the time, up to `most` now and then. */
  size(most: number): number {
    return Math.floor(most * this.next() ** 4);
  }

  /** One of them. */
  pick<T>(all: readonly T[]): T {
    return all[this.integer(0, all.length - 1)]!;
  }

  /** Is it one of so many times? */
  oneIn(times: number): boolean {
    return this.next() * times < 1;
  }
}
