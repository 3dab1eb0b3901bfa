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
 *    between two requests costs 1, one within a message or after much was read 2. A write
 *    costs 1, but for a small one that is the first behind a read.
 * 2. While the credit lasts the gate is open, and no connection waits.
 * 3. When it is used up the gate closes: whatever wants to read or write on joins a line.
 *    Reads in progress are completed and their requests served, once for each connection.
 *    The first read of a new connection does not wait.
 * 4. The sockets are polled. What the poll has brought is charged first; the rest of the
 *    credit lets the line go on, in order. Behind it there is a second line, for large transfers
 *    and for reads within a message: a client that sends its head byte by byte must not delay
 *    those that send requests. It gets a quarter of the credit at least, and each in it goes on
 *    for four reads or writes at a time.
 * 5. While it is closed, up to 32 connections are accepted between two polls, and do not wait
 *    behind others: a new client would get its first response after everybody's next one.
 * 6. When nothing waits any more, the gate opens.
 * 7. A connection that reads a second time while the gate is open shows that the sockets have
 *    been polled in between: the credit begins anew. So fewer busy connections than the credit
 *    never close the gate, and pay one comparison for a read.
 * 8. A client that pipelines is served from its buffer, without a read: every 8th such request
 *    looks at the clock, and joins the line once they have taken 0.5 ms.
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

/** The same where a timer makes the poll: less fair, but 64 for each timer are 25,000 reads a second. */
const SLOW_CREDIT = 256;

/** The part of it that the second line gets at least. */
const BEHIND_CREDIT = 16;

/**
 * Reads or writes of a waiter in the second line when it is its turn. The bytes of a large
 * transfer are in the processor's caches then: with one, each of 50 uploads of 1 MiB takes
 * 1,300 µs of the processor, with four 930, and with more 820 to 920.
 */
const BEHIND_GRANT = 4;

/** Accepts between two polls while the gate is closed. */
const MAX_ACCEPTS = 32;

/** A read of fewer bytes is small. */
const MIN_LARGE_BYTES = 2048;

/**
 * The cost of a read in the second line, by the time that its bytes take: with 1, each of 50
 * uploads of 1 MiB takes a fifth more of the processor. A write costs 1: with 2, each of 50
 * downloads takes a fifth more.
 */
const BEHIND_READ_COST = 2;

/** A first write behind a read is free below this: with the read it is the whole of a small request. */
const MIN_LARGE_WRITE_BYTES = 16_384;

/** Milliseconds for which a client may be served from its buffer. */
const BUFFERED_SHARE_MS = 0.5;

/** Requests from a buffer between two looks at the clock, which take 80 ns; a power of 2. */
const CLOCK_STRIDE = 8;

/** What one connection has used; shared by its reads and writes. */
export class Ticket {
  /** What grants it its reads and writes. */
  readonly scheduler: Scheduler;
  /** The round in which it last read; 0 before its first read. */
  round = 0;
  /** Whether its next read is behind those of others: within a message, or after a large read. */
  isBehind = false;
  /** The writes since its last read. */
  writes = 0;
  /** The reads and writes for which it need not wait. */
  granted = 0;
  /** The requests that were served from its buffer since its last read. */
  buffered = 0;
  /** When the first of them looked at the clock. */
  bufferedSince = 0;

  constructor(scheduler: Scheduler) {
    this.scheduler = scheduler;
  }
}

/** A read or a write that waits in line. */
export interface Waiter {
  readonly ticket: Ticket;
  /** The one behind it; the scheduler's own. */
  next: Waiter | null;
  /** Goes on. */
  resume(): void;
}

/** First in, first out, without an allocation for each. */
class Line {
  /** The reads or writes of a waiter when it is its turn, and the cost of all of them. */
  readonly #grant: number;
  readonly #cost: number;
  #first: Waiter | null = null;
  #last: Waiter | null = null;

  constructor(grant: number, cost: number) {
    this.#grant = grant;
    this.#cost = cost;
  }

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
      credit -= this.#cost;
      waiter.ticket.round = round;
      waiter.ticket.granted = this.#grant - 1;
      waiter.resume();
    }
    return credit;
  }
}

/** What polls the sockets. */
export type Poll = Pick<SocketPoll, "poll" | "close" | "isSlow">;

