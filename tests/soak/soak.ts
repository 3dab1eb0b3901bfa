/**
 * The soak: mixed traffic for any time, while the memory and descriptors of the server are
 * watched from outside.
 *
 * ```sh
 * deno run -A --no-lock tests/soak/soak.ts --seconds 600
 * ```
 *
 * `--concurrency 50`, `--seed N`; with `--leak 1000` the server keeps that many bytes per
 * request, and the soak must fail.
 */
import { numberOf, parseArgs } from "./args.ts";
import { Load } from "./load.ts";
import { poll, ServerProcess } from "./server_process.ts";
import { trendOf } from "./trend.ts";
import type { Sample, Trend } from "./trend.ts";

/** The most that memory may gain: less is the normal variation of V8's heap. */
const MEMORY_BOUND = 24e6;
/** The most that descriptors may gain: the number of clients is constant, so theirs should be. */
const DESCRIPTOR_BOUND = 10;
/** Descriptors that may remain without clients: the runtime opens some late. */
const LEFT_OPEN = 4;
/**
 * Seconds before the time counts: caches fill, V8 compiles and sizes its heap. Its last
 * step, in the space for young objects, is 50 MB after some 12 s; afterwards memory stays
 * level for as long as was measured (600 s).
 */
const WARM_UP = 25;
/** Milliseconds that lingering closes and drained bodies may take after the clients left. */
const QUIET_AFTER = 20_000;

const args = parseArgs(Deno.args, ["seconds", "concurrency", "seed", "leak"]);
const seconds = numberOf(args.get("seconds"), 60);
const concurrency = numberOf(args.get("concurrency"), 50);
const seed = numberOf(args.get("seed"), Math.floor(Math.random() * 2 ** 31) + 1);
const leak = args.has("leak") ? numberOf(args.get("leak"), 0) : undefined;
const faults: string[] = [];
const memory: Sample[] = [];
const descriptors: Sample[] = [];

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Samples once per second after the warm-up and prints the state every five seconds. */
async function watch(server: ServerProcess, load: Load): Promise<void> {
  const start = performance.now();
  for (let second = 1; second <= WARM_UP + seconds && server.status === null; second++) {
    await load.pause(start + second * 1000 - performance.now());
    const at = (performance.now() - start) / 1000;
    if (at >= WARM_UP) {
      memory.push({ at, value: server.rss });
      descriptors.push({ at, value: server.descriptors });
    }
    if (second % 5 === 0) await printLine(server, load, Math.round(at));
  }
}

async function printLine(server: ServerProcess, load: Load, at: number): Promise<void> {
  const { stats, heapUsed } = await server.report();
  const figures = [
    `resident ${megabytes(server.rss)}`,
    `heap ${megabytes(heapUsed)}`,
    `descriptors ${server.descriptors}`,
    `open ${stats.connections.open}`,
    `requests ${stats.requests}`,
    `exchanges ${load.done}`,
    `errors ${load.failed}`,
  ];
  const mark = at % 60 === 0 ? `minute ${at / 60}:` : `${at} s:`;
  console.log(mark.padEnd(10), figures.join(", "));
}

function judge(what: string, trend: Trend, bound: number, text: (value: number) => string): void {
  const verdict = trend.growth > bound ? "GROWS" : "does not grow";
  console.log(
    `${what} ${verdict}: the lower envelope went from ${text(trend.first)} to ${text(trend.last)},`,
    `its line gains ${text(trend.growth)} (bound ${text(bound)})`,
  );
  if (trend.growth > bound) faults.push(`${what} grows`);
}

/** Without clients everything must be as it was before them. */
async function judgeQuiet(server: ServerProcess, before: number): Promise<void> {
  const most = before + LEFT_OPEN;
  const quiet = await poll(async () => {
    const { stats } = await server.report();
    return stats.connections.open === 0 && server.descriptors <= most;
  }, QUIET_AFTER);
  const { stats, errors, heapUsed } = await server.report("gc");
  console.log(
    `without clients: ${server.descriptors} descriptors (${before} before),`,
    `${stats.connections.open} connections, heap ${megabytes(heapUsed)}`,
  );
  console.log("rejections:", stats.rejections, "onError:", errors);
  if (!quiet) faults.push("connections or descriptors are left over");
  const unexpected = Object.keys(errors).filter((what) => what !== "deliberate");
  if (unexpected.length > 0) faults.push(`onError was called with ${unexpected.join("; ")}`);
}

function judgeExchanges(load: Load): void {
  console.log("exchanges by kind:", Object.fromEntries(load.counts));
  for (const failure of load.failures) console.log("failed:", failure);
  if (load.failed > 0) faults.push(`${load.failed} exchanges failed`);
}

async function soak(server: ServerProcess): Promise<void> {
  const load = new Load(server.ports, seed);
  const before = server.descriptors;
  const working = load.run(concurrency);
  await watch(server, load);
  load.stop();
  await working;
  judgeExchanges(load);
  if (server.status === null) {
    await judgeQuiet(server, before);
    judge("memory", trendOf(memory), MEMORY_BOUND, megabytes);
    judge("descriptors", trendOf(descriptors), DESCRIPTOR_BOUND, (n) => n.toFixed(1));
  }
  if (!await server.end()) faults.push("the server did not shut down by itself");
  if (server.stderr !== "") faults.push(`the server wrote to stderr: ${server.stderr}`);
}

console.log(`${seconds} s, ${concurrency} clients at a time, seed ${seed}`);
{
  await using server = await ServerProcess.start({ leak });
  Deno.addSignalListener("SIGINT", () => {
    server.kill();
    Deno.exit(130);
  });
  await soak(server);
}
for (const fault of faults) console.error(`FAULT: ${fault}`);
console.log(faults.length === 0 ? "ok" : "failed");
Deno.exit(faults.length === 0 ? 0 : 1);
