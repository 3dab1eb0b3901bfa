/**
 * Accepts that fail: how long the accept loop waits after each, and what is reported.
 *
 * Accept errors usually mean exhaustion, and then the next attempt fails, too: the loop backs
 * off, and one report a second says as much as a hundred.
 */
import { isResourceExhaustion, noteExhaustion } from "../net/exhaustion.ts";
import { platform } from "../platform.ts";

/** Milliseconds of the first wait; each further one is twice as long. */
const INITIAL_BACKOFF_MS = 5;
/** Milliseconds of the longest wait. */
const MAX_BACKOFF_MS = 1000;
/** Milliseconds between two reports of exhaustion. */
const MIN_REPORT_INTERVAL_MS = 1000;

/** The failed accepts of one loop. */
export class AcceptFailures {
  readonly #now: () => number;
  readonly #report: (error: unknown) => void;
  #backoff = INITIAL_BACKOFF_MS;
  #count = 0;
  #reported = -Infinity;

  constructor(report: (error: unknown) => void, now: () => number = () => performance.now()) {
    this.#report = report;
    this.#now = now;
  }

  /** Reports a failure, and returns how many milliseconds the loop shall wait. */
  add(error: unknown): number {
    const backoff = this.#backoff;
    this.#backoff = Math.min(backoff * 2, MAX_BACKOFF_MS);
    if (isResourceExhaustion(error)) this.#reportExhaustion(error as Partial<ErrnoError>, backoff);
    else this.#report(error);
    return backoff;
  }

  /** Starts over: an accept has succeeded. */
  reset(): void {
    this.#backoff = INITIAL_BACKOFF_MS;
  }

  #reportExhaustion(error: Partial<ErrnoError>, backoff: number): void {
    this.#count++;
    if (this.#now() - this.#reported < MIN_REPORT_INTERVAL_MS) return;
    this.#report(exhaustionError(error, backoff, this.#count));
    this.#reported = this.#now();
    this.#count = 0;
  }
}

interface ErrnoError extends Error {
  code: string;
}

function exhaustionError({ code }: Partial<ErrnoError>, backoff: number, count: number): Error {
  const isMemory = code === "ENOBUFS" || code === "ENOMEM";
  const missing = isMemory ? "No memory for sockets left" : "No descriptors left";
  const hasUlimit = !isMemory && platform().hasUlimit;
  const remedy = hasUlimit ? "raise ulimit -n or set maxConnections" : "set maxConnections";
  const times = count === 1 ? "once" : `${count} times`;
  const error = new Error(`${missing}, accepting again in ${backoff} ms (${times}): ${remedy}`);
  noteExhaustion(error);
  return Object.assign(error, { code: code ?? "ENFILE" });
}
