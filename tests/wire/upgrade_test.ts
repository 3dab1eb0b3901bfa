import { assertEquals } from "@std/assert";
import type { FieldPair } from "../../src/wire/fields.ts";
import { upgradeFields } from "../../src/wire/response_framing.ts";

const ROWS: readonly (readonly [offered: string, given: FieldPair[], fields: FieldPair[]])[] = [
  ["a/1, b", [], [["Connection", "Upgrade"], ["Upgrade", "a/1"]]],
  ["a", [["X", "y"]], [["Connection", "Upgrade"], ["Upgrade", "a"], ["X", "y"]]],
  ["a, b", [["UPGRADE", "b"]], [["Connection", "Upgrade"], ["UPGRADE", "b"]]],
  ["a", [["connection", "close"]], [["Connection", "Upgrade"], ["Upgrade", "a"]]],
];

for (const [offered, given, fields] of ROWS) {
  Deno.test(`RFC 9110, 7.8: ${offered} offered, ${JSON.stringify(given)} given`, () => {
    assertEquals(upgradeFields(offered, given), fields);
  });
}
