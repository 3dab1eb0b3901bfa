import { assertEquals } from "@std/assert";
import { Roster } from "../src/roster.ts";

Deno.test("Roster: members stand in the order in which they came", () => {
  const roster = new Roster<string>();
  for (const name of ["a", "b", "c"]) roster.enter(name);
  assertEquals([roster.size, roster.members()], [3, ["a", "b", "c"]]);
});

for (const gone of ["a", "b", "c", "ab", "bc", "ac", "abc", "cba", "bac"]) {
  Deno.test(`Roster: of abc ${gone} leave, and d comes`, () => {
    const roster = new Roster<string>();
    const seats = new Map(["a", "b", "c"].map((name) => [name, roster.enter(name)]));
    for (const name of gone) roster.leave(seats.get(name)!);
    roster.enter("d");
    const left = ["a", "b", "c"].filter((name) => !gone.includes(name));
    assertEquals([roster.size, roster.members()], [left.length + 1, [...left, "d"]]);
  });
}

Deno.test("Roster: who leaves twice leaves once, and holds nobody", () => {
  const roster = new Roster<string>();
  const [first, second] = [roster.enter("a"), roster.enter("b")];
  roster.leave(first);
  roster.leave(first);
  assertEquals([roster.size, roster.members()], [1, ["b"]]);
  assertEquals(first, { member: null, before: null, behind: null });
  roster.leave(second);
  assertEquals([roster.size, roster.members()], [0, []]);
});

Deno.test("Roster: during a visit who leaves is not visited, and who comes is not yet", () => {
  const roster = new Roster<string>();
  const seats = ["a", "b", "c", "d"].map((name) => roster.enter(name));
  const visited: string[] = [];
  roster.visit((name) => {
    visited.push(name);
    if (name !== "b") return;
    for (const seat of seats.slice(0, 3)) roster.leave(seat);
    roster.enter("e");
  });
  assertEquals([visited, roster.members()], [["a", "b", "d"], ["d", "e"]]);
});
