/**
 * A server in a process of its own, watched from outside: what a process reports about
 * its own memory and descriptors is no evidence about a leak.
 */
import type { AsyncHttpServerOptions, ServerStats } from "@asynchttp/server";
import { fileURLToPath } from "node:url";
import { has } from "../systems.ts";

/** The only argument of `soak_server.ts`, as JSON. */
export interface Plan {
  /** Options of the server. */
  readonly options?: AsyncHttpServerOptions;
  /** Whether to accept with `serve` or with a loop as in `examples/server_loop.ts`. */
  readonly accept?: "serve" | "loop";
  readonly assumedDescriptorsPerRequest?: number;
  /** Bytes kept for each request: shows that the measurement finds a leak. */
  readonly leak?: number;
}

/** How the process is started. */
export interface StartOptions {
  /** `ulimit -n`. */
  readonly descriptors?: number;
  /** Flags of `deno run`. */
  readonly flags?: readonly string[];
}

/** What the server reports about itself. */
export interface Report {
  readonly rss: number;
  readonly heapUsed: number;
  readonly stats: ServerStats;
  /** Errors passed to `onError` or caught by the accept loop, counted by code or message. */
  readonly errors: { readonly [what: string]: number };
}

/** The ports of one server process: the same routes behind three kinds of handlers. */
export interface Ports {
  readonly streaming: number;
  readonly whole: number;
  readonly fetch: number;
}

const SERVER = fileURLToPath(new URL("soak_server.ts", import.meta.url));

/** Jiffies per second: `USER_HZ`, the unit of /proc/PID/stat on every architecture. */
const JIFFIES = 100;

/** A running server. It ends when its standard input does, so it cannot outlive its parent. */
export class ServerProcess implements AsyncDisposable {
  readonly pid: number;
  readonly ports: Ports;
  /** Its standard error so far. */
  stderr = "";
  /** Its exit status, once it has ended. */
  status: Deno.CommandStatus | null = null;
  readonly #child: Deno.ChildProcess;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #ended: Promise<unknown>;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(
    child: Deno.ChildProcess,
    lines: ReadableStreamDefaultReader<string>,
    ports: Ports,
  ) {
    this.#child = child;
    this.#lines = lines;
    this.#stdin = child.stdin.getWriter();
    this.pid = child.pid;
    this.ports = ports;
    this.#ended = Promise.all([this.#collectErrors(), child.status.then((s) => this.status = s)]);
  }

  /** Starts a server; resolves when it listens. */
  static async start(plan: Plan = {}, options: StartOptions = {}): Promise<ServerProcess> {
    if (!has("/proc")) throw new Error("A soak reads /proc: run it on Linux");
    const child = new Deno.Command("bash", {
      args: ["-c", shellLine(options), ...commandLine(plan, options)],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const lines = linesOf(child.stdout);
    const { done, value } = await lines.read();
    if (!done) return new ServerProcess(child, lines, JSON.parse(value));
    const stderr = await new Response(child.stderr).text();
    await child.status;
    throw new Error(`Server ended before it listened:\n${stderr}`);
  }

  /** Asks the server for its report; "gc" collects its garbage first. */
  report(command: "report" | "gc" = "report"): Promise<Report> {
    const asked = this.#turn.then(() => this.#ask(command));
    this.#turn = asked.catch(() => {});
    return asked;
  }

  /** Resident memory in bytes. */
  get rss(): number {
    return this.#statusField("VmRSS") * 1024;
  }

  /** The peak of resident memory in bytes since the start or since `resetPeak`. */
  get peak(): number {
    return this.#statusField("VmHWM") * 1024;
  }

  /** Forgets the peak. */
  resetPeak(): void {
    Deno.writeTextFileSync(`/proc/${this.pid}/clear_refs`, "5");
  }

  /** The number of open descriptors. */
  get descriptors(): number {
    return [...Deno.readDirSync(`/proc/${this.pid}/fd`)].length;
  }

  /** The number of open sockets: the runtime opens and closes pipes and files of its own. */
  get sockets(): number {
    return socketsOf(this.pid);
  }

  /** Processor time used so far, in seconds. */
  get processorTime(): number {
    const text = Deno.readTextFileSync(`/proc/${this.pid}/stat`);
    // The process name may contain spaces and parentheses; the numbers follow the last one.
    const numbers = text.slice(text.lastIndexOf(")") + 2).split(" ").map(Number);
    return (numbers[11]! + numbers[12]!) / JIFFIES;
  }

  /** Ends its input and waits; resolves with whether it shut down by itself. */
  async end(patience = 15_000): Promise<boolean> {
    await this.#stdin.close().catch(() => {});
    let patient = true;
    const timer = setTimeout(() => {
      patient = false;
      this.kill();
    }, patience);
    await this.#ended;
    clearTimeout(timer);
    await this.#lines.cancel();
    return patient && this.status?.code === 0;
  }

  /** Ends the process at once. */
  kill(): void {
    if (this.status === null) this.#child.kill("SIGKILL");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await this.end();
  }

  async #ask(command: string): Promise<Report> {
    await this.#stdin.write(new TextEncoder().encode(`${command}\n`));
    const { done, value } = await this.#lines.read();
    if (done) throw new Error(`Server has ended: ${this.stderr}`);
    return JSON.parse(value);
  }

  async #collectErrors(): Promise<void> {
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      this.stderr += text;
    }
  }

  #statusField(name: string): number {
    const text = Deno.readTextFileSync(`/proc/${this.pid}/status`);
    return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1]);
  }
}

function shellLine({ descriptors }: StartOptions): string {
  const limit = descriptors === undefined ? "" : `ulimit -n ${descriptors}; `;
  // Deno reads that file late and warns if no descriptor is left for it.
  return `unset NODE_EXTRA_CA_CERTS; ${limit}exec "$0" "$@"`;
}

function commandLine(plan: Plan, { flags = [] }: StartOptions): string[] {
  const deno = [Deno.execPath(), "run", "-A", "--no-lock", "--v8-flags=--expose-gc"];
  return [...deno, ...flags, SERVER, JSON.stringify(plan)];
}

function linesOf(
  bytes: ReadableStream<Uint8Array<ArrayBuffer>>,
): ReadableStreamDefaultReader<string> {
  let rest = "";
  const split = new TransformStream<string, string>({
    transform(text, controller) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) controller.enqueue(line);
    },
  });
  return bytes.pipeThrough(new TextDecoderStream()).pipeThrough(split).getReader();
}

/** Returns the number of a process's open sockets. */
export function socketsOf(pid: number): number {
  const directory = `/proc/${pid}/fd`;
  const isSocket = (name: string) => {
    try {
      return Deno.readLinkSync(`${directory}/${name}`).startsWith("socket:");
    } catch {
      return false; // Closed since it was listed.
    }
  };
  return [...Deno.readDirSync(directory)].filter(({ name }) => isSocket(name)).length;
}

/** Resolves with true as soon as `reached` is true, with false if that takes longer than `patience`. */
export async function poll(
  reached: () => boolean | Promise<boolean>,
  patience: number,
): Promise<boolean> {
  const deadline = performance.now() + patience;
  while (!await reached()) {
    if (performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return true;
}
