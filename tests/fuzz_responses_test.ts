/**
 * Our response parser against llhttp, as undici uses it: as `deno task fuzz:responses` does it,
 * but shorter and always the same; and that a parser that is wrong would be found.
 */
import { assert, assertEquals } from "@std/assert";
import { bytesOf, textOf } from "./fixtures.ts";
import { compareMany } from "./fuzz/responses/campaign.ts";
import { compare } from "./fuzz/responses/compare.ts";
import { VALID } from "./fuzz/responses/corpus.ts";
import { KNOWN } from "./fuzz/responses/known.ts";
import { LlhttpResponses, readOurs } from "./fuzz/responses/readers.ts";
import type { Reader } from "./fuzz/responses/readers.ts";
import { Random } from "./random.ts";

function unexplained(inputs: number, ours?: Reader) {
  const { kinds, accepted } = compareMany(new Random(9112), inputs, ours);
  return { found: [...kinds].filter(([kind]) => !KNOWN.has(kind)), accepted };
}

Deno.test("fuzz: 10,000 inputs of responses, and no unexplained difference", () => {
  const { found, accepted } = unexplained(10_000);
  assertEquals(found, []);
  assert(accepted > 4000, `Only ${accepted} responses were accepted`);
});

Deno.test("fuzz: both sides read what servers send", () => {
  const llhttp = new LlhttpResponses();
  for (const text of VALID) {
    const bytes = bytesOf(text);
    const ours = readOurs(bytes, "GET");
    assertEquals(ours.outcome, "ok", text);
    const found = compare(ours, llhttp.read(bytes, "GET"), text, "GET");
    assert(found === null || KNOWN.has(found.kind), `${text}: ${found?.kind}`);
  }
});

/** Readers that are wrong: what they take for what. */
const MISTAKES: readonly (readonly [takes: RegExp, as: string])[] = [
  [/(?<!\r)\n/g, "\r\n"],
  [/[ \t]+:/g, ":"],
  [/\r\n[ \t]+/g, " "],
  [/Content-Length: [+]/g, "Content-Length: "],
  [/^HTTP\/1.1 {2}/, "HTTP/1.1 "],
  [/\0/g, ""],
  [/^\r\n/, ""],
];

for (const [takes, as] of MISTAKES) {
  Deno.test(`fuzz: a reader of responses that takes ${takes} as ${JSON.stringify(as)} is found`, () => {
    const mistaken: Reader = (bytes, method) =>
      readOurs(bytesOf(textOf(bytes).replace(takes, as)), method);
    assert(unexplained(3000, mistaken).found.some(([, { dangerous }]) => dangerous));
  });
}
