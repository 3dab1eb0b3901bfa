import { assert, assertEquals, assertNotEquals, assertStrictEquals } from "@std/assert";
import { bytesOf, textOf } from "../fixtures.ts";
import { BodyBuffer } from "../../src/wire/body_buffer.ts";
import { HeadArena } from "../../src/wire/head_arena.ts";
import { ReadBuffer } from "../../src/wire/read_buffer.ts";
import { WriteBuffer } from "../../src/wire/write_buffer.ts";

/** `length` bytes that tell where they stand. */
function pattern(length: number, from = 0): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => (from + i) % 251);
}

function unused(input: ReadBuffer): Uint8Array {
  return input.bytes.subarray(input.start, input.end);
}

Deno.test("InputBuffer: it is empty, and takes no memory, until it is asked for room", () => {
  const input = new ReadBuffer();
  assertEquals([input.length, input.bytes.length], [0, 0]);
  assertEquals(input.space().length, 2048);
});

Deno.test("InputBuffer: what was put in comes out", () => {
  const input = new ReadBuffer();
  input.push(bytesOf("abc"));
  input.push(bytesOf(""));
  input.push(bytesOf("def"));
  assertEquals(textOf(unused(input)), "abcdef");
  input.consume(2);
  assertEquals(input.length, 4);
  assertEquals(textOf(unused(input)), "cdef");
});

Deno.test("InputBuffer: what was pushed is a copy", () => {
  const input = new ReadBuffer();
  const lent = bytesOf("abc");
  input.push(lent);
  lent.fill(0xaa);
  assertEquals(textOf(unused(input)), "abc");
});

Deno.test("InputBuffer: a push that is larger than the room", () => {
  for (const length of [2047, 2048, 2049, 16_384, 100_000]) {
    const input = new ReadBuffer();
    input.push(bytesOf("first"));
    input.push(pattern(length));
    assertEquals(input.length, 5 + length);
    assertEquals(textOf(unused(input).subarray(0, 5)), "first");
    assertEquals(unused(input).subarray(5), pattern(length));
  }
});

