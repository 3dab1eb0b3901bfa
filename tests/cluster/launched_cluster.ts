/** A cluster in processes of its own, as a test sees it. */
import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async";
import type { ClusterOptions, ClusterStats } from "@asynchttp/server/cluster";
import { fileURLToPath } from "node:url";
import { head } from "../soak/traffic.ts";
import { WireClient } from "../soak/wire_client.ts";
import type { Answer } from "../soak/wire_client.ts";
import { launch } from "../server/tools.ts";
import type { Running } from "../server/tools.ts";

const PROGRAM = fileURLToPath(new URL("program.ts", import.meta.url));

/** Options of the program. */
export type ProgramOptions = Omit<ClusterOptions, "main" | "log"> & {
  /** The number of a worker that cannot start. */
  readonly fail?: number;
  /** It cannot only while this file exists. */
  readonly failWith?: string;
};

/** Starts the program; the master has the one permission that a cluster needs. */
export function launchProgram(options: ProgramOptions = {}): Running {
  return launch(...programCommand(options));
}

/** Its command. */
export function programCommand(options: ProgramOptions = {}): [string, ...string[]] {
  const flags = ["--no-prompt", `--allow-run=${Deno.execPath()}`];
  return [Deno.execPath(), "run", ...flags, PROGRAM, JSON.stringify(options)];
}

/** A request that a worker has begun. */
export interface Begun extends Disposable {
  readonly pid: number;
  /** Sends the rest, and returns the response. */
  finish(): Promise<Answer>;
}

/** A cluster whose workers listen. */
export class LaunchedCluster implements AsyncDisposable {
  readonly running: Running;
  readonly pid: number;
  readonly port: number;

  private constructor(running: Running, pid: number, port: number) {
    this.running = running;
    this.pid = pid;
    this.port = port;
  }

  static async start(options: ProgramOptions = {}): Promise<LaunchedCluster> {
    const running = launchProgram(options);
    const [, pid, port] = await running.line(/^Process (\d+): Listening on http:.*:(\d+)\/$/);
    return new LaunchedCluster(running, Number(pid), Number(port));
  }

  /** Sends one request over a connection of its own. */
  async get(target: string): Promise<Answer> {
    using wire = await WireClient.connect(this.port);
    await wire.send(head("GET", target, "Connection: close"));
    return await wire.answer();
  }

  /** A connection to a worker, from which it had its first response. */
  async connectTo(number: number): Promise<{ wire: WireClient; pid: number }> {
    // The kernel spreads connections by a hash of their ports.
    for (let attempt = 0; attempt < 1000; attempt++) {
      const wire = await WireClient.connect(this.port);
      await wire.send(head("GET", "/"));
      const { fields } = await wire.answer();
      if (fields.get("x-worker") === String(number)) {
        return { wire, pid: Number(fields.get("x-process")) };
      }
      wire.close();
    }
    throw new Error(`No connection reaches worker ${number}`);
  }

  /** The counters of all, asked of a worker. */
  async stats(): Promise<ClusterStats> {
    const response = await fetch(`http://127.0.0.1:${this.port}/stats`, {
      headers: { connection: "close" },
    });
    return await response.json();
  }

  /** Resolves with the counters once they are as `wanted`. */
  async until(wanted: (stats: ClusterStats) => boolean): Promise<ClusterStats> {
    for (;;) {
      // A worker that was killed resets what it had: asked again.
      const stats = await this.stats().catch(() => null);
      if (stats !== null && wanted(stats)) return stats;
      await delay(20);
    }
  }

  /** Sends the first half of a request to a worker, which has begun it. */
  async begin(number: number): Promise<Begun> {
    const { wire, pid } = await this.connectTo(number);
    await wire.send(head("PUT", "/upload", "Content-Length: 20000", "Expect: 100-continue"));
    assertEquals((await wire.head()).status, 100);
    await wire.send("x".repeat(10_000));
    return {
      pid,
      finish: async () => {
        await wire.send("x".repeat(10_000));
        const answer = await wire.answer();
        wire.close();
        return answer;
      },
      [Symbol.dispose]: () => wire.close(),
    };
  }

  /** Resolves when connections are refused. */
  async refuses(): Promise<void> {
    for (;;) {
      try {
        using _ = await WireClient.connect(this.port);
      } catch (error) {
        if (error instanceof Deno.errors.ConnectionRefused) return;
      }
      await delay(10);
    }
  }

  /** Resolves when the workers were replaced `times` times. */
  async replaced(times: number): Promise<void> {
    const count = () =>
      this.running.lines().filter((line) => line === "All workers were replaced").length;
    while (count() < times) await delay(10);
  }

  /** The processes of the workers that listen, by their numbers. */
  async workers(): Promise<Map<number, number>> {
    const { workers } = await this.stats();
    const listening = workers.filter(({ state }) => state === "listening");
    return new Map(listening.map(({ number, pid }) => [number, pid]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.running[Symbol.asyncDispose]();
  }
}

/** Whether a process exists. */
export function exists(pid: number): boolean {
  try {
    // A zombie that its parent has not waited for has no command line.
    return Deno.readTextFileSync(`/proc/${pid}/cmdline`) !== "";
  } catch (error) {
    assert(error instanceof Deno.errors.NotFound, String(error));
    return false;
  }
}

/** Resolves when a process does not exist any more. */
export async function gone(pid: number): Promise<void> {
  while (exists(pid)) await delay(10);
}
