import { assertEquals } from "@std/assert";
import { TimeSlice } from "../../src/net/time_slice.ts";

function slice(): { slice: TimeSlice; pass(ms: number): void } {
  let now = 1000;
  return { slice: new TimeSlice(() => now), pass: (ms) => void (now += ms) };
}

Deno.test("TimeSlice: is over when its time has passed, not before", () => {
  const { slice: one, pass } = slice();
  assertEquals(one.hasBegun, false);
  one.begin(2);
  assertEquals([one.hasBegun, one.isOver], [true, false]);
  pass(1.75);
  assertEquals(one.isOver, false);
  pass(0.25);
  assertEquals(one.isOver, true);
  one.begin(1);
  assertEquals(one.isOver, false);
});

Deno.test("TimeSlice: is over where there is none", () => {
  const { slice: one } = slice();
  assertEquals(one.isOver, true);
  one.begin(1);
  one.drop();
  assertEquals([one.hasBegun, one.isOver], [false, true]);
});

Deno.test("TimeSlice: the batch doubles when time is left, and halves after twice the time", () => {
  const { slice: one, pass } = slice();
  const batchAfter = (ms: number) => {
    one.begin(1);
    pass(ms);
    one.end();
    return one.batch;
  };
  assertEquals(one.batch, 1);
  assertEquals([0.5, 0.5, 0.5, 0.5, 0.5].map(batchAfter), [2, 4, 8, 16, 16]);
  assertEquals([1, 1.5, 2].map(batchAfter), [16, 16, 16], "as long as it should");
  assertEquals([2.5, 3, 99, 3, 3].map(batchAfter), [8, 4, 2, 1, 1]);
});

Deno.test("TimeSlice: one that is dropped does not count", () => {
  const { slice: one } = slice();
  one.begin(1);
  one.drop();
  assertEquals(one.batch, 1);
});
