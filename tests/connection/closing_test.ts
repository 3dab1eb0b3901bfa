/** `disableKeepAlive`, `closeIfIdle`, `destroy`: how the server ends a connection in each phase. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { streaming } from "@asynchttp/server";
import { ConnectionLost } from "../../src/errors.ts";
import { GET, soon } from "../fixtures.ts";
import { put } from "./bodies.ts";
import { echo, echoed, NOW, response, settle, start } from "./harness.ts";
import type { Run } from "./harness.ts";
import { EOF, STALL } from "./scripted_conn.ts";

Deno.test("disableKeepAlive: a connection that waits for its first request ends at once", async () => {
  const { connection, conn, done } = start([STALL], echo);
  await settle();
  connection.disableKeepAlive();
  await done;
  assertEquals(conn.output, "");
});

Deno.test("disableKeepAlive: a connection that waits for another request lingers: its last response may be in flight", async () => {
  const { clock, connection, conn, done } = start([GET, STALL], echo);
  await settle();
  connection.disableKeepAlive();
  await settle();
  assert(conn.writeClosed && !conn.closed);
  clock.tick(NOW + 2000);
  await done;
  assertEquals(conn.output, echoed("GET / "));
});

Deno.test("disableKeepAlive: a running request is finished, and its response says close", async () => {
  const gate = Promise.withResolvers<void>();
  const { connection, conn, done } = start([GET + GET, EOF], async (request) => {
    await gate.promise;
    await request.respond(200, "done");
  });
  await settle();
  connection.disableKeepAlive();
  gate.resolve();
  await done;
  assertEquals(conn.output, response("200 OK", "done", "close"));
});

Deno.test("disableKeepAlive: a request whose first bytes have arrived is served", async () => {
  const rest = Promise.withResolvers<void>();
  const { connection, conn, done } = start([
    "GET / HT",
    rest.promise,
    "TP/1.1\r\nHost: x\r\n\r\n",
    EOF,
  ], echo);
  await settle();
  connection.disableKeepAlive();
  await settle();
  rest.resolve();
  await done;
  assertEquals(conn.output, echoed("GET / ", "close"));
});

Deno.test("disableKeepAlive: called in the handler after its response, no later request is served", async () => {
  const run = start([GET, GET, EOF], async (request) => {
    await request.respond(200, "bye");
    run.connection.disableKeepAlive();
  });
  await run.done;
  assertEquals(run.conn.output, response("200 OK", "bye"));
});

Deno.test("disableKeepAlive: a pending response is not truncated", async () => {
  const gate = Promise.withResolvers<void>();
  const { clock, connection, conn, done } = start(
    [GET, STALL],
    (request) => void request.respond(200, "on its way"),
    {},
    { writeGate: () => gate.promise },
  );
  await settle();
  connection.disableKeepAlive();
  gate.resolve();
  await settle();
  clock.tick(NOW + 2000);
  await done;
  assertEquals(conn.output, response("200 OK", "on its way"));
});

Deno.test("disableKeepAlive: during a drain, the connection lingers after it", async () => {
  const rest = Promise.withResolvers<void>();
  const run = start(
    [put(5) + "a", rest.promise, "bcde", STALL],
    streaming((request) => request.respond(200)),
  );
  await settle();
  run.connection.disableKeepAlive();
  rest.resolve();
  await lingers(run);
});

Deno.test("disableKeepAlive: during a write, the connection lingers after it", async () => {
  const gate = Promise.withResolvers<void>();
  const run = start(
    [GET, STALL],
    (request) => void request.respond(200, "x".repeat(100_000)),
    {},
    { writeGate: () => gate.promise },
  );
  await settle();
  run.connection.disableKeepAlive();
  gate.resolve();
  await lingers(run);
  assertEquals(run.conn.output, response("200 OK", "x".repeat(100_000)));
});

/** Asserts that the connection lingers, and that it ends after timeouts.linger. */
async function lingers({ clock, connection, conn, done }: Run): Promise<void> {
  await soon();
  await soon();
  const closed = [conn.writeClosed, conn.closed];
  const { isLingering, isIdle } = connection;
  clock.tick(NOW + 2000);
  await settle();
  const ended = conn.closed;
  if (!ended) connection.destroy();
  await done;
  assertEquals({ closed, isLingering, isIdle, ended }, {
    closed: [true, false],
    isLingering: true,
    isIdle: false,
    ended: true,
  });
}

Deno.test("closeIfIdle: a connection whose response is still being written is not idle and is not closed", async () => {
  const written = Promise.withResolvers<void>();
  const run = start([GET, STALL], echo, {}, { writeGate: () => written.promise });
  await settle();
  assert(!run.connection.isIdle);
  run.connection.closeIfIdle();
  written.resolve();
  await settle();
  assertEquals(run.conn.output, echoed("GET / "));
  assert(run.connection.isIdle);
  run.connection.closeIfIdle();
  await run.done;
  assert(run.conn.closed);
});

/** The read of the last bytes has succeeded, but its promise has not been delivered yet. */
for (const end of ["disableKeepAlive", "destroy"] as const) {
  Deno.test(`${end}: a request that was read as its connection closed is not handled`, async () => {
    const handled: string[] = [];
    const run = start(
      [Promise.resolve(), GET, STALL],
      (request) => void handled.push(request.target),
      {},
      { delivered: () => run.connection[end]() },
    );
    await run.done;
    assert(run.conn.closed);
    assertEquals([handled, run.errors, run.counters.requests], [[], [], 0]);
  });
}

Deno.test("destroy: a body that was read as its connection closed is not handled", async () => {
  for (const now of [true, false]) {
    const handled: string[] = [];
    const run = start(
      [put(5) + "a", "bcde", STALL],
      (request) => void handled.push(request.body),
      {},
      {
        delivered: (bytes) => {
          if (bytes !== "bcde") return;
          if (now) run.connection.destroy();
          else queueMicrotask(() => run.connection.destroy());
        },
      },
    );
    await run.done;
    assertEquals([handled, run.errors], [[], []]);
  }
});

Deno.test("destroy: ends a connection within a request", async () => {
  const { connection, conn, done, errors } = start([GET, STALL], async (request) => {
    connection.destroy();
    await assertRejects(() => request.respond(200), ConnectionLost);
  });
  await done;
  assert(conn.closed);
  assertEquals(conn.output, "");
  assertEquals(errors, []);
});
