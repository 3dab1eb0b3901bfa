/** Rolling restarts under load; `deno task rolling` makes ten, each of a new cluster. */
import { assert, assertEquals } from "@std/assert";
import { LaunchedCluster } from "./launched_cluster.ts";
import { testWith } from "../server/tools.ts";
import { rollingRestarts } from "./rolling_restart.ts";

testWith(
  "reusePort",
  "cluster: two rolling restarts under 200 clients lose no request",
  async () => {
    const idle = 600_000; // no client on a slow machine is late
    await using cluster = await LaunchedCluster.start({ workers: 2, idle, grace: idle });
    const { failed, processes, told } = await rollingRestarts(cluster, 2);
    assertEquals({ failed, processes }, { failed: 0, processes: 6 });
    assert(told >= 200, `${told} connections were told that they end`);
  },
);
