/** Child processes: pinned to a core, bounded in time, each ended by its own id. */
import { deadline } from "@std/async";

/** The server never shares its core with what measures it. */
const CORES = { server: "0", load: "1" } as const;

/** How long a server may take to listen, in milliseconds: Nim compiles within it. */
const START_TIMEOUT = 120_000;

/** Clock ticks per second in /proc/PID/stat: `USER_HZ`, the same on every architecture. */
const USER_HZ = 100;

/** A server that listens; ended by disposing of it. */
export interface RunningServer extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
}

/** Starts processes and knows those that still run. */
export class Processes {
  readonly #pinned: boolean;
  readonly #running = new Set<Deno.ChildProcess>();

  constructor(pinned: boolean) {
    this.#pinned = pinned;
  }

  /** Starts a server, which prints `port N` as soon as it listens. */
  async startServer(command: readonly string[]): Promise<RunningServer> {
    const child = this.#spawn(CORES.server, command);
    const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const { value: line } = await deadline(output.read(), START_TIMEOUT);
    const port = /^port (\d+)\n$/.exec(line ?? "")?.[1];
    if (port === undefined) throw new Error(`Command "${command.join(" ")}" printed no port`);
    const end = async () => {
      kill(child);
      await child.status;
    };
    return { pid: child.pid, port: Number(port), [Symbol.asyncDispose]: end };
  }

  /** Runs a load generator to its end and returns the last line that it prints. */
  async runLoad(command: readonly string[], timeout: number): Promise<string> {
    const child = this.#spawn(CORES.load, command, AbortSignal.timeout(timeout));
    const { success, stdout } = await child.output();
    const text = new TextDecoder().decode(stdout).trim();
    if (!success) throw new Error(`Command "${command.join(" ")}" failed: ${text}`);
    return text.split("\n").at(-1)!;
  }

  killAll(): void {
    for (const child of this.#running) kill(child);
  }

  #spawn(core: string, command: readonly string[], signal?: AbortSignal): Deno.ChildProcess {
    const [program, ...args] = [...this.#pinned ? ["taskset", "-c", core] : [], ...command];
    const child = new Deno.Command(program!, { args, stdout: "piped", signal }).spawn();
    this.#running.add(child);
    child.status.finally(() => this.#running.delete(child));
    return child;
  }
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // The process has already ended.
  }
}

/** Resident memory in bytes, from the kernel: a process is no evidence about itself. `NaN` where there is no /proc. */
export function residentMemory({ pid }: RunningServer): number {
  if (Deno.build.os !== "linux") return NaN;
  const text = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(text)![1]) * 1024;
}

/** Processor time used so far, in seconds; `NaN` where there is no /proc. */
export function processorTime({ pid }: RunningServer): number {
  if (Deno.build.os !== "linux") return NaN;
  const text = Deno.readTextFileSync(`/proc/${pid}/stat`);
  // The process name may contain spaces and parentheses; the numbers follow the last one.
  const numbers = text.slice(text.lastIndexOf(")") + 2).split(" ").map(Number);
  return (numbers[11]! + numbers[12]!) / USER_HZ;
}

/** The output of a short command, or null where its program is not installed. */
export async function outputOf(program: string, ...args: string[]): Promise<string | null> {
  try {
    const { success, stdout, stderr } = await new Deno.Command(program, { args }).output();
    // nginx writes its version to stderr.
    return new TextDecoder().decode(success && stdout.length === 0 ? stderr : stdout).trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
