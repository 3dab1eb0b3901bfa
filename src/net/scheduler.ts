/**
 * Decides which connection reads or writes next, so that each gets its share of the process.
 *
 * Why the runtime alone is unfair (Deno 2.9, measured): in one turn it completes at most 128
 * reads and writes. Those that are ready beyond that wait for the next poll of the sockets,
 * and then come behind everything which that poll brings. A client that answers at once is
 * always among the new ones. So with more than a hundred busy connections half are served at
 * once, and the others wait for seconds.
 *
 * The contract:
 *
 * 1. The process has a credit between two polls of the sockets, well below those 128. A read
 *    costs 1, and 1 more for each 16 KiB that the read before it has brought; so does a write
 *    that is not the first one behind a read.
 * 2. While the credit lasts the gate is open, and no connection waits.
 * 3. When it is used up the gate closes: whatever wants to read or write on joins a line.
 *    Reads in progress are completed and their requests served, once for each connection.
 *    The first read of a new connection does not wait.
 * 4. The sockets are polled. What the poll has brought is charged first; the rest of the
 *    credit lets the line go on, in order. Behind small reads there is a line of its own for
 *    large transfers, which gets a quarter of the credit at least.
 * 5. Up to 16 connections are accepted between two polls, and do not wait behind others: a new
 *    client would get its first response after everybody's next one.
 * 6. When nothing waits any more, the gate opens.
 * 7. A connection that reads a second time while the gate is open shows that the sockets have
 *    been polled in between: the credit begins anew. So fewer busy connections than the credit
 *    never close the gate, and pay one comparison for a read.
 * 8. A client that pipelines is served from its buffer, without a read: every 8th such request
 *    looks at the clock, and joins the line after a share of 0.5 ms.
 *
 * Every connection in line is served once before any is served twice: at saturation, with
 * 1,000 connections, the numbers of requests that each gets differ by one (measured).
 */
import { systemClock } from "./clock.ts";
import type { Clock, Subscriber } from "./clock.ts";
import type { ListNode } from "./linked_list.ts";
import { SocketPoll } from "./socket_poll.ts";

/** Costs that the process may cause between two polls; a request takes two of the 128. */
const CREDIT = 64;

/** The part of it that large transfers get at least. */
const LARGE_CREDIT = 16;

/** Accepts between two polls. */
const MAX_ACCEPTS = 16;

/** A read of fewer bytes is small. */
const MIN_LARGE_BYTES = 2048;

/** log2 of the bytes that cost 1 more: 16 KiB take as long to move as a small request. */
const COST_SHIFT = 14;

/** Milliseconds for which a client may be served from its buffer. */
const BUFFERED_SHARE_MS = 0.5;

/** Requests from a buffer between two looks at the clock, which take 80 ns; a power of 2. */
const CLOCK_STRIDE = 8;

/** What one connection has used; shared by its reads and writes. */
export class Ticket {
  /** The round in which it last read; 0 before its first read. */
  round = 0;
  /** The cost of its next read. */
  cost = 1;
  /** The writes since its last read. */
  writes = 0;
}

/** A read or a write that waits in line. */
export interface Waiter {
  readonly ticket: Ticket;
  readonly cost: number;
  /** The one behind it; the scheduler's own. */
  next: Waiter | null;
  /** Goes on. */
  resume(): void;
}

/** First in, first out, without an allocation for each. */
class Line {
  #first: Waiter | null = null;
  #last: Waiter | null = null;

  get isEmpty(): boolean {
    return this.#first === null;
  }

