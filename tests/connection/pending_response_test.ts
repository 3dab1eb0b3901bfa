/** Responses that are still being written: what may go on meanwhile, and what must wait. */
import { assert, assertEquals } from "@std/assert";
import { GET } from "../fixtures.ts";
import type { Handler } from "../../src/connection/request.ts";
import { eventLoop } from "../../src/net/event_loop.ts";
import { NOW, settle, start } from "./harness.ts";
import { STALL } from "./scripted_conn.ts";

const SECOND = GET.replace("/", "/2");

/** A large answer: so short that it is copied, and the connection could go on. */
const LENGTH = 32_000;

const LARGE = "x".repeat(LENGTH);

/** How a handler may end with its answer. */
const ENDINGS: readonly [how: string, handler: Handler][] = [
  ["returns its promise", (request) => request.respond(200, LARGE)],
  ["returns nothing", (request) => void request.respond(200, LARGE)],
  ["waits for it", async (request) => await request.respond(200, LARGE)],
];

for (const [how, handler] of ENDINGS) {
  Deno.test(`an answer is written to its end after retire: the handler ${how}`, async () => {
    const gate = Promise.withResolvers<void>();
    const run = start([GET, STALL], handler, {}, { writeGate: () => gate.promise });
    await settle();
    assert(!run.connection.isIdle);
    run.connection.disableKeepAlive();
    // Longer than timeouts.linger, and not so long as timeouts.write.
    for (let ms = 500; ms <= 5000; ms += 500) {
      run.clock.tick(NOW + ms);
      await settle();
    }
    gate.resolve();
    await settle();
    assert(run.conn.output.endsWith(LARGE));
    run.connection.destroy();
    await run.done;
  });

  Deno.test(`a client idles when it has its answer, not before: the handler ${how}`, async () => {
    let gate = Promise.withResolvers<void>();
    const faults = { writeGate: () => gate.promise, writeAtMost: 2000 };
    const run = start([GET, STALL], handler, { timeouts: { idle: 5000 } }, faults);
    await settle();
    for (let ms = 1000; !run.conn.output.endsWith(LARGE) && ms < 60_000; ms += 1000) {
      run.clock.tick(NOW + ms);
      const { resolve } = gate;
      gate = Promise.withResolvers();
      resolve();
      await settle();
    }
    assert(run.conn.output.endsWith(LARGE));
    run.connection.destroy();
    await run.done;
  });
}

/** How a second request, pipelined or not, may end its connection at once. */
const ENDS: readonly [how: string, handler: Handler][] = [
  ["hijacks and closes", (request) => request.hijack().close()],
  ["fails within its response", (request) => {
    void request.respond(200, new ReadableStream());
    throw new Error("on purpose");
  }],
];

for (const [how, end] of ENDS) {
  for (const what of ["pipelined", "behind it"]) {
    const requests = what === "pipelined" ? [GET + SECOND] : [GET, SECOND];
    Deno.test(`the answer before arrives, where a request ${what} ${how}`, async () => {
      const gate = Promise.withResolvers<void>();
      const handler: Handler = (request) =>
        request.target === "/" ? request.respond(200, "first") : end(request);
      const options = { onError: () => {} };
      const run = start([...requests, STALL], handler, options, { writeGate: () => gate.promise });
      await settle();
      gate.resolve();
      await settle();
      assert(run.conn.output.includes("\r\n\r\nfirst"), run.conn.output);
      assert(run.conn.closed);
      await run.done;
    });

    Deno.test(`a client that never reads cannot keep it, where a request ${what} ${how}`, async () => {
      const handler: Handler = (request) =>
        request.target === "/" ? request.respond(200, "first") : end(request);
      const writeGate = () => new Promise<void>(() => {});
      const run = start([...requests, STALL], handler, { onError: () => {} }, { writeGate });
      await settle();
      for (let ms = 1000; ms <= 120_000 && !run.conn.closed; ms += 1000) {
        run.clock.tick(NOW + ms);
        await settle();
      }
      assert(run.conn.closed);
      await run.done;
    });
  }
}

Deno.test("bytes that only wait for a turn of the event loop arrive before their owner's close", async () => {
  const run = start([GET, STALL], (request) => {
    const conn = request.hijack();
    // Somebody else uses up the turn.
    while (eventLoop.next({ asked: 0 }) === null);
    void conn.write(new Uint8Array(100_000));
    conn.close();
  });
  await run.done;
  for (let i = 0; i < 1000 && !run.conn.closed; i++) await settle();
  assertEquals([run.conn.output.length, run.conn.closed], [100_000, true]);
});

Deno.test("a close in a reaction to the answer ends the connection", async () => {
  const run = start([GET, STALL], (request) => {
    const answer = request.respond(200, "x");
    answer.then(() => request.client.close());
    return answer;
  });
  await settle();
  assert(run.conn.closed);
  await run.done;
});

Deno.test("content that shrinks while it is written ends the connection", async () => {
  const memory = new ArrayBuffer(40_000, { maxByteLength: 40_000 });
  const gate = Promise.withResolvers<void>();
  let writes = 0;
  const run = start([GET, STALL], (request) => request.respond(200, new Uint8Array(memory)), {}, {
    writeAtMost: 10_000,
    writeGate: () => ++writes === 2 ? gate.promise : Promise.resolve(),
  });
  await settle();
  memory.resize(20_000);
  gate.resolve();
  await settle();
  assert(run.conn.closed);
  await run.done;
});
