/** Puts servers under load: with wrk where it is installed, else with a generator of ours. */
import { lengthOf } from "./load.ts";
import type { Driven, Load, Plan } from "./load.ts";
import type { Processes, Running } from "./processes.ts";

/** What sends the requests. */
export type Generator = "ours" | "wrk";

/** Beyond its time a generator may take so many milliseconds: to start, and for the last answers. */
const PATIENCE = 20_000;

const pathOf = (file: string) => new URL(file, import.meta.url).pathname;

/** Starts generators, one after another. */
export class Driver {
  readonly #seconds: number;
  readonly #processes: Processes;
  readonly #generator: Generator;
  readonly #directory: string;
  readonly #files = new Map<Load, string>();

  /** `directory` is for the requests: a generator reads what it sends from a file. */
  constructor(processes: Processes, generator: Generator, directory: string, seconds: number) {
    this.#seconds = seconds;
    this.#processes = processes;
    this.#generator = generator;
    this.#directory = directory;
  }

  /** As fast as the server answers. */
  async drive(port: number, load: Load): Promise<Driven> {
    if (this.#generator === "ours") return await this.pace(port, load);
    return await this.#wrk(port, load);
  }

  /** At `rate` requests a second, or as fast as goes: always with the generator of ours, wrk knows no rate. */
  async pace(port: number, load: Load, rate: number | null = null): Promise<Driven> {
    return await this.#ours(port, load, this.#seconds, rate);
  }

  /** Opens so many connections, sends one request over each, and holds them. */
  async hold(port: number, load: Load, connections: number): Promise<Running> {
    const plan = await this.#plan(port, { ...load, connections }, 0, null);
    const command = ours("holder.ts", plan);
    const [holder] = await this.#processes.startUntilLine("load", command);
    return holder;
  }

  async #ours(port: number, load: Load, seconds: number, rate: number | null): Promise<Driven> {
    const command = ours("generator.ts", await this.#plan(port, load, seconds, rate));
    return JSON.parse(await this.#processes.run("load", command, seconds * 1000 + PATIENCE));
  }

  async #wrk(port: number, load: Load): Promise<Driven> {
    const url = `http://127.0.0.1:${port}/`;
    const flags = ["-t1", `-c${load.connections}`, `-d${this.#seconds}`, "-s", pathOf("wrk.lua")];
    const command = ["wrk", ...flags, url, "--", await this.#requestFile(load)];
    const text = await this.#processes.run("load", command, this.#seconds * 1000 + PATIENCE);
    const { answered, microseconds, bytes, errors } = JSON.parse(text.trim().split("\n").at(-1)!);
    // wrk counts statuses that are wrong, and does not look at the content.
    if (errors > 0 || bytes < answered * lengthOf(load.answer)) {
      throw new Error(`Not every answer was right:\n${text}`);
    }
    return { answered, seconds: microseconds / 1e6 };
  }

  async #plan(port: number, load: Load, seconds: number, rate: number | null): Promise<Plan> {
    const { pipelined, connections, closes, answer: { status } } = load;
    const requestFile = await this.#requestFile(load);
    const length = lengthOf(load.answer);
    return { port, requestFile, pipelined, connections, closes, status, length, seconds, rate };
  }

  async #requestFile(load: Load): Promise<string> {
    let file = this.#files.get(load);
    if (file === undefined) {
      file = await Deno.makeTempFile({ dir: this.#directory, prefix: "request-" });
      await Deno.writeFile(file, load.request);
      this.#files.set(load, file);
    }
    return file;
  }
}

function ours(program: string, plan: Plan): readonly string[] {
  const permissions = ["--allow-net=127.0.0.1", `--allow-read=${plan.requestFile}`];
  return [Deno.execPath(), "run", ...permissions, pathOf(program), JSON.stringify(plan)];
}
