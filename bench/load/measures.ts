/** The kinds of figures, and how each is taken from a running server. */
import { delay } from "@std/async";
import { HELLO } from "../requests.ts";
import { Client } from "./client.ts";
import { processorTime, residentMemory } from "./processes.ts";
import type { Processes, RunningServer } from "./processes.ts";
import type { Scenario } from "./scenarios.ts";
import type { Server } from "./servers.ts";

/** What measuring needs. */
export interface Bench {
  readonly processes: Processes;
  /** For what is compiled and written on the way. */
  readonly directory: string;
  /** The length of each measurement. */
  readonly seconds: number;
}

/** What a generator prints: requests per second, latencies in milliseconds. */
interface Driven {
  readonly rate: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** One measurement. */
export interface Figure extends Partial<Driven> {
  readonly value: number;
  /** The share of its core that the server used. */
  readonly busy?: number;
}

/** Starts, probes and warms up the servers; what it returns measures one of them once. */
export type Prepare = (
  scenario: Scenario,
  servers: readonly Server[],
  bench: Bench,
) => Promise<(server: Server) => Promise<Figure>>;

/** What a generator may take beyond its time, in milliseconds. */
const OVERTIME = 20_000;

/** The rate of the latency scenario, as a share of what the slower server can do. */
const LATENCY_LOAD = 0.7;

/** How long memory is left to settle, in milliseconds. */
const SETTLE = 2000;

const pathOf = (file: string) => new URL(file, import.meta.url).pathname;

/**
 * Requests per second as fast as the server answers, or microseconds per request, while
 * other connections are idle where the server is to have some.
 */
export const rate: Prepare = async (scenario, servers, bench) => {
  const running = await startAll(scenario, servers, bench);
  return async (server) => {
    const target = running.get(server)!;
    using _held = await hold(target.port, server.idle ?? 0);
    const driven = await wrk(target, requestsTo(server, scenario), scenario, bench);
    return { value: scenario.unit === "µs" ? 1e6 / driven.rate : driven.rate, ...driven };
  };
};

/**
 * The 99th percentile of the latency, at the same rate for every server. The paced
 * generator also finds that rate: it must be one that the generator can keep.
 */
export const latency: Prepare = async (scenario, servers, bench) => {
  const running = await startAll(scenario, servers, bench);
  const rates: number[] = [];
  for (const { port } of running.values()) {
    rates.push((await paced(port, Infinity, scenario, bench)).rate);
  }
  const target = LATENCY_LOAD * Math.min(...rates);
  return async (server) => {
    const driven = await paced(running.get(server)!.port, target, scenario, bench);
    return { value: driven.p99, ...driven };
  };
};

/** The 99th percentile of the latency while all connections are as busy as the server lets them. */
export const tail: Prepare = async (scenario, servers, bench) => {
  const running = await startAll(scenario, servers, bench);
  return async (server) => {
    const driven = await wrk(running.get(server)!, [scenario.request], scenario, bench);
    return { value: driven.p99, ...driven };
  };
};

/**
 * What one client after another waits for its response beside a disturbance: the median, or
 * the 99th percentile where many others are busy.
 */
export function beside(disturbance: string, percentile: "p50" | "p99"): Prepare {
  return async (scenario, servers, bench) => {
    const running = await startAll(scenario, servers, bench);
    return async (server) => {
      const { port } = running.get(server)!;
      const run = [Deno.execPath(), "run", "--allow-net=127.0.0.1", "--allow-run=wrk", "--no-lock"];
      const args = [pathOf("beside.ts"), String(port), String(bench.seconds), disturbance];
      const command = [...run, ...args];
      const driven: Driven = JSON.parse(
        await bench.processes.runLoad(command, bench.seconds * 1000 + OVERTIME),
      );
      return { value: driven[percentile], ...driven };
    };
  };
}

/**
 * Bytes of resident memory per idle connection that has carried one request. Each time
 * in a fresh process: memory that was used once is seldom given back.
 */
export const memory: Prepare = (scenario, _servers, bench) =>
  Promise.resolve(async (server) => {
    await using running = await startWarm(scenario, server, bench);
    await delay(SETTLE);
    const before = residentMemory(running);
    using _held = await hold(running.port, server.idle!);
    await delay(SETTLE);
    return { value: (residentMemory(running) - before) / server.idle! };
  });

async function startAll(
  scenario: Scenario,
  servers: readonly Server[],
  bench: Bench,
): Promise<Map<Server, RunningServer>> {
  const running = new Map<Server, RunningServer>();
  for (const server of servers) running.set(server, await startWarm(scenario, server, bench));
  return running;
}

async function startWarm(scenario: Scenario, server: Server, bench: Bench) {
  const command = server.command(scenario.route, bench.directory);
  const running = await bench.processes.startServer(command);
  await probe(running.port, scenario, server.title);
  await wrk(running, requestsTo(server, scenario), scenario, bench);
  return running;
}

/** What a server is sent in turn: one request, or as many that repeat as vary elsewhere, so that the generator's work is the same. */
function requestsTo({ repeats }: Server, { request, varied = [request] }: Scenario) {
  return repeats ? varied.map(() => request) : varied;
}

/** Rejects a server that does not do the work that is compared. */
async function probe(port: number, { request, content }: Scenario, title: string): Promise<void> {
  using client = await Client.connect(port);
  const answer = await client.ask(new TextEncoder().encode(request));
  const text = new TextDecoder().decode(answer.content);
  if (answer.status === 200 && (text === content || text.length === content)) return;
  throw new Error(
    `${title} must answer 200 with ${content}: got ${answer.status} with ${text.slice(0, 200)}`,
  );
}

/** wrk checks every status; the content is held against the number of bytes received. */
async function wrk(
  server: RunningServer,
  requests: readonly string[],
  { pipelined, connections, content }: Scenario,
  { processes, directory, seconds }: Bench,
): Promise<Driven & { readonly busy: number }> {
  const file = `${directory}/requests`;
  await Deno.writeTextFile(file, requests.map((one) => one.repeat(pipelined)).join("\0"));
  const flags = ["-t1", `-c${connections}`, `-d${seconds}`, "-s", pathOf("wrk.lua")];
  const command = ["wrk", ...flags, `http://127.0.0.1:${server.port}/`, "--", file];
  const before = processorTime(server);
  const text = await processes.runLoad(command, seconds * 1000 + OVERTIME);
  const busy = (processorTime(server) - before) / seconds;
  const { bytes, errors, ...driven } = JSON.parse(text);
  const length = typeof content === "string" ? content.length : content;
  if (errors === 0 && bytes >= driven.rate * length) return { ...driven, busy };
  throw new Error(`wrk received wrong or missing responses: ${text}`);
}

async function paced(
  port: number,
  rate: number,
  { connections }: Scenario,
  { processes, seconds }: Bench,
): Promise<Driven> {
  const run = [Deno.execPath(), "run", "--allow-net=127.0.0.1", "--no-lock", pathOf("paced.ts")];
  const command = [...run, ...[port, rate, connections, seconds].map(String)];
  return JSON.parse(await processes.runLoad(command, seconds * 1000 + OVERTIME));
}

/** Opens connections, sends one request over each, and keeps them open. */
async function hold(port: number, count: number): Promise<Disposable> {
  using held = new DisposableStack();
  for (let left = count; left > 0; left--) {
    await held.use(await Client.connect(port)).ask(new TextEncoder().encode(HELLO));
  }
  return held.move();
}
