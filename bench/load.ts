/**
 * Servers under load, in processes of their own, in turns: see README.md beside this.
 *
 * ```sh
 * deno task bench:load [--only NAME,NAME] [--rounds N] [--seconds N] [--generator ours|wrk] [--out DIR]
 * ```
 */
import { chart } from "./load/chart.ts";
import { contest } from "./load/contest.ts";
import { Driver } from "./load/driver.ts";
import type { Generator } from "./load/driver.ts";
import type { Bench } from "./load/measures.ts";
import { parseOptions } from "./load/options.ts";
import type { Options } from "./load/options.ts";
import { canPin, isInstalled, Processes } from "./load/processes.ts";
import { Progress } from "./load/progress.ts";
import { table, versions } from "./load/report.ts";
import type { Report, Taken } from "./load/report.ts";
import { SCENARIOS } from "./load/scenarios.ts";
import type { Scenario } from "./load/scenarios.ts";

const RESULTS = new URL("results", import.meta.url).pathname;

const progress = new Progress();

function optionsOrExit(): Options {
  try {
    return parseOptions(Deno.args, SCENARIOS.map(({ name }) => name));
  } catch (error) {
    console.error((error as Error).message);
    Deno.exit(2);
  }
}

async function chooseGenerator(asked: Generator | null): Promise<Generator> {
  const hasWrk = await isInstalled("wrk");
  if (asked === "wrk" && !hasWrk) {
    console.error("Option --generator must be ours: there is no wrk on this machine");
    Deno.exit(2);
  }
  return asked ?? (hasWrk ? "wrk" : "ours");
}

/** Ctrl-C must not leave servers behind. */
function endOnSignal(processes: Processes, directory: string): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => {
      processes.killAll();
      Deno.removeSync(directory, { recursive: true });
      Deno.exit(130);
    });
  }
}

/** One scenario; what goes wrong in it must not cost the others. */
async function take(
  scenario: Scenario,
  bench: Bench,
  rounds: number,
  report: Taken,
): Promise<void> {
  try {
    report.results.push(
      ...await contest(scenario, rounds, bench, {
        progress: (text) => progress.show(text),
        skipped: (text) => void report.skipped.push(text),
      }),
    );
  } catch (error) {
    report.failed.push(`${scenario.title}: failed, ${(error as Error).message}`);
  } finally {
    await bench.processes.endAll();
  }
}

async function measure(options: Options): Promise<Report> {
  const { rounds, seconds } = options;
  const generator = await chooseGenerator(options.generator);
  const pinned = await canPin();
  const processes = new Processes(pinned);
  const directory = await Deno.makeTempDir({ prefix: "bench-" });
  endOnSignal(processes, directory);
  const driver = new Driver(processes, generator, directory, seconds);
  const taken: Taken = { results: [], skipped: [], failed: [] };
  for (const scenario of SCENARIOS) {
    if (options.only?.includes(scenario.name) === false) continue;
    await take(scenario, { processes, driver, directory }, rounds, taken);
  }
  progress.clear();
  await Deno.remove(directory, { recursive: true });
  const date = new Date().toISOString().slice(0, 10);
  return { date, generator, rounds, seconds, pinned, versions: await versions(), ...taken };
}

/** A part of the table must not take the place of the whole. */
async function write(report: Report, { only, out }: Options): Promise<void> {
  if (only !== null && out === null) {
    console.log("Not written: a run of some scenarios is kept where --out says");
    return;
  }
  const directory = out ?? RESULTS;
  await Deno.mkdir(directory, { recursive: true });
  await Deno.writeTextFile(`${directory}/load.json`, `${JSON.stringify(report, null, 2)}\n`);
  await Deno.writeTextFile(`${directory}/load.svg`, chart(report));
  console.log(`Written: ${directory}/load.json, ${directory}/load.svg`);
}

const options = optionsOrExit();
const report = await measure(options);
console.log(table(report.results));
for (const line of [...report.skipped, ...report.failed]) console.log(line);
await write(report, options);
Deno.exit(report.failed.length > 0 ? 1 : 0); // The signal listeners would keep the process.
