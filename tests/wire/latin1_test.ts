/** Bytes as Latin-1, by the decoder of `Buffer` and by the one for platforms without it. */
import { assert, assertEquals } from "@std/assert";
import { bytesOf } from "../fixtures.ts";
import { latin1, latin1Decoder } from "../../src/wire/latin1.ts";

const DECODERS = [["with Buffer", latin1], ["without Buffer", latin1Decoder({})]] as const;

for (const [which, decode] of DECODERS) {
  Deno.test(`latin1, ${which}: every byte is the character of the same code, not of windows-1252`, () => {
    const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const text = decode(all, 0, 256);
    assertEquals(text.length, 256);
    for (let byte = 0; byte < 256; byte++) assertEquals(text.charCodeAt(byte), byte);
    assertEquals(decode(all, 0x41, 0x44), "ABC");
    assertEquals(decode(all, 0x41, 0x41), "");
    assertEquals(decode(all.subarray(0x41), 1, 3), "BC");
  });

  Deno.test(`latin1, ${which}: text of any length is complete`, () => {
    const alphabet = "abcdefghijklmnopqrstuvwxyz";
    for (const length of [1023, 1024, 1025, 2047, 2048, 2049, 100_000]) {
      const text = alphabet.repeat(length / 26 + 2);
      assertEquals(decode(bytesOf(text), 3, 3 + length), text.slice(3, 3 + length));
    }
  });

  Deno.test(`latin1, ${which}: text outlives its bytes`, () => {
    const bytes = bytesOf("text");
    const text = decode(bytes, 0, 4);
    bytes.fill(0xaa);
    assertEquals(text, "text");
  });
}

Deno.test("latin1: the decoder of Buffer is in use", () => {
  assert(latin1 !== latin1Decoder({}));
  assertEquals(
    latin1Decoder({ Buffer: { prototype: { latin1Slice: () => "its own" } } })(bytesOf("a"), 0, 1),
    "its own",
  );
  assertEquals(latin1Decoder({ Buffer: { prototype: {} } })(bytesOf("a"), 0, 1), "a");
});
