/** The table: what is measured, against whom, and what is to be reached. */
import * as requests from "../requests.ts";
import { greeting, HELLO, PAGE, PAGES, receipt } from "../servers/content.ts";
import type { Route } from "../servers/routes.ts";
import type { Expected, Load } from "./load.ts";
import { costInCrowd, latency, memory, rate } from "./measures.ts";
import type { Prepare, Subject } from "./measures.ts";
import {
  ASYNCHTTP,
  DENO_SERVE,
  FETCH_HANDLER,
  NIM,
  NODE_HTTP,
  NODE_HTTP_ON_DENO,
  RAW_LOOP,
} from "./servers.ts";
import type { Server } from "./servers.ts";

/** What the ratio of ours to a peer's is to be. */
export type Target = { readonly atLeast: number } | { readonly atMost: number };

/** One row: ours, a peer, and the target. */
export interface Row {
  readonly ours: Subject;
  readonly peer: Subject;
  readonly target: Target;
}

/** Rows that are measured together, in turns. */
export interface Scenario {
  /** For `--only`. */
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly rows: readonly Row[];
  readonly prepare: Prepare;
  /** Does it need /proc? */
  readonly onLinuxOnly?: boolean;
}

/** The connections of most loads. */
const CONNECTIONS = 50;

/** Answers of megabytes: more connections would mostly measure what is cut off at the end. */
const FEW_CONNECTIONS = 8;

/** Connections with requests, beside the idle ones of a crowd. */
const ACTIVE = 10;

const OK_HELLO: Expected = { status: 200, content: HELLO };

function subject(server: Server, route: Route): Subject {
  return { title: server.title, server, route };
}

function load(request: string, answer: Expected, differences: Partial<Load> = {}): Load {
  return {
    request: requests.bytesOf(request, differences.pipelined),
    pipelined: 1,
    connections: CONNECTIONS,
    closes: false,
    answer,
    ...differences,
  };
}

/** A rate, against `Deno.serve` doing the same. */
function againstDenoServe(
  name: string,
  title: string,
  route: Route,
  load: Load,
  { atLeast = 1, ours = ASYNCHTTP } = {},
): Scenario {
  const row = { ours: subject(ours, route), peer: subject(DENO_SERVE, route), target: { atLeast } };
  return { name, title, unit: "requests/s", rows: [row], prepare: rate(load) };
}

const hello = subject(ASYNCHTTP, "hello");

const HELLO_SCENARIO: Scenario = {
  name: "hello",
  title: "Hello, 50 connections",
  unit: "requests/s",
  rows: [
    { ours: hello, peer: subject(DENO_SERVE, "hello"), target: { atLeast: 1 } },
    { ours: hello, peer: subject(RAW_LOOP, "hello"), target: { atLeast: 0.96 } },
    { ours: hello, peer: subject(NODE_HTTP, "hello"), target: { atLeast: 3 } },
    { ours: hello, peer: subject(NODE_HTTP_ON_DENO, "hello"), target: { atLeast: 3.5 } },
    { ours: hello, peer: subject(NIM, "hello"), target: { atLeast: 2 } },
  ],
  prepare: rate(load(requests.HELLO, OK_HELLO)),
};

const LATENCY: Scenario = {
  name: "latency",
  title: "p99 latency at 70 % of the lesser rate",
  unit: "ms",
  rows: [{ ours: hello, peer: subject(DENO_SERVE, "hello"), target: { atMost: 1 } }],
  prepare: latency(load(requests.HELLO, OK_HELLO), 0.7),
};

const MEMORY_MS: Scenario = {
  name: "memory",
  title: "Memory per idle connection",
  unit: "bytes",
  rows: [{
    ours: { ...hello, open: 5000 },
    peer: { ...subject(DENO_SERVE, "hello"), open: 5000 },
    target: { atMost: 0.7 },
  }],
  prepare: memory(load(requests.HELLO, OK_HELLO)),
  onLinuxOnly: true,
};

function crowd(open: number): Subject {
  return { ...hello, title: `${open.toLocaleString("en")} open`, open };
}

const FEW_OPEN = crowd(ACTIVE);

const CROWD: Scenario = {
  name: "crowd",
  title: "Cost per request in a crowd",
  unit: "µs",
  rows: [100, 1000, 9000].map((open) => ({
    ours: crowd(open),
    peer: FEW_OPEN,
    target: { atMost: 1.3 },
  })),
  prepare: costInCrowd(load(requests.HELLO, OK_HELLO, { connections: ACTIVE })),
};

const BROWSER_ANSWER: Expected = {
  status: 200,
  content: greeting("/products/search", requests.headersOf(requests.CHROME)),
};

const UPLOAD = load(requests.MEBIBYTE_POST, { status: 200, content: String(1 << 20) }, {
  connections: FEW_CONNECTIONS,
});

/** All of them, in the order of the table. */
export const SCENARIOS: readonly Scenario[] = [
  HELLO_SCENARIO,
  againstDenoServe(
    "pipelined",
    "16 requests pipelined",
    "hello",
    load(requests.HELLO, OK_HELLO, { pipelined: 16 }),
    { atLeast: 4 },
  ),
  againstDenoServe(
    "browser",
    "Browser head, url and headers read",
    "browser",
    load(requests.CHROME, BROWSER_ANSWER),
  ),
  againstDenoServe(
    "json",
    "POST of 1 KiB JSON",
    "json",
    load(requests.ORDER_POST, { status: 200, content: JSON.stringify(receipt(requests.ORDER)) }),
  ),
  againstDenoServe("buffered", "POST of 1 MiB, buffered", "buffered", UPLOAD),
  againstDenoServe("streamed", "POST of 1 MiB, streamed", "streamed", UPLOAD),
  againstDenoServe(
    "bytes",
    "Answer of 64 KiB",
    "bytes",
    load(requests.HELLO, { status: 200, content: PAGE.length }),
  ),
  againstDenoServe(
    "stream",
    "Stream of 10 MiB",
    "stream",
    load(requests.HELLO, { status: 200, content: PAGE.length * PAGES }, {
      connections: FEW_CONNECTIONS,
    }),
  ),
  againstDenoServe(
    "connect",
    "New connection per request",
    "hello",
    load(requests.HELLO_AND_CLOSE, OK_HELLO, { closes: true }),
  ),
  againstDenoServe("fetch", "fetchHandler, hello", "hello", load(requests.HELLO, OK_HELLO), {
    atLeast: 0.8,
    ours: FETCH_HANDLER,
  }),
  LATENCY,
  MEMORY_MS,
  CROWD,
];
