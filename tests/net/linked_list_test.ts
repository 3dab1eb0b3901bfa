import { assertEquals } from "@std/assert";
import { LinkedList } from "../../src/net/linked_list.ts";

Deno.test("Roster: members stand in the order in which they came", () => {
  const roster = new LinkedList<string>();
  for (const name of ["a", "b", "c"]) roster.add(name);
  assertEquals([roster.size, roster.values()], [3, ["a", "b", "c"]]);
});

for (const gone of ["a", "b", "c", "ab", "bc", "ac", "abc", "cba", "bac"]) {
  Deno.test(`Roster: of abc ${gone} leave, and d comes`, () => {
    const roster = new LinkedList<string>();
    const seats = new Map(["a", "b", "c"].map((name) => [name, roster.add(name)]));
    for (const name of gone) roster.remove(seats.get(name)!);
    roster.add("d");
    const left = ["a", "b", "c"].filter((name) => !gone.includes(name));
    assertEquals([roster.size, roster.values()], [left.length + 1, [...left, "d"]]);
  });
}

Deno.test("Roster: who leaves twice leaves once, and holds nobody", () => {
  const roster = new LinkedList<string>();
  const [first, second] = [roster.add("a"), roster.add("b")];
  roster.remove(first);
  roster.remove(first);
  assertEquals([roster.size, roster.values()], [1, ["b"]]);
  assertEquals(first, { value: null, previous: null, next: null });
  roster.remove(second);
  assertEquals([roster.size, roster.values()], [0, []]);
});

Deno.test("Roster: during a visit who leaves is not visited, and who comes is not yet", () => {
  const roster = new LinkedList<string>();
  const seats = ["a", "b", "c", "d"].map((name) => roster.add(name));
  const visited: string[] = [];
  roster.forEach((name) => {
    visited.push(name);
    if (name !== "b") return;
    for (const node of seats.slice(0, 3)) roster.remove(node);
    roster.add("e");
  });
  assertEquals([visited, roster.values()], [["a", "b", "d"], ["d", "e"]]);
});
