/**
 * The master's side of one worker: a process, and what it has told of itself.
 *
 * ```text
 * starting ──► listening ──► ending ──► ended      any ──► ended
 *     └──────────────────────►
 * ```
 */
import { ignoreRejection } from "../ignore_rejection.ts";
import { passToStdout } from "../server/stdout_lines.ts";
import type { ServerStats } from "../stats.ts";
import { moved } from "../transitions.ts";
import type { Transitions } from "../transitions.ts";
import { encodeOrder, OutputSplitter } from "./records.ts";
import type { Hello, Order, WorkerRecord } from "./records.ts";
import { NO_STATS } from "./stats.ts";
import type { WorkerState } from "./stats.ts";

const TRANSITIONS: Transitions<WorkerState> = {
  starting: ["listening", "ending", "ended"],
  listening: ["ending", "ended"],
  ending: ["ended"],
  ended: [],
};

/** How long a worker may take beyond its grace, for its exit, in milliseconds. */
const EXIT_MS = 1000;

/** How long the output of a process that has ended may take, in milliseconds. */
const OUTPUT_MS = 250;

/** What a worker is started with, and what it may ask. */
export interface WorkerSetup {
  readonly command: Deno.Command;
  readonly hello: Omit<Hello, "secret">;
  /** How long it may take until it listens, in milliseconds. */
  readonly start: number;
  /** How long it may be silent, in milliseconds. */
  readonly heartbeat: number;
  /** Answers a worker that asks for the counters of all. */
  readonly stats: () => unknown;
  readonly log: (message: string) => void;
}

/** A worker's process. */
export class WorkerProcess {
  readonly number: number;
  /** Resolves with its port when it listens; rejects if it ends before. */
  readonly listening: Promise<number>;
  /** Resolves when its process is over and its output was read. */
  readonly ended: Promise<Deno.CommandStatus>;
  readonly #setup: WorkerSetup;
  readonly #child: Deno.ChildProcess;
  readonly #orders: WritableStreamDefaultWriter<Uint8Array>;
  readonly #hasListened = Promise.withResolvers<number>();
  readonly #splitter: OutputSplitter;
  readonly #watch: ReturnType<typeof setInterval>;
  /** Ends the process where it does not do what it was told in time. */
  #overdue: ReturnType<typeof setTimeout> | undefined;
  #state: WorkerState = "starting";
  #stats: ServerStats = NO_STATS;
  #silentBeats = 0;

  constructor(setup: WorkerSetup) {
    const secret = crypto.randomUUID();
    this.#setup = setup;
    this.number = setup.hello.number;
    this.#child = setup.command.spawn();
    this.#orders = this.#child.stdin.getWriter();
    this.#splitter = new OutputSplitter(secret);
    this.#tell({ ...setup.hello, secret });
    this.listening = ignoreRejection(this.#hasListened.promise);
    this.ended = this.#run();
    this.#watch = setInterval(() => this.#checkSilence(), setup.hello.beat);
    this.#overdue = this.#killAfter(setup.start, "does not listen");
  }

  get pid(): number {
    return this.#child.pid;
  }

  get state(): WorkerState {
    return this.#state;
  }

  /** Its counters, as it last told them. */
  get stats(): ServerStats {
    return this.#stats;
  }

  /** Tells it to end; it is killed where it does not. A second call may allow less time. */
  end(grace: number, idle: number): Promise<Deno.CommandStatus> {
    if (this.#state === "ended") return this.ended;
    if (this.#state !== "ending") this.#move("ending");
    this.#tell({ type: "end", grace, idle });
    clearTimeout(this.#overdue);
    this.#overdue = this.#killAfter(grace + EXIT_MS, "does not end");
    return this.ended;
  }

  /** The only assignment of the state. */
  #move(state: WorkerState): void {
    this.#state = moved(TRANSITIONS, this.#state, state);
  }

  async #run(): Promise<Deno.CommandStatus> {
    const output = this.#readOutput();
    const status = await this.#child.status;
    await outputEnded(output);
    clearInterval(this.#watch);
    clearTimeout(this.#overdue);
    this.#move("ended");
    this.#hasListened.reject(
      new Error(`Worker ${this.number} ended before it listened: ${exitOf(status)}`),
    );
    await this.#orders.close().catch(() => {});
    return status;
  }

  async #readOutput(): Promise<void> {
    for await (const chunk of this.#child.stdout) {
      const { records, text } = this.#splitter.push(chunk);
      passToStdout(text);
      for (const record of records) this.#receive(record);
    }
    passToStdout(this.#splitter.flush());
  }

  #receive(record: WorkerRecord): void {
    this.#silentBeats = 0;
    this.#stats = record.stats;
    if (record.type === "ask") this.#tell({ type: "stats", stats: this.#setup.stats() });
    if (record.type !== "listening" || this.#state !== "starting") return;
    clearTimeout(this.#overdue);
    this.#move("listening");
    this.#hasListened.resolve(record.port);
  }

  /**
   * Kills a worker whose event loop does not turn. It counts its own turns instead of reading a
   * clock: a master that was stopped itself, with records unread, must not kill them all.
   */
  #checkSilence(): void {
    if (this.#state !== "listening") return;
    const { heartbeat, hello } = this.#setup;
    if (++this.#silentBeats * hello.beat <= heartbeat) return;
    this.#kill(`hangs: it has been silent for ${heartbeat} ms`);
  }

  #killAfter(ms: number, fault: string): ReturnType<typeof setTimeout> | undefined {
    // A timer takes 31 bits; a longer time is none.
    if (ms >= 2 ** 31) return undefined;
    return setTimeout(() => this.#kill(`${fault} within ${ms} ms`), ms);
  }

  #kill(fault: string): void {
    this.#setup.log(`Worker ${this.number} (process ${this.pid}) ${fault}, killing it`);
    try {
      // A process that hangs listens to no other signal.
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended meanwhile.
    }
  }

  /** A worker that has gone is noticed by its end. */
  #tell(order: Hello | Order): void {
    this.#orders.write(encodeOrder(order)).catch(() => {});
  }
}

/** How a process ended, in words. */
export function exitOf({ code, signal }: Deno.CommandStatus): string {
  return signal === null ? `exit code ${code}` : `signal ${signal}`;
}

/** Waits for the last output, but not for a process that the worker has left behind with its stdout. */
async function outputEnded(output: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => timer = setTimeout(resolve, OUTPUT_MS));
  await Promise.race([output, late]);
  clearTimeout(timer);
}