  push(waiter: Waiter): void {
    if (this.#last === null) this.#first = waiter;
    else this.#last.next = waiter;
    this.#last = waiter;
  }

  /** Lets waiters go on while there is credit; returns what is left of it, below 0 at times. */
  release(credit: number, round: number): number {
    while (credit > 0 && this.#first !== null) {
      const waiter = this.#first;
      this.#first = waiter.next;
      if (this.#first === null) this.#last = null;
      waiter.next = null;
      credit -= waiter.cost;
      waiter.ticket.round = round;
      waiter.resume();
    }
    return credit;
  }
}

/** Schedules the reads and writes of all connections. */
export class Scheduler implements Subscriber {
  readonly #poll: Pick<SocketPoll, "poll" | "close">;
  readonly #now: () => number;
  readonly #clock: Clock;
  /** The subscription to the clock while the poll may hold sockets. */
  #node: ListNode<Subscriber> | null = null;
  /** Whether the gate has been closed since the last tick. */
  #wasClosed = false;
  readonly #accepting = new Line();
  readonly #small = new Line();
  readonly #large = new Line();
  #isOpen = true;
  #members = 0;
  /** Counts the polls that are known of. */
  #round = 1;
  /** The cost since the last of them. */
  #used = 0;
  /** The reads that the last poll has brought, without those of the line. */
  #brought = 0;
  /** Accepts since then. */
  #accepts = 0;
  #buffered = 0;
  /** When the share of buffered requests ends; null before the first one is looked at. */
  #bufferedEnd: number | null = null;

  constructor(poll: Pick<SocketPoll, "poll" | "close">, now: () => number, clock: Clock) {
    this.#poll = poll;
    this.#now = now;
    this.#clock = clock;
  }

  /** Counts a connection. */
  join(): void {
    this.#members++;
  }

  /** Forgets a connection; the last one releases the sockets of the poll. */
  leave(): void {
    if (--this.#members === 0) this.#releaseSockets();
  }

  /** Part of {@linkcode Subscriber}. Polls that are not needed any more hold no descriptors. */
  tick(): void {
    if (!this.#wasClosed && this.#isOpen) this.#releaseSockets();
    this.#wasClosed = false;
  }

  /** Whether a connection may read at once; otherwise it must `wait`. */
  mayRead(ticket: Ticket): boolean {
    if (ticket.round === 0) {
      ticket.round = this.#round;
      return true;
    }
    if (!this.#isOpen) return false;
    if (ticket.round === this.#round && ticket.cost === 1) this.#startRound();
    ticket.round = this.#round;
    return this.#use(ticket.cost);
  }

  /** Records that a read has brought `count` bytes. */
  hasRead(ticket: Ticket, count: number): void {
    if (ticket.round !== this.#round) this.#brought++;
    ticket.writes = 0;
    ticket.cost = count < MIN_LARGE_BYTES ? 1 : costOf(count);
  }

  /** Puts a waiter in line, behind those that came before. */
  wait(waiter: Waiter): void {
    this.#lineOf(waiter.cost).push(waiter);
  }

  /** Before a write of `count` bytes: null, or a promise that resolves when it may go on. */
  beforeWrite(ticket: Ticket, count: number): Promise<void> | null {
    // The first small write behind a read is paid for by the read.
    const isFree = ticket.writes++ === 0 && count >> COST_SHIFT === 0;
    return isFree ? null : this.turn(ticket, costOf(count));
  }

  /** Before an accept: null, or a promise as for a write. */
  beforeAccept(ticket: Ticket): Promise<void> | null {
    if (this.#accepts < MAX_ACCEPTS) return null;
    this.#close();
    return inLine(this.#accepting, ticket, 1);
  }

  /** Records an accept. */
  hasAccepted(): void {
    this.#accepts++;
  }

  /** Before a request that is in the buffer already: null, or a promise as for a write. */
  beforeBuffered(ticket: Ticket): Promise<void> | null {
    if (++this.#buffered % CLOCK_STRIDE !== 0) return null;
    const now = this.#now();
    this.#bufferedEnd ??= now + BUFFERED_SHARE_MS;
    if (now < this.#bufferedEnd) return null;
    this.#close();
    return this.inLine(ticket, 1);
  }

  /** Before anything else of the given cost: null, or a promise as for a write. */
  turn(ticket: Ticket, cost: number): Promise<void> | null {
    return this.#isOpen && this.#use(cost) ? null : this.inLine(ticket, cost);
  }

  /** Waits in line; resolves when it is its turn. */
  inLine(ticket: Ticket, cost: number): Promise<void> {
    return inLine(this.#lineOf(cost), ticket, cost);
  }

  #lineOf(cost: number): Line {
    return cost === 1 ? this.#small : this.#large;
  }

  #use(cost: number): boolean {
    this.#used += cost;
    if (this.#used <= CREDIT) return true;
    this.#close();
    return false;
  }

  #close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#wasClosed = true;
    this.#node ??= this.#clock.subscribe(this);
    this.#runPolls();
  }

  #startRound(): void {
    this.#round++;
    this.#used = this.#accepts = 0;
    this.#bufferedEnd = null;
  }

  /** Polls and lets the line go on, until nothing waits. */
  async #runPolls(): Promise<void> {
    while (!this.#isOpen) {
      this.#brought = 0;
      await this.#poll.poll();
      this.#startRound();
      const left = this.#release(CREDIT - this.#brought);
      if (left > 0 && this.#small.isEmpty && this.#large.isEmpty) this.#open(CREDIT - left);
    }
  }

  #open(used: number): void {
    this.#isOpen = true;
    this.#used = used;
    if (this.#members === 0) this.#releaseSockets();
  }

  #releaseSockets(): void {
    this.#poll.close();
    if (this.#node !== null) this.#clock.unsubscribe(this.#node);
    this.#node = null;
  }

  /** Lets all lines go on; returns the credit that is left. */
  #release(credit: number): number {
    const reserved = this.#large.isEmpty ? 0 : LARGE_CREDIT;
    const round = this.#round;
    this.#accepting.release(MAX_ACCEPTS, round);
    const small = this.#small.release(credit - reserved, round);
    return this.#small.release(this.#large.release(small + reserved, round), round);
  }
}

function inLine(line: Line, ticket: Ticket, cost: number): Promise<void> {
  return new Promise((resume) => line.push({ ticket, cost, next: null, resume }));
}

function costOf(count: number): number {
  return Math.min(1 + (count >> COST_SHIFT), CREDIT);
}

/** The scheduler of this process. */
export const scheduler: Scheduler = new Scheduler(
  new SocketPoll(),
  () => performance.now(),
  systemClock,
);
