/** Takes the rounds of one scenario, and compares within each. */
import type { Bench, Figure, Subject } from "./measures.ts";
import type { Row, Scenario, Target } from "./scenarios.ts";
import { missing } from "./servers.ts";
import { spreadOf } from "./statistics.ts";
import type { Spread } from "./statistics.ts";

/** What came of a row. */
export interface Result {
  readonly scenario: string;
  readonly title: string;
  readonly ours: string;
  readonly peer: string;
  readonly unit: string;
  readonly target: Target;
  readonly met: boolean;
  /** Ours by the peer's, each ratio taken within one round. */
  readonly ratio: Spread;
  /** What was measured, round by round. */
  readonly figures: { readonly ours: readonly Figure[]; readonly peer: readonly Figure[] };
}

/** Descriptors a process needs besides its connections. */
const OTHER_DESCRIPTORS = 100;

/**
 * Measures all rows that this machine can: `rounds` times each subject, in turns, each
 * round beginning with another one, so that none always has the place behind the same.
 */
export async function contest(
  scenario: Scenario,
  rounds: number,
  bench: Bench,
  say: { progress(text: string): void; skipped(text: string): void },
): Promise<Result[]> {
  const rows = await possibleRows(scenario, say.skipped);
  const subjects = [...new Set(rows.flatMap(({ ours, peer }) => [ours, peer]))];
  if (subjects.length === 0) return [];
  say.progress(`${scenario.name}: starting ${subjects.length} servers, warming up`);
  const measure = await scenario.prepare(subjects, bench);
  const figures = new Map<Subject, Figure[]>(subjects.map((subject) => [subject, []]));
  for (let round = 0; round < rounds; round++) {
    for (const subject of rotated(subjects, round)) {
      say.progress(`${scenario.name}: round ${round + 1} of ${rounds}, ${subject.title}`);
      figures.get(subject)!.push(await measure(subject));
    }
  }
  return rows.map((row) => resultOf(scenario, row, figures.get(row.ours)!, figures.get(row.peer)!));
}

async function possibleRows(scenario: Scenario, skipped: (text: string) => void): Promise<Row[]> {
  const rows: Row[] = [];
  for (const row of scenario.rows) {
    const lack = scenario.onLinuxOnly && Deno.build.os !== "linux"
      ? "/proc"
      : await lackOf(row.ours) ?? await lackOf(row.peer);
    if (lack === null) rows.push(row);
    else {skipped(
        `${scenario.title}, ${row.ours.title} against ${row.peer.title}: skipped, it needs ${lack}`,
      );}
  }
  return rows;
}

async function lackOf({ server, open = 0 }: Subject): Promise<string | null> {
  const descriptors = open + OTHER_DESCRIPTORS;
  return await descriptorLimit() < descriptors
    ? `${descriptors} descriptors`
    : await missing(server);
}

async function descriptorLimit(): Promise<number> {
  const { stdout } = await new Deno.Command("sh", { args: ["-c", "ulimit -Hn"] }).output();
  const limit = Number(new TextDecoder().decode(stdout));
  return Number.isNaN(limit) ? Infinity : limit; // "unlimited"
}

function rotated<Item>(items: readonly Item[], by: number): Item[] {
  const at = by % items.length;
  return [...items.slice(at), ...items.slice(0, at)];
}

function resultOf(scenario: Scenario, row: Row, ours: Figure[], peer: Figure[]): Result {
  const ratio = spreadOf(ours.map(({ value }, round) => value / peer[round]!.value));
  const { target } = row;
  return {
    scenario: scenario.name,
    title: scenario.title,
    ours: row.ours.title,
    peer: row.peer.title,
    unit: scenario.unit,
    target,
    met: "atLeast" in target ? ratio.median >= target.atLeast : ratio.median <= target.atMost,
    ratio,
    figures: { ours, peer },
  };
}
