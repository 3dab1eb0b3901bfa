/** State machines as tables. */
import { assertEquals, assertThrows } from "@std/assert";
import { moved } from "../src/transitions.ts";
import type { Transitions } from "../src/transitions.ts";

const LIGHTS: Transitions<"red" | "green"> = { red: ["green"], green: ["red", "green"] };

Deno.test("moved: a move that the table allows", () => {
  assertEquals(moved(LIGHTS, "red", "green"), "green");
  assertEquals(moved(LIGHTS, "green", "green"), "green");
});

Deno.test("moved: a move that the table does not allow", () => {
  assertThrows(() => moved(LIGHTS, "red", "red"), Error, 'State "red" must not follow "red"');
});
