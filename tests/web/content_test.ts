import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { contentBytes, streamOf } from "../../src/web/content.ts";
import type { Content } from "../../src/web/content.ts";

Deno.test("content: text is UTF-8", () => {
  assertEquals([...contentBytes("a\u00e4\u20ac")], [0x61, 0xc3, 0xa4, 0xe2, 0x82, 0xac]);
  assertEquals(contentBytes("").length, 0);
});

Deno.test("content: bytes are not copied", () => {
  const bytes = Uint8Array.of(0, 255);
  assertStrictEquals(contentBytes(bytes), bytes);
});

Deno.test("content: null and undefined are no content", () => {
  assertEquals(contentBytes(null).length, 0);
  assertEquals(contentBytes(undefined).length, 0);
});

for (const [shown, value] of [["5", 5], ["an Array", [1]], ["an object", {}], ["false", false]]) {
  Deno.test(`content: ${JSON.stringify(value)} is refused`, () => {
    const message =
      `Content must be a string, a Uint8Array, a ReadableStream or null: got ${shown}`;
    assertThrows(() => contentBytes(value as unknown as Content), TypeError, message);
  });
}

Deno.test("content as a stream: one chunk, a copy", async () => {
  const bytes = Uint8Array.of(1, 2);
  const reader = streamOf(bytes).getReader();
  const { value } = await reader.read();
  assertEquals(value, bytes);
  value![0] = 9;
  assertEquals(bytes[0], 1);
  assertEquals(await reader.read(), { done: true, value: undefined });
  assertEquals(await streamOf(new Uint8Array(0)).getReader().read(), {
    done: true,
    value: undefined,
  });
});

Deno.test("content as a stream: a BYOB reader gets it in its own buffer", async () => {
  const reader = streamOf(Uint8Array.of(1, 2, 3)).getReader({ mode: "byob" });
  const sizes: number[] = [];
  for (;;) {
    const { done, value } = await reader.read(new Uint8Array(2));
    if (done) break;
    sizes.push(value.length);
  }
  assertEquals(sizes, [2, 1]);
});
