/** Request bodies as one piece, whose memory follows what arrived. */
import { assert, assertEquals } from "@std/assert";
import { bytesOf, pattern, textOf } from "../fixtures.ts";
import { BodyBuffer } from "../../src/wire/body_buffer.ts";

Deno.test("BodyBuffer: returns its pieces as one", () => {
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

Deno.test("BodyBuffer: copies its pieces", () => {
  const body = new BodyBuffer(0);
  const piece = bytesOf("abc");
  body.add(piece);
  piece.fill(0xaa);
  body.add(piece.subarray(0, 0));
  assertEquals(textOf(body.bytes()), "abc");
});

Deno.test("BodyBuffer: a body that is nearly complete gets exactly the memory that it needs", () => {
  const body = new BodyBuffer(1500);
  body.add(pattern(1000));
  assertEquals(body.bytes().buffer.byteLength, 1500);
  body.add(pattern(500, 1000));
  assertEquals(body.bytes().buffer.byteLength, 1500);
  assertEquals(body.bytes(), pattern(1500));
});

Deno.test("hardening 24: memory follows the bytes that arrived, not the announced length", () => {
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

Deno.test("hardening 25: a body of many pieces is copied only a few times", () => {
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
