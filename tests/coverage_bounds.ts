/**
 * Reads an lcov report and holds it to the bounds: every line and branch of the pure
 * part, and 98 % of all.
 *
 * ```sh
 * deno run --allow-read tests/coverage_bounds.ts coverage/lcov.info
 * ```
 */

/** Hit and found, of lines and branches. */
interface Counts {
  lines: [hit: number, found: number];
  branches: [hit: number, found: number];
}

const BOUNDS: readonly [folder: string, least: number][] = [["src/wire/", 1], ["src/", 0.98]];

function countsIn(report: string, folder: string): Counts {
  const counts: Counts = { lines: [0, 0], branches: [0, 0] };
  for (const record of report.split("end_of_record\n")) {
    if (!/^SF:(.*)$/m.exec(record)?.[1]?.includes(`/${folder}`)) continue;
    const number = (key: string) =>
      Number(new RegExp(`^${key}:(\\d+)$`, "m").exec(record)?.[1] ?? 0);
    counts.lines[0] += number("LH");
    counts.lines[1] += number("LF");
    counts.branches[0] += number("BRH");
    counts.branches[1] += number("BRF");
  }
  return counts;
}

const report = await Deno.readTextFile(Deno.args[0]!);
let held = true;
for (const [folder, least] of BOUNDS) {
  for (const [what, [hit, found]] of Object.entries(countsIn(report, folder))) {
    const share = hit / found;
    const holds = found > 0 && share >= least;
    held &&= holds;
    const percent = (part: number) => `${(part * 100).toFixed(2)} %`;
    console.log(
      `${holds ? "ok  " : "FAIL"} ${folder} ${what}: ${hit} of ${found}, ${
        percent(share)
      }, at least ${percent(least)}`,
    );
  }
}
if (!held) Deno.exit(1);
