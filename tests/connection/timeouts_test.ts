/** Every timeout, phase by phase, with a manual clock. */
import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { fetchHandler, HttpError, streaming } from "@asynchttp/server";
import type { AsyncHttpServerOptions, Handler, Request } from "@asynchttp/server";
import { put } from "./bodies.ts";
import { GET } from "../fixtures.ts";
import { Clock } from "../../src/net/clock.ts";
import { ConnectionLost } from "../../src/errors.ts";
import { Throughput } from "../../src/net/throughput.ts";
import { converse, DATE, echo, echoed, NOW, refused, response, settle, start } from "./harness.ts";
import type { Run } from "./harness.ts";
import { EOF, STALL } from "./scripted_conn.ts";
import type { Faults, Step } from "./scripted_conn.ts";

const PUT = put(9);
const HEAD_408 = refused(
  "408 Request Timeout",
  "The head of the request did not arrive in time (RFC 9110, 15.5.9)",
);
const BODY_408 = refused(
  "408 Request Timeout",
  "The body of the request did not arrive in time (RFC 9110, 15.5.9)",
);

/** Asserts that nothing happens before `ms`, and that the connection then ends or lingers. */
async function endsAt(run: Run, ms: number): Promise<void> {
  await settle();
  const before = run.conn.output;
  run.clock.tick(NOW + ms - 1);
  await settle();
  assertEquals([run.conn.closed, run.conn.writeClosed, run.conn.output], [false, false, before]);
  run.clock.tick(NOW + ms);
  await settle();
  assert(run.conn.closed || run.conn.writeClosed, `still there after ${ms}`);
  run.clock.tick(NOW + ms + 2000);
  await run.done;
  assert(run.conn.closed);
  assertEquals(run.clock.size, 0);
}

/** Returns the output with the date of the start. */
function undated({ conn }: Run): string {
  return conn.output.replaceAll(/Date: [^\r]*\r\n/g, DATE);
}

interface Row {
  readonly title: string;
  readonly sent: readonly Step[];
  readonly handler?: Handler;
  readonly options?: AsyncHttpServerOptions;
  readonly faults?: Faults;
  readonly ms: number;
  readonly got: string;
}

const readsAll: Handler = streaming(async (request) =>
  await request.respond(200, await request.text())
);

const ROWS: readonly Row[] = [
  {
    title: "head: a client that sends nothing gets no response",
    sent: [STALL],
    ms: 30_000,
    got: "",
  },
  {
    title: "head: half a head gives 408",
    sent: ["GET / HT", STALL],
    ms: 30_000,
    got: HEAD_408,
  },
  {
    title: "head: an empty line starts a head",
    sent: ["\r\n", STALL],
    ms: 30_000,
    got: HEAD_408,
  },
  {
    title: "head: the configured time",
    sent: ["G", STALL],
    options: { timeouts: { head: 1000 } },
    ms: 1000,
    got: HEAD_408,
  },
  {
    title:
      "idle: a connection that waits too long for its next request is closed without a response",
    sent: [GET, STALL],
    ms: 75_000,
    got: echoed("GET / "),
  },
  {
    title: "head: counts from the first byte of a second request",
    sent: [GET + "GET", STALL],
    ms: 30_000,
    got: echoed("GET / ") + HEAD_408,
  },
  {
    title: "body: a body that stalls gives 408",
    sent: [PUT + "abc", STALL],
    ms: 30_000,
    got: BODY_408,
  },
  {
    title: "body: a body that stalls gives 408 to a streaming handler too",
    sent: [PUT + "abc", STALL],
    handler: readsAll,
    ms: 30_000,
    got: BODY_408,
  },
  {
    title: "body: a response that has begun is truncated",
    sent: [PUT + "abc", STALL],
    handler: streaming((request) =>
      request.respond(200, request.stream, { "Content-Length": "9" })
    ),
    ms: 30_000,
    got: `HTTP/1.1 200 OK\r\nContent-Length: 9\r\n${DATE}\r\nabc`,
  },
  {
    title: "drain: an unread body must arrive in time",
    sent: [PUT + "abc", STALL],
    handler: streaming((request) => request.respond(200)),
    ms: 5000,
    got: response("200 OK", ""),
  },
  {
    title: "handler: a handler that takes too long gives 503",
    sent: [GET, STALL],
    handler: () => new Promise(() => {}),
    options: { timeouts: { handler: 10_000 } },
    ms: 10_000,
    got: refused("503 Service Unavailable", "The request took too long to serve"),
  },
];

