/** Formats the report of a campaign. */
import { byPush, run } from "../wire/runners.ts";
import type { Finding, Report } from "./campaign.ts";

/** Returns the progress as one line. */
export function progressLine({ inputs, seconds, tallies }: Report): string {
  const rate = Math.round(inputs / seconds);
  const unexplained = [...tallies.values()].filter(({ why }) => why === undefined).length;
  return `${inputs} inputs, ${rate}/s, ${tallies.size} kinds of disagreement, ${unexplained} unexplained`;
}

/** Returns a table of kind, count and explanation, with dangerous kinds first. */
export function table({ inputs, agreed, accepted, tallies }: Report): string {
  const sorted = [...tallies.values()].sort((a, b) =>
    Number(b.dangerous) - Number(a.dangerous) || b.count - a.count
  );
  const rows = sorted.map(({ kind, dangerous, count, why }) => [
    `${dangerous ? "! " : "  "}${kind}`,
    String(count),
    why ?? "UNEXPLAINED",
  ]);
  rows.unshift([
    "  they agree",
    String(agreed),
    `of ${inputs} inputs, with ${accepted} requests that both accept`,
  ]);
  const width = Math.max(...rows.map(([kind]) => kind!.length));
  return rows.map(([kind, count, why]) => `${kind!.padEnd(width)} ${count!.padStart(9)}  ${why}`)
    .join("\n");
}

/** Returns a row for `testRows` with the present outcome, which its reader has to judge. */
export function testRow({ kind, line, bytes }: Finding): string {
  const { events } = run([bytes], { profile: "rfc" }, byPush);
  return `// A mutation of hardening line ${line}
{
  title: ${literal(`fuzz: ${kind}`)},
  profile: "rfc",
  bytes: ${literal(String.fromCharCode(...bytes))},
  events: [${events.map(literal).join(", ")}],
},`;
}

/** Returns `text` as source text, with one visible character or escape a byte. */
function literal(text: string): string {
  return JSON.stringify(text).replace(
    /\\u00|[\x7f-\xff]/g,
    (found) => found.length > 1 ? "\\x" : `\\x${found.charCodeAt(0).toString(16)}`,
  );
}
