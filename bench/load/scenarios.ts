/** What is measured, and against which peers. */
import * as requests from "../requests.ts";
import { greeting, HELLO, PAGE, PAGES, receipt } from "../servers/content.ts";
import type { Route } from "../servers/routes.ts";
import { beside, latency, memory, rate, tail } from "./measures.ts";
import type { Prepare } from "./measures.ts";
import {
  asynchttp,
  asynchttpFetch,
  DENO_SERVE,
  FAIR_LOOP,
  PEERS,
  RAW_BODIES,
  RAW_CLOSING,
  RAW_FETCH,
  STREAMS,
} from "./servers.ts";
import type { Server } from "./servers.ts";

/** One kind of load, under which this server and its peers take turns. */
export interface Scenario {
  /** For `--only`; several scenarios may share a name. */
  readonly name: string;
  readonly title: string;
  readonly unit: "requests/s" | "ms" | "µs" | "bytes";
  readonly route: Route;
  /** The request, byte for byte. */
  readonly request: string;
  /** The requests that are sent in turn instead, except to a server that `repeats` the one. */
  readonly varied?: readonly string[];
  /** How many requests are sent in one write. */
  readonly pipelined: number;
  readonly connections: number;
  /** The content of a right response: the text, or only the length of a long one. */
  readonly content: string | number;
  /** Makes this server, from this checkout or from another one for `--also`. */
  readonly asynchttp: (title: string, checkout?: string) => Server;
  readonly peers: readonly Server[];
  readonly prepare: Prepare;
}

/** With megabytes per exchange, more connections mostly measure what is cut off at the end. */
const FEW_CONNECTIONS = 8;

/** The busy connections of a crowd. */
const BUSY = 10;

/** The hello scenario against `Deno.serve`, with differences. */
function scenario(name: string, title: string, differences: Partial<Scenario> = {}): Scenario {
  return {
    name,
    title,
    unit: "requests/s",
    route: "hello",
    request: requests.HELLO,
    pipelined: 1,
    connections: 50,
    content: HELLO,
    asynchttp,
    peers: [DENO_SERVE],
    prepare: rate,
    ...differences,
  };
}

const UPLOAD = {
  request: requests.MEBIBYTE_POST,
  content: String(1 << 20),
  connections: FEW_CONNECTIONS,
};

/** A crowd is compared with the same server without the idle connections. */
function crowd(open: number): Scenario {
  return scenario("crowd", `Time per request, ${open.toLocaleString("en")} connections`, {
    unit: "µs",
    connections: BUSY,
    asynchttp: (...from) => ({ ...asynchttp(...from), idle: open - BUSY }),
    peers: [asynchttp(`${BUSY} connections`)],
  });
}

/** The p99 at saturation. */
function fair(connections: number): Scenario {
  const title = `p99, ${connections.toLocaleString("en")} busy connections`;
  return scenario("fair", title, {
    unit: "ms",
    connections,
    peers: [DENO_SERVE, FAIR_LOOP],
    prepare: tail,
  });
}

/** The rate with another number of connections, also against a loop that is as fair. */
function hello(connections: number): Scenario {
  const title = `Hello, ${connections.toLocaleString("en")} connections`;
  return scenario("rates", title, { connections, peers: [DENO_SERVE, FAIR_LOOP] });
}

/** What a new client waits beside a disturbance. */
function newcomer(title: string, disturbance: string, percentile: "p50" | "p99" = "p50"): Scenario {
  const prepare = beside(disturbance, percentile);
  return scenario("beside", `${title}: ${percentile}`, { unit: "ms", route: "beside", prepare });
}

/** An upload or a download with as many connections as hello. */
const MANY = { connections: 50 };

const IDLE = { idle: 5000 };

/** All scenarios, in the order of the table. */
export const SCENARIOS: readonly Scenario[] = [
  scenario("hello", "Hello, 50 connections", { peers: PEERS }),
  scenario("varied", "Hello, every head another", {
    request: requests.VARIED[0]!,
    varied: requests.VARIED,
    peers: [DENO_SERVE, { ...asynchttp("the same head again"), repeats: true }],
  }),
  scenario("pipelined", "16 requests pipelined", { pipelined: 16 }),
  scenario("browser", "Browser head, url and headers read", {
    route: "browser",
    request: requests.CHROME,
    content: greeting("/products/search", requests.headersOf(requests.CHROME)),
  }),
  scenario("json", "POST of 1 KiB JSON", {
    route: "json",
    request: requests.ORDER_POST,
    content: JSON.stringify(receipt(requests.ORDER)),
  }),
  scenario("buffered", "POST of 1 MiB, buffered", { ...UPLOAD, route: "buffered" }),
  scenario("streamed", "POST of 1 MiB, streamed", {
    ...UPLOAD,
    route: "streamed",
    peers: [DENO_SERVE, RAW_BODIES],
  }),
  scenario("buffered", "POST of 1 MiB, buffered, 50 connections", {
    ...UPLOAD,
    ...MANY,
    route: "buffered",
  }),
  scenario("streamed", "POST of 1 MiB, streamed, 50 connections", {
    ...UPLOAD,
    ...MANY,
    route: "streamed",
    peers: [DENO_SERVE, RAW_BODIES],
  }),
  scenario("bytes", "Response of 64 KiB", { route: "bytes", content: PAGE.length }),
  scenario("stream", "Stream of 10 MiB", {
    route: "stream",
    content: PAGE.length * PAGES,
    connections: FEW_CONNECTIONS,
    peers: [DENO_SERVE, RAW_BODIES],
  }),
  scenario("stream", "Stream of 10 MiB, 50 connections", {
    route: "stream",
    content: PAGE.length * PAGES,
    ...MANY,
    peers: [DENO_SERVE, RAW_BODIES],
  }),
  scenario("connect", "New connection per request", {
    request: requests.HELLO_AND_CLOSE,
    peers: [DENO_SERVE, RAW_CLOSING],
  }),
  scenario("fetch", "Hello through fetchHandler", {
    asynchttp: asynchttpFetch,
    peers: [DENO_SERVE, RAW_FETCH],
  }),
  scenario("streams", "Hello, server and streams", { peers: [STREAMS] }),
  scenario("latency", "p99 latency at 70 % of the lesser rate", { unit: "ms", prepare: latency }),
  scenario("memory", "Memory per idle connection", {
    unit: "bytes",
    asynchttp: (...from) => ({ ...asynchttp(...from), ...IDLE }),
    peers: [{ ...DENO_SERVE, ...IDLE }],
    prepare: memory,
  }),
  ...[100, 1000, 9000].map(crowd),
  ...[10, 50, 200, 1000].map(hello),
  ...[50, 200, 500, 1000, 5000].map(fair),
  ...["1", "0.2", "0.05"].map((ms) =>
    newcomer(`A new client beside an endless pipeline, handlers of ${ms} ms`, `pipeline:${ms}`)
  ),
  ...["1", "15", "60"].map((kilobytes) =>
    newcomer(
      `A new client beside a reader of chunks of ${kilobytes} KB`,
      `chunks:${Number(kilobytes) * 1000}`,
    )
  ),
  newcomer("A new client beside 500 busy connections", "crowd:500", "p99"),
];