for (const { title, sent, handler = echo, options = {}, faults = {}, ms, got } of ROWS) {
  Deno.test(`timeouts.${title}`, async () => {
    const run = start(sent, handler, options, faults);
    await endsAt(run, ms);
    assertEquals(undated(run), got);
    assertEquals(run.errors, []);
  });
}

Deno.test("timeouts.head is absolute: a byte now and then does not extend it", async () => {
  const gates = Array.from({ length: 20 }, () => Promise.withResolvers<void>());
  const run = start([...gates.flatMap(({ promise }) => [promise, "G"]), STALL], echo);
  for (let i = 0; i < 12; i++) {
    gates[i]!.resolve();
    await settle();
    run.clock.tick(NOW + (i + 1) * 2500);
    await settle();
  }
  assertEquals(undated(run), HEAD_408);
  for (const { resolve } of gates) resolve();
  run.clock.tick(NOW + 40_000);
  await run.done;
});

Deno.test("timeouts.head: a request that arrives after its 408 is not served", async () => {
  const late = Promise.withResolvers<void>();
  let served = 0;
  const run = start(["GET / HT", late.promise, "TP/1.1\r\nHost: x\r\n\r\n", EOF], (request) => {
    served++;
    return request.respond(200);
  });
  await settle();
  run.clock.tick(NOW + 30_000);
  await settle();
  late.resolve();
  await run.done;
  assertEquals([undated(run), served], [HEAD_408, 0]);
});

Deno.test("timeouts.body counts only while a read is pending", async () => {
  const gate = Promise.withResolvers<void>();
  const run = start(
    [PUT, "abcdefghi", EOF],
    streaming(async (request) => {
      await gate.promise;
      await request.respond(200, await request.text());
    }),
  );
  await settle();
  run.clock.tick(NOW + 1_000_000);
  gate.resolve();
  await run.done;
  assertEquals(undated(run), response("200 OK", "abcdefghi"));
});

Deno.test("timeouts.body: accessing an earlier request does not postpone it", async () => {
  let first: Request | undefined;
  const run = start([GET, PUT + "a", STALL], (request) => {
    first = request;
    return request.respond(200);
  });
  await settle();
  run.clock.tick(NOW + 1000);
  void first!.trailers;
  await settle();
  run.clock.tick(NOW + 30_000);
  await settle();
  assertEquals(undated(run), response("200 OK", "") + BODY_408);
  run.connection.destroy();
  await run.done;
});

Deno.test("timeouts.body: the signal aborts with the reason", async () => {
  let signal: AbortSignal | undefined;
  const run = start(
    [PUT + "a", STALL],
    streaming(async (request) => {
      signal = request.signal;
      const error = await assertRejects(() => request.text(), HttpError);
      assertEquals(error.code, "body-timeout");
      throw error;
    }),
  );
  await endsAt(run, 30_000);
  assertInstanceOf(signal!.reason, HttpError);
});

Deno.test("limits.minRate: a body that drips is rejected although it never stalls", async () => {
  const gates = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
  const run = start([PUT, ...gates.flatMap(({ promise }) => [promise, "a"]), STALL], readsAll);
  for (let i = 0; i < 3; i++) {
    await settle();
    run.clock.tick(NOW + (i + 1) * 2000);
    gates[i]!.resolve();
  }
  await settle();
  assertEquals(run.conn.output, "");
  run.clock.tick(NOW + 6001);
  await settle();
  assertEquals(undated(run), BODY_408);
  for (const { resolve } of gates) resolve();
  run.clock.tick(NOW + 20_000);
  await run.done;
});

