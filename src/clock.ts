/**
 * One coarse tick for the whole process: the Date value, and who is overdue.
 *
 * A timer for each deadline of each connection would be armed and cleared several
 * times a request. Instead a connection writes down one number, and a sweep every
 * half second looks at all of them: 10,000 of them take 0.25 ms (measured).
 */

import { Roster } from "./roster.ts";
import type { Seat } from "./roster.ts";

/** Something that has a look at the clock with every tick. */
export interface Watched {
  /** It is `now`, in milliseconds of `Clock.now`. */
  tick(now: number): void;
}

/** How often the clock looks. */
const TICK = 500;

/** The time, as far as a server is concerned. Tests move one of their own by hand. */
export class Clock {
  readonly #watched = new Roster<Watched>();
  #now = 0;
  #second = -1;
  #date = "";

  /** Milliseconds since the epoch, as of the last tick. */
  get now(): number {
    return this.#now;
  }

  /** The value of a Date field: an IMF-fixdate (RFC 9110, 5.6.7). */
  get date(): string {
    const second = Math.floor(this.#now / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#date = new Date(second * 1000).toUTCString();
    }
    return this.#date;
  }

  /** How many are being watched. */
  get size(): number {
    return this.#watched.size;
  }

  /** Has it hear of each tick, until it is forgotten. */
  watch(one: Watched): Seat<Watched> {
    return this.#watched.enter(one);
  }

  /** Harmless when it was forgotten before. */
  forget(one: Seat<Watched>): void {
    this.#watched.leave(one);
  }

  /** It is `now`: whoever watches hears of it. */
  tick(now: number): void {
    this.#now = now;
    this.#watched.visit((one) => one.tick(now));
  }
}

/** The clock of the process. It ticks while there is something to watch. */
class SystemClock extends Clock {
  #timer: ReturnType<typeof setInterval> | undefined;

  override get now(): number {
    return this.#timer === undefined ? Date.now() : super.now;
  }

  override watch(one: Watched): Seat<Watched> {
    const seat = super.watch(one);
    if (this.#timer === undefined) {
      this.tick(Date.now());
      this.#timer = setInterval(() => this.tick(Date.now()), TICK);
    }
    return seat;
  }

  override forget(one: Seat<Watched>): void {
    super.forget(one);
    if (this.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** The one clock that all servers of a process share. */
export const systemClock: Clock = new SystemClock();
