import { assert, assertEquals } from "@std/assert";
import { EventLoop, eventLoop } from "../../src/net/event_loop.ts";
import type { FairnessTicket } from "../../src/net/event_loop.ts";

/** Turns of an event loop that is moved by hand. */
class Loop {
  now = 0;
  readonly order: string[] = [];
  /** How often the sockets were looked at. */
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
  /** How many connections there are. */
  open = 3;
  readonly #movers = new Map<string, FairnessTicket>();
  readonly #later: (() => void)[] = [];

  /** Asks for a turn, and is noted when it comes. */
  ask(name: string): void {
    const ticket = this.#movers.get(name) ?? { asked: 0 };
    this.#movers.set(name, ticket);
    const turn = this.eventLoop.next(ticket);
    if (turn === null) this.order.push(name);
    else turn.then(() => this.order.push(name));
  }

  /** One turn; how many things were due in it. */
  async turn(): Promise<number> {
    const due = this.#later.splice(0);
    for (const then of due) then();
    await Promise.resolve();
    return due.length;
  }
}

Deno.test("turns: within its share of a turn nobody waits", async () => {
  const loop = new Loop();
  loop.ask("a");
  loop.now += 0.1;
  loop.ask("b");
  assertEquals(loop.order, ["a", "b"]);
  assertEquals(await loop.turn(), 1);
});

Deno.test("turns: beyond it each has a turn of its own, in the order of asking", async () => {
  const loop = new Loop();
  loop.ask("a");
  loop.now += 1;
  for (const name of ["b", "c"]) loop.ask(name);
  assertEquals(loop.order, ["a"]);
  await loop.turn();
  assertEquals(loop.order, ["a", "b"]);
  loop.ask("d");
  assertEquals(loop.order, ["a", "b"], "nobody overtakes who waits");
  await loop.turn();
  await loop.turn();
  assertEquals(loop.order, ["a", "b", "c", "d"]);
});

Deno.test("turns: nothing is left over when nobody waits any more", async () => {
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
  Deno.test(`turns: where 2 of ${open} work the sockets are looked at every ${every / 2} ms`, async () => {
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

Deno.test("turns: where nobody waits in between they are not looked at", async () => {
  const loop = new Loop();
  for (let i = 0; i < 12; i++) {
    loop.ask("a");
    loop.now += 0.5;
    await loop.turn();
  }
  assertEquals(loop.looks, 0);
});

Deno.test("turns: 61 turns and more go by in a look, and those who wait wait no longer", async () => {
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
