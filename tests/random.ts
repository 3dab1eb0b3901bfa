/** Random numbers that can be repeated: the same seed gives the same run. */

/** Returns the seed of `FUZZ_SEED`, or a new one; prints it, so that a failed run can be repeated. */
export function fuzzSeed(): number {
  // The pure tests run without permissions; asking for one would stop them.
  // Other runtimes, where the tests of wire/ run too, have no permissions and get a new seed.
  const status = Deno.permissions?.querySync({ name: "env", variable: "FUZZ_SEED" });
  const given = status?.state === "granted" ? Deno.env.get("FUZZ_SEED") : undefined;
  const seed = given ? Number(given) : crypto.getRandomValues(new Uint32Array(1))[0]!;
  console.log(`FUZZ_SEED=${seed}`);
  return seed;
}

/** Pseudo-random generator (mulberry32): 32 bits of state, fast, good enough to choose inputs. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** Returns a number from 0 up to, but not including, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Returns an integer from 0 up to, but not including, `below`. */
  below(below: number): number {
    return Math.floor(this.next() * below);
  }

  /** Returns an integer from `min` to `max`, both included. */
  integer(min: number, max: number): number {
    return min + this.below(max - min + 1);
  }

  /** Returns a size up to `max`: small most of the time, large now and then. */
  size(max: number): number {
    return Math.floor(max * this.next() ** 4);
  }

  /** Returns one of the items. */
  pick<T>(items: ArrayLike<T>): T {
    return items[this.below(items.length)]!;
  }

  /** Returns `true` once in `times` calls on average. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  /** Returns `min` to `max` characters of `alphabet`. */
  text(alphabet: string, min: number, max: number): string {
    return this.times(min, max, () => this.pick(alphabet)).join("");
  }

  /** Calls `make` from `min` to `max` times and returns the results. */
  times<T>(min: number, max: number, make: () => T): T[] {
    return Array.from({ length: this.integer(min, max) }, make);
  }
}
