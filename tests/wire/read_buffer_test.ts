/** The bytes that arrived and are not parsed yet: memory that grows, moves and is given away. */
import { assert, assertEquals, assertNotEquals, assertStrictEquals } from "@std/assert";
import { bytesOf, pattern, textOf } from "../fixtures.ts";
import { ReadBuffer } from "../../src/wire/read_buffer.ts";

function unused(input: ReadBuffer): Uint8Array {
  return input.bytes.subarray(input.start, input.end);
}

Deno.test("ReadBuffer: is empty and allocates nothing before the first space()", () => {
  const input = new ReadBuffer();
  assertEquals([input.length, input.bytes.length], [0, 0]);
  assertEquals(input.space().length, 2048);
});

Deno.test("ReadBuffer: returns the bytes that were put in", () => {
  const input = new ReadBuffer();
  input.push(bytesOf("abc"));
  input.push(bytesOf(""));
  input.push(bytesOf("def"));
  assertEquals(textOf(unused(input)), "abcdef");
  input.consume(2);
  assertEquals(input.length, 4);
  assertEquals(textOf(unused(input)), "cdef");
});

Deno.test("ReadBuffer: push copies", () => {
  const input = new ReadBuffer();
  const lent = bytesOf("abc");
  input.push(lent);
  lent.fill(0xaa);
  assertEquals(textOf(unused(input)), "abc");
});

Deno.test("ReadBuffer: a push that is larger than the space", () => {
  for (const length of [2047, 2048, 2049, 16_384, 100_000]) {
    const input = new ReadBuffer();
    input.push(bytesOf("first"));
    input.push(pattern(length));
    assertEquals(input.length, 5 + length);
    assertEquals(textOf(unused(input).subarray(0, 5)), "first");
    assertEquals(unused(input).subarray(5), pattern(length));
  }
});

Deno.test("ReadBuffer: space() has at least 512 bytes", () => {
  const input = new ReadBuffer();
  for (let i = 0; i < 100; i++) {
    const room = input.space();
    assert(room.length >= 512, `${room.length}`);
    room.fill(i, 0, 100);
    input.filled(100);
  }
  assertEquals(input.length, 10_000);
  for (let i = 0; i < 10_000; i++) {
    assertEquals(input.bytes[input.start + i], Math.floor(i / 100));
  }
});

Deno.test("ReadBuffer: bytes move when fewer than 512 bytes are free", () => {
  const input = new ReadBuffer();
  input.push(pattern(1536));
  assertEquals([input.space().length, input.space().byteOffset], [512, 1536]);
  input.push(pattern(1));
  assert(input.space().length > 512);
  assertEquals(input.length, 1537);
});

Deno.test("ReadBuffer: space() is the same memory until it is filled", () => {
  const input = new ReadBuffer();
  assertStrictEquals(input.space(), input.bytes);
  assertStrictEquals(input.space(), input.bytes);
  input.push(bytesOf("a"));
  assertEquals(input.space().byteOffset, 1);
});

Deno.test("ReadBuffer: used bytes free their space", () => {
  const input = new ReadBuffer();
  const { buffer } = input.space();
  for (let i = 0; i < 100; i++) {
    input.push(pattern(1000));
    input.consume(1000);
  }
  assertStrictEquals(input.space().buffer, buffer);
  assertEquals(input.space().length, 2048);
});

Deno.test("ReadBuffer: a peer that fills the space gets more, up to 64 KiB", () => {
  const input = new ReadBuffer();
  const sizes: number[] = [];
  for (let i = 0; i < 4; i++) {
    const room = input.space();
    sizes.push(room.length);
    input.filled(room.length);
    input.consume(room.length);
  }
  assertEquals(sizes, [2048, 16_384, 65_536, 65_536]);
});

Deno.test("ReadBuffer: a peer that leaves space free gets no more", () => {
  const input = new ReadBuffer();
  for (let i = 0; i < 5; i++) {
    const room = input.space();
    assertEquals(room.length, 2048);
    input.filled(room.length - 1);
    input.consume(room.length - 1);
  }
});

Deno.test("ReadBuffer: does not grow while its bytes are used in time", () => {
  const input = new ReadBuffer();
  const { buffer } = input.space();
  input.push(pattern(2047));
  input.consume(2047);
  assertStrictEquals(input.space().buffer, buffer);
  input.push(pattern(2048));
  input.consume(2048);
  assertEquals(input.space().length, 16_384);
});

/** Fills memory of 2048 bytes with `length` bytes, uses them, and gives them away. */
function given(input: ReadBuffer, length: number): { isCopy: boolean; text: string } {
  const room = input.space();
  room.set(pattern(length));
  input.filled(length);
  const { bytes, start } = input;
  input.consume(length);
  const piece = input.give(bytes.subarray(start, start + length));
  assertEquals(piece, pattern(length));
  return { isCopy: piece.buffer !== room.buffer, text: textOf(new Uint8Array(piece.buffer)) };
}

Deno.test("ReadBuffer: a piece that is most of the memory is given away with it", () => {
  const input = new ReadBuffer();
  assert(!given(input, 1500).isCopy);
  assertEquals([input.bytes.length, input.length], [0, 0]);
  assert(given(input, 1000).isCopy, "it is little");
});

Deno.test("ReadBuffer: other bytes in the memory are not given away", () => {
  const input = new ReadBuffer();
  input.push(bytesOf("secret".repeat(340)));
  input.consume(2040);
  const { isCopy, text } = given(input, 1500);
  assert(isCopy && !text.includes("secret"));
  assert(!given(input, 1500).isCopy, "the memory after it is new");
});

Deno.test("ReadBuffer: memory with unused bytes is not given away", () => {
  const input = new ReadBuffer();
  input.push(pattern(2000));
  input.consume(1900);
  assertEquals(input.give(input.bytes.subarray(0, 1900)), pattern(1900));
  assertEquals(input.takeAll(), pattern(100, 1900));
});

Deno.test("ReadBuffer: takeAll returns a copy of the unused bytes and uses them", () => {
  const input = new ReadBuffer();
  input.push(bytesOf("abcdef"));
  input.consume(2);
  const rest = input.takeAll();
  assertEquals(textOf(rest), "cdef");
  assertNotEquals(rest.buffer, input.bytes.buffer);
  assertEquals(input.length, 0);
  assertEquals(input.takeAll().length, 0);
  input.push(bytesOf("xxxxxx"));
  assertEquals(textOf(rest), "cdef");
});

Deno.test("ReadBuffer: releaseMemory frees large memory, and reads are small again", () => {
  const input = new ReadBuffer();
  input.push(pattern(5000));
  input.consume(5000);
  input.releaseMemory();
  assertEquals([input.bytes.length, input.start, input.end], [0, 0, 0]);
  assertEquals(input.space().length, 2048);
});

Deno.test("ReadBuffer: releaseMemory keeps the smallest memory", () => {
  const input = new ReadBuffer();
  input.push(bytesOf("head"));
  input.consume(4);
  const { bytes } = input;
  input.releaseMemory();
  assertStrictEquals(input.bytes, bytes);
});

Deno.test("ReadBuffer: releaseMemory keeps unused bytes", () => {
  const input = new ReadBuffer();
  input.push(pattern(5000));
  input.consume(4990);
  input.releaseMemory();
  assertEquals(unused(input), pattern(10, 4990));
});
