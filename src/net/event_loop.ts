/**
 * The turns of the event loop, shared by all connections of the process.
 *
 * A read with bytes at hand, or a write with room for them, resolves without a turn of
 * the event loop, up to 128 at a stretch (measured). One client that sends or takes as
 * fast as it can keeps the loop to itself for so long, and a thousand of them keep a
 * client that behaves waiting for all of theirs. So whoever moves much asks here first:
 * a share of each turn is free, beyond it each waits for a turn of its own.
 *
 * A turn alone does not look at the sockets: the runtime does that when it has nothing to
 * do, or after 61 turns, which are 15 ms of heavy work. So after 2 ms those turns are made
 * without work, where there are others than those who work. They take 0.1 to 0.3 ms.
 *
 * The p99 of a client that asks for a kilobyte, in milliseconds: beside 1,000 that have
 * asked for 10 MB each 110 without turns, 9 with them, 3 with the looks; beside 20 that send
 * tiny chunks as fast as they can 15 without the looks, 4 with them. A turn costs 1.6 µs, and
 * one stream that is alone takes one each 0.2 ms.
 */
import { systemClock } from "./clock.ts";

/** How long heavy work may go on within one turn, in milliseconds. */
const SHARE_MS = 0.2;

/** For so long heavy work may go on before the runtime looks at the sockets, in milliseconds. */
const MAX_MS_BETWEEN_LOOKS = 2;

/** The same where everybody works: somebody may be about to connect. */
const MAX_MS_ALONE = 10;

/** Somebody who moves much; the same one for both directions of a connection. */
export interface FairnessTicket {
  /** Between which two looks it has asked last. */
  asked: number;
}

/** How a loop goes on later: `then` is called. */
export type Later = (then: () => void) => void;

/** Hands out the turns. */
export class EventLoop {
  readonly #now: () => number;
  readonly #nextTurn: Later;
  readonly #afterLook: Later;
  readonly #open: () => number;
  /** How many looks there were. */
  #looks = 1;
  /** How many have asked since the last one. */
  #movers = 0;
  /** When the free share of this turn is used up; null before anybody has asked in it. */
  #over: number | null = null;
  /** When the runtime has last looked at the sockets, as far as is known here. */
  #looked = 0;
  readonly #waiting: (() => void)[] = [];

  /**
   * `nextTurn` goes on in the next turn of the loop, `afterLook` in one in which it has
   * looked at the sockets; `open` is how many connections there are.
   */
  constructor(now: () => number, nextTurn: Later, afterLook: Later, open: () => number) {
    this.#open = open;
    this.#now = now;
    this.#nextTurn = nextTurn;
    this.#afterLook = afterLook;
  }

  /** Null where the turn has time left; else resolves in a later one, in the order of asking. */
  next(ticket: FairnessTicket): Promise<void> | null {
    if (ticket.asked !== this.#looks) {
      ticket.asked = this.#looks;
      this.#movers++;
    }
    if (this.#over === null) {
      // Nobody has waited, so that the runtime has had nothing to do in between.
      this.#looked = this.#now();
      this.#over = this.#begin();
    }
    if (this.#waiting.length === 0 && this.#now() < this.#over) return null;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    return promise;
  }

  #begin(): number {
    const now = this.#now();
    this.#laterOn(now)(() => {
      const first = this.#waiting.shift();
      this.#over = first === undefined ? null : this.#begin();
      first?.();
    });
    return now + SHARE_MS;
  }

  #laterOn(now: number): Later {
    const longest = this.#open() > this.#movers ? MAX_MS_BETWEEN_LOOKS : MAX_MS_ALONE;
    if (now - this.#looked < longest) return this.#nextTurn;
    this.#looked = now;
    this.#looks++;
    this.#movers = 0;
    return this.#afterLook;
  }
}

/**
 * Those of this process. Nobody waits on a Deno that has no `setImmediate`: a timer
 * takes 2 ms there, which would make every large transfer wait.
 */
export const eventLoop: Pick<EventLoop, "next"> = typeof setImmediate === "function"
  ? new EventLoop(
    () => performance.now(),
    (then) => void setImmediate(then),
    afterLook,
    () => systemClock.size,
  )
  : { next: () => null };

/** The runtime looks at the sockets at the latest after so many turns; one without work takes 1.6 us. */
const TURNS_TO_A_LOOK = 61;
/** Where they take longer, in milliseconds, somebody else uses them, and whoever waits for the look loses his. */
const MAX_LOOK_MS = 1;

function afterLook(then: () => void): void {
  const end = performance.now() + MAX_LOOK_MS;
  let left = TURNS_TO_A_LOOK;
  const turn = () => {
    if (--left > 0 && performance.now() < end) setImmediate(turn);
    else then();
  };
  setImmediate(turn);
}

/** Resolves with the next turn of the event loop; at once on a Deno that has no cheap way to wait for it. */
export function nextTurn(): Promise<void> {
  if (typeof setImmediate !== "function") return Promise.resolve();
  return new Promise((resolve) => void setImmediate(resolve));
}
