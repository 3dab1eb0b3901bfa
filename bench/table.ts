/**
 * Runs the benchmarks of `deno bench` and prints them as Markdown tables, with MB/s where
 * the name of the group says how many bytes there are.
 *
 * ```sh
 * deno run -A bench/table.ts [FILE...]
 * ```
 */

/** The part of the output of `deno bench --json` that is used. */
interface Benchmark {
  readonly group: string;
  readonly name: string;
  readonly baseline: boolean;
  readonly results: readonly {
    readonly ok?: { readonly avg: number };
    readonly failed?: unknown;
  }[];
}

const FILES = ["parser_bench.ts", "encoder_bench.ts", "roundtrip_bench.ts"].map((name) =>
  new URL(name, import.meta.url).pathname
);

async function run(files: readonly string[]): Promise<readonly Benchmark[]> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["bench", "-A", "--quiet", "--json", ...files],
    stderr: "inherit",
  }).output();
  if (!success) throw new Error("The benchmarks failed");
  return JSON.parse(new TextDecoder().decode(stdout)).benches;
}

/** Nanoseconds per iteration. */
function timeOf({ name, results }: Benchmark): number {
  const time = results[0]?.ok?.avg;
  if (time === undefined) throw new Error(`Benchmark "${name}" failed`);
  return time;
}

/** The times of one group; the last column says how many times as fast the baseline is. */
function table(group: string, benchmarks: readonly Benchmark[]): string {
  const bytes = /\((\d+) bytes\)$/.exec(group)?.[1];
  const baseline = timeOf(benchmarks.find((benchmark) => benchmark.baseline)!);
  const rows = benchmarks.map((benchmark) => {
    const time = timeOf(benchmark);
    const rate = bytes === undefined ? [] : [grouped(Number(bytes) / time * 1000)];
    return [benchmark.name, grouped(time), ...rate, (time / baseline).toFixed(2)];
  });
  const head = [group, "ns", ...bytes === undefined ? [] : ["MB/s"], "the baseline is × as fast"];
  const rule = head.map((_, column) => column === 0 ? "---" : "--:");
  return [head, rule, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function grouped(value: number): string {
  return value.toLocaleString("en", { maximumFractionDigits: 0 });
}

const benchmarks = await run(Deno.args.length > 0 ? Deno.args : FILES);
for (const [group, members] of Map.groupBy(benchmarks, ({ group }) => group)) {
  console.log(`${table(group, members)}\n`);
}
