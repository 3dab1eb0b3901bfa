/** `deno task fuzz:responses`: our response parser against llhttp. `--inputs N`, `--seed S`. */
import { parseArgs } from "node:util";
import { fuzzSeed, Random } from "../../random.ts";
import { compareMany } from "./campaign.ts";
import { KNOWN } from "./known.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: { inputs: { type: "string" }, seed: { type: "string" } },
});

const random = new Random(Number(values.seed ?? fuzzSeed()));
const { kinds, accepted } = compareMany(random, Number(values.inputs ?? 200_000));
console.log(`${accepted} responses accepted`);
let unexplained = 0;
for (const [kind, { count, text, method }] of kinds) {
  const why = KNOWN.get(kind);
  console.log(`${count} ${kind}: ${why ?? `UNEXPLAINED ${method} ${JSON.stringify(text)}`}`);
  if (why === undefined) unexplained++;
}
if (unexplained > 0) Deno.exit(1);
