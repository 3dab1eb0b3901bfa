/** The contract of the scheduler, rule by rule, with polls that the test ends. */
import { assert, assertEquals } from "@std/assert";
import { Clock } from "../../src/net/clock.ts";
import { Scheduler, Ticket } from "../../src/net/scheduler.ts";
import type { Poll, Waiter } from "../../src/net/scheduler.ts";
import { fuzzSeed, Random } from "../random.ts";

const SMALL = 100;
const LARGE = 65_536;
/** What the process may cause between two polls. */
const CREDIT = 64;

/** A loop whose polls and time the test controls. */
class Loop {
  now = 0;
  polls = 0;
  closes = 0;
  /** The most polls at a time. */
  mostPolling = 1;
  readonly isSlow: boolean;
  /** The clients that read, in the order in which they may. */
  reading: Client[] = [];
  readonly clock: Clock = new Clock();
  #endPoll: (() => void) | null = null;
  readonly scheduler: Scheduler;

  constructor(isSlow = false) {
    this.isSlow = isSlow;
    this.scheduler = new Scheduler(this.#pollOf(), () => this.now, this.clock);
  }

  #pollOf(): Poll {
    return {
      poll: () => {
        this.polls++;
        this.mostPolling = Math.max(this.mostPolling, this.#endPoll === null ? 1 : 2);
        return new Promise((resolve) => this.#endPoll = resolve);
      },
      close: () => void this.closes++,
      isSlow: this.isSlow,
    };
  }

  get polling(): boolean {
    return this.#endPoll !== null;
  }

  /** Ends the poll in progress, and lets everything run that it has brought. */
  async poll(): Promise<void> {
    const end = this.#endPoll!;
    this.#endPoll = null;
    end();
    for (let i = 0; i < 10; i++) await Promise.resolve();
  }

  /** Completes all reads in progress, in the order in which they began. */
  serve(): number {
    const served = this.reading;
    this.reading = [];
    for (const client of served) client.complete();
    return served.length;
  }
}

/** A connection that reads whenever it may; the test says when a read is completed. */
class Client implements Waiter {
  readonly ticket: Ticket;
  next: Waiter | null = null;
  /** The requests that were served. */
  served = 0;
  reading = false;
  readonly #loop: Loop;

  constructor(loop: Loop) {
    this.#loop = loop;
    this.ticket = new Ticket(loop.scheduler);
    this.read();
  }

  read(): void {
    if (this.#loop.scheduler.tryRead(this.ticket)) this.resume();
    else this.#loop.scheduler.wait(this);
  }

  resume(): void {
    this.reading = true;
    this.#loop.reading.push(this);
  }

  /** Completes the read, serves its request for `ms`, and reads on. */
  complete(bytes = SMALL, ms = 0): void {
    this.reading = false;
    this.#loop.scheduler.recordRead(this.ticket, bytes);
    this.#loop.now += ms;
    this.served++;
    this.read();
  }
}

function clients(loop: Loop, count: number): Client[] {
  return Array.from({ length: count }, () => new Client(loop));
}

/** Closes the gate as 65 busy connections do; returns those that read and the one that waits. */
function closedGate(loop: Loop): Client[] {
  const crowd = clients(loop, CREDIT + 1);
  for (const client of crowd) client.complete();
  return crowd;
}

Deno.test("hardening 47: as many busy connections as the credit never close the gate", () => {
  const loop = new Loop();
  const crowd = clients(loop, CREDIT);
  for (let round = 0; round < 10; round++) for (const client of crowd) client.complete();
  assertEquals([loop.polls, crowd.every(({ reading }) => reading)], [0, true]);
});

Deno.test("hardening 47: one more closes it, and waits for a poll", async () => {
  const loop = new Loop();
  const crowd = closedGate(loop);
  assertEquals([loop.polls, crowd.map(({ reading }) => reading).indexOf(false)], [1, CREDIT]);
  await loop.poll();
  assert(crowd.every(({ reading }) => reading));
  assertEquals(loop.polling, false, "nothing waits: the gate is open");
});

Deno.test("hardening 47: while the gate is closed, whatever was served waits in line", async () => {
  const loop = new Loop();
  const crowd = closedGate(loop);
  for (const client of crowd.slice(0, 10)) client.complete();
  assertEquals(crowd.filter(({ reading }) => !reading).length, 11);
  await loop.poll();
  assert(crowd.every(({ reading }) => reading));
});

Deno.test("hardening 47: what a poll has brought is charged first, and the line waits for the rest", async () => {
  const loop = new Loop();
  const crowd = clients(loop, 3 * CREDIT);
  for (const client of crowd.slice(0, CREDIT + 1)) client.complete();
  await loop.poll();
  // The gate is open again; the same once more, so that reads of earlier rounds are in progress.
  const rested = crowd.slice(CREDIT + 1);
  for (const client of crowd.slice(0, CREDIT + 1)) client.complete();
  const waiting = crowd.filter(({ reading }) => !reading);
  for (const client of rested.slice(0, CREDIT)) client.complete();
  await loop.poll();
  assert(waiting.every(({ reading }) => !reading), "a full credit was brought");
  await loop.poll();
  assert(waiting.every(({ reading }) => reading));
});

Deno.test("hardening 47: each is served once before any is served twice, in any order", async () => {
  const random = new Random(fuzzSeed());
  const loop = new Loop();
  const crowd = clients(loop, 500);
  // First some chaos: reads are completed in any order, with any number of polls.
  for (let i = 0; i < 2000; i++) {
    loop.reading.sort(() => random.below(3) - 1);
    const later = loop.reading.splice(random.below(128));
    loop.serve();
    loop.reading.push(...later);
    if (loop.polling && random.below(2) === 0) await loop.poll();
  }
  // Then every client has its next request ready at once.
  while (loop.reading.length > 0) loop.serve();
  const before = crowd.map(({ served }) => served);
  for (let i = 0; i < 1000; i++) {
    await loop.poll();
    loop.serve();
  }
  const counts = crowd.map(({ served }, at) => served - before[at]!);
  assert(Math.min(...counts) > 100, `${Math.min(...counts)}`);
  assert(Math.max(...counts) - Math.min(...counts) <= 1, `${counts}`);
});

Deno.test("hardening 47: the first read of a new connection does not wait", () => {
  const loop = new Loop();
  closedGate(loop);
  assert(new Client(loop).reading);
});

Deno.test("hardening 47: 32 connections are accepted between two polls, also behind a long line", async () => {
  const loop = new Loop();
  const crowd = clients(loop, 1000);
  for (const client of crowd) client.complete();
  const ticket = new Ticket(loop.scheduler);
  const accept = () => {
    const turn = loop.scheduler.beforeAccept(ticket);
    if (turn === null) loop.scheduler.recordAccept();
    return turn;
  };
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 32; i++) assertEquals(accept(), null);
    const turn = accept();
    assert(turn !== null);
    await loop.poll();
    await turn;
  }
});

Deno.test("hardening 47: accepts do not close the gate", () => {
  const loop = new Loop();
  for (let i = 0; i < 1000; i++) {
    assertEquals(loop.scheduler.beforeAccept(new Ticket(loop.scheduler)), null);
    loop.scheduler.recordAccept();
  }
  assertEquals(loop.polls, 0);
});

Deno.test("hardening 47: the first small write behind a read is free, every further one costs", () => {
  const loop = new Loop();
  const { ticket } = new Client(loop);
  for (let i = 0; i < 10 * CREDIT; i++) {
    loop.scheduler.recordRead(ticket, SMALL);
    assertEquals(loop.scheduler.beforeWrite(ticket, SMALL), null);
  }
  for (let i = 0; i < CREDIT; i++) {
    assertEquals(loop.scheduler.beforeWrite(ticket, 15_000), null);
  }
  assert(loop.scheduler.beforeWrite(ticket, 15_000) !== null);
});

Deno.test("hardening 47: large reads and writes close the gate by the credit", async () => {
  const loop = new Loop();
  const [large, other] = clients(loop, 2);
  for (let i = 0; i < CREDIT - 2; i++) large!.complete(LARGE);
  assertEquals(loop.scheduler.beforeWrite(large!.ticket, LARGE), null);
  assertEquals(loop.scheduler.beforeWrite(large!.ticket, LARGE), null);
  assert(large!.reading, "64 of 64 are used");
  large!.complete(LARGE);
  assertEquals([large!.reading, loop.polls], [false, 1]);
  other!.complete();
  assert(!other!.reading);
  await loop.poll();
  assertEquals([large!.reading, other!.reading], [false, true], "the small one goes first");
  await loop.poll();
  assert(large!.reading);
});

Deno.test("hardening 47: what large reads bring closes it after 1 ms, too", async () => {
  const loop = new Loop();
  const [large] = clients(loop, 1);
  for (let i = 0; i < 4; i++) {
    assert(large!.reading, `${i}`);
    large!.complete(LARGE, 0.25);
  }
  assertEquals([large!.reading, loop.polls], [false, 1]);
  await loop.poll();
  assert(large!.reading);
  assertEquals(loop.polling, false, "nothing waits: the gate is open");
  large!.complete(LARGE, 0.75);
  assert(large!.reading, "another 1 ms has begun");
});

Deno.test("hardening 47: the wait for a client is no work, nor is that of a stream for its source", () => {
  const loop = new Loop();
  const [large, writer] = clients(loop, 2);
  for (let i = 0; i < 20; i++) {
    loop.now += 20;
    large!.complete(LARGE, 0.01);
    loop.now += 20;
    assertEquals(loop.scheduler.beforeWrite(writer!.ticket, LARGE), null);
  }
  assertEquals(loop.polls, 0);
});

Deno.test("hardening 47: a poll that shows gives the large ones another 1 ms", () => {
  const loop = new Loop();
  const [large, small] = clients(loop, 2);
  for (let i = 0; i < 100; i++) {
    large!.complete(LARGE, 0.3);
    // Its second read within a round shows that the sockets were polled.
    if (i % 2 === 0) small!.complete();
  }
  assertEquals(loop.polls, 0);
});

/** A crowd keeps the gate closed, and has its turn; behind it a large transfer waits. */
async function besideCrowd(loop: Loop): Promise<Client> {
  const [large, ...crowd] = clients(loop, 1000);
  for (const client of crowd) client.complete();
  // The first poll has brought more than the credit.
  loop.reading = [];
  await loop.poll();
  await loop.poll();
  assertEquals(loop.reading.length, CREDIT);
  large!.complete(LARGE);
  assert(!large!.reading);
  return large!;
}

Deno.test("hardening 47: a large transfer goes on behind the first line until 0.5 ms are over", async () => {
  const loop = new Loop();
  const large = await besideCrowd(loop);
  for (let i = 0; i < 10; i++) {
    assertEquals(loop.serve(), CREDIT);
    await loop.poll();
    assertEquals(loop.reading, [large], "the first line has had its turn");
    for (let at = 0; at < 4; at++) {
      assert(large.reading, `${at}`);
      large.complete(LARGE, 0.125);
    }
    assert(!large.reading);
    loop.reading = [];
    await loop.poll();
  }
});

Deno.test("hardening 47: it goes on for a quarter of the time of both lines, if that is more", async () => {
  const loop = new Loop();
  const large = await besideCrowd(loop);
  loop.now += 30;
  loop.serve();
  await loop.poll();
  large.complete(LARGE, 9.9);
  assert(large.reading);
  large.complete(LARGE, 0.2);
  assert(!large.reading);
});

Deno.test("hardening 47: it goes on for 64 reads and writes at most", async () => {
  const loop = new Loop();
  const large = await besideCrowd(loop);
  await loop.poll();
  let count = 0;
  for (; large.reading; count++) large.complete(LARGE);
  assertEquals(count, CREDIT);
});

Deno.test("hardening 47: its turn ends with the slice, whether it was used or not", async () => {
  const loop = new Loop();
  const large = await besideCrowd(loop);
  await loop.poll();
  assert(large.reading, "its client sends nothing before the next poll");
  await loop.poll();
  large.complete(LARGE);
  assert(!large.reading);
});

Deno.test("hardening 47: more and more large transfers share a slice that they do not use up", async () => {
  const loop = new Loop();
  for (const client of clients(loop, 1000)) client.complete(LARGE);
  const batches: number[] = [];
  const poll = async (ms: number, others: number) => {
    // The first may complete its read; the clients of the others send nothing.
    const [first] = loop.reading.splice(0);
    if (ms > 0) first!.complete(LARGE, ms);
    loop.now += others;
    await loop.poll();
    batches.push(loop.reading.length);
  };
  // What others take is not charged: the batch would stay at 1 on a busy server.
  for (let i = 0; i < 4; i++) await poll(0, 3);
  assertEquals(batches.splice(0), [1, 2, 4, 4]);
  for (let i = 0; i < 3; i++) await poll(1.1, 0);
  assertEquals(batches, [2, 1, 1], "each takes long");
});

/** A crowd and a large transfer wait; the first line has gone on, and is about to be polled for. */
async function lastWaiter(loop: Loop): Promise<Client> {
  const large = new Client(loop);
  closedGate(loop);
  large.complete(LARGE);
  loop.reading = [];
  await loop.poll();
  assert(!large.reading);
  return large;
}

Deno.test("hardening 47: an accept that waits when the gate opens goes on", async () => {
  const loop = new Loop();
  const large = await lastWaiter(loop);
  const ticket = new Ticket(loop.scheduler);
  let accepts = 0;
  for (; loop.scheduler.beforeAccept(ticket) === null; accepts++) loop.scheduler.recordAccept();
  assertEquals(accepts, 32);
  let goesOn = false;
  loop.scheduler.beforeAccept(ticket)!.then(() => goesOn = true);
  await loop.poll();
  assertEquals([large.reading, loop.polling, goesOn], [true, false, true]);
});

Deno.test("hardening 47: what closes the gate in the step in which it has opened begins the only run of polls", async () => {
  const loop = new Loop();
  const late = clients(loop, 2 * CREDIT);
  const large = await lastWaiter(loop);
  const opened = loop.poll();
  while (!large.reading) await Promise.resolve();
  for (const client of late) client.complete();
  await opened;
  for (let i = 0; i < 5; i++) {
    assertEquals(loop.mostPolling, 1);
    if (loop.polling) await loop.poll();
  }
  assert(late.every(({ reading }) => reading));
});

Deno.test("hardening 47: one run of polls at a time, in any order of reads, writes and accepts", async () => {
  const random = new Random(fuzzSeed());
  for (let round = 0; round < 200; round++) {
    const loop = new Loop();
    const crowd = clients(loop, random.pick([3, 70, 200]));
    const acceptor = new Ticket(loop.scheduler);
    const waits = new Set<Promise<unknown>>();
    const wait = (turn: Promise<void> | null) => {
      if (turn === null) return;
      waits.add(turn);
      turn.then(() => waits.delete(turn));
    };
    for (let step = 0; step < 200; step++) {
      const client = loop.reading.splice(random.below(loop.reading.length || 1), 1)[0];
      client?.complete(random.pick([SMALL, SMALL, LARGE]), random.pick([0, 0, 0.4]));
      if (random.oneIn(5)) wait(loop.scheduler.beforeWrite(random.pick(crowd).ticket, LARGE));
      if (random.oneIn(3)) {
        const turn = loop.scheduler.beforeAccept(acceptor);
        if (turn === null) loop.scheduler.recordAccept();
        wait(turn);
      }
      if (loop.polling && random.oneIn(8)) await loop.poll();
    }
    assertEquals(loop.mostPolling, 1);
    // Nobody sends any more: all that wait go on, and the gate opens.
    for (let i = 0; loop.polling && i < 2000; i++) {
      loop.reading = [];
      await loop.poll();
    }
    assertEquals([loop.polling, waits.size], [false, 0]);
    assert(crowd.every(({ reading }) => reading));
  }
});

Deno.test("hardening 47: a client that dribbles its head is behind those that send requests", async () => {
  const loop = new Loop();
  const [dribbler, ...crowd] = clients(loop, 1000);
  for (const client of crowd) client.complete();
  dribbler!.reading = false;
  dribbler!.ticket.usesSecondLine = true;
  dribbler!.read();
  loop.reading = [];
  // The first poll has brought more than the credit, so that only the second line goes on.
  await loop.poll();
  assert(dribbler!.reading, "it is not starved");
  dribbler!.reading = false;
  dribbler!.ticket.usesSecondLine = true;
  dribbler!.ticket.granted = 0;
  dribbler!.read();
  loop.reading = [];
  await loop.poll();
  assertEquals([loop.reading.length, loop.reading.includes(dribbler!)], [CREDIT, false]);
  loop.reading = [];
  await loop.poll();
  assert(dribbler!.reading, "it is behind them");
});

Deno.test("hardening 47: where a timer makes the poll, the line goes on by 256", async () => {
  const loop = new Loop(true);
  const crowd = clients(loop, 1000);
  for (const client of crowd) client.complete();
  loop.reading = [];
  // The first three polls have brought more than the credit.
  while (loop.reading.length === 0) await loop.poll();
  assertEquals(loop.reading.length, 256);
});

Deno.test("hardening 47: a client that pipelines joins the line after 0.5 ms of the clock", async () => {
  const loop = new Loop();
  const { ticket } = new Client(loop);
  const requests = async () => {
    let count = 0;
    for (let turn = null; turn === null && count < 1000; count++) {
      loop.now += 0.05;
      turn = loop.scheduler.beforeBuffered(ticket);
      if (turn === null) continue;
      await loop.poll();
      await turn;
    }
    return count;
  };
  // The share begins with the first look at the clock, at the 8th; each 8th request looks.
  assertEquals([await requests(), await requests()], [24, 24]);
});

Deno.test("hardening 47: clients that pipeline a little never close the gate", () => {
  const loop = new Loop();
  const crowd = clients(loop, CREDIT);
  for (let round = 0; round < 10; round++) {
    for (const client of crowd) {
      client.complete();
      for (let i = 0; i < 15; i++) {
        loop.now += 0.05;
        assertEquals(loop.scheduler.beforeBuffered(client.ticket), null);
      }
    }
  }
  assertEquals(loop.polls, 0);
});

Deno.test("the sockets of the poll are released when the last connection leaves, or at rest", async () => {
  const loop = new Loop();
  loop.scheduler.join();
  closedGate(loop);
  await loop.poll();
  assertEquals([loop.closes, loop.clock.size], [0, 1]);
  loop.clock.tick(250, 0);
  assertEquals(loop.closes, 0, "the gate was closed since the last tick");
  loop.clock.tick(500, 0);
  assertEquals([loop.closes, loop.clock.size], [1, 0]);
  closedGate(loop);
  await loop.poll();
  loop.scheduler.leave();
  assertEquals([loop.closes, loop.clock.size], [2, 0]);
});
