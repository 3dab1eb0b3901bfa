/** Which request is hit by which fault: planned, and repeatable by a seed. */
import { checkRecord, isCount, isIntegerWithin, isOneOf } from "../validate.ts";
import type { Check } from "../validate.ts";

/**
 * What a request is hit by.
 *
 * @example
 * ```ts
 * import { type Fault, faulty, serveInMemory } from "@asynchttp/server/testing";
 *
 * const fault: Fault = { fault: "unavailable", retryAfter: 3 };
 * await using server = serveInMemory(faulty((request) => request.respond(200), [fault]));
 * const response = await server.fetch("/");
 * console.log(response.status, response.headers.get("retry-after")); // 503 3
 * await response.body?.cancel();
 * ```
 */
export type Fault =
  | {
    /** The handler is called later. */
    readonly fault: "delay";
    /** Milliseconds of delay, at most 2^31-1. */
    readonly ms: number;
  }
  | {
    /** The response arrives a byte at a time. */
    readonly fault: "dribble";
    /**
     * Milliseconds between two bytes.
     *
     * @default {0}
     */
    readonly ms?: number;
  }
  | {
    /** The connection is closed within the response. */
    readonly fault: "cut";
    /** Bytes of the response that are sent before, the head included. */
    readonly afterBytes: number;
  }
  | {
    /** The response never arrives, or stops and never goes on. */
    readonly fault: "silence";
    /**
     * Bytes of the response that are sent before, the head included.
     *
     * @default {0}
     */
    readonly afterBytes?: number;
  }
  | {
    /** The content is sent in chunks, and the connection closed within the first. */
    readonly fault: "cut-chunk";
  }
  | {
    /** The content is not as long as Content-Length says. */
    readonly fault: "wrong-length";
    /** Bytes that are announced and not sent; below 0, bytes that are sent beyond the length. */
    readonly by: number;
  }
  | {
    /** The response is 503, and the handler is not called. */
    readonly fault: "unavailable";
    /**
     * The seconds in a `Retry-After` field.
     *
     * @default {no such field}
     */
    readonly retryAfter?: number;
  };

/**
 * A fault, and the requests that it hits.
 *
 * @example
 * ```ts
 * import { faulty, type PlannedFault, serveInMemory } from "@asynchttp/server/testing";
 *
 * const plan: PlannedFault[] = [{ fault: "cut", afterBytes: 0, burst: 2, times: 1 }];
 * await using server = serveInMemory(faulty((request) => request.respond(200), plan));
 * for (let i = 0; i < 3; i++) {
 *   const status = await server.fetch("/").then(({ status }) => status, () => "cut");
 *   console.log(status); // cut, cut, 200
 * }
 * ```
 */
export type PlannedFault = Fault & {
  /**
   * The probability, from 0 to 1, with which it hits a request.
   *
   * @default {1}
   */
  readonly probability?: number;
  /**
   * How many requests in a row it hits once it does.
   *
   * @default {1}
   */
  readonly burst?: number;
  /**
   * How many times it hits, a burst counted once.
   *
   * @default {Infinity}
   */
  readonly times?: number;
};

/** Decides about one request after another. */
export class FaultPlan {
  readonly #entries: { readonly planned: PlannedFault; hits: number }[];
  readonly #random: () => number;
  /** The burst in progress. */
  #burst: { readonly fault: Fault; left: number } | null = null;

  constructor(plan: readonly PlannedFault[], seed: number) {
    for (const planned of plan) checkFault(planned);
    this.#entries = plan.map((planned) => ({ planned, hits: 0 }));
    this.#random = mulberry32(seed);
  }

  /** Returns what hits the next request: the first of the plan that does, null if none does. */
  next(): Fault | null {
    if (this.#burst !== null && this.#burst.left > 0) {
      this.#burst.left--;
      return this.#burst.fault;
    }
    const entry = this.#entries.find((entry) => this.#hits(entry));
    if (entry === undefined) return null;
    entry.hits++;
    this.#burst = { fault: entry.planned, left: (entry.planned.burst ?? 1) - 1 };
    return entry.planned;
  }

  #hits({ planned: { probability = 1, times = Infinity }, hits }: {
    readonly planned: PlannedFault;
    readonly hits: number;
  }): boolean {
    return hits < times && this.#random() < probability;
  }
}

const TIMING = {
  probability: isProbability,
  burst: isCount(1),
  times: isCount(0),
};

/** A timer takes 31 bits, and fires at once where a time has more. */
const isMilliseconds = isIntegerWithin(0, 2 ** 31 - 1);

/** The options of each fault. */
const FAULTS: { readonly [fault in Fault["fault"]]: { readonly [option: string]: Check } } = {
  "delay": { ms: isMilliseconds },
  "dribble": { ms: isMilliseconds },
  "cut": { afterBytes: isCount(0) },
  "silence": { afterBytes: isCount(0) },
  "cut-chunk": {},
  "wrong-length": { by: isInteger },
  "unavailable": { retryAfter: isCount(0) },
};

const REQUIRED: { readonly [fault: string]: string } = {
  "delay": "ms",
  "cut": "afterBytes",
  "wrong-length": "by",
};

function checkFault(planned: PlannedFault): void {
  const isFault = isOneOf(...Object.keys(FAULTS));
  isFault("fault", planned?.fault);
  const checks = { fault: isFault, ...TIMING, ...FAULTS[planned.fault] };
  checkRecord(`fault "${planned.fault}"`, planned, checks);
  const required = REQUIRED[planned.fault];
  if (required === undefined || Object.hasOwn(planned, required)) return;
  throw new TypeError(`Option ${required} must be given for fault "${planned.fault}"`);
}

function isProbability(name: string, value: unknown): void {
  if (typeof value === "number" && value >= 0 && value <= 1) return;
  throw new RangeError(`Option ${name} must be a number from 0 to 1: got ${value}`);
}

function isInteger(name: string, value: unknown): void {
  if (Number.isInteger(value)) return;
  throw new RangeError(`Option ${name} must be an integer: got ${value}`);
}

/** Numbers from 0 to 1 that a seed repeats, by Tommy Ettinger's generator of 32 bits. */
function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
