/**
 * "Hello, World!" over 50 keep-alive connections, each server in a process of its own,
 * in turns; prints medians of the ratios to `Deno.serve` within one round.
 *
 * ```sh
 * deno run -A bench/hello_load.ts [rounds] [seconds]
 * ```
 *
 * It needs `wrk`. Where there is `taskset`, the servers are on one core and the load on
 * another. Only ratios of one run count: machines are shared and noisy.
 */
const PEER = "deno_serve";
const SERVERS = [PEER, "raw_loop", "respond", "fetch_handler"];

const rounds = Number(Deno.args[0] ?? 7);
const seconds = Number(Deno.args[1] ?? 2);

async function exists(program: string): Promise<boolean> {
  try {
    await new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" })
      .output();
    return true;
  } catch {
    return false;
  }
}

function command(core: number, pinned: boolean, program: string, args: string[]): Deno.Command {
  return pinned
    ? new Deno.Command("taskset", { args: ["-c", String(core), program, ...args], stdout: "piped" })
    : new Deno.Command(program, { args, stdout: "piped" });
}

async function portOf(server: Deno.ChildProcess): Promise<number> {
  const reader = server.stdout.getReader();
  let text = "";
  while (!/port \d+\n/.test(text)) {
    const { done, value } = await reader.read();
    if (done) throw new Error("The server ended before it listened");
    text += new TextDecoder().decode(value);
  }
  return Number(/port (\d+)\n/.exec(text)![1]);
}

async function rateOf(port: number, pinned: boolean): Promise<number> {
  const args = ["-t1", "-c50", `-d${seconds}`, `http://127.0.0.1:${port}/`];
  const text = new TextDecoder().decode((await command(1, pinned, "wrk", args).output()).stdout);
  if (/Socket errors|Non-2xx/.test(text)) throw new Error(text);
  return Number(/Requests\/sec: +([\d.]+)/.exec(text)![1]);
}

function spread(values: number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.round((sorted.length - 1) * share)]!.toFixed(2);
  return `${at(0.5)} (${at(0)} to ${at(1)})`;
}

if (!await exists("wrk")) {
  console.log("skipped, there is no wrk on this machine");
  Deno.exit();
}
const pinned = await exists("taskset");
const processes = SERVERS.map((name) => {
  const path = new URL(`servers/${name}.ts`, import.meta.url).pathname;
  return command(0, pinned, Deno.execPath(), ["run", "--allow-net", path]).spawn();
});
try {
  const ports = await Promise.all(processes.map(portOf));
  for (const port of ports) await rateOf(port, pinned);
  const ratios = new Map<string, number[]>(SERVERS.map((name) => [name, []]));
  for (let round = 1; round <= rounds; round++) {
    const rates: number[] = [];
    for (const port of ports) rates.push(await rateOf(port, pinned));
    rates.forEach((rate, i) => ratios.get(SERVERS[i]!)!.push(rate / rates[0]!));
    console.log(`round ${round} of ${rounds}: ${rates.map((rate) => rate.toFixed(0)).join(", ")}`);
  }
  for (const [name, values] of ratios) {
    console.log(`${name.padEnd(14)} ${spread(values)} of ${PEER}`);
  }
} finally {
  for (const server of processes) server.kill();
}
