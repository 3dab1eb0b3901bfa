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
 *    costs 1, and so does a write, but for a small one that is the first behind a read. Large
 *    transfers may take 1 ms, too, waits not counted: 64 KiB may be 10,000 chunks.
 * 2. While the credit lasts the gate is open, and no connection waits.
 * 3. When it is used up the gate closes: whatever wants to read or write on joins a line.
 *    Reads in progress are completed and their requests served, once for each connection.
 *    The first read of a new connection does not wait.
 * 4. The sockets are polled. What the poll has brought is charged first; the rest of the
 *    credit lets the line go on, in order. Behind it there is a second line, for large transfers
 *    and for reads within a message: a client that sends its head byte by byte must not delay
 *    those that send requests. When the first line has had its turn, the second has a slice of
 *    0.5 ms, or a quarter of the time of both if that is more. Those whose turn it is go on
 *    until the slice is over, or the credit is used up.
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
import { TimeBudget } from "./time_budget.ts";
import { TimeSlice } from "./time_slice.ts";

/** Costs that the process may cause between two polls; a request takes two of the 128. */
const CREDIT = 64;

/** The same where a timer makes the poll: less fair, but 64 for each timer are 25,000 reads a second. */
const SLOW_CREDIT = 256;

/** Milliseconds for large transfers while the gate is open. */
const BUDGET_MS = 1;

/** Milliseconds of a slice; longer ones make uploads no faster. */
const SLICE_MS = 0.5;

/** The same where a timer makes the poll. */
const SLOW_SLICE_MS = 2;

/** The time of the first line, divided by the least time that the second line gets behind it. */
const MAX_FIRST_SHARE = 3;

/** Accepts between two polls while the gate is closed. */
const MAX_ACCEPTS = 32;

/** A read of fewer bytes is small. */
const MIN_LARGE_BYTES = 2048;

/** A first write behind a read is free below this: with the read it is the whole of a small request. */
const MIN_LARGE_WRITE_BYTES = 16_384;

/** Milliseconds for which a client may be served from its buffer. */
const BUFFERED_SHARE_MS = 0.5;

/** A write is charged by its bytes: when it ends tells how fast the client is. A stream of 10 MiB takes 4 ms. */
const BYTES_PER_MS = 2_500_000;

/** Requests from a buffer between two looks at the clock, which take 80 ns; a power of 2. */
const CLOCK_STRIDE = 8;

/** What one connection has used; shared by its reads and writes. */
export class Ticket {
  /** What grants it its reads and writes. */
  readonly scheduler: Scheduler;
  /** The round in which it last read; 0 before its first read. */
  round = 0;
  /** Whether its next read waits in the second line: within a message, or after a large read. */
  usesSecondLine = false;
  /** The writes since its last read. */
  writes = 0;
  /** The round in which it goes on until the slice is over. */
  granted = 0;
  /** When its last read came, if that was large or within a message. */
  readAt = Infinity;
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

