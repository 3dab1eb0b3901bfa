/**
 * `deno task fuzz`: compares our parser with llhttp.
 *
 * `--inputs N` (20,000, or unlimited if `--seconds` is given), `--seed S` (random),
 * `--seconds N`. Exits with 1 after a dangerous disagreement that known.ts does not explain.
 */
import { parseArgs } from "node:util";
import { Campaign } from "./campaign.ts";
import { progressLine, table, testRow } from "./print.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: { inputs: { type: "string" }, seed: { type: "string" }, seconds: { type: "string" } },
});

function numberOf(name: string, text: string): number {
  const value = Number(text);
  if (text !== "" && value >= 0) return value;
  throw new RangeError(`--${name} must be a number: got "${text}"`);
}

const seconds = numberOf("seconds", values.seconds ?? "Infinity");
const inputs = numberOf("inputs", values.inputs ?? (values.seconds ? "Infinity" : "20000"));
const seed = numberOf("seed", values.seed ?? String(crypto.getRandomValues(new Uint32Array(1))[0]));
console.log(`--seed ${seed}`);

const campaign = new Campaign({
  inputs,
  seed,
  seconds,
  onProgress: (report) => console.log(progressLine(report)),
});
const report = campaign.run();
console.log(`${progressLine(report)}\n\n${table(report)}`);
const findings = campaign.findings();
for (const finding of findings) {
  console.log(`\n${finding.dangerous ? "DANGEROUS, " : ""}unexplained:\n${testRow(finding)}`);
}
if (findings.some(({ dangerous }) => dangerous)) Deno.exit(1);
