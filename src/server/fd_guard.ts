/**
 * Counts the descriptors in use, and decides whether one more connection may be accepted.
 *
 * A process that runs out of descriptors cannot accept, open a file, or resolve a
 * name; the original crashes there. The guard stops accepting before that, and wakes
 * its waiters when a connection closes.
 *
 * A count is a system call over all descriptors, so it is a sample: the server's own
 * opens and closes update it, and near the limit it is taken again, rarely enough that
 * its cost for each query stays bounded.
 */
import type { Clock, Subscriber } from "../net/clock.ts";
import type { ListNode } from "../net/linked_list.ts";
import { platform } from "../platform.ts";

/**
 * The number of descriptors that the process is assumed to be allowed if its limit cannot be read:
 * that of Nim's `std/asynchttpserver`.
 *
 * @example
 * ```ts
 * import { maxDescriptorsFallback } from "@asynchttp/server";
 *
 * console.log(maxDescriptorsFallback); // 16000
 * ```
 */
export const maxDescriptorsFallback = 16_000;

/** The runtime's own descriptors, assumed if they cannot be counted (measured: 23 to 24). */
const RUNTIME_DESCRIPTORS = 24;

/** The number of free descriptors below which samples are taken often. */
const MIN_FREE_DESCRIPTORS = 64;

/** Entries of a directory listing that one query reads at most, on average. */
const MAX_ENTRIES_PER_QUERY = 256;

/** Queries that one sample serves far from the limit. */
const MAX_QUERIES_PER_SAMPLE = 1024;

/** Options of a guard. */
export interface GuardOptions {
  /** Descriptors that may be in use; by default the limit of the process. */
  readonly maxFDs?: number;
  readonly maxConnections: number;
  /** Replaces the guard's own count. */
  readonly countDescriptors?: () => number;
  readonly clock: Clock;
}

/** Counts descriptors; null if it has lost the permission. */
export type DescriptorCounter = () => number | null;

/** Counts connections and descriptors, and wakes waiters when there is room. */
export class FdGuard implements Subscriber {
  readonly #maxFDs: number;
  readonly #maxConnections: number;
  readonly #count: DescriptorCounter | null;
  readonly #clock: Clock;
  readonly #waiters = new Set<{ readonly admitted: () => boolean; readonly wake: () => void }>();
  /** The subscription to the clock while there are waiters. */
  #node: ListNode<Subscriber> | null = null;
  #open = 0;
  #sample = 0;
  #openAtSample = 0;
  #queries = Infinity;

  constructor(options: GuardOptions) {
    this.#maxFDs = options.maxFDs ?? descriptorLimit();
    this.#maxConnections = options.maxConnections;
    this.#count = options.countDescriptors ?? descriptorCounter();
    this.#clock = options.clock;
  }

  /** The number of open connections, including those being accepted. */
  get open(): number {
    return this.#open;
  }

  /** Whether one more connection that needs `assumedDescriptors` may be accepted; always if that is below 0, as in the original. */
  admits(assumedDescriptors: number): boolean {
    return assumedDescriptors < 0 || (this.hasSlot() && this.hasDescriptors(assumedDescriptors));
  }

  /** Whether `assumed` descriptors are left; always if that is below 0. */
  hasDescriptors(assumed: number): boolean {
    return assumed < 0 || this.#descriptors(assumed) + assumed < this.#maxFDs;
  }

  /** Whether at most `maxConnections` connections are open, including those being accepted. */
  isWithinLimit(): boolean {
    return this.#open <= this.#maxConnections;
  }

  /** Whether fewer than `maxConnections` connections are open. */
  hasSlot(): boolean {
    return this.#open < this.#maxConnections;
  }

  /**
   * Resolves when `admitted` returns `true`: at once, or when a connection closes.
   *
   * Each tick of the clock checks again: the table may be full of a handler's files, and
   * the guard does not learn when those are closed.
   */
  until(admitted: () => boolean): Promise<void> {
    if (admitted()) return Promise.resolve();
    return new Promise((wake) => {
      this.#waiters.add({ admitted, wake });
      this.#node ??= this.#clock.subscribe(this);
    });
  }

