/** A clock that a test moves by hand, in the steps of the server's own. */
import { Clock, TICK_MS } from "../net/clock.ts";
import { nextTurn } from "../net/next_turn.ts";

/** Sun, 06 Nov 1994 08:49:37 GMT, the date of RFC 9110, in milliseconds since the epoch. */
const START = 784_111_777_000;

/** Turns of the event loop after each step, in which what is due happens. */
const TURNS = 3;

let clockOf: (manual: ManualClock) => Clock;

/** Returns the clock that `manual` moves. */
export function movedBy(manual: ManualClock): Clock {
  return clockOf(manual);
}

/**
 * The time of a server in memory. It stands still, also for the `Date` field, until
 * {@linkcode ManualClock.advance} moves it.
 *
 * @example An idle connection is closed after 75 seconds
 * ```ts
 * import { type ManualClock, serveInMemory } from "@asynchttp/server/testing";
 *
 * const minutes = (clock: ManualClock, count: number) => clock.advance(count * 60_000);
 *
 * await using server = serveInMemory((request) => request.respond(200));
 * using conn = server.connect();
 * await conn.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
 * await conn.read(new Uint8Array(1000));
 * await minutes(server.clock, 1);
 * console.log(server.stats().connections.open); // 1
 * await minutes(server.clock, 1);
 * console.log(server.stats().connections.open); // 0
 * ```
 */
export class ManualClock {
  readonly #clock = new Clock();

  static {
    clockOf = (manual) => manual.#clock;
  }

  /** Creates a clock at Sun, 06 Nov 1994 08:49:37 GMT, the date of RFC 9110. */
  constructor() {
    this.#tick(0);
  }

  /** Milliseconds since the clock was created. */
  get now(): number {
    return this.#clock.now;
  }

  /**
   * Moves the clock, in steps of 125 ms as the server's own ticks, and lets what is due happen
   * after each.
   *
   * Timeouts that are set by then count from here. One of 1,000 ms is over after
   * `advance(1000)`, and not before.
   *
   * @param ms How many milliseconds pass.
   * @returns Resolves when what was due has happened, as far as it needs no time of its own.
   * @throws {RangeError} `ms` is negative or no number.
   *
   * @example
   * ```ts
   * import { serveInMemory } from "@asynchttp/server/testing";
   *
   * await using server = serveInMemory((request) => request.respond(200));
   * await server.clock.advance(1000);
   * console.log(server.clock.now); // 1000
   * console.log((await server.fetch("/")).headers.get("date")); // Sun, 06 Nov 1994 08:49:38 GMT
   * ```
   */
  async advance(ms: number): Promise<void> {
    if (!(ms >= 0 && ms < Infinity)) {
      throw new RangeError(`Milliseconds must be a number from 0 on: got ${ms}`);
    }
    const end = this.now + ms;
    await this.#step(this.now);
    while (this.now < end) await this.#step(Math.min(end, this.now + TICK_MS));
  }

  async #step(now: number): Promise<void> {
    await turns();
    this.#tick(now);
    await turns();
  }

  #tick(now: number): void {
    this.#clock.tick(now, START + now);
  }
}

async function turns(): Promise<void> {
  for (let i = 0; i < TURNS; i++) await nextTurn();
}
