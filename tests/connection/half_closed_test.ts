/**
 * Streamed responses to clients that have closed their side: a FIN does not tell a client
 * that has gone from one that still reads, so a source that stays silent after it is
 * cancelled after `timeouts.halfClosed`.
 */
import { assert, assertEquals } from "@std/assert";
import { fetchHandler } from "@asynchttp/server";
import type { Handler } from "@asynchttp/server";
import { GET, utf8 } from "../fixtures.ts";
import { NOW, settle, start } from "./harness.ts";
import type { Run } from "./harness.ts";
import { EOF } from "./scripted_conn.ts";

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
