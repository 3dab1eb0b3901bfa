/**
 * `deno task mutate FILE...`: what the tests of the pure part do not notice.
 *
 * Without files, all of `src/wire/`. `--sample N` takes N mutants by `--seed S`; `--jobs N`.
 * Exits with 1 if a mutant survives that equivalents.ts does not explain.
 */
import { parseArgs } from "node:util";
import { fuzzSeed, Random } from "../random.ts";
import { mutants, runMutants } from "./campaign.ts";
import { whyEquivalent } from "./equivalents.ts";

const { values, positionals } = parseArgs({
  args: Deno.args,
  allowPositionals: true,
  options: { sample: { type: "string" }, seed: { type: "string" }, jobs: { type: "string" } },
});

const all = mutants(positionals);
const size = Number(values.sample ?? all.length);
const random = new Random(Number(values.seed ?? fuzzSeed()));
const chosen = size < all.length ? random.times(size, size, () => random.pick(all)) : all;

let survivors = 0;
let explained = 0;
let done = 0;
await runMutants(chosen, Number(values.jobs ?? navigator.hardwareConcurrency), (outcome) => {
  const { mutant, killedBy } = outcome;
  if (++done % 50 === 0) console.log(`${done} of ${chosen.length}`);
  if (killedBy !== null) return;
  const why = whyEquivalent(mutant);
  if (why !== undefined) return void explained++;
  survivors++;
  const { file, line, code, from, to } = mutant;
  console.log(`SURVIVED ${file}:${line}: ${from} -> ${to}\n  ${code}`);
});
console.log(
  `${chosen.length} mutants of ${all.length}: ${chosen.length - survivors - explained} killed, ` +
    `${explained} equivalent, ${survivors} survived`,
);
if (survivors > 0) Deno.exit(1);
