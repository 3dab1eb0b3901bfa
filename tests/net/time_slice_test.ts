import { assertEquals } from "@std/assert";
import { TimeSlice } from "../../src/net/time_slice.ts";

/** A slice on a clock that `pass` moves. */
function sliceOnClock(): { slice: TimeSlice; pass(ms: number): void } {
  let now = 1000;
  return { slice: new TimeSlice(() => now), pass: (ms) => void (now += ms) };
}

Deno.test("TimeSlice: is over when its time has passed, not before", () => {
  const { slice, pass } = sliceOnClock();
  slice.begin(2);
  assertEquals(slice.mayGoOn(), true);
  pass(1.75);
  assertEquals(slice.mayGoOn(), true);
  pass(0.25);
  assertEquals(slice.mayGoOn(), false);
  slice.begin(1);
  assertEquals(slice.mayGoOn(), true);
});

Deno.test("TimeSlice: the batch doubles when none comes back too late, and halves after twice the time", () => {
  const { slice, pass } = sliceOnClock();
  const batchAfter = (ms: number) => {
    slice.begin(1);
    pass(ms);
    slice.mayGoOn();
    slice.end();
    return slice.batch;
  };
  assertEquals(slice.batch, 1);
  assertEquals([0.5, 0.5, 0.5].map(batchAfter), [2, 4, 4]);
  assertEquals([1, 1.5, 2].map(batchAfter), [4, 4, 4], "as long as it should");
  assertEquals([2.5, 99, 3].map(batchAfter), [2, 1, 1]);
});

Deno.test("TimeSlice: what others take does not make the batch smaller", () => {
  const { slice, pass } = sliceOnClock();
  slice.begin(1);
  slice.mayGoOn();
  pass(50);
  slice.end();
  assertEquals(slice.batch, 2);
});
