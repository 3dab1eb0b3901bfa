/** How connections end, who waits for whom, and what a fault leaves behind. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { delay } from "@std/async";
import { streaming } from "@asynchttp/server";
import { ConnectionLost } from "../../src/errors.ts";
import { LinkedList } from "../../src/net/linked_list.ts";
import type { Handler } from "../../src/connection/request.ts";
import { GET, soon } from "../fixtures.ts";
import { put } from "./bodies.ts";
import { converse, echo, echoed, NOW, refused, response, settle, start } from "./harness.ts";
import type { Run } from "./harness.ts";
import { EOF, RESET, STALL } from "./scripted_conn.ts";

const BAD = "GET / HTTP/1.1\r\n\r\n";
const BAD_ANSWER = refused("400 Bad Request", "An HTTP/1.1 request needs a Host (RFC 9112, 3.2)");

Deno.test("lingering close: our side is closed, the rest is read until the client closes", async () => {
  const { conn, output, clock } = await converse([BAD, "x".repeat(10_000), EOF]);
  assertEquals(output, BAD_ANSWER);
  assert(conn.writeClosed && conn.closed);
  assertEquals(conn.bytesRead, BAD.length + 10_000);
  assertEquals(clock.size, 0);
});

Deno.test("lingering close: no more than limits.linger is read", async () => {
  const { conn } = await converse([BAD, "x".repeat(1_000_000)], echo, {
    limits: { linger: 50_000 },
  });
  assert(conn.closed);
  assert(
    conn.bytesRead >= 50_000 && conn.bytesRead < 50_000 + 20_000,
    `${conn.bytesRead} were read`,
  );
});

Deno.test("lingering close: no longer than timeouts.linger", async () => {
  const { conn, clock, done } = start([BAD, STALL], echo);
  await settle();
  assert(conn.writeClosed);
  clock.tick(NOW + 1999);
  await settle();
  assert(!conn.closed);
  clock.tick(NOW + 2000);
  await done;
  assert(conn.closed);
});

Deno.test("lingering close: a client that goes on sending has timeouts.lingerTotal", async () => {
  const sends = Array.from({ length: 40 }, () => Promise.withResolvers<void>());
  const script = sends.flatMap(({ promise }) => [promise, "x".repeat(10_000)]);
  const { conn, clock, done } = start([BAD, ...script, STALL], echo);
  await settle();
  for (let second = 1; second < 30; second++) {
    sends[second]!.resolve();
    sends[second - 1]!.resolve();
    await settle();
    clock.tick(NOW + second * 1000);
    await settle();
    assert(!conn.closed, `closed after ${second} s`);
  }
  sends.forEach(({ resolve }) => resolve());
  await settle();
  clock.tick(NOW + 30_000);
  await done;
  assert(conn.closed);
  assertEquals(clock.size, 0);
});

Deno.test("lingering close: beyond limits.lingering the one that has lingered longest is closed", async () => {
  const lingering = new LinkedList<{ destroy(): void }>();
  const options = { limits: { lingering: 2 } };
  const runs = [];
  for (let i = 0; i < 3; i++) {
    runs.push(start([BAD, STALL], echo, options, {}, lingering));
    await settle();
  }
  assertEquals(runs.map(({ conn }) => conn.closed), [true, false, false]);
  for (const { clock } of runs) clock.tick(NOW + 2000);
  await Promise.all(runs.map(({ done }) => done));
  assertEquals(lingering.size, 0);
});

const CLOSE = GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");

Deno.test("lingering close: also after an answer that ends the connection, where the client may send on", async () => {
  const close = { Connection: "close" };
  for (const sent of [GET, CLOSE + GET]) {
    const { conn, clock, done } = start(
      [sent, STALL],
      (request) => request.respond(200, "", close),
    );
    await settle();
    assert(conn.writeClosed && !conn.closed);
    clock.tick(NOW + 2000);
    await done;
  }
});

Deno.test("lingering close: not where the client has said that it sends no more, and has sent no more", async () => {
  const { conn, done } = start([CLOSE, STALL], echo);
  await done;
  assert(conn.closed);
  assertEquals(conn.output, echoed("GET / ", "close"));
});

Deno.test("pipelining: answers that are ready in the same turn share a write, also of handlers that wait", async () => {
  const { conn } = await converse([GET.repeat(16), EOF], async (request) => {
    await Promise.resolve();
    await request.respond(200, request.target);
  });
  assertEquals(conn.writes, [response("200 OK", "/").repeat(16)]);
});

Deno.test("pipelining: an answer does not wait for the handler of the next request", async () => {
  const gate = Promise.withResolvers<void>();
  let count = 0;
  const { conn, done } = start([GET + GET, EOF], async (request) => {
    if (++count === 2) await gate.promise;
    await request.respond(200, String(count));
  });
  await settle();
  assertEquals([count, conn.output], [2, response("200 OK", "1")]);
  gate.resolve();
  await done;
});

Deno.test("retire: a connection that waits for its first request ends at once", async () => {
  const { connection, conn, done } = start([STALL], echo);
  await settle();
  connection.disableKeepAlive();
  await done;
  assertEquals(conn.output, "");
});

Deno.test("retire: a connection that waits for another request lingers, its answer may be on the way", async () => {
  const { clock, connection, conn, done } = start([GET, STALL], echo);
  await settle();
  connection.disableKeepAlive();
  await settle();
  assert(conn.writeClosed && !conn.closed);
  clock.tick(NOW + 2000);
  await done;
  assertEquals(conn.output, echoed("GET / "));
});

Deno.test("retire: a request that runs is finished, its answer says close", async () => {
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

Deno.test("retire: a request whose first bytes are there is served", async () => {
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

Deno.test("retire: within the handler, after its answer: nothing more is served", async () => {
  const run = start([GET, GET, EOF], async (request) => {
    await request.respond(200, "bye");
    run.connection.disableKeepAlive();
  });
  await run.done;
  assertEquals(run.conn.output, response("200 OK", "bye"));
});

Deno.test("retire: an answer on its way out is not cut short", async () => {
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

Deno.test("retire: while the rest of a body is dropped, the connection lingers behind it", async () => {
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

Deno.test("retire: while a backlog is written, the connection lingers behind it", async () => {
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

/** It lingers, and ends when it has lingered for long enough. */
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

