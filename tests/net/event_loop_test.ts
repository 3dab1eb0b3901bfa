import { assert, assertEquals } from "@std/assert";
import { EventLoop, eventLoop } from "../../src/net/event_loop.ts";
import type { FairnessTicket } from "../../src/net/event_loop.ts";

/** An event loop whose turns and clock the test controls. */
class Loop {
  now = 0;
  readonly order: string[] = [];
  /** The number of looks at the sockets. */
  looks = 0;
  readonly eventLoop: EventLoop = new EventLoop(
    () => this.now,
    (then) => void this.#later.push(then),
    (then) => {
      this.looks++;
      this.#later.push(then);
    },
    () => this.open,
  );
  /** The number of open connections. */
  open = 3;
  readonly #tickets = new Map<string, FairnessTicket>();
  readonly #later: (() => void)[] = [];

  /** Asks for a turn, and records when it comes. */
  ask(name: string): void {
    const ticket = this.#tickets.get(name) ?? { asked: 0 };
    this.#tickets.set(name, ticket);
    const turn = this.eventLoop.next(ticket);
    if (turn === null) this.order.push(name);
    else turn.then(() => this.order.push(name));
  }

  /** Runs one turn; returns the number of callbacks that were due. */
  async turn(): Promise<number> {
    const due = this.#later.splice(0);
    for (const then of due) then();
    await Promise.resolve();
    return due.length;
  }
}

Deno.test("EventLoop: within the share of a turn no ticket waits", async () => {
  const loop = new Loop();
  loop.ask("a");
  loop.now += 0.1;
  loop.ask("b");
  assertEquals(loop.order, ["a", "b"]);
  assertEquals(await loop.turn(), 1);
});

Deno.test("EventLoop: beyond the share each ticket gets a turn of its own, in the order of asking", async () => {
  const loop = new Loop();
  loop.ask("a");
  loop.now += 1;
  for (const name of ["b", "c"]) loop.ask(name);
  assertEquals(loop.order, ["a"]);
  await loop.turn();
  assertEquals(loop.order, ["a", "b"]);
  loop.ask("d");
  assertEquals(loop.order, ["a", "b"], "no ticket overtakes a waiting one");
  await loop.turn();
  await loop.turn();
  assertEquals(loop.order, ["a", "b", "c", "d"]);
});

Deno.test("EventLoop: nothing is left over when no ticket waits", async () => {
  const loop = new Loop();
  loop.ask("a");
  loop.now += 1;
  loop.ask("b");
  assertEquals([await loop.turn(), await loop.turn(), await loop.turn()], [1, 1, 0]);
  loop.now += 1;
  loop.ask("c");
  assertEquals(loop.order, ["a", "b", "c"], "a new turn has a new share");
});

for (const [open, every] of [[3, 4], [2, 20]] as const) {
  Deno.test(`EventLoop: if 2 of ${open} connections are busy, the sockets are looked at every ${every / 2} ms`, async () => {
    const loop = new Loop();
    loop.open = open;
    for (let i = 1; i <= 60; i++) {
      loop.ask("a");
      loop.now += 0.5;
      loop.ask("b");
      await loop.turn();
      assertEquals(loop.looks, Math.floor(i / every));
    }
  });
}

Deno.test("EventLoop: the sockets are not looked at if no ticket waits in between", async () => {
  const loop = new Loop();
  for (let i = 0; i < 12; i++) {
    loop.ask("a");
    loop.now += 0.5;
    await loop.turn();
  }
  assertEquals(loop.looks, 0);
});

Deno.test("EventLoop: a look takes 61 turns or more, after which waiting tickets continue", async () => {
  let over = false;
  let count = 0;
  const spin = () => {
    count++;
    if (!over) setImmediate(spin);
  };
  setImmediate(spin);
  // Longer than a look is due, in turns of this process.
  const end = performance.now() + 20;
  while (performance.now() < end) {
    const busy = performance.now() + 0.3;
    while (performance.now() < busy);
    await eventLoop.next({ asked: 0 });
  }
  over = true;
  await new Promise((resolve) => setImmediate(resolve));
  assert(count > 61, `${count} turns`);
});
