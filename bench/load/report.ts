/** The results as a table to read, and as a file to keep. */
import type { Result } from "./contest.ts";
import type { Figure } from "./measures.ts";
import type { Target } from "./scenarios.ts";
import { spreadOf } from "./statistics.ts";

/** A server that uses less of its core has time to spare: its rate is the generator's. */
const AT_LIMIT = 0.9;

const NOT_AT_LIMIT =
  "* The server was not at its limit: its rate is the generator's, or the kernel's";

/** Under what circumstances the results came about. */
export interface Circumstances {
  readonly date: string;
  readonly generator: string;
  readonly rounds: number;
  readonly seconds: number;
  /** Were server and load kept on a core each? */
  readonly pinned: boolean;
  readonly versions: { readonly [program: string]: string };
}

/** What was measured, and what was not. */
export interface Taken {
  readonly results: Result[];
  /** What could not be measured here, and why. */
  readonly skipped: string[];
  /** What went wrong. */
  readonly failed: string[];
}

/** Everything that is kept of a run. */
export interface Report extends Circumstances, Taken {}

/** Such as "≥ 0.96". */
export function targetText(target: Target): string {
  return "atLeast" in target ? `≥ ${target.atLeast}` : `≤ ${target.atMost}`;
}

/** Such as "1.04 (1.01 to 1.06)". */
export function ratioText({ ratio: { median, min, max } }: Pick<Result, "ratio">): string {
  return `${median.toFixed(2)} (${min.toFixed(2)} to ${max.toFixed(2)})`;
}

/** One line a row: medians of both, the ratio with its spread, the target. */
export function table(results: readonly Result[]): string {
  const head = ["", "ours", "", "against", "", "ratio", "target", ""];
  const rows = results.map(({ title, ours, peer, figures, unit, target, met, ...result }) => [
    title,
    ours,
    medianText(figures.ours, unit),
    peer,
    medianText(figures.peer, unit),
    ratioText(result),
    targetText(target),
    met ? "met" : "MISSED",
  ]);
  const widths = head.map((cell, i) => Math.max(cell.length, ...rows.map((row) => row[i]!.length)));
  const lines = [head, ...rows]
    .map((row) => row.map((cell, i) => cell.padEnd(widths[i]!)).join("  ").trimEnd());
  const atLimit = results.every(({ figures }) =>
    isAtLimit(figures.ours) && isAtLimit(figures.peer)
  );
  return [...lines, ...atLimit ? [] : [NOT_AT_LIMIT]].join("\n");
}

/** With a mark where the server was not at its limit. */
function medianText(figures: readonly Figure[], unit: string): string {
  const { median } = spreadOf(figures.map(({ value }) => value));
  const digits = median < 100 ? 2 : 0;
  const text = median.toLocaleString("en", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return `${text} ${unit}${isAtLimit(figures) ? "" : " *"}`;
}

/** Was the server at its limit in most rounds? */
function isAtLimit(figures: readonly Figure[]): boolean {
  return spreadOf(figures.map(({ busy }) => busy ?? 1)).median >= AT_LIMIT;
}

/** The versions of what takes part. */
export async function versions(): Promise<Record<string, string>> {
  const own = { deno: Deno.version.deno, v8: Deno.version.v8 };
  const found: Record<string, string> = {};
  for (const program of ["node", "nim", "wrk"]) {
    const text = await outputOf(program);
    const version = /\d+\.\d+[\w.+-]*/.exec(text ?? "")?.[0];
    if (version !== undefined) found[program] = version;
  }
  return { ...own, ...found, os: `${Deno.build.os} ${Deno.osRelease()} ${Deno.build.arch}` };
}

async function outputOf(program: string): Promise<string | null> {
  try {
    const { stdout } = await new Deno.Command(program, { args: ["--version"], stderr: "null" })
      .output();
    return new TextDecoder().decode(stdout);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
