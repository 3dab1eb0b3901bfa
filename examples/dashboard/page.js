/**
 * The page of the dashboard: tiles, charts and tables of the samples that arrive as events.
 *
 * A chart is drawn on a canvas, which assistive technology cannot read. So each is a slider over
 * the time as well: the arrow keys move its cursor, and the value is its text. The last samples
 * also stand in a table.
 */
/* global uPlot -- from /uplot.js */

const MAX_SAMPLES = 300;
const ROWS = 30;

const get = (id) => document.getElementById(id);
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name);

/** Builds an element; children are elements and text. */
function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// Figures as text: [number, unit]

const decimals = (value) => value === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
const rounded = (value) => value.toFixed(Number.isInteger(value) ? 0 : decimals(value));

const plain = (value) => [rounded(value), ""];
const milliseconds = (value) =>
  value < 1000 ? [rounded(value), "ms"] : [rounded(value / 1000), "s"];
function bytes(value) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, value)) / 3));
  return [rounded(power === 0 ? Math.round(value) : value / 1000 ** power), units[power]];
}

const text = (format, value) => value === null ? "–" : format(value).join(" ").trim();
const clock = (ms) => new Date(ms).toLocaleTimeString([], { hour12: false });

// What is shown

const latency = (rank) => ({ latency }) => latency && latency[rank];
const perSecond = (key) => (sample) => sample[key] / sample.seconds;

const requests = { name: "Requests", value: perSecond("requests"), color: "--blue" };
const rejected = { name: "Rejected", value: perSecond("rejected"), color: "--red", dash: [6, 4] };
const p50 = { name: "p50", value: latency("p50"), color: "--green" };
const p90 = { name: "p90", value: latency("p90"), color: "--amber", dash: [8, 4] };
const p99 = { name: "p99", value: latency("p99"), color: "--red", dash: [2, 4] };
const open = { name: "Open", value: ({ open }) => open, color: "--violet" };
const received = { name: "Received", value: perSecond("bytesIn"), color: "--green" };
const sent = { name: "Sent", value: perSecond("bytesOut"), color: "--blue", dash: [8, 4] };

const CHARTS = [
  { title: "Requests a second", format: plain, series: [requests, rejected] },
  { title: "Latency", format: milliseconds, series: [p50, p90, p99], isLog: true },
  { title: "Bytes a second", format: bytes, series: [received, sent] },
  { title: "Open connections", format: plain, series: [open] },
];

const TILES = [
  ["Requests a second", requests, plain],
  ["Rejected a second", rejected, plain],
  ["Latency, p50", p50, milliseconds],
  ["Latency, p99", p99, milliseconds],
  ["Sent a second", sent, bytes],
  ["Open connections", open, plain],
];

const COLUMNS = [
  ["Requests/s", requests, plain],
  ["Rejected/s", rejected, plain],
  ["p50", p50, milliseconds],
  ["p90", p90, milliseconds],
  ["p99", p99, milliseconds],
  ["Connections", open, plain],
  ["Received/s", received, bytes],
  ["Sent/s", sent, bytes],
];

/** Received, and shown: they differ while the page is paused. */
let samples = [];
let shown = [];
let seconds = 120;

// Tiles

const tiles = TILES.map(([name, series, format]) => {
  const figure = element("dd", {}, "–");
  get("tiles").append(element("div", {}, element("dt", {}, name), figure));
  return { figure, series, format };
});

function showTiles() {
  for (const { figure, series, format } of tiles) {
    const value = series.value(shown.at(-1));
    const [number, unit] = value === null ? ["–", ""] : format(value);
    figure.replaceChildren(number, unit && element("small", {}, unit));
  }
}

// Charts

class Chart {
  #format;
  #series;
  #title;
  #isLog;
  #plot;
  #time = element("time", {}, "now");
  #values;
  #box = element("div", { className: "plot", tabIndex: 0, role: "slider" });
  /** The place of the keyboard's cursor in `shown`; null while it follows the present. */
  #place = null;