  /** Wakes all waiters: the server is being closed. */
  releaseAll(): void {
    this.#wake(() => true);
  }

  /** Counts a connection that is being opened. */
  opened(): void {
    this.#open++;
  }

  /** Subtracts a closed connection, and wakes the waiters that are admitted now. */
  closed(): void {
    this.#open--;
    this.#wake((waiter) => waiter.admitted());
  }

  /** Part of {@linkcode Subscriber}; subscribed while there are waiters. */
  tick(): void {
    this.#queries = Infinity;
    this.#wake((waiter) => waiter.admitted());
  }

  #wake(isReady: (waiter: { readonly admitted: () => boolean }) => boolean): void {
    for (const waiter of this.#waiters) {
      if (!isReady(waiter)) continue;
      this.#waiters.delete(waiter);
      waiter.wake();
    }
    if (this.#waiters.size > 0 || this.#node === null) return;
    this.#clock.unsubscribe(this.#node);
    this.#node = null;
  }

  #descriptors(assumed: number): number {
    if (this.#count === null) return this.#ownCount();
    this.#queries++;
    const isNear = this.#estimate() + assumed + MIN_FREE_DESCRIPTORS >= this.#maxFDs;
    const maxQueries = isNear ? this.#sample / MAX_ENTRIES_PER_QUERY : MAX_QUERIES_PER_SAMPLE;
    if (this.#queries > maxQueries) {
      this.#sample = this.#countSafely(this.#count);
      this.#openAtSample = this.#open;
      this.#queries = 0;
    }
    return this.#estimate();
  }

  /** Counting takes a descriptor: a count that fails means that none is left. */
  #countSafely(count: DescriptorCounter): number {
    try {
      return count() ?? this.#ownCount();
    } catch {
      return this.#maxFDs;
    }
  }

  /** Returns an estimate that needs no permission. */
  #ownCount(): number {
    return this.#open + RUNTIME_DESCRIPTORS;
  }

  #estimate(): number {
    return this.#sample + this.#open - this.#openAtSample;
  }
}

/**
 * Returns the best way to count descriptors that needs no permission prompt; null if there is
 * none.
 *
 * Deno 2 has removed `Deno.resources`, and its permission to read does not cover `/proc`
 * and `/dev` either: it denies access without a prompt unless all permissions are granted.
 */
export function descriptorCounter(): DescriptorCounter | null {
  const { resources } = Deno as { resources?: () => Record<string, string> };
  if (resources !== undefined) return () => Object.keys(resources()).length;
  const path = platform().descriptorFolder;
  if (path === null || readsQuietly(path, () => countEntries(path)) === null) return null;
  return () => mayRead(path) ? countEntries(path) : null;
}

/** Returns the soft limit of this process; `maxDescriptorsFallback` if it cannot be read. */
export function descriptorLimit(): number {
  const path = platform().limitsFile;
  if (path === null) return maxDescriptorsFallback;
  const text = readsQuietly(path, () => Deno.readTextFileSync(path)) ?? "";
  const soft = /^Max open files +(\d+|unlimited)/m.exec(text)?.[1];
  if (soft === undefined) return maxDescriptorsFallback;
  return soft === "unlimited" ? Infinity : Number(soft);
}

/** Queried before each use: a permission may be revoked, and a program must not prompt its user. */
function mayRead(path: string): boolean {
  return Deno.permissions.querySync({ name: "read", path }).state === "granted";
}

function countEntries(path: string): number {
  let count = 0;
  for (const _ of Deno.readDirSync(path)) count++;
  return count;
}

/** Returns the result of `read`; null if it is not permitted, or fails. */
function readsQuietly<T>(path: string, read: () => T): T | null {
  if (!mayRead(path)) return null;
  try {
    return read();
  } catch {
    return null;
  }
}
