/**
 * The memory of all bodies that are read whole, within one budget for the server.
 *
 * `maxBody` bounds one body; 300 clients that send most of 8 MiB each and then trickle take
 * 2.5 GB. A body that does not fit is left unread in the kernel until there is room, in
 * order, so that neither a large body is starved by small ones nor the other way round.
 *
 * Bodies that grow wait for each other: were all to wait, none would be completed. So the
 * first of those that wait may exceed the budget until it is released, one at a time, and
 * the bound is the budget and one `maxBody`.
 */
import { HttpError } from "../errors.ts";

interface Waiter {
  readonly share: BodyShare;
  readonly bytes: number;
  readonly admitted: () => void;
}

/** One body's share of the memory. */
export interface BodyShare {
  bytes: number;
}

/** The memory of a server's bodies. */
export class BodyMemory {
  readonly #budget: number;
  #used = 0;
  readonly #waiters: Waiter[] = [];
  /** The body that may exceed the budget. */
  #exempt: BodyShare | null = null;

  constructor(budget: number) {
    this.#budget = budget;
  }

  /** How many bytes are in use. */
  get used(): number {
    return this.#used;
  }

  /** Takes `bytes` for a body; null where they fit, else resolves when they do. */
  take(share: BodyShare, bytes: number): Promise<void> | null {
    if (share === this.#exempt || (this.#waiters.length === 0 && this.#fits(bytes))) {
      this.#add(share, bytes);
      return null;
    }
    return new Promise((admitted) => {
      this.#waiters.push({ share, bytes, admitted });
      this.#admit();
    });
  }

  /** Gives the memory of a body back, and its place in the queue: it waits no longer. */
  release(share: BodyShare): void {
    this.#used -= share.bytes;
    share.bytes = 0;
    if (this.#exempt === share) this.#exempt = null;
    const at = this.#waiters.findIndex((waiter) => waiter.share === share);
    if (at !== -1) this.#waiters.splice(at, 1)[0]!.admitted();
    this.#admit();
  }

  #fits(bytes: number): boolean {
    return this.#used + bytes <= this.#budget;
  }

  #add(share: BodyShare, bytes: number): void {
    this.#used += bytes;
    share.bytes += bytes;
  }

  #admit(): void {
    for (let waiter; (waiter = this.#waiters[0]) !== undefined;) {
      if (!this.#fits(waiter.bytes)) {
        if (this.#exempt !== null) return;
        this.#exempt = waiter.share;
      }
      this.#waiters.shift();
      this.#add(waiter.share, waiter.bytes);
      waiter.admitted();
    }
  }
}

/** A body has found no room in the memory of all bodies for `timeouts.body`. */
export function noBodyMemory(): HttpError {
  return new HttpError(503, "no-body-memory", "The server has no memory left for the body");
}
