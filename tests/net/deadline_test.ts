/** Time limits that are swept by ticks: never early, and late by less than two ticks. */
import { assert, assertEquals } from "@std/assert";
import { fuzzSeed, Random } from "../random.ts";
import { Deadline } from "../../src/net/deadline.ts";
import { Throughput } from "../../src/net/throughput.ts";
import { Clock, TICK_MS } from "../../src/net/clock.ts";

const TICK = TICK_MS;

Deno.test("hardening 38: a deadline is never early, and late by less than two ticks", () => {
  const random = new Random(fuzzSeed());
  for (let i = 0; i < 10_000; i++) {
    const deadline = new Deadline();
    const ms = random.pick([1, 250, 700, 1000, random.below(5000)]);
    const set = random.below(1000);
    deadline.set(ms);
    let now = Math.ceil(set / TICK) * TICK;
    while (!deadline.isOver(now)) now += TICK;
    assert(now >= set + ms, `${ms} ms set at ${set} were over at ${now}`);
    assert(now < set + ms + 2 * TICK, `${ms} ms set at ${set} were over only at ${now}`);
  }
});

Deno.test("hardening 38: a tick that comes late makes no deadline early", () => {
  const deadline = new Deadline();
  // A tick at 0, the deadline set at 900, and the loop blocked until 1000.
  deadline.set(500);
  assertEquals([1000, 1250, 1499, 1500].map((now) => deadline.isOver(now)), [
    false,
    false,
    false,
    true,
  ]);
});

Deno.test("a deadline that was not set, or set to Infinity, is never over", () => {
  const deadline = new Deadline();
  assert(!deadline.isOver(Number.MAX_VALUE));
  deadline.set(Infinity);
  assert(!deadline.isOver(Number.MAX_VALUE));
});

Deno.test("hardening 38: a wait counts for no longer than it was", () => {
  const clock = new Clock();
  const throughput = new Throughput(clock, 1000, 240);
  clock.tick(1000, 0);
  // Begun at 1240.
  throughput.startWaiting();
  assertEquals(throughput.isTooSlow(1250), false);
  assertEquals(throughput.isTooSlow(2249), false);
  assertEquals(throughput.isTooSlow(2250), true);
});

Deno.test("hardening 37: Date follows the wall clock, and nothing else does", () => {
  const clock = new Clock();
  const seen: number[] = [];
  clock.subscribe({ tick: (now) => void seen.push(now) });
  clock.tick(250, 784_111_777_000);
  assertEquals(clock.date, "Sun, 06 Nov 1994 08:49:37 GMT");
  clock.tick(500, 784_111_777_000 + 90_000);
  assertEquals(clock.date, "Sun, 06 Nov 1994 08:51:07 GMT");
  clock.tick(750, 784_111_777_000 - 3_600_000);
  assertEquals(clock.date, "Sun, 06 Nov 1994 07:49:37 GMT");
  assertEquals(seen, [250, 500, 750]);
});
