/** Responses that are still being written: what may happen meanwhile, and what must wait. */
import { assert, assertEquals } from "@std/assert";
import { GET } from "../fixtures.ts";
import type { Handler } from "../../src/connection/request.ts";
import { Ticket } from "../../src/net/scheduler.ts";
import { NOW, settle, start } from "./harness.ts";
import { STALL } from "./scripted_conn.ts";

const SECOND = GET.replace("/", "/2");

/** Short enough to be copied, so that the connection could read on. */
const LENGTH = 32_000;

const LARGE = "x".repeat(LENGTH);

/** How a handler may return while its response is pending. */
const ENDINGS: readonly [how: string, handler: Handler][] = [
  ["returns its promise", (request) => request.respond(200, LARGE)],
  ["returns nothing", (request) => void request.respond(200, LARGE)],
  ["waits for it", async (request) => await request.respond(200, LARGE)],
];

for (const [how, handler] of ENDINGS) {
  Deno.test(`disableKeepAlive: a pending response is written to its end: the handler ${how}`, async () => {
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

  Deno.test(`timeouts.idle begins when the response is written: the handler ${how}`, async () => {
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

Deno.test("request.client.close(): what was written before arrives, however long the client takes to read", async () => {
  const gate = Promise.withResolvers<void>();
  const handler: Handler = ({ client }) => {
    void client.write(new Uint8Array(LENGTH));
    client.close();
  };
  const run = start([GET, STALL], handler, {}, { writeGate: () => gate.promise });
  await settle();
  // Longer than timeouts.linger, and not so long as timeouts.write.
  for (let ms = 500; ms <= 5000; ms += 500) {
    run.clock.tick(NOW + ms);
    await settle();
  }
  gate.resolve();
  await run.done;
  assertEquals([run.conn.output.length, run.conn.closed], [LENGTH, true]);
});

/** How the second request ends its connection at once. */
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
    Deno.test(`the first response arrives although a request ${what} ${how}`, async () => {
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

    Deno.test(`a client that never reads is closed although a request ${what} ${how}`, async () => {
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

Deno.test("hijack: bytes that wait for a turn of the event loop arrive before the close", async () => {
  const run = start([GET, STALL], (request) => {
    const conn = request.hijack();
    // Other connections use up the credit.
    const other = new Ticket(run.scheduler);
    while (run.scheduler.beforeWrite(other, 1) === null);
    void conn.write(new Uint8Array(100_000));
    conn.close();
  });
  await run.done;
  for (let i = 0; i < 1000 && !run.conn.closed; i++) await settle();
  assertEquals([run.conn.output.length, run.conn.closed], [100_000, true]);
});

Deno.test("request.client.close() in a reaction to respond() ends the connection", async () => {
  const run = start([GET, STALL], (request) => {
    const sent = request.respond(200, "x");
    sent.then(() => request.client.close());
    return sent;
  });
  await settle();
  assert(run.conn.closed);
  await run.done;
});

Deno.test("content whose buffer shrinks while it is written ends the connection", async () => {
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
