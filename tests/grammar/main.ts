/**
 * `deno task prove`: every string up to the full length of each subject, the parser against
 * the grammar. `--only TITLE`, `--length N`. Exits with 1 after a difference.
 */
import { parseArgs } from "node:util";
import { prove } from "./proof.ts";
import { SUBJECTS } from "./subjects.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: { only: { type: "string" }, length: { type: "string" } },
});

let differences = 0;
const witnessed = new Set<unknown>();
const chosen = SUBJECTS.filter(({ title }) => values.only === undefined || title === values.only);
for (const subject of chosen) {
  const length = values.length === undefined ? subject.full : Number(values.length);
  const start = performance.now();
  const report = prove(subject, length);
  const { strings, texts, accepted, refused, waits } = report;
  console.log(
    `${subject.title}: ${strings} strings of up to ${length} of ${subject.symbols.length} symbols, ` +
      `${texts} texts read: ${accepted} accepted, ${refused} refused, ${waits} incomplete, ` +
      `${((performance.now() - start) / 1000).toFixed(1)} s`,
  );
  for (const [deviation, text] of report.witnesses) {
    if (!witnessed.has(deviation)) console.log(`  ${deviation.title}: ${JSON.stringify(text)}`);
    witnessed.add(deviation);
  }
  for (const difference of report.differences) console.log("  DIFFERS", difference);
  differences += report.differences.length;
}
if (differences > 0) Deno.exit(1);
