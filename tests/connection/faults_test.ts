/**
 * How a connection ends, for every phase and every fault of its client.
 *
 * Each row runs with whole reads and writes, with one byte a read, and with one byte a
 * write; the outcome must be the same.
 */
import { assert, assertEquals } from "@std/assert";
import { streaming } from "@asynchttp/server";
import type { Handler } from "@asynchttp/server";
import { put } from "./bodies.ts";
import { BAD_REQUEST, NOW, settle, start } from "./harness.ts";
import type { Run } from "./harness.ts";
import { GET, soon } from "../fixtures.ts";
import { EOF, RESET, STALL } from "./scripted_conn.ts";
import type { Faults, Step } from "./scripted_conn.ts";

const PUT = put(9) + "abc";

const responds: Handler = (request) => request.respond(200);

const waits: Handler = async (request) => {
  await soon();
  await request.respond(200);
};

const waitsWithSignal: Handler = async (request) => {
  void request.signal;
  await waits(request);
};

const readsAll = streaming(async (request) => await request.respond(200, await request.text()));

const readsNothing = streaming((request) => request.respond(200));

const streams: Handler = (request) => {
  let chunks = 3;
  return request.respond(
    200,
    new ReadableStream({
      async pull(controller) {
        await soon();
        if (chunks-- === 0) controller.close();
        else controller.enqueue(new Uint8Array(10));
      },
    }, { highWaterMark: 0 }),
  );
};

/** The statuses that the client receives after each fault; "…" marks a truncated body. */
interface Phase {
  readonly name: string;
  readonly sent: string;
  readonly handler: Handler;
  readonly stalls: string;
  readonly closes: string;
  readonly resets: string;
}

const PHASES: readonly Phase[] = [
  {
    name: "before the first byte",
    sent: "",
    handler: responds,
    stalls: "",
    closes: "",
    resets: "",
  },
  {
    name: "between two requests",
    sent: GET,
    handler: responds,
    stalls: "200",
    closes: "200",
    resets: "200",
  },
  {
    name: "within a head",
    sent: "GET / HT",
    handler: responds,
    stalls: "408",
    closes: "400",
    resets: "",
  },
  {
    name: "within a second head",
    sent: GET + "G",
    handler: responds,
    stalls: "200 408",
    closes: "200 400",
    resets: "200",
  },
  { name: "within a body", sent: PUT, handler: responds, stalls: "408", closes: "400", resets: "" },
  {
    name: "within a body that the handler reads",
    sent: PUT,
    handler: readsAll,
    stalls: "408",
    closes: "400",
    resets: "",
  },
  {
    name: "within a body that the handler does not read",
    sent: PUT,
    handler: readsNothing,
    stalls: "200",
    closes: "200",
    resets: "200",
  },
  {
    name: "while the handler works",
    sent: GET,
    handler: waits,
    stalls: "200",
    closes: "200",
    resets: "200",
  },
  {
    name: "while the handler watches its signal",
    sent: GET,
    handler: waitsWithSignal,
    stalls: "200",
    closes: "200",
    resets: "",
  },
  {
    name: "within a response",
    sent: GET,
    handler: streams,
    stalls: "200",
    closes: "200",
    resets: "200…",
  },
  {
    name: "while it lingers",
    sent: BAD_REQUEST,
    handler: responds,
    stalls: "400",
    closes: "400",
    resets: "400",
  },
];

const LAST: readonly [key: "stalls" | "closes" | "resets", step: Step][] = [
  ["stalls", STALL],
  ["closes", EOF],
  ["resets", RESET],
];

const DELIVERIES: readonly [name: string, split: boolean, faults: Faults][] = [
  ["as it is", false, {}],
  ["a byte a read", true, {}],
  ["a byte a write", false, { writeAtMost: 1 }],
];

/** Moves the clock until the connection has ended: much longer than all timeouts together. */
async function untilEnded(run: Run): Promise<void> {
  let ended = false;
  run.done.then(() => ended = true);
  for (let i = 1; i <= 100 && !ended; i++) {
    for (let k = 0; k < 6; k++) await soon();
    await settle();
    run.clock.tick(NOW + i * 10_000);
  }
  assert(ended, "the connection hangs");
}

function statusesOf(output: string): string {
  const statuses = [...output.matchAll(/^HTTP\/1\.1 (\d+) /gm)].map(([, status]) => status).join(
    " ",
  );
  const cut = output.includes("chunked") && !output.endsWith("0\r\n\r\n");
  return cut ? `${statuses}…` : statuses;
}

function ended(run: Run): void {
  assertEquals(run.errors, []);
  assert(run.conn.closed);
  assertEquals(run.clock.size, 0);
}

for (const phase of PHASES) {
  for (const [key, step] of LAST) {
    Deno.test(`${phase.name} the client ${key}: ${phase[key] || "no response"}`, async () => {
      for (const [name, split, faults] of DELIVERIES) {
        // By then the response is written, even one byte a write.
        const pause = phase.handler === waitsWithSignal ? [] : [soon().then(soon)];
        const script: Step[] = [...(split ? phase.sent : [phase.sent]), ...pause, step];
        const run = start(script, phase.handler, {}, faults);
        await untilEnded(run);
        assertEquals(statusesOf(run.conn.output), phase[key], name);
        ended(run);
      }
    });
  }
  Deno.test(`${phase.name} nothing can be written: the connection ends`, async () => {
    for (const failAfter of [0, 10, 100]) {
      const run = start([phase.sent, STALL], phase.handler, {}, { failAfter });
      await untilEnded(run);
      assert(run.conn.output.length <= failAfter);
      ended(run);
    }
  });
  Deno.test(`${phase.name} the client reads nothing: the connection ends`, async () => {
    const run = start([phase.sent, STALL], phase.handler, {}, {
      writeGate: () => new Promise(() => {}),
    });
    await untilEnded(run);
    ended(run);
  });
}
