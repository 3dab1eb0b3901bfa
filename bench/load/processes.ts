/** Processes: each on its core, with its time limit, ended by its own id whatever happens. */

/** Where a process runs: the server must not share its core with what measures it. */
export type Place = "server" | "load";

const CORES: Readonly<Record<Place, number>> = { server: 0, load: 1 };

/** 9,000 connections need as many descriptors; the soft limit of a shell is often 1,024. */
const RAISE_DESCRIPTORS = 'ulimit -n "$(ulimit -Hn)" 2> /dev/null; exec "$@"';

/** How long a server may take to listen, in milliseconds: its modules may not be cached. */
const START = 30_000;

/** A second's: `USER_HZ`, the unit of /proc/PID/stat on every architecture. */
const JIFFIES = 100;

/** Is there such a program? Each that is asked for takes `--version`. */
export async function isInstalled(program: string): Promise<boolean> {
  try {
    const args = ["--version"];
    await new Deno.Command(program, { args, stdout: "null", stderr: "null" }).output();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Can processes be kept on cores, and is there one for each side? */
export async function canPin(): Promise<boolean> {
  return navigator.hardwareConcurrency > 1 && await isInstalled("taskset");
}

/** All that were started and still run. */
export class Processes {
  readonly #pinned: boolean;
  readonly #running = new Set<Deno.ChildProcess>();

  constructor(pinned: boolean) {
    this.#pinned = pinned;
  }

  /** Starts a program that says when it is ready: the first line it prints. */
  async startUntilLine(place: Place, command: readonly string[]): Promise<[Running, string]> {
    const child = this.#spawn(place, command);
    const timer = setTimeout(() => kill(child), START);
    const line = await firstLine(child.stdout);
    clearTimeout(timer);
    if (line === null) {
      throw new Error(`The process ended before it was ready: ${command.join(" ")}`);
    }
    return [new Running(child), line];
  }

  /** Runs a program to its end: what it prints. */
  async run(place: Place, command: readonly string[], patience: number): Promise<string> {
    const child = this.#spawn(place, command);
    const timer = setTimeout(() => kill(child), patience);
    const text = await new Response(child.stdout).text();
    const { code, signal } = await child.status;
    clearTimeout(timer);
    if (code === 0) return text;
    throw new Error(`The process ended with ${signal ?? `code ${code}`}: ${command.join(" ")}`);
  }

  /** Ends all at once. */
  killAll(): void {
    for (const child of this.#running) kill(child);
  }

  /** Ends all, and waits until they have ended. */
  async endAll(): Promise<void> {
    const ends = Array.from(this.#running, (child) => child.status);
    this.killAll();
    await Promise.all(ends);
  }

  #spawn(place: Place, command: readonly string[]): Deno.ChildProcess {
    const pin = this.#pinned ? ["taskset", "-c", String(CORES[place])] : [];
    const [program, ...args] = [...pin, "sh", "-c", RAISE_DESCRIPTORS, "sh", ...command];
    const child = new Deno.Command(program!, { args, stdin: "piped", stdout: "piped" }).spawn();
    this.#running.add(child);
    child.status.finally(() => this.#running.delete(child));
    return child;
  }
}

/** A process that runs until it is ended. */
export class Running implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;

  constructor(child: Deno.ChildProcess) {
    this.#child = child;
  }

  /** Bytes of resident memory: what the process says about itself would be no evidence. */
  get residentMemory(): number {
    const text = Deno.readTextFileSync(`/proc/${this.#child.pid}/status`);
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(text)![1]) * 1024;
  }

  /** Seconds of processor time that it has used; null where there is no /proc. */
  get processorTime(): number | null {
    if (Deno.build.os !== "linux") return null;
    const text = Deno.readTextFileSync(`/proc/${this.#child.pid}/stat`);
    // The name, in parentheses, may hold anything; the numbers follow the last of them.
    const numbers = text.slice(text.lastIndexOf(")") + 2).split(" ").map(Number);
    return (numbers[11]! + numbers[12]!) / JIFFIES;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    kill(this.#child);
    await this.#child.status;
  }
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // It has ended already.
  }
}

async function firstLine(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string | null> {
  let text = "";
  for await (const piece of stream.pipeThrough(new TextDecoderStream())) {
    text += piece;
    if (text.includes("\n")) return text.slice(0, text.indexOf("\n"));
  }
  return null;
}
