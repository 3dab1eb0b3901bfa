/**
 * What attacks cost: each against a server in a process of its own, whose memory is read
 * from outside; then all of them at once, beside a well-behaved client.
 *
 * ```sh
 * deno run -A --no-lock tests/soak/attacks.ts
 * deno run -A --no-lock tests/soak/attacks.ts --only "tiny chunks" --scale 0.1
 * ```
 */
import { fileURLToPath } from "node:url";
import { numberOf, parseArgs } from "./args.ts";
import { ATTACKS } from "./attack_kinds.ts";
import type { Outcome, Target } from "./attack_kinds.ts";
import type { Experience, Stay } from "./neighbour.ts";
import { poll, ServerProcess } from "./server_process.ts";
import { expect, head } from "./traffic.ts";
import { WireClient } from "./wire_client.ts";

/** The duration of one attack, in milliseconds. */
const ATTACK = 10_000;
/** How long the neighbour stays, alone and beside the attacks. */
const STAY = 10_000;
/** A program that runs for so much longer than its time is ended. */
const OVERTIME = 20_000;
/** The server's timeouts: short enough to take effect within an attack. */
const TIMEOUTS = { head: 4000, idle: 4000, body: 4000, write: 4000 };
/** The most by which an attack may make the server's memory grow. */
const MOST_MEMORY = 600e6;
const NEIGHBOUR = "good neighbour";

const args = parseArgs(Deno.args, ["only", "scale"]);
const only = args.get("only");
const scale = numberOf(args.get("scale"), 1);
const faults: string[] = [];

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}

/**
 * Runs a program of this folder to its end and returns what it printed.
 *
 * An attacker stands for other machines. Here it shares two processors with the server and
 * with the neighbour, whose times must reflect the server and not the wait for a processor:
 * it gets only what those two leave.
 */
async function program<T>(
  file: string,
  argument: unknown,
  ms: number,
  niceness: number,
): Promise<T> {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const deno = [Deno.execPath(), "run", "-A", "--no-lock", path, JSON.stringify(argument)];
  const child = new Deno.Command("nice", {
    args: ["-n", `${niceness}`, ...deno],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(ms + OVERTIME),
  });
  const { code, stdout, stderr } = await child.output();
  const said = new TextDecoder().decode(stdout);
  if (code === 0 && said !== "") return JSON.parse(said);
  throw new Error(`${file} failed: ${new TextDecoder().decode(stderr)}`);
}

function attack(name: string, port: number, ms: number, part = scale): Promise<Outcome> {
  const target: Target = { port, ms, scale: part };
  return program("attacker.ts", { name, target }, ms, 19);
}

/** Waits until the attackers are at work. */
function started(): Promise<unknown> {
  return new Promise((resolve) => setTimeout(resolve, 1500));
}

/** Whether a client that connects after the attack is served. */
async function serves(port: number): Promise<boolean> {
  try {
    using client = await WireClient.connect(port);
    await client.send(head("GET", "/text?n=10"));
    expect(await client.answer(), 200, 10);
    return true;
  } catch {
    return false;
  }
}

/** Resident memory before, at its peak, and after all has been closed and collected. */
async function measured(
  name: string,
  server: ServerProcess,
  work: () => Promise<void>,
): Promise<{ before: number; peak: number; after: number; seconds: number }> {
  await serves(server.ports.streaming);
  const before = server.rss;
  const processor = server.processorTime;
  server.resetPeak();
  await work();
  const { peak } = server;
  const seconds = server.processorTime - processor;
  const gone = async () => (await server.report()).stats.connections.open === 0;
  if (!await poll(gone, 15_000)) faults.push(`${name}: connections are left over`);
  await server.report("gc");
  return { before, peak, after: server.rss, seconds };
}

/** Afterwards the server must serve, have reported nothing, and shut down. */
async function judge(server: ServerProcess, name: string): Promise<boolean> {
  const serving = await serves(server.ports.streaming);
  if (!serving) faults.push(`${name}: the server no longer serves`);
  const { errors } = await server.report();
  for (const what of Object.keys(errors)) faults.push(`${name}: onError was called with ${what}`);
  if (!await server.end()) faults.push(`${name}: the server did not shut down by itself`);
  if (server.stderr !== "") faults.push(`${name}: the server wrote to stderr: ${server.stderr}`);
  return serving;
}

