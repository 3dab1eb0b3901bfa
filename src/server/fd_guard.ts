/**
 * How many descriptors are in use, and whether one more connection may be taken.
 *
 * A process that runs out of descriptors cannot accept, open a file, or resolve a
 * name; the original crashes there. The guard stops accepting before that, and wakes
 * who waits when a connection closes.
 *
 * A count is a system call over all descriptors, so it is a sample: the server's own
 * opens and closes carry it forward, and near the limit it is taken again, seldom
 * enough that its cost for each question stays bounded.
 */
import type { Clock, Subscriber } from "../net/clock.ts";
import type { ListNode } from "../net/linked_list.ts";

/** The descriptor limit that is assumed where the real one cannot be read. The original has the same. */
export const maxDescriptorsFallback = 16_000;

/** The runtime's own descriptors, where they cannot be counted (measured: 23 to 24). */
const RUNTIME_DESCRIPTORS = 24;

/** Within so many descriptors of the limit a sample is taken again. */
const NEAR = 64;

/** One question pays for so many entries of a directory listing at the most, on average. */
const ENTRIES_A_QUESTION = 256;

/** Far from the limit a sample is good for so many questions. */
const FAR_QUESTIONS = 1024;

/** What a guard is told. */
export interface GuardOptions {
  /** How many descriptors may be in use; what the system allows where it is left out. */
  readonly maxFDs?: number;
  readonly maxConnections: number;
  /** A count of the user's own. */
  readonly countDescriptors?: () => number;
  readonly clock: Clock;
}

/** Counts descriptors; null where it may not, any more. */
export type DescriptorCounter = () => number | null;

/** Counts connections and descriptors, and lets waiters go when there is room. */
export class FdGuard implements Subscriber {
  readonly #maxFDs: number;
  readonly #maxConnections: number;
  readonly #count: DescriptorCounter | null;
  readonly #clock: Clock;
  readonly #waiters = new Set<{ readonly admitted: () => boolean; readonly wake: () => void }>();
  /** Its place on the clock, while somebody waits. */
  #node: ListNode<Subscriber> | null = null;
  #open = 0;
  #sample = 0;
  #openAtSample = 0;
  #questions = Infinity;

  constructor(options: GuardOptions) {
    this.#maxFDs = options.maxFDs ?? descriptorLimit();
    this.#maxConnections = options.maxConnections;
    this.#count = options.countDescriptors ?? descriptorCounter();
    this.#clock = options.clock;
  }

  /** How many connections are open, those being accepted included. */
  get open(): number {
    return this.#open;
  }

  /** May one more connection be taken, that will need so many descriptors? Always for fewer than 0, as in the original. */
  admits(assumedDescriptors: number): boolean {
    return assumedDescriptors < 0 || (this.hasSlot() && this.hasDescriptors(assumedDescriptors));
  }

  /** Whether so many descriptors are left. Always for fewer than 0. */
  hasDescriptors(assumed: number): boolean {
    return assumed < 0 || this.#descriptors(assumed) + assumed < this.#maxFDs;
  }

  /** Whether no more than `maxConnections` are open, those being accepted included. */
  isWithinLimit(): boolean {
    return this.#open <= this.#maxConnections;
  }

  /** Are there fewer than `maxConnections`? */
  hasSlot(): boolean {
    return this.#open < this.#maxConnections;
  }

  /**
   * Resolves when `admitted` is true: at once, or when a connection closes.
   *
   * The clock is a second chance: what fills the table may be files of a handler's,
   * of whose closing nobody is told.
   */
  until(admitted: () => boolean): Promise<void> {
    if (admitted()) return Promise.resolve();
    return new Promise((wake) => {
      this.#waiters.add({ admitted, wake });
      this.#node ??= this.#clock.subscribe(this);
    });
  }

  /** Lets everybody go who waits: the server closes. */
  releaseAll(): void {
    this.#wake(() => true);
  }

  /** A connection is being opened. */
  opened(): void {
    this.#open++;
  }

  /** A connection was closed. */
  closed(): void {
    this.#open--;
    this.#wake((waiter) => waiter.admitted());
  }

  /** Part of {@linkcode Subscriber}: while somebody waits. */
  tick(): void {
    this.#questions = Infinity;
    this.#wake((waiter) => waiter.admitted());
  }

  #wake(goes: (waiter: { readonly admitted: () => boolean }) => boolean): void {
    for (const waiter of this.#waiters) {
      if (!goes(waiter)) continue;
      this.#waiters.delete(waiter);
      waiter.wake();
    }
    if (this.#waiters.size > 0 || this.#node === null) return;
    this.#clock.unsubscribe(this.#node);
    this.#node = null;
  }

  #descriptors(assumed: number): number {
    if (this.#count === null) return this.#ownCount();
    this.#questions++;
    const near = this.#estimate() + assumed + NEAR >= this.#maxFDs;
    const goodFor = near ? this.#sample / ENTRIES_A_QUESTION : FAR_QUESTIONS;
    if (this.#questions > goodFor) {
      this.#sample = this.#countSafely(this.#count);
      this.#openAtSample = this.#open;
      this.#questions = 0;
    }
    return this.#estimate();
  }

  /** Counting takes a descriptor: a count that fails says that there is none left. */
  #countSafely(count: DescriptorCounter): number {
    try {
      return count() ?? this.#ownCount();
    } catch {
      return this.#maxFDs;
    }
  }

  /** What is known without a count. */
  #ownCount(): number {
    return this.#open + RUNTIME_DESCRIPTORS;
  }

  #estimate(): number {
    return this.#sample + this.#open - this.#openAtSample;
  }
}

/**
 * The best way to count descriptors that works here without a question to the user;
 * null where there is none.
 *
 * `Deno.resources` went away with Deno 2, whose permission to read does not reach
 * `/proc` either: it refuses without a prompt, unless all is allowed.
 */
export function descriptorCounter(): DescriptorCounter | null {
  const { resources } = Deno as { resources?: () => Record<string, string> };
  if (resources !== undefined) return () => Object.keys(resources()).length;
  for (const path of ["/proc/self/fd", "/dev/fd"]) {
    if (readsQuietly(path, () => countEntries(path)) === null) continue;
    return () => mayRead(path) ? countEntries(path) : null;
  }
  return null;
}

/** The soft limit of this process; `maxDescriptorsFallback` where it cannot be read. */
export function descriptorLimit(): number {
  const path = "/proc/self/limits";
  const text = readsQuietly(path, () => Deno.readTextFileSync(path)) ?? "";
  const soft = /^Max open files +(\d+|unlimited)/m.exec(text)?.[1];
  if (soft === undefined) return maxDescriptorsFallback;
  return soft === "unlimited" ? Infinity : Number(soft);
}

/** Asked before each use: a permission may be revoked, and a program must not prompt its user. */
function mayRead(path: string): boolean {
  return Deno.permissions.querySync({ name: "read", path }).state === "granted";
}

function countEntries(path: string): number {
  let count = 0;
  for (const _ of Deno.readDirSync(path)) count++;
  return count;
}

/** What `read` gives; null where it is not allowed. */
function readsQuietly<T>(path: string, read: () => T): T | null {
  if (!mayRead(path)) return null;
  try {
    return read();
  } catch {
    return null;
  }
}
