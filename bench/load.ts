/**
 * Servers under load, each in a process of its own, in turns: see README.md.
 *
 * ```sh
 * deno task bench:load [--only NAME,NAME] [--rounds N] [--seconds N] [--also NAME=DIR] [--out DIR]
 * ```
 */
import { parseArgs } from "node:util";
import { chart } from "./load/chart.ts";
import type { Bench, Figure } from "./load/measures.ts";
import { outputOf, Processes } from "./load/processes.ts";
import { markdown, spreadOf } from "./load/report.ts";
import type { Report, Result } from "./load/report.ts";
import { SCENARIOS } from "./load/scenarios.ts";
import type { Scenario } from "./load/scenarios.ts";
import { VERSION_FLAGS } from "./load/servers.ts";
import type { Program, Server } from "./load/servers.ts";

const HERE = new URL(".", import.meta.url).pathname;

type Options = ReturnType<typeof options>;

function options() {
  const { values } = parseArgs({
    args: Deno.args.filter((arg) => arg !== "--"), // `deno task` hands it on.
    options: {
      only: { type: "string" },
      rounds: { type: "string", default: "7" }, // One disturbed round must not move the median.
      seconds: { type: "string", default: "3" },
      also: { type: "string", multiple: true, default: [] },
      out: { type: "string" },
    },
  });
  const [rounds, seconds] = [count("rounds", values.rounds), count("seconds", values.seconds)];
  // The published results are those of a whole run; another one is kept where --out says.
  const isWhole = values.only === undefined && values.also.length === 0;
  const out = values.out ?? (isWhole ? `${HERE}results` : null);
  return { scenarios: named(values.only), rounds, seconds, out, also: values.also.map(checkout) };
}

function count(name: string, text: string): number {
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new TypeError(`Option --${name} must be an integer above 0: got "${text}"`);
}

function named(only: string | undefined): readonly Scenario[] {
  const known = new Set(SCENARIOS.map(({ name }) => name));
  const wanted = new Set(only?.split(",") ?? known);
  for (const name of wanted.difference(known)) {
    throw new TypeError(`Option --only must name some of ${[...known].join(", ")}: got "${name}"`);
  }
  return SCENARIOS.filter(({ name }) => wanted.has(name));
}

function checkout(text: string): { title: string; directory: string } {
  const [, title, path] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (path === undefined) throw new TypeError(`Option --also must be NAME=DIR: got "${text}"`);
  return { title: title!, directory: Deno.realPathSync(path) };
}

/** The version of a program, or null where it is not installed. */
async function versionOf(program: Program): Promise<string | null> {
  const output = await outputOf(program, VERSION_FLAGS[program]);
  return output && (/\d+\.\d+[\w.+-]*/.exec(output)?.[0] ?? "of unknown version");
}

async function commitOf(checkout: string): Promise<string> {
  const describe = ["describe", "--always", "--dirty", "--exclude=*"];
  return await outputOf("git", "-C", checkout, ...describe) || "unknown";
}

/** Neither Ctrl-C nor a failure leaves processes or files behind. */
function cleanUp({ processes, directory }: Bench): void {
  processes.killAll();
  Deno.removeSync(directory, { recursive: true });
}

/** Measures this server and its peers in turns; each round begins with another one. */
async function contest(scenario: Scenario, rounds: number, peers: readonly Server[], bench: Bench) {
  const ours = scenario.asynchttp("asynchttp");
  const servers = [ours, ...peers];
  console.error(`${scenario.title}: starting ${servers.length} servers`);
  const measure = await scenario.prepare(scenario, servers, bench);
  const figures = new Map<Server, Figure[]>(servers.map((server) => [server, []]));
  for (let round = 1; round <= rounds; round++) {
    console.error(`${scenario.title}: round ${round} of ${rounds}`);
    for (const server of servers) figures.get(server)!.push(await measure(server));
    servers.push(servers.shift()!);
  }
  return peers.map((peer) => resultOf(scenario, peer, figures.get(ours)!, figures.get(peer)!));
}

function resultOf(scenario: Scenario, { title: peer }: Server, ours: Figure[], theirs: Figure[]) {
  const { name, title, unit } = scenario;
  const ratio = spreadOf(ours.map(({ value }, round) => value / theirs[round]!.value));
  return { scenario: name, title, unit, peer, ratio, figures: { ours, peer: theirs } };
}

function endOnSignal(bench: Bench): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => {
      cleanUp(bench);
      Deno.exit(130);
    });
  }
}

/** What takes part, with its version; a checkout's version is its commit. */
async function versionsOf(checkouts: Options["also"]): Promise<Record<string, string>> {
  const versions: Record<string, string> = { deno: Deno.version.deno };
  for (const program of ["node", "go", "nginx", "nim", "wrk"] as const) {
    const version = await versionOf(program);
    if (version !== null) versions[program] = version;
  }
  for (const { title, directory } of checkouts) versions[title] = await commitOf(directory);
  return versions;
}

async function run({ scenarios, rounds, seconds, also }: Options): Promise<Report> {
  const pinned = navigator.hardwareConcurrency > 1 && await versionOf("taskset") !== null;
  const processes = new Processes(pinned);
  const bench = { processes, directory: Deno.makeTempDirSync({ prefix: "bench-" }), seconds };
  endOnSignal(bench);
  const [results, skipped, failed]: [Result[], string[], string[]] = [[], [], []];
  for (const scenario of scenarios) {
    const peers = also.map(({ title, directory }) => scenario.asynchttp(title, directory));
    for (const peer of scenario.peers) {
      if (peer.needs === undefined || await versionOf(peer.needs) !== null) peers.push(peer);
      else skipped.push(`${scenario.title}, ${peer.title}: skipped, needs ${peer.needs}`);
    }
    try {
      results.push(...await contest(scenario, rounds, peers, bench));
    } catch (error) { // The other scenarios are measured all the same.
      failed.push(`${scenario.title}: failed, ${(error as Error).message}`);
    }
    processes.killAll();
  }
  cleanUp(bench);
  const date = new Date().toISOString().slice(0, 10);
  const [commit, versions] = [await commitOf(HERE), await versionsOf(also)];
  return { date, commit, rounds, seconds, pinned, versions, results, skipped, failed };
}

async function write(report: Report, directory: string): Promise<void> {
  await Deno.mkdir(directory, { recursive: true });
  const [json, svg, md] = ["json", "svg", "md"].map((type) => `${directory}/load.${type}`);
  await Deno.writeTextFile(json!, JSON.stringify(report, null, 2));
  await Deno.writeTextFile(svg!, chart(report));
  await Deno.writeTextFile(md!, markdown(report));
  await outputOf(Deno.execPath(), "fmt", "--quiet", json!, svg!, md!);
  console.error(`Written: ${json}, ${svg}, ${md}`);
}

try {
  const chosen = options();
  if (await versionOf("wrk") === null) {
    throw new Error("wrk is not installed: run `apt-get install wrk` or `brew install wrk`");
  }
  const report = await run(chosen);
  console.log(markdown(report));
  if (chosen.out !== null) await write(report, chosen.out);
  Deno.exit(report.failed.length > 0 ? 1 : 0); // The signal listeners would keep the process.
} catch (error) {
  console.error((error as Error).message);
  Deno.exit(2);
}
