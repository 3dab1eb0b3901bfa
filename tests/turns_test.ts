import { assertEquals } from "@std/assert";
import { Turns } from "../src/turns.ts";

/** Turns of an event loop that is moved by hand. */
class Loop {
  now = 0;
  readonly order: string[] = [];
  readonly turns: Turns = new Turns(() => this.now, (then) => void this.#later.push(then));
  readonly #later: (() => void)[] = [];

  /** Asks for a turn, and is noted when it comes. */
  ask(name: string): void {
    const turn = this.turns.next();
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
