/** When a worker that died is started again. */
import { assertEquals } from "@std/assert";
import { RestartPolicy } from "../../src/cluster/restart_policy.ts";

Deno.test("restart policy: at once, then after a time that doubles, up to a bound", () => {
  const policy = new RestartPolicy(Infinity, 60_000);
  const delays = Array.from({ length: 10 }, () => policy.afterDeath(0));
  assertEquals(delays, [0, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
});

Deno.test("restart policy: none after too many deaths within the window", () => {
  const policy = new RestartPolicy(2, 1000);
  assertEquals([0, 10, 20].map((now) => policy.afterDeath(now)), [0, 100, null]);
});

Deno.test("restart policy: deaths outside the window do not count", () => {
  const policy = new RestartPolicy(1, 1000);
  assertEquals([0, 1000, 2000].map((now) => policy.afterDeath(now)), [0, 0, 0]);
  assertEquals(policy.afterDeath(2999), null);
});