Deno.test("limits.minRate: 0 and Infinity allow any", async () => {
  for (const minRate of [0, Infinity]) {
    const gates = Array.from({ length: 9 }, () => Promise.withResolvers<void>());
    const options = { limits: { minRate } };
    const run = start(
      [PUT, ...gates.flatMap(({ promise }) => [promise, "a"]), EOF],
      readsAll,
      options,
    );
    for (let i = 0; i < 9; i++) {
      await settle();
      run.clock.tick(NOW + (i + 1) * 20_000);
      gates[i]!.resolve();
    }
    await run.done;
    assertEquals(undated(run), response("200 OK", "a".repeat(9)));
  }
});

Deno.test("timeouts.write: a client that does not read is disconnected, and the source is cancelled", async () => {
  let reason: unknown;
  const source = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(1000)),
    cancel: (why) => void (reason = why),
  });
  const run = start([GET, STALL], (request) => request.respond(200, source), {}, {
    writeGate: () => new Promise(() => {}),
  });
  await endsAt(run, 30_000);
  assertInstanceOf(reason, ConnectionLost);
  assertEquals(run.errors, []);
});

Deno.test("limits.minRate: a client that reads a byte now and then is disconnected", async () => {
  let gate = Promise.withResolvers<void>();
  const run = start([GET, STALL], (request) => request.respond(200, "x".repeat(1000)), {}, {
    writeAtMost: 1,
    writeGate: () => gate.promise,
  });
  for (let i = 1; i <= 3; i++) {
    await settle();
    run.clock.tick(NOW + i * 2500);
    gate.resolve();
    gate = Promise.withResolvers();
  }
  await settle();
  run.clock.tick(NOW + 7501);
  await run.done;
  assert(run.conn.closed);
});

Deno.test("timeouts.handler: the signal aborts, a late response throws, and a response in time stands", async () => {
  const late = Promise.withResolvers<void>();
  let signal: AbortSignal | undefined;
  const run = start([GET, STALL], async (request) => {
    signal = request.signal;
    await late.promise;
    await request.respond(200);
  }, { timeouts: { handler: 1000 } });
  await endsAt(run, 1000);
  late.resolve();
  await settle();
  assertEquals(signal!.reason.code, "handler-timeout");
  assertEquals(run.counters.rejections, { "handler-timeout": 1 });
  const fast = await converse([GET + GET], echo, { timeouts: { handler: 1000 } });
  assertEquals(fast.output, echoed("GET / ").repeat(2));
});

const TOO_LONG = refused("503 Service Unavailable", "The request took too long to serve");

/** A handler that sets its own time at once, and never ends; what it does not need is left out. */
const LIMITED: { readonly [kind: string]: Handler } = {
  "an ordinary handler": (request) => {
    request.handlerTimeout = 3000;
    return new Promise(() => {});
  },
  "a streaming handler": streaming((request) => {
    request.handlerTimeout = 3000;
    return new Promise(() => {});
  }),
  "fetchHandler": fetchHandler((_request, info) => {
    info.handlerTimeout = 3000;
    return new Promise(() => {});
  }),
};

for (const [kind, handler] of Object.entries(LIMITED)) {
  for (const server of [Infinity, 1000, 9000]) {
    Deno.test(`handlerTimeout: set in ${kind}, whatever timeouts.handler ${server} says`, async () => {
      const run = start([GET, STALL], handler, { timeouts: { handler: server } });
      await endsAt(run, 3000);
      assertEquals(undated(run), TOO_LONG);
      assertEquals(run.counters.rejections, { "handler-timeout": 1 });
    });
  }
}

