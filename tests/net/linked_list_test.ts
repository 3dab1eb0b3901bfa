import { assertEquals } from "@std/assert";
import { LinkedList } from "../../src/net/linked_list.ts";

Deno.test("LinkedList: keeps the order of insertion", () => {
  const list = new LinkedList<string>();
  for (const name of ["a", "b", "c"]) list.add(name);
  assertEquals([list.size, list.values()], [3, ["a", "b", "c"]]);
});

for (const gone of ["a", "b", "c", "ab", "bc", "ac", "abc", "cba", "bac"]) {
  Deno.test(`LinkedList: ${gone} removed from abc, then d added`, () => {
    const list = new LinkedList<string>();
    const nodes = new Map(["a", "b", "c"].map((name) => [name, list.add(name)]));
    for (const name of gone) list.remove(nodes.get(name)!);
    list.add("d");
    const left = ["a", "b", "c"].filter((name) => !gone.includes(name));
    assertEquals([list.size, list.values()], [left.length + 1, [...left, "d"]]);
  });
}

Deno.test("LinkedList: a second removal has no effect, and a removed node holds no references", () => {
  const list = new LinkedList<string>();
  const [first, second] = [list.add("a"), list.add("b")];
  list.remove(first);
  list.remove(first);
  assertEquals([list.size, list.values()], [1, ["b"]]);
  assertEquals(first, { value: null, previous: null, next: null });
  list.remove(second);
  assertEquals([list.size, list.values()], [0, []]);
});

Deno.test("LinkedList: forEach skips nodes that are removed or added during the visit", () => {
  const list = new LinkedList<string>();
  const nodes = ["a", "b", "c", "d"].map((name) => list.add(name));
  const visited: string[] = [];
  list.forEach((name) => {
    visited.push(name);
    if (name !== "b") return;
    for (const node of nodes.slice(0, 3)) list.remove(node);
    list.add("e");
  });
  assertEquals([visited, list.values()], [["a", "b", "d"], ["d", "e"]]);
});
