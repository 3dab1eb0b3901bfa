/** Slow clients: those that read are served, those that do not are disconnected. */
import { assert, assertEquals } from "@std/assert";
import { Clock } from "../../src/net/clock.ts";
import { Throughput } from "../../src/net/throughput.ts";

const TICK = 250;
/** What the kernel takes before it stops, and what must be free before it goes on: measured with the usual 4 MB. */
const BUFFER = 4_100_000;
const WRITABLE = 1_400_000;
const PIECE = 65_536;

/**
 * Sends `size` bytes through a kernel's buffer to a client that reads `rate` bytes per
 * second. Returns when it was found too slow, in seconds; null when it got everything.
 */
function cutAfter(rate: number, size = 30_000_000): number | null {
  const clock = new Clock();
  const throughput = new Throughput(clock, 30_000, 240, 4096);
  let [now, sent, read, isWritable] = [0, 0, 0, true];
  for (;;) {
    while (isWritable && sent < size) {
      throughput.startWaiting();
      throughput.stopWaiting(PIECE);
      sent += PIECE;
      isWritable = sent - read < BUFFER;
    }
    if (sent >= size) return null;
    throughput.startWaiting();
    while (!isWritable) {
      clock.tick(now += TICK, 0);
      if (throughput.isTooSlow(now)) return now / 1000;
      read += rate * TICK / 1000;
      isWritable = sent - read < BUFFER - WRITABLE;
    }
    throughput.stopWaiting(PIECE);
    sent += PIECE;
  }
}

Deno.test("hardening 49: a client that reads 5 KB a second or more gets all of 30 MB", () => {
  for (const rate of [5000, 10_000, 20_000, 40_000, 1_000_000]) {
    assertEquals(cutAfter(rate), null, `${rate} bytes a second`);
  }
});

Deno.test("hardening 49: a client that reads nothing is disconnected within five minutes", () => {
  const cut = cutAfter(0);
  assert(cut !== null && cut >= 30 && cut <= 301, `after ${cut} s`);
});

Deno.test("hardening 49: a client that drips is disconnected", () => {
  const cut = cutAfter(240);
  assert(cut !== null && cut <= 301, `after ${cut} s`);
});

Deno.test("a body that stands still has the stall timeout, whatever came before", () => {
  const clock = new Clock();
  const throughput = new Throughput(clock, 30_000, 240);
  throughput.startWaiting();
  throughput.stopWaiting(10_000_000);
  throughput.startWaiting();
  assertEquals([0, 29_999, 30_000].map((now) => throughput.isTooSlow(now)), [false, false, true]);
});
