/**
 * Turns of the event loop, shared fairly by all connections of the process.
 *
 * Terms: a **turn** is one round of the runtime's event loop. In a **look** the runtime polls
 * the sockets. A **ticket** stands for one connection; it **asks** before each large read or
 * write. The **share** is the time in each turn within which tickets need not wait.
 *
 * A read with bytes at hand, or a write with room for them, resolves without a turn, up to
 * 128 times in a row (measured). One client that sends or reads as fast as it can keeps the
 * loop to itself for so long, and a thousand of them delay a well-behaved client by the sum.
 * So large transfers ask here first: within the share they continue at once, beyond it
 * each waits for a turn of its own.
 *
 * A turn does not include a look: the runtime looks when it is idle, or after 61 turns, which
 * are 15 ms of heavy work. So after 2 ms those turns are run without work, if there are other
 * connections than those that ask. They take 0.1 to 0.3 ms.
 *
 * The p99 of a client that requests one kilobyte, in milliseconds: beside 1,000 clients that
 * have requested 10 MB each 110 without turns, 9 with them, 3 with looks; beside 20 that send
 * tiny chunks as fast as they can 15 without looks, 4 with them. A turn costs 1.6 µs, and a
 * stream without competition takes one every 0.2 ms.
 */
import { systemClock } from "./clock.ts";

/** Milliseconds of heavy work in one turn. */
const MAX_SHARE_MS = 0.2;

/** Milliseconds of heavy work between two looks. */
const MAX_LOOK_INTERVAL_MS = 2;

/** The same while every open connection asks: another client may be about to connect. */
const MAX_LOOK_INTERVAL_ALL_BUSY_MS = 10;

/** Fairness ticket shared by a connection's reads and writes. */
export interface FairnessTicket {
  /** The number of the look after which it last asked; 0 if it never has. */
  asked: number;
}

/** Calls `callback` in a later turn. */
export type Schedule = (callback: () => void) => void;

/** Grants turns to tickets. */
export class EventLoop {
  readonly #now: () => number;
  readonly #nextTurn: Schedule;
  readonly #afterLook: Schedule;
  readonly #open: () => number;
  /** The number of the last look. */
  #looks = 1;
  /** The number of tickets that have asked since then. */
  #busy = 0;
  /** When the share of this turn ends; null before a ticket has asked in it. */
  #shareEnd: number | null = null;
  /** The time of the last look that is known here. */
  #lookedAt = 0;
  readonly #waiting: (() => void)[] = [];

  /**
   * `now` returns milliseconds, and `open` the number of open connections. `nextTurn` calls
   * back in the next turn, `afterLook` in the first one after a look.
   */
  constructor(now: () => number, nextTurn: Schedule, afterLook: Schedule, open: () => number) {
    this.#open = open;
    this.#now = now;
    this.#nextTurn = nextTurn;
    this.#afterLook = afterLook;
  }

  /** Returns null within the share; otherwise a promise that resolves in a later turn, in the order of asking. */
  next(ticket: FairnessTicket): Promise<void> | null {
    if (ticket.asked !== this.#looks) {
      ticket.asked = this.#looks;
      this.#busy++;
    }
    if (this.#shareEnd === null) {
      // No ticket has waited, so the runtime was idle in between, and has looked.
      this.#lookedAt = this.#now();
      this.#shareEnd = this.#startTurn();
    }
    if (this.#waiting.length === 0 && this.#now() < this.#shareEnd) return null;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    return promise;
  }

  /** Schedules the turn of the next ticket that waits; returns when the share of this turn ends. */
  #startTurn(): number {
    const now = this.#now();
    this.#scheduleAt(now)(() => {
      const first = this.#waiting.shift();
      this.#shareEnd = first === undefined ? null : this.#startTurn();
      first?.();
    });
    return now + MAX_SHARE_MS;
  }

  #scheduleAt(now: number): Schedule {
    const isAllBusy = this.#open() <= this.#busy;
    const interval = isAllBusy ? MAX_LOOK_INTERVAL_ALL_BUSY_MS : MAX_LOOK_INTERVAL_MS;
    if (now - this.#lookedAt < interval) return this.#nextTurn;
    this.#lookedAt = now;
    this.#looks++;
    this.#busy = 0;
    return this.#afterLook;
  }
}

/**
 * The event loop of this process. On a Deno without `setImmediate` no ticket waits: a timer
 * takes 2 ms there, which would slow down every large transfer.
 */
export const eventLoop: Pick<EventLoop, "next"> = typeof setImmediate === "function"
  ? new EventLoop(
    () => performance.now(),
    (callback) => void setImmediate(callback),
    afterLook,
    () => systemClock.size,
  )
  : { next: () => null };

/** The turns after which the runtime looks at the latest; one without work takes 1.6 µs. */
const MAX_TURNS_BEFORE_LOOK = 61;

/** Milliseconds for those turns: if they take longer, other work fills them, and the waiting ticket would lose its own turn. */
const MAX_LOOK_WAIT_MS = 1;

function afterLook(callback: () => void): void {
  const end = performance.now() + MAX_LOOK_WAIT_MS;
  let left = MAX_TURNS_BEFORE_LOOK;
  const turn = () => {
    if (--left > 0 && performance.now() < end) setImmediate(turn);
    else callback();
  };
  setImmediate(turn);
}

/** Resolves with the next turn; at once if there is no `setImmediate`. */
export function nextTurn(): Promise<void> {
  if (typeof setImmediate !== "function") return Promise.resolve();
  return new Promise((resolve) => void setImmediate(resolve));
}
