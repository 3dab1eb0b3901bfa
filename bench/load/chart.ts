/**
 * The results as an SVG bar chart: ratios on a logarithmic scale, so that twice as
 * fast and half as fast are equally far from the baseline, 1.
 */
import type { Result } from "./contest.ts";
import { ratioText, targetText } from "./report.ts";
import type { Report } from "./report.ts";

const WIDTH = 960;
const MARGIN = 20;
/** Where the bars are, between the labels and the figures. */
const BARS = { from: 400, to: 740 };
const FIGURES = BARS.to + 24;
const ROW = 26;
const HEADER = 92;
const HEADING = 60;

const STYLE = `
  svg { --paper: #fff; --text: #1f2328; --soft: #59636e; --line: #d1d9e0; --met: #1a7f64; --missed: #c2560c }
  @media (prefers-color-scheme: dark) {
    svg { --paper: #0d1117; --text: #f0f6fc; --soft: #9da7b3; --line: #3d444d; --met: #2ea989; --missed: #e8833a }
  }
  text { font: 13px system-ui, sans-serif; fill: var(--text); dominant-baseline: central }
  .title { font-size: 18px; font-weight: 600 }
  .heading { font-size: 14px; font-weight: 600 }
  .soft { fill: var(--soft) }
  .axis { font-size: 12px; fill: var(--soft); text-anchor: middle }
  .paper { fill: var(--paper) }
  .grid { stroke: var(--line) }
  .base { stroke: var(--text); stroke-width: 1.5 }
  .spread { stroke: var(--text); stroke-width: 1.5 }
  .target { fill: var(--paper); stroke: var(--text); stroke-width: 1.5 }
  .met { fill: var(--met) }
  .missed { fill: var(--missed) }`;

/** A chart that can be read on light and on dark pages. */
export function chart(report: Report): string {
  const groups = [
    ["Requests per second: more is better", "atLeast"],
    ["Time and memory: less is better", "atMost"],
  ] as const;
  const parts: string[] = [];
  let y = HEADER;
  for (const [title, kind] of groups) {
    const results = report.results.filter(({ target }) => kind in target);
    if (results.length === 0) continue;
    parts.push(group(title, results, y));
    y += HEADING + results.length * ROW;
  }
  const height = y + MARGIN;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title">
<style>${STYLE}
</style>
<rect class="paper" width="${WIDTH}" height="${height}"/>
${header(report)}
${parts.join("\n")}
</svg>
`;
}

function header({ date, versions, rounds, seconds, generator }: Report): string {
  const deno = `Deno ${versions["deno"]}`;
  const taken = `medians of ${rounds} rounds of ${seconds} s, load by ${nameOf(generator)}`;
  const y = 72;
  return `<text class="title" id="title" x="${MARGIN}" y="26">asynchttp, as a ratio to its peers</text>
${text(MARGIN, 50, `${date}, ${deno}, ${taken}`, "soft")}
<rect class="met" x="${MARGIN}" y="${y - 5}" width="22" height="10"/>
${text(48, y, "target met")}
<rect class="missed" x="140" y="${y - 5}" width="22" height="10"/>
${text(168, y, "target missed")}
${diamond(290, y)}
${text(304, y, "target")}
${spreadLine(370, 400, y)}
${text(410, y, "lowest to highest round")}`;
}

function nameOf(generator: string): string {
  return generator === "ours" ? "the generator of bench/" : generator;
}

function group(title: string, results: readonly Result[], y: number): string {
  const scale = new Scale(results);
  const top = y + HEADING - 14;
  const bottom = top + results.length * ROW;
  const rows = results.map((result, i) => row(result, scale, top + i * ROW + ROW / 2));
  return [
    text(MARGIN, y + 20, title, "heading"),
    ...scale.ticks.map((tick) => gridLine(tick, scale.x(tick), top, bottom)),
    `<path class="base" d="M${scale.x(1)} ${top}V${bottom}"/>`,
    ...rows,
  ].join("\n");
}

function gridLine(tick: number, x: number, top: number, bottom: number): string {
  return `${text(x, top - 12, tick === 1 ? "1 × (the peer)" : `${tick} ×`, "axis")}
<path class="grid" d="M${x} ${top}V${bottom}"/>`;
}

function row(result: Result, scale: Scale, y: number): string {
  const { ratio, target, met } = result;
  const value = scale.x(ratio.median);
  const base = scale.x(1);
  const goal = scale.x("atLeast" in target ? target.atLeast : target.atMost);
  return `${text(MARGIN, y, result.title)}
<text class="soft" x="${BARS.from - 14}" y="${y}" text-anchor="end">${
    escaped(peerOf(result))
  }</text>
<rect class="${met ? "met" : "missed"}" x="${Math.min(value, base)}" y="${y - 8}" width="${
    round(Math.abs(value - base))
  }" height="16"/>
${spreadLine(scale.x(ratio.min), scale.x(ratio.max), y)}
${diamond(goal, y)}
${text(FIGURES, y, `${ratioText(result)}, ${targetText(target)}`)}`;
}

/** A crowd is compared with itself: there its own size is what tells the rows apart. */
function peerOf({ ours, peer, scenario }: Result): string {
  return scenario === "crowd" ? `${ours} / ${peer}` : peer;
}

function text(x: number, y: number, content: string, style?: string): string {
  const attribute = style === undefined ? "" : `class="${style}" `;
  return `<text ${attribute}x="${x}" y="${y}">${escaped(content)}</text>`;
}

function spreadLine(from: number, to: number, y: number): string {
  return `<path class="spread" fill="none" d="M${from} ${y - 4}v8M${from} ${y}H${to}M${to} ${
    y - 4
  }v8"/>`;
}

function diamond(x: number, y: number): string {
  return `<path class="target" d="M${x} ${y - 6}l5 6l-5 6l-5 -6z"/>`;
}

function escaped(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

/** From ratios to places: powers of two are equally far apart, and all results are between them. */
class Scale {
  readonly ticks: readonly number[];
  readonly #low: number;
  readonly #high: number;

  constructor(results: readonly Result[]) {
    const values = results.flatMap(({ ratio, target }) => [
      ...[ratio.min, ratio.max],
      "atLeast" in target ? target.atLeast : target.atMost,
    ]);
    this.#low = Math.min(-1, Math.floor(Math.log2(Math.min(...values))));
    this.#high = Math.max(1, Math.ceil(Math.log2(Math.max(...values))));
    const count = this.#high - this.#low + 1;
    this.ticks = Array.from({ length: count }, (_, i) => 2 ** (this.#low + i));
  }

  x(ratio: number): number {
    const share = (Math.log2(ratio) - this.#low) / (this.#high - this.#low);
    return round(BARS.from + share * (BARS.to - BARS.from));
  }
}

function round(place: number): number {
  return Math.round(place * 10) / 10;
}
