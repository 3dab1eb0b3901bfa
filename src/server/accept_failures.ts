/**
 * Reports accepts that fail because descriptors or memory are exhausted, at a bounded rate.
 *
 * Such accepts fail again with every attempt of the loop: one report a second says as much
 * as a hundred.
 */
import { noteExhaustion } from "../net/exhaustion.ts";

/** Milliseconds between two reports. */
const MIN_REPORT_INTERVAL_MS = 1000;

/** Counts the accepts that failed since the last report. */
export class AcceptFailures {
  readonly #now: () => number;
  readonly #report: (error: unknown) => void;
  #count = 0;
  #reported = -Infinity;

  constructor(report: (error: unknown) => void, now: () => number = () => performance.now()) {
    this.#report = report;
    this.#now = now;
  }

  /** Counts a failure, and reports at most one a second; the loop accepts again in `backoff` ms. */
  add(error: unknown, backoff: number): void {
    this.#count++;
    if (this.#now() - this.#reported < MIN_REPORT_INTERVAL_MS) return;
    this.#report(exhaustionError(error as Partial<ErrnoError>, backoff, this.#count));
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
  const remedy = isMemory ? "set maxConnections" : "raise ulimit -n or set maxConnections";
  const times = count === 1 ? "once" : `${count} times`;
  const error = new Error(`${missing}, accepting again in ${backoff} ms (${times}): ${remedy}`);
  noteExhaustion(error);
  return Object.assign(error, { code: code ?? "ENFILE" });
}