/** Schedules the reads and writes of all connections. */
export class Scheduler implements Subscriber {
  readonly #poll: Poll;
  readonly #now: () => number;
  readonly #clock: Clock;
  /** The subscription to the clock while the poll may hold sockets. */
  #node: ListNode<Subscriber> | null = null;
  /** Whether the gate has been closed since the last tick. */
  #wasClosed = false;
  readonly #accepting = new Line(1, 1);
  readonly #between = new Line(1, 1);
  readonly #behind = new Line(BEHIND_GRANT, BEHIND_GRANT * BEHIND_READ_COST);
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

  constructor(poll: Poll, now: () => number, clock: Clock) {
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
    if (!this.#isOpen) return this.#isGranted(ticket);
    if (ticket.round === this.#round && !ticket.isBehind) this.#startRound();
    ticket.round = this.#round;
    return this.#use(ticket.isBehind ? BEHIND_READ_COST : 1);
  }

  /** Records that a read has brought `count` bytes. */
  hasRead(ticket: Ticket, count: number): void {
    if (ticket.round !== this.#round) this.#brought++;
    ticket.writes = ticket.buffered = 0;
    ticket.isBehind = count >= MIN_LARGE_BYTES;
  }

  /** Puts a waiter in line, behind those that came before. */
  wait(waiter: Waiter): void {
    (waiter.ticket.isBehind ? this.#behind : this.#between).push(waiter);
  }

  /** Before a write of `count` bytes: null, or a promise that resolves when it may go on. */
  beforeWrite(ticket: Ticket, count: number): Promise<void> | null {
    const isLarge = count >= MIN_LARGE_WRITE_BYTES;
    if (ticket.writes++ === 0 && !isLarge) return null;
    const mayGoOn = this.#isOpen ? this.#use(1) : this.#isGranted(ticket);
    return mayGoOn ? null : inLine(this.#behind, ticket);
  }

  /** Before an accept: null, or a promise as for a write. */
  beforeAccept(ticket: Ticket): Promise<void> | null {
    if (this.#isOpen || this.#accepts < MAX_ACCEPTS) return null;
    return inLine(this.#accepting, ticket);
  }

  /** Records an accept. */
  hasAccepted(): void {
    this.#accepts++;
  }

  /** Before a request that is in the buffer already: null, or a promise as for a write. */
  beforeBuffered(ticket: Ticket): Promise<void> | null {
    if (++ticket.buffered % CLOCK_STRIDE !== 0) return null;
    const now = this.#now();
    if (ticket.buffered === CLOCK_STRIDE) ticket.bufferedSince = now;
    if (now - ticket.bufferedSince < BUFFERED_SHARE_MS) return null;
    ticket.buffered = 0;
    this.#close();
    return inLine(this.#between, ticket);
  }

  /** Before a read: null, or a promise as for a write. */
  beforeRead(ticket: Ticket): Promise<void> | null {
    if (this.mayRead(ticket)) return null;
    return inLine(ticket.isBehind ? this.#behind : this.#between, ticket);
  }

  #isGranted(ticket: Ticket): boolean {
    if (ticket.granted === 0) return false;
    ticket.granted--;
    ticket.round = this.#round;
    return true;
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
  }

  /** Polls and lets the line go on, until nothing waits. */
  async #runPolls(): Promise<void> {
    while (!this.#isOpen) {
      this.#brought = 0;
      await this.#poll.poll();
      this.#startRound();
      const credit = this.#poll.isSlow ? SLOW_CREDIT : CREDIT;
      const left = this.#release(credit - this.#brought);
      if (left > 0 && this.#between.isEmpty && this.#behind.isEmpty) this.#open(credit - left);
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
    const reserved = this.#behind.isEmpty ? 0 : BEHIND_CREDIT;
    const round = this.#round;
    this.#accepting.release(MAX_ACCEPTS, round);
    const small = this.#between.release(credit - reserved, round);
    return this.#between.release(this.#behind.release(small + reserved, round), round);
  }
}

function inLine(line: Line, ticket: Ticket): Promise<void> {
  return new Promise((resume) => line.push({ ticket, next: null, resume }));
}

/** The scheduler of this process. */
export const scheduler: Scheduler = new Scheduler(
  new SocketPoll(),
  () => performance.now(),
  systemClock,
);
