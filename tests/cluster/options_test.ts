/** The options of a cluster, and where it can run. */
import { assertEquals, assertThrows } from "@std/assert";
import { delay } from "@std/async";
import type { ClusterOptions } from "@asynchttp/server/cluster";
import { resolveClusterOptions } from "../../src/cluster/options.ts";
import { sum, withoutOpen } from "../../src/cluster/stats.ts";
import { standIn } from "../systems.ts";

const main = () => {
  throw new Error("is not called");
};

Deno.test("cluster: macOS and Windows are refused with the reason", () => {
  for (const os of ["darwin", "windows"] as const) {
    using _ = standIn(os);
    const { message } = assertThrows(
      () => resolveClusterOptions({ main }),
      Deno.errors.NotSupported,
    );
    assertEquals(message.startsWith(`A cluster needs Linux: on "${os}" the system does not`), true);
  }
});

Deno.test("cluster: options that cannot be right are refused", () => {
  const refused: [options: unknown, error: ErrorConstructor, message: string][] = [
    [{}, TypeError, "Option main must be a function"],
    [{ main, worker: 2 }, TypeError, "Unknown option worker in options of cluster"],
    [{ main, workers: 0 }, RangeError, "Option workers must be an integer from 1 to 1024"],
    [{ main, workers: Infinity }, RangeError, "Option workers must be an integer from 1 to 1024"],
    [{ main, port: 65_536 }, RangeError, "Option port must be an integer from 0 to 65535"],
    [{ main, port: "80" }, TypeError, "Option port must be a number"],
    [{ main, flags: "--allow-net" }, TypeError, "Option flags must be an array of strings"],
    [{ main, grace: -1 }, RangeError, "Option grace must be an integer from 0 on"],
    [{ main, heartbeat: 0 }, RangeError, "Option heartbeat must be an integer from 1 on"],
    [{ main, log: "x" }, TypeError, "Option log must be a function"],
  ];
  using _ = standIn("linux");
  for (const [options, error, message] of refused) {
    assertThrows(() => resolveClusterOptions(options as ClusterOptions), error, message);
  }
});

Deno.test("cluster: the workers have what the master has, but for --allow-run", () => {
  using _ = standIn("linux");
  const { flags } = resolveClusterOptions({ main });
  assertEquals(flags.includes("--allow-net"), true);
  assertEquals(flags.some((flag) => flag.includes("run")), false);
});

Deno.test({
  name: "cluster: flags must be given where the master does not have --allow-net",
  permissions: { net: false, env: false },
  fn() {
    using _ = standIn("linux");
    assertThrows(
      () => resolveClusterOptions({ main }),
      TypeError,
      "Option flags is missing",
    );
  },
});

Deno.test("cluster: counters add up, and a worker that has ended has no open connection", () => {
  const one = {
    connections: { open: 1, accepted: 2, acceptErrors: 3 },
    ...{ requests: 4, bytesIn: 5, bytesOut: 6, rejections: { "bad-host": 7 } },
  };
  const other = {
    connections: { open: 10, accepted: 20, acceptErrors: 30 },
    ...{ requests: 40, bytesIn: 50, bytesOut: 60, rejections: { "bad-host": 1, "bad-target": 2 } },
  };
  assertEquals(sum(one, withoutOpen(other)), {
    connections: { open: 1, accepted: 22, acceptErrors: 33 },
    ...{ requests: 44, bytesIn: 55, bytesOut: 66, rejections: { "bad-host": 8, "bad-target": 2 } },
  });
});

Deno.test("cluster: a log that throws or rejects is called, and does no harm", async () => {
  using _ = standIn("linux");
  const fault = new Error("The terminal was closed");
  const called: string[] = [];
  const throwing = (message: string) => {
    called.push(message);
    throw fault;
  };
  const rejecting = (message: string) => {
    called.push(message);
    return Promise.reject(fault);
  };
  for (const log of [throwing, rejecting]) resolveClusterOptions({ main, log }).log("a");
  await delay(0);
  assertEquals(called, ["a", "a"]);
});