Deno.test("shed: who is still being written to does not wait, and is not shed", async () => {
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

for (const length of [1, 20_000, 100_000]) {
  for (const behind of ["", "\r\n"]) {
    Deno.test(`a client that has closed its side gets its answers of ${length} bytes whole, ${behind.length} bytes behind its requests`, async () => {
      const { output, errors } = await converse(
        [GET.repeat(3) + behind, EOF],
        (request) => void request.respond(200, "x".repeat(length)),
        {},
        { writeAtMost: 10_000, writeGate: soon },
      );
      assertEquals(errors, []);
      assertEquals(output.length, response("200 OK", "x".repeat(length)).length * 3);
    });
  }
}

/** The read of the last bytes has succeeded, but nobody has been told yet. */
for (const end of ["disableKeepAlive", "destroy"] as const) {
  Deno.test(`${end}: a request that was read as its connection closed is not handled`, async () => {
    const ignoreRejection: string[] = [];
    const run = start(
      [Promise.resolve(), GET, STALL],
      (request) => void ignoreRejection.push(request.target),
      {},
      { delivered: () => run.connection[end]() },
    );
    await run.done;
    assert(run.conn.closed);
    assertEquals([ignoreRejection, run.errors, run.counters.requests], [[], [], 0]);
  });
}

Deno.test("cut: a body that was read as its connection closed is not handled", async () => {
  for (const now of [true, false]) {
    const ignoreRejection: string[] = [];
    const run = start(
      [put(5) + "a", "bcde", STALL],
      (request) => void ignoreRejection.push(request.body),
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
    assertEquals([ignoreRejection, run.errors], [[], []]);
  }
});

Deno.test("cut: ends a connection within a request", async () => {
  const { connection, conn, done, errors } = start([GET, STALL], async (request) => {
    connection.destroy();
    await assertRejects(() => request.respond(200), ConnectionLost);
  });
  await done;
  assert(conn.closed);
  assertEquals(conn.output, "");
  assertEquals(errors, []);
});

Deno.test("the answers to pipelined requests share their writes, in order", async () => {
  const requests = Array.from({ length: 100 }, (_, i) => GET.replace("/", `/${i}`)).join("");
  // A system call ends in a later turn of the event loop.
  const writeGate = () => delay(0);
  const { conn, output } = await converse([requests], echo, {}, { writeGate });
  assertEquals(output, Array.from({ length: 100 }, (_, i) => echoed(`GET /${i} `)).join(""));
  assert(conn.writes.length <= 10, `${conn.writes.length} writes`);
});

Deno.test("one byte a write: nothing is lost, nothing is changed while it is written", async () => {
  const { output } = await converse([GET.repeat(3)], echo, {}, { writeAtMost: 1 });
  assertEquals(output, echoed("GET / ").repeat(3));
});

const DELAYS: readonly [what: string, requests: string[], length: number, since: number[]][] = [
  ["one answer in one write needs no word about it", [GET], 1, []],
  ["off before the content of a large answer, a write of its own", [GET], 40_000, [1]],
  ["off, once, before the second answer", [GET, GET, GET], 1, [1]],
];

for (const [what, requests, length, since] of DELAYS) {
  Deno.test(`Nagle's algorithm: ${what}`, async () => {
    const handler: Handler = (request) => request.respond(200, "x".repeat(length));
    const { conn } = await converse(requests, handler);
    assertEquals(conn.noDelaySince, since);
  });
}

Deno.test("large answers and small ones keep their order, and their bytes", async () => {
  const large = "L".repeat(40_000);
  let count = 0;
  const handler: Handler = (request) => request.respond(200, count++ % 2 === 0 ? large : "small");
  const { output } = await converse([GET.repeat(6)], handler, {}, { writeAtMost: 10_000 });
  assertEquals(output, (response("200 OK", large) + response("200 OK", "small")).repeat(3));
});

Deno.test("bytes of the handler's own are not let go of before they are written", async () => {
  const bytes = new Uint8Array(20_000);
  let count = 0;
  const { output } = await converse(
    [GET.repeat(3)],
    async (request) => {
      bytes.fill(65 + count++);
      await request.respond(200, bytes);
      bytes.fill(33);
    },
    {},
    { writeGate: () => delay(0) },
  );
  const all = ["A", "B", "C"].map((letter) => response("200 OK", letter.repeat(20_000)));
  assertEquals(output, all.join(""));
});

Deno.test("content that is detached before or while it is written cuts the connection", async () => {
  for (const writeAtMost of [Infinity, 10_000]) {
    const bytes = new Uint8Array(50_000);
    const { conn, errors } = await converse(
      [GET, STALL],
      (request) => {
        const answered = request.respond(200, bytes);
        structuredClone(bytes, { transfer: [bytes.buffer] });
        return answered;
      },
      {},
      { writeAtMost },
    );
    assert(conn.closed);
    assertEquals(errors, []);
  }
});

Deno.test("hardening 22: a client that does not read is not answered without end", async () => {
  let served = 0;
  const gate = Promise.withResolvers<void>();
  const { conn, done } = start(
    [GET.repeat(1000), EOF],
    (request) => {
      served++;
      return request.respond(200, "x".repeat(10_000));
    },
    {},
    { writeGate: () => gate.promise },
  );
  await settle();
  await settle();
  // 64 KiB may be queued behind the write that hangs.
  assert(served <= 10, `${served} requests were answered into the queue`);
  gate.resolve();
  await done;
  assertEquals(served, 1000);
  assert(conn.closed);
});

Deno.test("hardening 22: nothing is read while a handler runs", async () => {
  const gate = Promise.withResolvers<void>();
  const { conn, done } = start([GET, ...Array(100).fill(GET)], async (request) => {
    await gate.promise;
    await request.respond(200);
  });
  await settle();
  assertEquals(conn.bytesRead, GET.length);
  gate.resolve();
  await done;
});

Deno.test("hardening 24: memory follows what has arrived, not what was announced", async () => {
  const { output } = await converse(
    ["PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 8000000\r\n\r\nabc", EOF],
    echo,
  );
  assertEquals(
    output,
    refused("400 Bad Request", "The request ended before it was complete (RFC 9112, 8)"),
  );
});

Deno.test("a write that fails: the handler hears, onError does not, nobody else is harmed", async () => {
  let failure: unknown;
  const { conn, errors } = await converse(
    [GET, STALL],
    async (request) => {
      try {
        await request.respond(200, "x".repeat(100));
      } catch (error) {
        failure = error;
        throw error;
      }
    },
    {},
    { failAfter: 150 },
  );
  assert(failure instanceof ConnectionLost);
  assertEquals(errors, []);
  assert(conn.closed);
});

Deno.test("a write that fails while nobody waits for it ends the connection, and only that", async () => {
  const { conn, errors } = await converse(
    [GET, GET, STALL],
    (request) => void request.respond(200, "x".repeat(100)),
    {},
    { failAfter: 10 },
  );
  assertEquals(errors, []);
  assert(conn.closed);
});

Deno.test("a socket that cannot be closed twice is closed once", async () => {
  const { conn, errors } = await converse([GET], (request) => {
    request.client.close();
    request.client.close();
  });
  assert(conn.closed);
  assertEquals(errors, []);
});

Deno.test("a reset while a body is awaited ends the connection without a word", async () => {
  const { output, errors } = await converse([
    "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na",
    RESET,
  ]);
  assertEquals(output, "");
  assertEquals(errors, []);
});

Deno.test("a close of our write side that fails ends the connection without a word", async () => {
  const run = start([BAD, STALL], echo);
  run.conn.closeWrite = () => Promise.reject(new Deno.errors.NotConnected("gone"));
  await run.done;
  assertEquals(run.errors, []);
  assert(run.conn.closed);
});

Deno.test("profile rfc: other statuses, and a POST without length has no body", async () => {
  const options = { profile: "rfc", limits: { line: 60, headers: 2 } } as const;
  const statusOf = async (sent: string) =>
    (await converse([sent], echo, options)).output.slice(9, 12);
  assertEquals(await statusOf(`GET /${"x".repeat(60)} HTTP/1.1\r\n\r\n`), "414");
  assertEquals(await statusOf(`${"M".repeat(61)} / HTTP/1.1\r\n\r\n`), "400");
  assertEquals(await statusOf(`GET / HTTP/1.1\r\nHost: ${"x".repeat(60)}\r\n\r\n`), "431");
  assertEquals(await statusOf("GET / HTTP/1.1\r\nHost: x\r\na: b\r\nc: d\r\n\r\n"), "431");
  assertEquals(await statusOf("POST / HTTP/1.1\r\nHost: x\r\n\r\n"), "200");
});

Deno.test("profile original: the statuses of Nim's server", async () => {
  const options = { limits: { line: 60, headers: 2 } } as const;
  const statusOf = async (sent: string) =>
    (await converse([sent], echo, options)).output.slice(9, 12);
  assertEquals(await statusOf(`GET /${"x".repeat(60)} HTTP/1.1\r\n\r\n`), "413");
  assertEquals(await statusOf(`${"M".repeat(61)} / HTTP/1.1\r\n\r\n`), "413");
  assertEquals(await statusOf(`GET / HTTP/1.1\r\nHost: ${"x".repeat(60)}\r\n\r\n`), "413");
  assertEquals(await statusOf("GET / HTTP/1.1\r\nHost: x\r\na: b\r\nc: d\r\n\r\n"), "400");
  assertEquals(await statusOf("POST / HTTP/1.1\r\nHost: x\r\n\r\n"), "411");
});

Deno.test("onReject: replaces the answer part by part, and is told who", async () => {
  const { output, counters } = await converse([BAD], echo, {
    onReject: (error, { remoteAddr }) => {
      assertEquals(error.code, "bad-host");
      assertEquals(remoteAddr.transport, "tcp");
      return {
        status: 421,
        statusText: "Elsewhere",
        headers: { X: "y" },
        body: new Uint8Array([33]),
      };
    },
  });
  assertStringIncludes(output, "HTTP/1.1 421 Elsewhere\r\nX: y\r\n");
  assertStringIncludes(output, "Connection: close\r\nContent-Length: 1\r\n\r\n!");
  assertEquals(counters.rejections, { "bad-host": 1 });
});

Deno.test("onReject: an answer that cannot be sent gives way to the standard one", async () => {
  const { output, errors } = await converse([BAD], echo, {
    onReject: () => ({ headers: { "a b": "" } }),
  });
  assertEquals(output, BAD_ANSWER);
  assertEquals(errors.length, 1);
});

Deno.test("onReject: nothing of a bad answer is written", async () => {
  const { output } = await converse([BAD], echo, {
    onReject: () => ({ body: 5 as unknown as string }),
  });
  assertEquals(output, BAD_ANSWER);
});

Deno.test("onReject: one that throws harms nobody", async () => {
  const { output, errors } = await converse([BAD], echo, {
    onReject: () => {
      throw new Error("hook");
    },
  });
  assertEquals(output, BAD_ANSWER);
  assertEquals(errors.length, 1);
});

Deno.test("onError: one that throws harms nobody", async () => {
  const { log, restore } = silencedConsole();
  try {
    const { output } = await converse([GET], () => {}, {
      onError: () => {
        throw new Error("hook");
      },
    });
    assertEquals(output, refused("500 Internal Server Error", "Internal Server Error"));
    assertEquals(log.length, 1);
  } finally {
    restore();
  }
});

Deno.test("onError: one that rejects harms nobody", async () => {
  const { log, restore } = silencedConsole();
  try {
    await converse([GET], () => {}, { onError: () => Promise.reject(new Error("hook")) });
    await settle();
    assertEquals(log.length, 1);
  } finally {
    restore();
  }
});

Deno.test("onError: console.error, where nobody gives another", async () => {
  const { log, restore } = silencedConsole();
  try {
    await converse([GET], () => {}, { onError: undefined });
    assertEquals(log.length, 1);
  } finally {
    restore();
  }
});

Deno.test("a bug of our own ends the connection, and is reported", async () => {
  const run = start([GET], echo);
  Object.defineProperty(run.counters, "requests", {
    set() {
      throw new Error("bug");
    },
  });
  await run.done;
  assertEquals(run.errors.map((error) => (error as Error).message), ["bug"]);
  assert(run.conn.closed);
});

function silencedConsole() {
  const log: unknown[] = [];
  const { error } = console;
  console.error = (...what) => void log.push(what);
  return { log, restore: () => void (console.error = error) };
}
