/**
 * A few of the mutants of `deno task mutate`, always the same: each must fail a test. And that
 * a mutant which no test notices would be found.
 */
import { assert, assertEquals } from "@std/assert";
import { mutants, runMutants } from "./mutation/campaign.ts";
import type { Outcome } from "./mutation/campaign.ts";
import { EQUIVALENTS, whyEquivalent } from "./mutation/equivalents.ts";
import { mutantsOf } from "./mutation/mutants.ts";
import { Random } from "./random.ts";
import { testWith } from "./server/tools.ts";

/** Those whose mutants were all run: see tests/README.md. */
const FILES = ["chunk_extension.ts", "chunked.ts"];
const SAMPLE = 8;

testWith(
  ["sh", "symbolic links"],
  "mutation: a sample of mistakes in the chunked coding fails a test",
  async () => {
    const random = new Random(9112);
    const all = mutants(FILES).filter((mutant) => whyEquivalent(mutant) === undefined);
    const outcomes: Outcome[] = [];
    const chosen = Array.from({ length: SAMPLE }, () => random.pick(all));
    await runMutants(chosen, 1, (outcome) => outcomes.push(outcome));
    assertEquals(outcomes.length, SAMPLE);
    const survivors = outcomes.filter(({ killedBy }) => killedBy === null);
    assertEquals(survivors.map(({ mutant: { source: _, ...mutant } }) => mutant), []);
    assert(outcomes.every(({ killedBy }) => !killedBy!.startsWith("import of")));
  },
);

Deno.test("mutation: every equivalent mutant is one of the mutants", () => {
  const explained = new Set(
    mutants([...new Set(EQUIVALENTS.map(({ file }) => file))])
      .map(whyEquivalent),
  );
  for (const { why } of EQUIVALENTS) assert(explained.has(why), why);
});

Deno.test("mutation: operators, numbers, names, statements and entries are changed", () => {
  const changes = (text: string) => mutantsOf("a.ts", text).map(({ source }) => source);
  assertEquals(changes("a < 1;"), [";", "a <= 1;", "a >= 1;", "a < 2;", "a < 0;"]);
  assertEquals(changes("if (!a) b();"), [
    "if (true) b();",
    "if (false) b();",
    "if (a) b();",
    "if (!a) ;",
  ]);
  assertEquals(changes("const a: 1 = x && y;"), ["const a: 1 = x || y;"]);
  assertEquals(changes('const a = ["b", "c"];'), [
    'const a = ["c"];',
    'const a = ["b", ];',
    'const a = ["", "c"];',
    'const a = ["b", ""];',
  ]);
  assertEquals(changes("type A = 1 | 2; interface B { c: 3 }"), []);
});
