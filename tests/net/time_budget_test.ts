import { assertEquals } from "@std/assert";
import { TimeBudget } from "../../src/net/time_budget.ts";

/** A budget of 3 ms on a clock at 1000 that `pass` moves. */
function budgetOnClock(): { budget: TimeBudget; pass(ms: number): void } {
  let now = 1000;
  return { budget: new TimeBudget(3, () => now), pass: (ms) => void (now += ms) };
}

Deno.test("TimeBudget: is used up when so much was charged, not before", () => {
  const { budget, pass } = budgetOnClock();
  pass(1.75);
  assertEquals([budget.chargeSince(1000), budget.charge(1)], [false, false]);
  assertEquals(budget.charge(0.25), true);
  budget.reset();
  assertEquals(budget.charge(2.75), false);
});

Deno.test("TimeBudget: neither waits are charged, nor anything twice", () => {
  const { budget, pass } = budgetOnClock();
  pass(1);
  const charges = [budget.chargeSince(1000), budget.chargeSince(1000), budget.chargeSince(1000.5)];
  assertEquals(charges, [false, false, false]);
  pass(50);
  assertEquals(budget.chargeSince(Infinity), false, "its read was not timed");
  pass(50);
  assertEquals(budget.chargeSince(1101), false);
  pass(2);
  assertEquals(budget.chargeSince(1101), true);
});