Deno.test("handlerTimeout: a handler with a limit can change it later, which counts from then", async () => {
  const longer = Promise.withResolvers<void>();
  const run = start([GET, STALL], async (request) => {
    assertEquals(request.handlerTimeout, 1000);
    await longer.promise;
    request.handlerTimeout = 5000;
    assertEquals(request.handlerTimeout, 5000);
    await new Promise(() => {});
  }, { timeouts: { handler: 1000 } });
  await settle();
  run.clock.tick(NOW + 900);
  longer.resolve();
  await settle();
  await endsAt(run, 900 + 5000);
  assertEquals(undated(run), TOO_LONG);
});

Deno.test("handlerTimeout: Infinity switches the server's limit off, for one request", async () => {
  const end = Promise.withResolvers<void>();
  let isFirst = true;
  const run = start([GET + GET, STALL], async (request) => {
    if (isFirst) request.handlerTimeout = Infinity;
    isFirst = false;
    await end.promise;
    await request.respond(200, String(request.handlerTimeout));
  }, { timeouts: { handler: 1000 } });
  await settle();
  run.clock.tick(NOW + 20_000);
  await settle();
  end.resolve();
  await settle();
  assertEquals(undated(run), response("200 OK", "Infinity") + response("200 OK", "1000"));
  run.connection.destroy();
  await run.done;
});

Deno.test("handlerTimeout: refused where it could not hold", async () => {
  let kept: Request | undefined;
  const { output, errors } = await converse([GET + GET], async (request) => {
    if (kept !== undefined) {
      assertThrows(() => kept!.handlerTimeout = 1, TypeError, "The request is over");
      assertThrows(() => request.handlerTimeout = -1, RangeError, "handlerTimeout must be an");
    }
    kept = request;
    await settle();
    assertThrows(() => request.handlerTimeout = 1000, TypeError, "set it before the first await");
    await request.respond(200, "fine");
  });
  assertEquals([output, errors], [response("200 OK", "fine").repeat(2), []]);
  await converse([GET], (request) => {
    request.hijack().close();
    assertThrows(() => request.handlerTimeout = 1, TypeError);
  });
});

Deno.test("timeouts.handler: the connection is destroyed within a response", async () => {
  const run = start(
    [GET, STALL],
    (request) =>
      request.respond(200, new ReadableStream({ start: (c) => c.enqueue(new Uint8Array(1)) })),
    {
      timeouts: { handler: 1000 },
    },
  );
  await settle();
  run.clock.tick(NOW + 1000);
  await run.done;
  assert(run.conn.closed && !run.conn.writeClosed);
});

Deno.test("limits.requestsPerConnection: the last response says close", async () => {
  const { output } = await converse([GET.repeat(5)], echo, {
    limits: { requestsPerConnection: 2 },
  });
  assertEquals(output, echoed("GET / ") + echoed("GET / ", "close"));
});

Deno.test("Throughput: fast transfers long ago do not make up for a slow one now", () => {
  const clock = new Clock();
  const throughput = new Throughput(clock, 30_000, 240);
  let now = 0;
  const wait = (ms: number, bytes: number) => {
    throughput.startWaiting();
    assert(!throughput.isTooSlow(now));
    clock.tick(now += ms, 0);
    assert(!throughput.isTooSlow(now) || bytes === 1);
    throughput.stopWaiting(bytes);
  };
  wait(1000, 100_000);
  let rounds = 0;
  for (; rounds < 100; rounds++) {
    wait(10_000, 1);
    throughput.startWaiting();
    if (throughput.isTooSlow(now)) break;
    throughput.stopWaiting(0);
  }
  assert(rounds > 3 && rounds < 30, `${rounds} rounds`);
});

Deno.test("timeouts.drain: a body that has been dropped does not cut its response", async () => {
  const writes = Promise.withResolvers<void>();
  const { conn, clock, done } = start(
    [PUT, "123456789", STALL],
    streaming((request) => void request.respond(200, "late")),
    {},
    { writeGate: () => writes.promise },
  );
  await settle();
  for (let second = 0; second < 20; second++) {
    clock.tick(NOW + second * 1000);
    await settle();
  }
  assert(!conn.closed);
  writes.resolve();
  await settle();
  assertEquals(conn.output, response("200 OK", "late"));
  conn.close();
  await done;
});
