/** Copies of heads that outlive the read buffer. */
import { assert, assertEquals } from "@std/assert";
import { bytesOf, pattern, textOf } from "../fixtures.ts";
import { HeadArena } from "../../src/wire/head_arena.ts";

Deno.test("HeadArena: kept bytes are never overwritten", () => {
  const store = new HeadArena();
  const kept: { bytes: Uint8Array; start: number; text: string }[] = [];
  for (let i = 0; i < 300; i++) {
    const text = `head ${i} ${"x".repeat(i)}`;
    const from = bytesOf(`before${text}after`);
    const start = store.keep(from, 6, 6 + text.length);
    from.fill(0xaa);
    kept.push({ bytes: store.bytes, start, text });
  }
  for (const { bytes, start, text } of kept) {
    assertEquals(textOf(bytes.subarray(start, start + text.length)), text);
  }
});

Deno.test("HeadArena: bytes that are larger than a slab get one of their own", () => {
  const store = new HeadArena();
  store.keep(pattern(10), 0, 10);
  const small = store.bytes;
  assertEquals(store.keep(pattern(100_000), 0, 100_000), 0);
  assertEquals(store.bytes, pattern(100_000));
  assert(small.length < 10_000, "it pins little memory");
});