  constructor({ title, format, series, isLog = false }) {
    this.#isLog = isLog;
    this.#title = title;
    this.#format = format;
    this.#series = series;
    this.#values = series.map(() => element("b", {}, "–"));
    const keys = series.map(({ name, color, dash }, i) =>
      element("span", {}, swatch(color, dash), name, this.#values[i])
    );
    const legend = element("div", { className: "legend" }, ...keys);
    const caption = element("figcaption", {}, element("h3", {}, title), this.#time, legend);
    get("charts").append(element("figure", {}, caption, this.#box));
    this.#box.ariaLabel = title;
    this.#box.setAttribute("aria-describedby", "chart-help");
    this.#plot = this.#draw();
    this.#box.addEventListener("keydown", (event) => this.#onKey(event));
    this.#box.addEventListener("blur", () => this.#moveTo(null));
    new ResizeObserver(() => this.#plot.setSize(this.#size())).observe(this.#box);
  }

  /** Shows `shown`. */
  update() {
    const times = shown.map(({ time }) => time / 1000);
    this.#plot.setData([times, ...this.#series.map(({ value }) => shown.map(value))]);
    this.#describe();
  }

  redraw() {
    this.#plot.redraw();
  }

  #size() {
    return { width: this.#box.clientWidth, height: this.#box.clientHeight };
  }

  #draw() {
    const axis = {
      stroke: () => color("--muted"),
      grid: { stroke: () => color("--line"), width: 1 },
      ticks: { show: false },
      font: "12px system-ui, sans-serif",
    };
    const now = () => (shown.at(-1)?.time ?? Date.now()) / 1000;
    return new uPlot(
      {
        ...this.#size(),
        padding: [12, 4, 0, 0],
        legend: { show: false },
        cursor: { sync: { key: "time" }, y: false, drag: { x: false }, points: { size: 7 } },
        scales: {
          x: { range: () => [now() - seconds, now()] },
          y: this.#scale,
        },
        axes: [
          {
            ...axis,
            size: 30,
            space: 72,
            values: (_plot, at) => at.map((time) => clock(time * 1000)),
          },
          {
            ...axis,
            size: 60,
            ...this.#isLog && { grid: { ...axis.grid, filter: powersOfTen } },
            space: 36,
            values: (_plot, at) =>
              at.map((value) => value === null ? "" : text(this.#format, value)),
          },
        ],
        series: [{}, ...this.#series.map((series, i) => this.#line(series, i))],
        hooks: { setCursor: [() => this.#describe()] },
      },
      [[], ...this.#series.map(() => [])],
      this.#box,
    );
  }

  /** Percentiles lie far apart: only by powers of ten can all of them be read. */
  get #scale() {
    if (!this.#isLog) return { range: (_plot, _least, most) => [0, most > 0 ? most * 1.1 : 1] };
    return {
      distr: 3,
      range: (_plot, least, most) => uPlot.rangeLog(least ?? 0.1, most ?? 10, 10),
    };
  }

  #line({ color: name, dash }, i) {
    return {
      stroke: () => color(name),
      width: 2,
      dash,
      points: { show: false },
      // Only below one line: areas that overlap hide each other.
      ...i === 0 && !this.#isLog && { fill: (plot) => faded(plot, color(name)) },
    };
  }

  #onKey(event) {
    const from = this.#place ?? shown.length - 1;
    const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: 10, PageDown: -10 };
    const places = { Home: this.#first(), End: shown.length - 1, Escape: null };
    if (event.key in steps) this.#moveTo(from + steps[event.key]);
    else if (event.key in places) this.#moveTo(places[event.key]);
    else return;
    event.preventDefault();
  }

  /** The first sample within the time that is shown. */
  #first() {
    const since = (shown.at(-1)?.time ?? 0) - seconds * 1000;
    return shown.findIndex(({ time }) => time >= since);
  }

  #moveTo(place) {
    this.#place = place && Math.min(shown.length - 1, Math.max(this.#first(), place));
    const left = this.#place === null
      ? -10
      : this.#plot.valToPos(shown[this.#place].time / 1000, "x");
    this.#plot.setCursor({ left, top: 10 }, true, true);
    this.#describe();
  }

  /** Writes the values at the cursor, or the last ones, for eyes and for ears. */
  #describe() {
    const place = this.#plot.cursor.idx ?? shown.length - 1;
    const sample = shown[place];
    if (sample === undefined) return;
    const parts = this.#series.map(({ name, value }, i) => {
      const figure = text(this.#format, value(sample));
      this.#values[i].textContent = figure;
      return `${name} ${figure}`;
    });
    const when = this.#plot.cursor.idx == null ? "now" : clock(sample.time);
    this.#time.textContent = when;
    this.#box.setAttribute("aria-valuemin", 0);
    this.#box.setAttribute("aria-valuemax", shown.length - 1);
    this.#box.setAttribute("aria-valuenow", place);
    this.#box.setAttribute("aria-valuetext", `${this.#title}, ${when}: ${parts.join(", ")}`);
  }
}

/** A line as the chart draws it: its dashes tell it apart where colours do not. */
function swatch(name, dash = []) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const line = document.createElementNS(svg.namespaceURI, "line");
  svg.setAttribute("aria-hidden", "true");
  for (const [key, value] of [["x2", "20"], ["y1", "1"], ["y2", "1"], ["stroke-width", "2"]]) {
    line.setAttribute(key, value);
  }
  line.style.stroke = `var(${name})`;
  line.style.strokeDasharray = dash.join(" ");
  svg.append(line);
  return svg;
}

/** Keeps the main lines of a logarithmic grid. */
const powersOfTen = (_plot, at) =>
  at.map((value) => Number.isInteger(Math.log10(value)) ? value : null);

function faded(plot, strong) {
  const { top, height } = plot.bbox;
  const gradient = plot.ctx.createLinearGradient(0, top, 0, top + height);
  gradient.addColorStop(0, `color-mix(in srgb, ${strong} 22%, transparent)`);
  gradient.addColorStop(1, `color-mix(in srgb, ${strong} 2%, transparent)`);
  return gradient;
}

// Tables

function showRejections() {
  const rows = Object.entries(shown.at(-1).rejections).toSorted(([, a], [, b]) => b - a);
  const most = rows[0]?.[1];
  get("no-rejections").hidden = rows.length > 0;
  get("rejections").hidden = rows.length === 0;
  get("rejections").tBodies[0].replaceChildren(...rows.map(([code, count]) => {
    const bar = element("i");
    bar.style.width = `${count / most * 100}%`;
    const cells = [code, bar, count.toLocaleString("en")].map((cell) => element("td", {}, cell));
    return element("tr", {}, ...cells);
  }));
}

for (const name of ["Time", ...COLUMNS.map(([name]) => name)]) {
  get("numbers").querySelector("thead tr").append(element("th", { scope: "col" }, name));
}

function showNumbers() {
  if (!get("numbers").open) return;
  const rows = shown.slice(-ROWS).reverse().map((sample) => {
    const figures = COLUMNS.map(([, { value }, format]) => text(format, value(sample)));
    return element("tr", {}, ...[clock(sample.time), ...figures].map((c) => element("td", {}, c)));
  });
  get("numbers").querySelector("tbody").replaceChildren(...rows);
}

// Events and controls

const charts = CHARTS.map((options) => new Chart(options));

function show() {
  if (shown.length === 0) return;
  showTiles();
  for (const chart of charts) chart.update();
  showRejections();
  showNumbers();
}

function say(state, words) {
  get("status").dataset.state = state;
  if (get("status").textContent !== words) get("status").textContent = words;
}

const isPaused = () => get("pause").ariaPressed === "true";

function refresh() {
  if (!isPaused()) shown = samples;
  show();
}

const source = new EventSource("/events");
source.onerror = () => say("lost", "Connection lost, trying again");
source.onmessage = ({ data }) => {
  samples = [...samples, ...JSON.parse(data)].slice(-MAX_SAMPLES);
  if (isPaused()) return;
  say("live", "Live");
  refresh();
};

get("pause").onclick = () => {
  const paused = !isPaused();
  get("pause").ariaPressed = paused;
  get("pause").textContent = paused ? "Resume" : "Pause";
  say(paused ? "paused" : "live", paused ? "Paused" : "Live");
  refresh();
};
get("numbers").ontoggle = showNumbers;
document.querySelector("fieldset").onchange = ({ target }) => {
  seconds = Number(target.value);
  show();
};
matchMedia("(prefers-color-scheme: dark)").onchange = () => charts.forEach((c) => c.redraw());
