/**
 * Streamed responses to clients that have closed their side: a FIN does not tell a client
 * that has gone from one that still reads, so a source that stays silent after it is
 * cancelled after `timeouts.halfClosed`.
 */
import { assert, assertEquals } from "@std/assert";
import { fetchHandler, streaming } from "@asynchttp/server";
import type { Handler } from "@asynchttp/server";
import { GET, soon, utf8 } from "../fixtures.ts";
import { NOW, settle, start } from "./harness.ts";
import type { Run } from "./harness.ts";
import { put } from "./bodies.ts";
import { EOF, RESET, STALL } from "./scripted_conn.ts";
import type { Step } from "./scripted_conn.ts";

/** A source that gives what it is told to, when it is told. */
function source() {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const cancelled: unknown[] = [];
  const stream = new ReadableStream<Uint8Array>({
    start: (made) => void (controller = made),
    cancel: (reason) => void cancelled.push(reason),
  }, { highWaterMark: 0 });
  return { stream, cancelled, controller: controller! };
}

type Source = ReturnType<typeof source>;

const HANDLERS: readonly [title: string, make: (source: Source) => Handler][] = [
  ["respond", ({ stream }) => (request) => request.respond(200, stream)],
  ["fetchHandler", ({ stream }) => fetchHandler(() => new Response(stream))],
  ["respond, not awaited", ({ stream }) => (request) => void request.respond(200, stream)],
];

async function tickTo({ clock }: Run, ms: number): Promise<void> {
  clock.tick(NOW + ms);
  await settle();
}

for (const [title, handler] of HANDLERS) {
  Deno.test(`${title}: a silent source is cancelled after timeouts.halfClosed`, async () => {
    const events = source();
    const run = start([GET, EOF], handler(events));
    await settle();
    events.controller.enqueue(utf8("data: 1\n\n"));
    await settle();
    await tickTo(run, 0);
    await tickTo(run, 4999);
    assertEquals([events.cancelled.length, run.conn.closed], [0, false]);
    await tickTo(run, 5000);
    await run.done;
    assertEquals([events.cancelled.length, run.conn.closed, run.clock.size], [1, true, 0]);
    assertEquals(run.errors, []);
  });
}

Deno.test("a source that goes on is sent to its end", async () => {
  const events = source();
  const run = start([GET, EOF], (request) => request.respond(200, events.stream));
  await settle();
  for (let i = 0; i < 5; i++) {
    await tickTo(run, i * 4000);
    events.controller.enqueue(utf8("x"));
    await settle();
  }
  events.controller.close();
  await run.done;
  assertEquals(events.cancelled, []);
  assert(run.conn.output.endsWith("1\r\nx\r\n0\r\n\r\n"));
});

Deno.test("a client that has not closed its side may wait for any time", async () => {
  const events = source();
  const { promise: closes, resolve: close } = Promise.withResolvers<void>();
  const run = start([GET, closes, EOF], (request) => request.respond(200, events.stream));
  await settle();
  await tickTo(run, 0);
  await tickTo(run, 3_600_000);
  assertEquals(run.conn.closed, false);
  close();
  await settle();
  await tickTo(run, 3_600_000);
  await tickTo(run, 3_604_999);
  assertEquals(events.cancelled.length, 0);
  await tickTo(run, 3_605_000);
  await run.done;
  assertEquals(events.cancelled.length, 1);
});

Deno.test("timeouts.halfClosed: Infinity switches it off", async () => {
  const events = source();
  const options = { timeouts: { halfClosed: Infinity } };
  const run = start([GET, EOF], (request) => request.respond(200, events.stream), options);
  await settle();
  await tickTo(run, 0);
  await tickTo(run, 3_600_000);
  assertEquals(events.cancelled.length, 0);
  events.controller.close();
  await run.done;
});

/** Waits until the buffer is read ahead: large reads may wait for turns of the event loop. */
async function readAhead(): Promise<void> {
  for (let i = 0; i < 10; i++) await soon();
}

/** Requests whose handlers leave a body unread: the watch for the client's end must not wait for it. */
const UNREAD: readonly [title: string, script: readonly Step[], ms: number][] = [
  ["closes its side within it", [put(9) + "abc", EOF], 5000],
  ["closes its side behind it", [put(3) + "abc", EOF], 5000],
  ["resets", [put(9) + "abc", RESET], 0],
  ["sends more than is read ahead", [put(1_000_000) + "x".repeat(100_000), STALL], 5000],
];

for (const [title, script, ms] of UNREAD) {
  Deno.test(`a body that is not read: a client that ${title} does not keep a silent source`, async () => {
    const events = source();
    const handler = streaming((request) => request.respond(200, events.stream));
    const run = start(script, handler, { limits: { linger: 0 } });
    await readAhead();
    await tickTo(run, 0);
    if (ms > 0) {
      await tickTo(run, ms - 1);
      assertEquals([events.cancelled.length, run.conn.closed], [0, false]);
    }
    await tickTo(run, ms);
    await run.done;
    assertEquals([events.cancelled.length, run.conn.closed, run.clock.size], [1, true, 0]);
    assertEquals(run.errors, []);
  });
}

Deno.test("pipelining: a client that sends more than is read ahead does not keep a silent source", async () => {
  const events = source();
  const run = start([GET.repeat(1000), STALL], (request) => request.respond(200, events.stream));
  await readAhead();
  events.controller.enqueue(utf8("data: 1\n\n"));
  await settle();
  await tickTo(run, 0);
  await tickTo(run, 4999);
  events.controller.enqueue(utf8("data: 2\n\n"));
  await settle();
  await tickTo(run, 9998);
  assertEquals([events.cancelled.length, run.conn.closed], [0, false]);
  await tickTo(run, 9999);
  await run.done;
  assertEquals([events.cancelled.length, run.clock.size], [1, 0]);
});

Deno.test("a body that is read late: a silent response waits for as long as it takes", async () => {
  const events = source();
  const { promise: reads, resolve: read } = Promise.withResolvers<void>();
  const { promise: rest, resolve: sendRest } = Promise.withResolvers<void>();
  const body = "x".repeat(100_000);
  let received = 0;
  const run = start(
    [put(100_000) + body.slice(1000), rest, body.slice(0, 1000), STALL],
    streaming(async (request) => {
      const responding = request.respond(200, events.stream);
      await reads;
      received = (await request.text()).length;
      events.controller.close();
      await responding;
    }),
    { timeouts: { body: Infinity } },
  );
  await settle();
  await tickTo(run, 0);
  read();
  await settle();
  await tickTo(run, 60_000);
  await tickTo(run, 120_000);
  assertEquals(events.cancelled.length, 0);
  sendRest();
  await settle();
  assertEquals(received, 100_000);
  assert(run.conn.output.endsWith("0\r\n\r\n"));
  run.conn.close();
  await run.done;
});
