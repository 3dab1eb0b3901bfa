/**
 * The results as an SVG bar chart: ratios on a logarithmic scale, so that twice as much
 * and half as much are equally far from the baseline, 1.
 */
import { circumstances, ratioText } from "./report.ts";
import type { Report, Result } from "./report.ts";

type Place = (ratio: number) => number;

const WIDTH = 1080;
const MARGIN = 20;
/** Where the bars are, between the labels and the figures. */
const BARS = { from: 600, to: 910 };
const ROW = 26;
/** Where the rows begin, below the header and the scale. */
const TOP = 112;

const STYLE = `
  svg { --paper: #fff; --text: #1f2328; --soft: #59636e; --line: #d1d9e0; --good: #1a7f64; --bad: #c2560c }
  @media (prefers-color-scheme: dark) {
    svg { --paper: #0d1117; --text: #f0f6fc; --soft: #9da7b3; --line: #3d444d; --good: #2ea989; --bad: #e8833a }
  }
  text { font: 13px system-ui, sans-serif; fill: var(--text); dominant-baseline: central }
  .title { font-size: 18px; font-weight: 600 }
  .soft { font-size: 12px; fill: var(--soft) }
  .axis { font-size: 12px; fill: var(--soft); text-anchor: middle }
  .peer { fill: var(--soft); text-anchor: end }
  .paper { fill: var(--paper) }
  .grid { stroke: var(--line) }
  .line { stroke: var(--text); stroke-width: 1.5; fill: none }
  .good { fill: var(--good) }
  .bad { fill: var(--bad) }
`;

/** A chart for light and for dark pages. */
export function chart(report: Report): string {
  const { results } = report;
  const height = TOP + results.length * ROW + MARGIN;
  const bounds = results.flatMap(({ ratio: { min, max } }) => [Math.log2(min), Math.log2(max)]);
  const low = Math.min(-1, Math.floor(Math.min(...bounds)));
  const high = Math.max(1, Math.ceil(Math.max(...bounds)));
  const place: Place = (ratio) =>
    Math.round(BARS.from + (Math.log2(ratio) - low) / (high - low) * (BARS.to - BARS.from));
  const ticks = Array.from({ length: high - low + 1 }, (_, at) => 2 ** (low + at));
  const lines = ticks.map((tick) =>
    text(place(tick), TOP - 14, tick < 1 ? `1/${1 / tick}` : `${tick}`, "axis") +
    `<path class="${tick === 1 ? "line" : "grid"}" d="M${place(tick)} ${TOP}V${height - MARGIN}"/>`
  );
  const size = `viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" aria-labelledby="title">
<style>${STYLE}</style>
<rect class="paper" width="${WIDTH}" height="${height}"/>
<text class="title" id="title" x="${MARGIN}" y="26">asynchttp as a ratio to its peers</text>
${text(MARGIN, 50, circumstances(report), "soft")}
${text(MARGIN, 70, "Requests per second unless another unit is named; ↓: less is better", "soft")}
${lines.join("\n")}
${results.map((result, at) => row(result, place, TOP + (at + 0.5) * ROW)).join("\n")}
</svg>
`;
}

/** A bar from 1 to the median, and a line from the lowest to the highest round. */
function row({ title, unit, peer, ratio }: Result, place: Place, y: number): string {
  const isRate = unit === "requests/s";
  const isGood = isRate ? ratio.median >= 1 : ratio.median <= 1;
  const [one, median, min, max] = [place(1), ...[ratio.median, ratio.min, ratio.max].map(place)];
  const [x, width] = [Math.min(one, median!), Math.abs(median! - one)];
  return `${text(MARGIN, y, isRate ? title : `${title} (${unit} ↓)`)}
${text(BARS.from - 14, y, peer, "peer")}
<rect class="${isGood ? "good" : "bad"}" x="${x}" y="${y - 8}" width="${width}" height="16"/>
<path class="line" d="M${min} ${y - 4}v8M${min} ${y}H${max}M${max} ${y - 4}v8"/>
${text(BARS.to + 24, y, ratioText(ratio))}`;
}

function text(x: number, y: number, content: string, style = ""): string {
  const escaped = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text class="${style}" x="${x}" y="${y}">${escaped}</text>`;
}