function row(name: string, cells: readonly string[], rest: string): void {
  console.log([name.padEnd(15), ...cells.map((cell) => cell.padStart(8)), ` ${rest}`].join(" "));
}

function figures(outcome: Outcome): string {
  return Object.entries(outcome).map(([figure, value]) => `${value} ${figure}`).join(", ");
}

async function measureAttack(name: string): Promise<void> {
  await using server = await ServerProcess.start({ options: { timeouts: TIMEOUTS } });
  const { streaming } = server.ports;
  let outcome: Outcome = {};
  let beside: Experience | undefined;
  const { before, peak, after, seconds } = await measured(name, server, async () => {
    const attacking = attack(name, streaming, ATTACK);
    await started();
    beside = await stay(streaming, ATTACK / 2);
    outcome = await attacking;
  });
  if (peak - before > MOST_MEMORY) faults.push(`${name}: memory grows by ${peak - before} bytes`);
  const serving = await judge(server, name);
  const memory = [before, peak, after].map(megabytes);
  row(
    name,
    [...memory, `${seconds.toFixed(1)} s`, serving ? "yes" : "NO"],
    `p99 ${beside!.p99.toFixed(1)} ms, ${figures(outcome)}`,
  );
}

function stay(port: number, ms = STAY): Promise<Experience> {
  const plan: Stay = { port, ms };
  return program("neighbour.ts", plan, ms, 0);
}

function tell(when: string, { answers, median, p99, worst }: Experience): void {
  const times = { median, p99, worst };
  const text = Object.entries(times).map(([name, ms]) => `${name} ${ms.toFixed(2)} ms`);
  console.log(`${NEIGHBOUR}, ${when}: ${answers} answers, none wrong; ${text.join(", ")}`);
}

/**
 * The neighbour's server shares two processors with the attackers. Another
 * neighbour, on a server that nobody attacks, shows what that alone costs.
 *
 * At full size the slow readers alone fill the kernel's memory for TCP on a machine with
 * 24 GB: it drops what the neighbour sends, and the neighbour's worst times are
 * retransmissions.
 */
async function measureNeighbour(): Promise<void> {
  await using server = await ServerProcess.start({ options: { timeouts: TIMEOUTS } });
  const { streaming } = server.ports;
  await stay(streaming);
  const alone = await stay(streaming);
  tell("alone", alone);
  const { before, peak, after } = await measured(NEIGHBOUR, server, async () => {
    await using other = await ServerProcess.start({ options: { timeouts: TIMEOUTS } });
    await stay(other.ports.streaming);
    const attacking = [...ATTACKS.keys()].map((name) => attack(name, streaming, STAY + 3000));
    await started();
    const stays = [streaming, other.ports.streaming].map((port) => stay(port));
    const [beside, apart] = await Promise.all(stays) as [Experience, Experience];
    tell("beside all attacks", beside);
    tell("meanwhile, on a server of its own", apart);
    const ratio = (of: (one: Experience) => number) => (of(beside) / of(alone)).toFixed(1);
    console.log(
      `ratio: median ${ratio(({ median }) => median)}, p99 ${ratio(({ p99 }) => p99)};`,
      `answers ${ratio(({ answers }) => answers)}`,
    );
    await Promise.all(attacking);
  });
  const serving = await judge(server, NEIGHBOUR);
  row("all at once", [...[before, peak, after].map(megabytes), "", serving ? "yes" : "NO"], "");
}

if (only !== undefined && only !== NEIGHBOUR && !ATTACKS.has(only)) {
  console.error(
    `Option --only must be one of ${[...ATTACKS.keys(), NEIGHBOUR].join(", ")}: got "${only}"`,
  );
  Deno.exit(2);
}
row("attack", ["before", "peak", "after", "cpu", "serves"], "");
for (const name of ATTACKS.keys()) {
  if (only === undefined || only === name) await measureAttack(name);
}
if (only === undefined || only === NEIGHBOUR) await measureNeighbour();
for (const fault of faults) console.error(`FAULT: ${fault}`);
console.log(faults.length === 0 ? "ok" : "failed");
Deno.exit(faults.length === 0 ? 0 : 1);