Deno.test("InputBuffer: there is always room for 512 bytes", () => {
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

Deno.test("InputBuffer: memory is moved when there is room for less than 512 bytes", () => {
  const input = new ReadBuffer();
  input.push(pattern(1536));
  assertEquals([input.space().length, input.space().byteOffset], [512, 1536]);
  input.push(pattern(1));
  assert(input.space().length > 512);
  assertEquals(input.length, 1537);
});

Deno.test("InputBuffer: room is the same memory until it is filled", () => {
  const input = new ReadBuffer();
  assertStrictEquals(input.space(), input.bytes);
  assertStrictEquals(input.space(), input.bytes);
  input.push(bytesOf("a"));
  assertEquals(input.space().byteOffset, 1);
});

Deno.test("InputBuffer: bytes that were used make room", () => {
  const input = new ReadBuffer();
  const { buffer } = input.space();
  for (let i = 0; i < 100; i++) {
    input.push(pattern(1000));
    input.consume(1000);
  }
  assertStrictEquals(input.space().buffer, buffer);
  assertEquals(input.space().length, 2048);
});

Deno.test("KeptBytes: bytes that were kept are never overwritten", () => {
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

Deno.test("KeptBytes: what is larger than a slab has one of its own", () => {
  const store = new HeadArena();
  store.keep(pattern(10), 0, 10);
  const small = store.bytes;
  assertEquals(store.keep(pattern(100_000), 0, 100_000), 0);
  assertEquals(store.bytes, pattern(100_000));
  assert(small.length < 10_000, "it pins little memory");
});

Deno.test("InputBuffer: a peer that fills the room is read in larger pieces, up to 64 KiB", () => {
  const input = new ReadBuffer();
  const sizes: number[] = [];
  for (let i = 0; i < 7; i++) {
    const room = input.space();
    sizes.push(room.length);
    input.filled(room.length);
    input.consume(room.length);
  }
  assertEquals(sizes, [2048, 4096, 8192, 16_384, 32_768, 65_536, 65_536]);
});

Deno.test("InputBuffer: a peer that leaves room is not", () => {
  const input = new ReadBuffer();
  for (let i = 0; i < 5; i++) {
    const room = input.space();
    assertEquals(room.length, 2048);
    input.filled(room.length - 1);
    input.consume(room.length - 1);
  }
});

Deno.test("InputBuffer: more room is not taken while what is there is used up in time", () => {
  const input = new ReadBuffer();
  const { buffer } = input.space();
  input.push(pattern(2047));
  input.consume(2047);
  assertStrictEquals(input.space().buffer, buffer);
  input.push(pattern(2048));
  input.consume(2048);
  assertEquals(input.space().length, 4096);
});

/** Fills memory of 2048 bytes with so many, uses them, and gives them away. */
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

Deno.test("InputBuffer: a piece that is most of its memory is given away with it", () => {
  const input = new ReadBuffer();
  assert(!given(input, 1500).isCopy);
  assertEquals([input.bytes.length, input.length], [0, 0]);
  assert(given(input, 1000).isCopy, "it is little");
});

Deno.test("InputBuffer: what else was in the memory is not given away", () => {
  const input = new ReadBuffer();
  input.push(bytesOf("secret".repeat(340)));
  input.consume(2040);
  const { isCopy, text } = given(input, 1500);
  assert(isCopy && !text.includes("secret"));
  assert(!given(input, 1500).isCopy, "the memory after it is new");
});

Deno.test("InputBuffer: memory with unused bytes in it is not given away", () => {
  const input = new ReadBuffer();
  input.push(pattern(2000));
  input.consume(1900);
  assertEquals(input.give(input.bytes.subarray(0, 1900)), pattern(1900));
  assertEquals(input.takeAll(), pattern(100, 1900));
});

Deno.test("InputBuffer: takeAll gives a copy of what is not used, and uses it", () => {
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

Deno.test("InputBuffer: idle gives large memory back, and reads in small pieces again", () => {
  const input = new ReadBuffer();
  input.push(pattern(5000));
  input.consume(5000);
  input.releaseMemory();
  assertEquals([input.bytes.length, input.start, input.end], [0, 0, 0]);
  assertEquals(input.space().length, 2048);
});

Deno.test("InputBuffer: idle keeps the smallest memory", () => {
  const input = new ReadBuffer();
  input.push(bytesOf("head"));
  input.consume(4);
  const { bytes } = input;
  input.releaseMemory();
  assertStrictEquals(input.bytes, bytes);
});

Deno.test("InputBuffer: idle loses nothing that was not used", () => {
  const input = new ReadBuffer();
  input.push(pattern(5000));
  input.consume(4990);
  input.releaseMemory();
  assertEquals(unused(input), pattern(10, 4990));
});

Deno.test("OutputBuffer: text and bytes, in order", () => {
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

Deno.test("OutputBuffer: it grows for text and for bytes, and keeps what it has", () => {
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

Deno.test("OutputBuffer: it grows no sooner than it must", () => {
  const out = new WriteBuffer();
  out.latin1("x".repeat(512));
  assertEquals(out.view().buffer.byteLength, 512);
  out.latin1("x");
  assertEquals(out.view().buffer.byteLength, 1024);
});

Deno.test("OutputBuffer: many small writes", () => {
  const out = new WriteBuffer();
  for (let i = 0; i < 10_000; i++) out.latin1(String(i % 10));
  assertEquals(textOf(out.view()), "0123456789".repeat(1000));
});

Deno.test("OutputBuffer: clear forgets, and writes from the start again", () => {
  const out = new WriteBuffer();
  out.latin1("abcdef");
  out.clear();
  assertEquals([out.length, out.view().length], [0, 0]);
  out.latin1("xy");
  assertEquals(textOf(out.view()), "xy");
});

Deno.test("OutputBuffer: what was taken is nobody else's", () => {
  const out = new WriteBuffer();
  out.latin1("abc");
  const taken = out.take();
  assertEquals([out.length, out.view().length], [0, 0]);
  out.latin1("xyz!");
  assertEquals(textOf(taken), "abc");
  assertEquals(textOf(out.take()), "xyz!");
  assertEquals(out.take().length, 0);
});

Deno.test("OutputBuffer: idle lets go of its memory, and only when nothing is in it", () => {
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

Deno.test("BodyCollector: pieces come out as one", () => {
  for (const announced of [0, 5, 6, 7, 100, 8_388_608, Infinity]) {
    const body = new BodyBuffer(announced);
    assertEquals(body.bytes().length, 0);
    body.add(bytesOf("ab"));
    body.add(bytesOf(""));
    body.add(bytesOf("c"));
    body.add(bytesOf("def"));
    assertEquals(textOf(body.bytes()), "abcdef");
  }
});

Deno.test("BodyCollector: pieces are copied", () => {
  const body = new BodyBuffer(0);
  const piece = bytesOf("abc");
  body.add(piece);
  piece.fill(0xaa);
  body.add(piece.subarray(0, 0));
  assertEquals(textOf(body.bytes()), "abc");
});

Deno.test("BodyCollector: a body that is nearly there takes the memory that it needs", () => {
  const body = new BodyBuffer(1500);
  body.add(pattern(1000));
  assertEquals(body.bytes().buffer.byteLength, 1500);
  body.add(pattern(500, 1000));
  assertEquals(body.bytes().buffer.byteLength, 1500);
  assertEquals(body.bytes(), pattern(1500));
});

Deno.test("hardening 24: memory grows with what has arrived, not with what was announced", () => {
  const body = new BodyBuffer(8_388_608);
  let arrived = 0;
  while (arrived < 8_388_608) {
    body.add(pattern(16_384, arrived));
    arrived += 16_384;
    const memory = body.bytes().buffer.byteLength;
    assert(memory <= 4 * arrived, `${memory} bytes for ${arrived}`);
  }
  assertEquals(body.bytes().buffer.byteLength, 8_388_608);
  assertEquals(body.bytes().subarray(8_388_600), pattern(8, 8_388_600));
});

Deno.test("hardening 25: a body of many pieces is moved a few times", () => {
  const body = new BodyBuffer(0);
  let moves = 0;
  let last: ArrayBufferLike = body.bytes().buffer;
  for (let i = 0; i < 100_000; i++) {
    body.add(Uint8Array.of(i));
    if (body.bytes().buffer !== last) moves++;
    last = body.bytes().buffer;
  }
  assertEquals(body.bytes().length, 100_000);
  assert(moves < 20, `${moves} moves`);
});
