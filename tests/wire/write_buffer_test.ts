/** The bytes that wait to be written. */
import { assertEquals, assertStrictEquals } from "@std/assert";
import { bytesOf, textOf } from "../fixtures.ts";
import { WriteBuffer } from "../../src/wire/write_buffer.ts";

Deno.test("WriteBuffer: text and bytes, in order", () => {
  const out = new WriteBuffer();
  assertEquals(out.length, 0);
  out.latin1("a\x80\xff");
  out.copy(Uint8Array.of(1, 2));
  out.latin1("");
  out.copy(new Uint8Array(0));
  out.latin1("z");
  assertEquals(out.length, 6);
  assertEquals([...out.view()], [0x61, 0x80, 0xff, 1, 2, 0x7a]);
});

Deno.test("WriteBuffer: grows for text and for bytes, and keeps its content", () => {
  for (const length of [511, 512, 513, 1024, 1025, 5000]) {
    const text = "abcdefghij".repeat(length / 10 + 1).slice(0, length);
    const one = new WriteBuffer();
    one.latin1(text);
    assertEquals(textOf(one.view()), text);
    const two = new WriteBuffer();
    two.latin1("first");
    two.copy(bytesOf(text));
    two.latin1(text);
    assertEquals(textOf(two.view()), "first" + text + text);
  }
});

Deno.test("WriteBuffer: grows no sooner than necessary", () => {
  const out = new WriteBuffer();
  out.latin1("x".repeat(512));
  assertEquals(out.view().buffer.byteLength, 512);
  out.latin1("x");
  assertEquals(out.view().buffer.byteLength, 1024);
});

Deno.test("WriteBuffer: many small writes", () => {
  const out = new WriteBuffer();
  for (let i = 0; i < 10_000; i++) out.latin1(String(i % 10));
  assertEquals(textOf(out.view()), "0123456789".repeat(1000));
});

Deno.test("WriteBuffer: clear drops the content and starts again", () => {
  const out = new WriteBuffer();
  out.latin1("abcdef");
  out.clear();
  assertEquals([out.length, out.view().length], [0, 0]);
  out.latin1("xy");
  assertEquals(textOf(out.view()), "xy");
});

Deno.test("WriteBuffer: taken bytes are never overwritten", () => {
  const out = new WriteBuffer();
  out.latin1("abc");
  const taken = out.take();
  assertEquals([out.length, out.view().length], [0, 0]);
  out.latin1("xyz!");
  assertEquals(textOf(taken), "abc");
  assertEquals(textOf(out.take()), "xyz!");
  assertEquals(out.take().length, 0);
});

Deno.test("WriteBuffer: releaseMemory frees the memory, but only if it is empty", () => {
  const out = new WriteBuffer();
  out.latin1("x".repeat(5000));
  const memory = out.view().buffer;
  out.releaseMemory();
  assertStrictEquals(out.view().buffer, memory);
  assertEquals(out.length, 5000);
  out.clear();
  out.releaseMemory();
  assertEquals(out.view().buffer.byteLength, 0);
  out.latin1("abc");
  assertEquals(textOf(out.view()), "abc");
});
