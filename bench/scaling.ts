/**
 * Processor time for a request with 1, 2 and 4 workers: those of a cluster, and the threads of
 * `deno serve --parallel`.
 *
 * ```sh
 * deno run -A bench/scaling.ts --rounds 5 --seconds 3
 * deno run -A bench/scaling.ts --env DENO_TOKIO_EVENT_INTERVAL=31 --flags --v8-flags=--single-threaded
 * ```
 *
 * All take turns within a round. The time is that of all processes of a server, user and system,
 * read from /proc before and behind the load; wrk shares the cores and does not count. Needs Linux
 * and wrk.
 */
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "3" },
    connections: { type: "string", default: "64" },
    /** Set for the workers, as NAME=VALUE. */
    env: { type: "string", multiple: true, default: [] },
    /** Flags of `deno run` for the workers. */
    flags: { type: "string", multiple: true, default: [] },
  },
});

const WORKERS = [1, 2, 4];
interface Server {
  readonly name: string;
  readonly workers: number;
  readonly command: (port: number) => Deno.Command;
}

interface Figure {
  readonly microseconds: number;
  readonly rate: number;
}

const folder = await Deno.makeTempDir();
await Deno.writeTextFile(
  `${folder}/serve.ts`,
  'export default { fetch: () => new Response("Hello, World!") };\n',
);
const CLUSTER = new URL("servers/cluster.ts", import.meta.url).pathname;
const env = Object.fromEntries(values.env.map((each) => each.split("=") as [string, string]));

const servers: readonly Server[] = WORKERS.flatMap((workers) => [
  {
    name: "cluster",
    workers,
    command: (port) =>
      command(["run", "-A", CLUSTER, String(port), String(workers), ...values.flags], env),
  },
  {
    name: "deno serve --parallel",
    workers,
    command: (port) =>
      command(
        ["serve", "--parallel", "--host=127.0.0.1", `--port=${port}`, `${folder}/serve.ts`],
        { DENO_JOBS: String(workers) },
      ),
  },
]);

function command(args: string[], env: Record<string, string>): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args,
    env,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  });
}

/** A process and those that it has started. */
function family(pid: number): number[] {
  const text = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`);
  return [pid, ...text.split(" ").filter((each) => each !== "").flatMap((each) => family(+each))];
}

/** The processor time of processes so far, in microseconds: that of all their threads, exactly. */
function processorTime(pids: readonly number[]): number {
  return pids.flatMap((pid) =>
    [...Deno.readDirSync(`/proc/${pid}/task`)].map(({ name }) => {
      const [ns] = Deno.readTextFileSync(`/proc/${pid}/task/${name}/schedstat`).split(" ");
      return Number(ns) / 1000;
    })
  ).reduce((sum, time) => sum + time, 0);
}

/** Loads a port; returns the number of requests, and their rate. */
async function load(port: number, seconds: number): Promise<{ requests: number; rate: number }> {
  const { stdout } = await new Deno.Command("wrk", {
    args: ["-t1", `-c${values.connections}`, `-d${seconds}`, `http://127.0.0.1:${port}/`],
    stdin: "null",
  }).output();
  const text = new TextDecoder().decode(stdout);
  if (/Socket errors|Non-2xx/.test(text)) throw new Error(text);
  const [, requests] = /(\d+) requests in/.exec(text)!;
  const [, rate] = /Requests\/sec: +([\d.]+)/.exec(text)!;
  return { requests: Number(requests), rate: Number(rate) };
}

async function untilServing(port: number): Promise<void> {
  for (;;) {
    try {
      const response = await fetch(`http://127.0.0.1:${port}/`, {
        headers: { connection: "close" },
      });
      if (await response.text() !== "Hello, World!") throw new Error("Another server answers");
      return;
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function measure(server: Server): Promise<Figure> {
  const port = freePort();
  const child = server.command(port).spawn();
  try {
    await untilServing(port);
    await load(port, 1);
    const pids = family(child.pid);
    const before = processorTime(pids);
    const { requests, rate } = await load(port, Number(values.seconds));
    return { microseconds: (processorTime(pids) - before) / requests, rate };
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
}

function median(figures: readonly number[]): number {
  return figures.toSorted((one, other) => one - other)[Math.floor(figures.length / 2)]!;
}

const figures = new Map(servers.map((server) => [server, [] as Figure[]]));
for (let round = 0; round < Number(values.rounds); round++) {
  const at = round % servers.length;
  for (const server of [...servers.slice(at), ...servers.slice(0, at)]) {
    figures.get(server)!.push(await measure(server));
  }
}
await Deno.remove(folder, { recursive: true });

console.log("| server | workers | µs a request | ratio to one worker | requests/s |");
console.log("| --- | --- | --- | --- | --- |");
for (const [server, all] of figures) {
  const [one] = [...figures].find(([{ name, workers }]) => name === server.name && workers === 1)!
    .slice(1) as [Figure[]];
  // Within a round, so that what else the machine does cancels out.
  const ratios = all.map(({ microseconds }, round) => microseconds / one[round]!.microseconds);
  const cells = [
    server.name,
    server.workers,
    median(all.map(({ microseconds }) => microseconds)).toFixed(2),
    `${median(ratios).toFixed(3)} (${Math.min(...ratios).toFixed(3)} to ${
      Math.max(...ratios).toFixed(3)
    })`,
    Math.round(median(all.map(({ rate }) => rate))),
  ];
  console.log(`| ${cells.join(" | ")} |`);
}
