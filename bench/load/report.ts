/** The results: ratios with their spread, as a Markdown table and as a file to keep. */
import type { Figure } from "./measures.ts";

/** The middle of several rounds, and how far they went to both sides. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** One row of the table. */
export interface Result {
  readonly scenario: string;
  readonly title: string;
  readonly unit: string;
  readonly peer: string;
  /** This server's figure divided by the peer's, each ratio taken within one round. */
  readonly ratio: Spread;
  /** Round by round. */
  readonly figures: { readonly ours: readonly Figure[]; readonly peer: readonly Figure[] };
}

/** Everything that is kept of a run. */
export interface Report {
  readonly date: string;
  readonly commit: string;
  readonly rounds: number;
  readonly seconds: number;
  /** Whether the server and the load had a core each. */
  readonly pinned: boolean;
  readonly versions: { readonly [program: string]: string };
  readonly results: readonly Result[];
  /** What was not measured, and why. */
  readonly skipped: readonly string[];
  readonly failed: readonly string[];
}

/** A server that uses less of its core than this waits for the generator or the kernel. */
const AT_LIMIT = 0.9;

const LEGEND = "Written by `deno task bench:load`; [the method](../README.md). " +
  "\\*: the server used less than 90 % of its core";

/** The median, the lowest and the highest of at least one value. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((one, other) => one - other);
  const half = sorted.length / 2;
  const median = (sorted[Math.ceil(half) - 1]! + sorted[Math.floor(half)]!) / 2;
  return { median, min: sorted[0]!, max: sorted.at(-1)! };
}

/** Such as "1.04 (1.01 to 1.06)". */
export function ratioText({ median, min, max }: Spread): string {
  return `${median.toFixed(2)} (${min.toFixed(2)} to ${max.toFixed(2)})`;
}

/** Under which circumstances the results came about, as a sentence without its period. */
export function circumstances({ date, commit, versions, rounds, seconds, pinned }: Report): string {
  const programs = Object.entries(versions).map(([program, version]) => `${program} ${version}`);
  const cores = pinned ? "server and load on a core each" : "server and load on the same cores";
  return `${date}, commit ${commit}, ${programs.join(", ")}; ` +
    `${rounds} rounds of ${seconds} s, ${cores}`;
}

/** The table, the circumstances, and what is missing. */
export function markdown(report: Report): string {
  const rows = report.results.map(({ title, peer, ratio, figures, unit }) => [
    title,
    peer,
    ratioText(ratio),
    medianText(figures.ours, unit),
    medianText(figures.peer, unit),
  ]);
  const head = ["load", "against", "ratio: median (lowest to highest)", "asynchttp", "the peer"];
  const lines = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  const missing = [...report.skipped, ...report.failed].map((line) => `- ${line}`).join("\n");
  const table = lines.join("\n");
  return `# Servers under load\n\n${circumstances(report)}. ${LEGEND}.\n\n${table}\n\n${missing}\n`;
}

/** The median, marked with \* where the server was not at its limit in most rounds. */
function medianText(figures: readonly Figure[], unit: string): string {
  const { median } = spreadOf(figures.map(({ value }) => value));
  const { median: busy } = spreadOf(figures.map(({ busy }) => busy ?? 1));
  const text = median.toLocaleString("en", { maximumSignificantDigits: 3 });
  return `${text} ${unit}${busy < AT_LIMIT ? " \\*" : ""}`;
}