  /** Lets up to `most` waiters go on; returns how many more could have. */
  release(most: number, round: number, granted = 0): number {
    for (; most > 0 && this.#first !== null; most--) {
      const waiter = this.#first;
      this.#first = waiter.next;
      if (this.#first === null) this.#last = null;
      waiter.next = null;
      waiter.ticket.round = round;
      waiter.ticket.granted = granted;
      waiter.resume();
    }
    return most;
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
  readonly #accepting = new Line();
  readonly #firstLine = new Line();
  readonly #secondLine = new Line();
  readonly #slice: TimeSlice;
  /** For large transfers while the gate is open. */
  readonly #budget: TimeBudget;
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
    this.#slice = new TimeSlice(now);
    this.#budget = new TimeBudget(BUDGET_MS, now);
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

  /** Takes credit for a read; false if the read must `wait`. */
  tryRead(ticket: Ticket): boolean {
    if (ticket.round === 0) {
      ticket.round = this.#round;
      return true;
    }
    if (!this.#isOpen) return this.#useGrant(ticket);
    if (ticket.round === this.#round && !ticket.usesSecondLine) this.#startRound();
    ticket.round = this.#round;
    return ticket.usesSecondLine ? this.#useLarge(ticket, 0) : this.#use();
  }

  /** Records that a read has brought `count` bytes. */
  recordRead(ticket: Ticket, count: number): void {
    if (ticket.round !== this.#round) this.#brought++;
    ticket.writes = ticket.buffered = 0;
    // To look at the clock takes 80 ns, 1 % of a small request.
    ticket.readAt = ticket.usesSecondLine || count >= MIN_LARGE_BYTES ? this.#now() : Infinity;
    ticket.usesSecondLine = count >= MIN_LARGE_BYTES;
  }

  /** Puts a waiter in line, behind those that came before. */
  wait(waiter: Waiter): void {
    (waiter.ticket.usesSecondLine ? this.#secondLine : this.#firstLine).push(waiter);
  }

  /** Before a write of `count` bytes: null, or a promise that resolves when it may go on. */
  beforeWrite(ticket: Ticket, count: number): Promise<void> | null {
    const isLarge = count >= MIN_LARGE_WRITE_BYTES;
    if (ticket.writes++ === 0 && !isLarge) return null;
    const mayGoOn = this.#isOpen ? this.#useLarge(ticket, count) : this.#useGrant(ticket);
    return mayGoOn ? null : inLine(this.#secondLine, ticket);
  }

  /** Before an accept: null, or a promise as for a write. */
  beforeAccept(ticket: Ticket): Promise<void> | null {
    if (this.#isOpen || this.#accepts < MAX_ACCEPTS) return null;
    return inLine(this.#accepting, ticket);
  }

  /** Records an accept. */
  recordAccept(): void {
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
    return inLine(this.#firstLine, ticket);
  }

  /** Before a read: null, or a promise as for a write. */
  beforeRead(ticket: Ticket): Promise<void> | null {
    if (this.tryRead(ticket)) return null;
    return inLine(ticket.usesSecondLine ? this.#secondLine : this.#firstLine, ticket);
  }

  /** Takes credit for a read or a write of a connection whose turn it is. */
  #useGrant(ticket: Ticket): boolean {
    if (ticket.granted !== this.#round || !this.#slice.mayGoOn()) return false;
    return ++this.#used <= this.#credit;
  }

  #use(): boolean {
    if (++this.#used <= CREDIT) return true;
    this.#close();
    return false;
  }

  /** Uses the credit for a write of so many bytes, or for a read behind another, which is charged what that has brought. */
  #useLarge({ readAt }: Ticket, written: number): boolean {
    const isUsedUp = written > 0
      ? this.#budget.charge(written / BYTES_PER_MS)
      : this.#budget.chargeSince(readAt);
    if (!isUsedUp) return this.#use();
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
    this.#budget.reset();
  }

  /**
   * Polls and lets the lines go on, until nothing waits. Ends in the same step in which the gate
   * opens: whatever closes it again begins the next run.
   */
  async #runPolls(): Promise<void> {
    await this.#nextRound();
    for (;;) {
      const began = this.#now();
      const hasReleased = this.#releaseFirst();
      if (this.#mayOpen) return this.#open();
      if (this.#secondLine.isEmpty || (hasReleased && !this.#poll.isSlow)) await this.#nextRound();
      if (this.#secondLine.isEmpty) continue;
      this.#releaseSecond(this.#now() - began);
      if (this.#mayOpen) return this.#open();
      await this.#nextRound();
      this.#slice.end();
    }
  }

  async #nextRound(): Promise<void> {
    this.#brought = 0;
    await this.#poll.poll();
    this.#startRound();
    this.#used = this.#brought;
  }

  /** What the process may cause between two polls. */
  get #credit(): number {
    return this.#poll.isSlow ? SLOW_CREDIT : CREDIT;
  }

  /** Lets accepts and the first line go on; returns whether a read did. */
  #releaseFirst(): boolean {
    const before = this.#used;
    this.#accepting.release(MAX_ACCEPTS, this.#round);
    const left = this.#firstLine.release(this.#credit - before, this.#round);
    this.#used = Math.max(before, this.#credit - left);
    return this.#used > before;
  }

  /** Gives the second line its slice, behind a first line that has taken `firstMs`. */
  #releaseSecond(firstMs: number): void {
    const ms = this.#poll.isSlow ? SLOW_SLICE_MS : SLICE_MS;
    this.#slice.begin(Math.max(ms, firstMs / MAX_FIRST_SHARE));
    this.#secondLine.release(this.#slice.batch, this.#round, this.#round);
  }

  get #mayOpen(): boolean {
    return this.#used < this.#credit && this.#firstLine.isEmpty && this.#secondLine.isEmpty;
  }

  #open(): void {
    this.#isOpen = true;
    this.#accepting.release(Infinity, this.#round);
    if (this.#members === 0) this.#releaseSockets();
  }

  #releaseSockets(): void {
    this.#poll.close();
    if (this.#node !== null) this.#clock.unsubscribe(this.#node);
    this.#node = null;
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
