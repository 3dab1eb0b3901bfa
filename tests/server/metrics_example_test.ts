/** examples/metrics.ts, its page read by the parser of Prometheus's Python client. */
import { assert, assertEquals } from "@std/assert";
import { launchDocumented } from "./example_commands.ts";
import { exchangeBytes, LAST_GET, run } from "./tools.ts";

/** Prints every sample: its type, its name, its labels, its value. */
const PARSE = `
import json, sys, urllib.request
from prometheus_client.parser import text_string_to_metric_families
text = urllib.request.urlopen(sys.argv[1]).read().decode()
print(json.dumps([[family.type, sample.name, sample.labels, sample.value]
    for family in text_string_to_metric_families(text) for sample in family.samples]))
`;

type Sample = readonly [
  type: string,
  name: string,
  labels: { readonly [name: string]: string },
  value: number,
];

async function hasParser(): Promise<boolean> {
  try {
    return (await run("/usr/bin/python3", "-c", "import prometheus_client")).code === 0;
  } catch {
    return false;
  }
}

// Debian's own, since that is where the package is installed.
const found = await hasParser();
if (!found) console.log("skipped, there is no python3-prometheus-client: examples/metrics.ts");

Deno.test({
  name: "examples/metrics.ts: a parser of Prometheus's format reads the page",
  ignore: !found,
  async fn() {
    const { example, origin } = await launchDocumented("metrics.ts", ["0", "0"]);
    await using _ = example;
    const [, url] = await example.line(/^Metrics at (http:.*)$/);
    const port = Number(new URL(origin).port);
    await exchangeBytes(port, LAST_GET);
    await exchangeBytes(port, LAST_GET.replace("Host: x", "Host: a/b"));
    const { stdout, stderr } = await run("/usr/bin/python3", "-c", PARSE, url!);
    assert(stdout !== "", stderr);
    const samples: Sample[] = JSON.parse(stdout);
    const named = (name: string) => samples.filter((sample) => sample[1] === name);
    const ended = "complete";
    const durations = "http_request_duration_seconds";
    assertEquals(named(`${durations}_count`), [
      ["histogram", `${durations}_count`, { status: "2xx", ended }, 1],
      ["histogram", `${durations}_count`, { status: "4xx", ended }, 1],
    ]);
    const infinite = named(`${durations}_bucket`).filter(([, , { le }]) => le === "+Inf");
    assertEquals(infinite.map(([, , , value]) => value), [1, 1]);
    const rejections = "http_rejections_total";
    assertEquals(named(rejections), [["counter", rejections, { code: "bad-host" }, 1]]);
    const accepted = "http_connections_accepted_total";
    assertEquals(named(accepted), [["counter", accepted, {}, 2]]);
    assertEquals(named("http_connections_open")[0]![0], "gauge");
    for (const bytes of ["http_received_bytes_total", "http_sent_bytes_total"]) {
      assert(named(bytes)[0]![3] > 0);
    }
  },
});
