/** What `onResponse` and `request.completed` tell of each request, for every way in which one can end. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { fetchHandler, streaming } from "@asynchttp/server";
import type { AsyncHttpServerOptions, Handler, Request, RequestOutcome } from "@asynchttp/server";
import { GET, soon, utf8 } from "../fixtures.ts";
import { BAD_REQUEST, DATE, NOW, settle, start } from "./harness.ts";
import type { Run } from "./harness.ts";
import { EOF, RESET, STALL } from "./scripted_conn.ts";
import type { Faults, Step } from "./scripted_conn.ts";

/** One connection, and the outcomes of its requests: `target status bytes end`, and a rejection. */
interface Row {
  readonly title: string;
  readonly sent: readonly Step[];
  readonly handler?: Handler;
  readonly options?: AsyncHttpServerOptions;
  readonly faults?: Faults;
  /** What happens while the handler runs. */
  readonly then?: (run: Run) => void;
  readonly outcomes: readonly string[];
}

function summary({ request, status, bytesSent, ended, rejection }: RequestOutcome): string {
  const parts = [
    request.target || JSON.stringify(request.line),
    status ?? "none",
    bytesSent,
    ended,
  ];
  return [...parts, ...(rejection === null ? [] : [rejection])].join(" ");
}

function testRow({ title, sent, handler = hello, options, faults, then, outcomes }: Row): void {
  Deno.test(`onResponse: ${title}`, async () => {
    end = Promise.withResolvers<void>();
    const told: RequestOutcome[] = [];
    const onError = () => {};
    const onResponse = (outcome: RequestOutcome) => void told.push(outcome);
    const run = start(sent, handler, { onError, ...options, onResponse }, faults);
    await settle();
    then?.(run);
    await settle();
    if (sent.at(-1) === STALL) run.connection.destroy();
    else await run.done;
    await settle();
    assertEquals(told.map(summary), outcomes);
    end.resolve();
    await run.done;
    await settle();
    assertEquals(told.length, outcomes.length);
  });
}

function headLength(field: string): number {
  return `HTTP/1.1 200 OK\r\n${DATE}${field}\r\n\r\n`.length;
}

const hello = (request: Request) => request.respond(200, "hello");

/** What never ends while its test looks at it. */
let end = Promise.withResolvers<void>();
const never = () => end.promise;

function get(target: string, ...lines: string[]): string {
  return [`GET ${target} HTTP/1.1`, "Host: x", ...lines, "\r\n"].join("\r\n");
}

const PUT = "PUT /put HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n";

function streamOf(...chunks: string[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(chunks.map(utf8));
}

/** A stream that fails behind its chunks, or waits. */
function failing(chunks: string[], last: () => Promise<void>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      const chunk = chunks.shift();
      if (chunk === undefined) await last();
      else controller.enqueue(utf8(chunk));
    },
  }, { highWaterMark: 0 });
}

const fails = () => Promise.reject(new Error("a source"));

const ROWS: readonly Row[] = [
  { title: "a whole response", sent: [GET], outcomes: ["/ 200 5 complete"] },
  {
    title: "large content",
    sent: [GET],
    handler: (request) => request.respond(200, new Uint8Array(300_000)),
    faults: { writeAtMost: 70_000 },
    outcomes: ["/ 200 300000 complete"],
  },
  {
    title: "content of UTF-8 counts in bytes",
    sent: [GET],
    handler: (request) => request.respond(200, "ä€"),
    outcomes: ["/ 200 5 complete"],
  },
  {
    title: "pipelined requests, in their order",
    sent: [get("/1") + get("/2") + get("/3")],
    outcomes: ["/1 200 5 complete", "/2 200 5 complete", "/3 200 5 complete"],
  },
  {
    title: "HEAD, and statuses without content",
    sent: ["HEAD /h HTTP/1.1\r\nHost: x\r\n\r\n" + get("/204") + get("/304")],
    handler: (request) => request.respond(Number(request.target.slice(1)) || 200, "hello"),
    outcomes: ["/h 200 0 complete", "/204 204 0 complete", "/304 304 0 complete"],
  },
  {
    title: "HTTP/1.0",
    sent: ["GET /old HTTP/1.0\r\n\r\n"],
    handler: (request) => request.respond(200, streamOf("ab", "c")),
    outcomes: ["/old 200 3 complete"],
  },
  {
    title: "a stream: content without chunk sizes and trailers",
    sent: [GET],
    handler: (request) =>
      request.respond(200, streamOf("ab", "", "c"), {}, { trailers: () => ({ "X-T": "t" }) }),
    faults: { writeAtMost: 2 },
    outcomes: ["/ 200 3 complete"],
  },
  {
    title: "a stream of large chunks",
    sent: [GET],
    handler: (request) => request.respond(200, streamOf("x".repeat(100_000), "y".repeat(70_000))),
    outcomes: ["/ 200 170000 complete"],
  },
  {
    title: "an empty stream",
    sent: [GET],
    handler: (request) => request.respond(200, streamOf()),
    outcomes: ["/ 200 0 complete"],
  },
  {
    title: "a stream of a given length, which nothing follows",
    sent: [GET],
    handler: (request) => request.respond(200, streamOf("abc"), { "Content-Length": "3" }),
    outcomes: ["/ 200 3 complete"],
  },
  {
    title: "trailers behind content that is no stream",
    sent: [GET],
    handler: (request) => request.respond(200, "abc", {}, { trailers: () => ({ "X-T": "t" }) }),
    outcomes: ["/ 200 3 complete"],
  },
  {
    title: "a fetch handler",
    sent: [get("/text") + get("/stream")],
    handler: fetchHandler(({ url }) => new Response(/stream/.test(url) ? streamOf("ab") : "abc")),
    outcomes: ["/text 200 3 complete", "/stream 200 2 complete"],
  },
  {
    title: "respondWith",
    sent: [GET],
    handler: (request) => request.respondWith(new Response("abc", { status: 404 })),
    outcomes: ["/ 404 3 complete"],
  },
  {
    title: "interim responses count for nothing",
    sent: [PUT.replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n"), soon(), "abc"],
    handler: streaming(async (request) => {
      await request.inform(103);
      await request.text();
      await request.respond(201, "ok");
    }),
    outcomes: ["/put 201 2 complete"],
  },
  {
    title: "a body that the handler leaves",
    sent: [PUT, "abc" + get("/next")],
    handler: streaming(hello),
    outcomes: ["/put 200 5 complete", "/next 200 5 complete"],
  },
  {
    title: "a response by hand: all bytes count",
    sent: [GET],
    handler: async ({ client }) => {
      await client.write(utf8("HTTP/1.1 2"));
      await client.write(utf8("03 Fine\r\n\r\nabc"));
    },
    outcomes: ["/ 203 24 complete"],
  },
  {
    title: "a response by hand that ends with close()",
    sent: [GET],
    handler: async ({ client }) => {
      await client.write(utf8("HTTP/1.1 200 OK\r\n\r\n"));
      client.close();
      await soon();
    },
    outcomes: ["/ 200 19 complete"],
  },
  {
    title: "a response by hand without a status line",
    sent: [GET],
    handler: async ({ client }) => void await client.write(utf8("hello, this is no HTTP")),
    outcomes: ["/ none 22 complete"],
  },
  {
    title: "sendHeaders alone",
    sent: [GET],
    handler: (request) => request.sendHeaders({ a: "b" }),
    outcomes: ["/ none 0 cut"],
  },
  {
    title: "a handler that closes the connection without a response",
    sent: [GET],
    handler: ({ client }) => client.close(),
    outcomes: ["/ none 0 cut"],
  },
  {
    title: "upgrade",
    sent: [get("/u", "Connection: upgrade", "Upgrade: echo"), STALL],
    handler: async (request) => {
      const conn = await request.upgrade();
      await conn.write(utf8("of the other protocol"));
      await never();
    },
    outcomes: ["/u 101 0 handed-over"],
  },
  {
    title: "CONNECT",
    sent: ["CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n"],
    handler: async (request) => (await request.upgrade()).close(),
    outcomes: ["h:1 200 0 handed-over"],
  },
  {
    title: "hijack, and a status line behind it",
    sent: [GET, STALL],
    handler: async (request) => {
      await request.hijack().write(utf8("HTTP/1.1 101 Switching Protocols\r\n\r\n"));
      await never();
    },
    outcomes: ["/ 101 36 handed-over"],
  },
  {
    title: "hijack behind a status line",
    sent: [GET],
    handler: async (request) => {
      await request.client.write(utf8("HTTP/1.1 200 OK\r\n\r\n"));
      request.hijack();
    },
    outcomes: ["/ 200 19 handed-over"],
  },
  {
    title: "hijack without a word",
    sent: [GET],
    handler: (request) => void request.hijack(),
    outcomes: ["/ none 0 handed-over"],
  },
  {
    title: "hijack, and the connection closed at once",
    sent: [GET],
    handler: (request) => request.hijack().close(),
    outcomes: ["/ none 0 handed-over"],
  },
  {
    title: "hijack to a client that is gone",
    sent: [GET],
    handler: async (request) => {
      await request.hijack().write(utf8("HTTP/1.1 200 OK\r\n\r\n")).catch(() => {});
    },
    faults: { failAfter: 0 },
    outcomes: ["/ 200 0 handed-over"],
  },
  {
    title: "a head that is refused",
    sent: [BAD_REQUEST],
    outcomes: ["/ 400 49 complete bad-host"],
  },
  {
    title: "a head that is refused behind a request that is served",
    sent: [GET + BAD_REQUEST],
    outcomes: ["/ 200 5 complete", "/ 400 49 complete bad-host"],
  },
  {
    title: "a request line that is refused",
    sent: ["GET /a b HTTP/1.1\r\nHost: x\r\n\r\n"],
    outcomes: [`"GET /a b HTTP/1.1" 400 86 complete bad-request-line`],
  },
  {
    title: "bytes that are no HTTP",
    sent: ["\x16\x03\x01\n"],
    outcomes: ['"\\u0016\\u0003\\u0001" 400 69 complete bad-character'],
  },
  {
    title: "a request line that is too long: as much as the limit",
    sent: [`GET /${"x".repeat(100)}`],
    options: { limits: { line: 20 } },
    outcomes: [`"GET /xxxxxxxxxxxxxxx" 413 47 complete request-line-too-long`],
  },
  {
    title: "too many fields",
    sent: [get("/", "A: b")],
    options: { limits: { headers: 1 }, profile: "rfc" },
    outcomes: ["/ 431 44 complete too-many-fields"],
  },
  {
    title: "a head that ends within its request line",
    sent: ["GET /x", EOF],
    outcomes: [`"GET /x" 400 55 complete incomplete-message`],
  },
  {
    title: "a head that takes too long",
    sent: ["GET /slow HTTP/1.1\r\nHo", STALL],
    then: ({ clock }) => clock.tick(NOW + 30_000),
    outcomes: ["/slow 408 66 complete head-timeout"],
  },
  {
    title: "a rejection with the words of onReject",
    sent: [BAD_REQUEST],
    options: { onReject: () => ({ status: 418, body: "no" }) },
    outcomes: ["/ 418 2 complete bad-host"],
  },
  {
    title: "a rejection whose words cannot be sent",
    sent: [BAD_REQUEST],
    options: { onReject: () => ({ status: 99 }) },
    outcomes: ["/ 400 49 complete bad-host"],
  },
  {
    title: "HEAD that is rejected",
    sent: ["HEAD / HTTP/1.1\r\n\r\n"],
    outcomes: ["/ 400 0 complete bad-host"],
  },
  {
    title: "a body over the limit",
    sent: [PUT],
    options: { maxBody: 2 },
    outcomes: ["/put 413 38 complete body-too-large"],
  },
  {
    title: "a body that takes too long",
    sent: [PUT, "a", STALL],
    then: ({ clock }) => clock.tick(NOW + 30_000),
    outcomes: ["/put 408 66 complete body-timeout"],
  },
  {
    title: "a body over the limit, within the response",
    sent: ["PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"],
    options: { maxBody: 2 },
    handler: streaming((request) => request.respond(200, request.stream)),
    outcomes: ["/ 200 0 cut body-too-large"],
  },
  {
    title: "a body that its client does not finish",
    sent: [PUT, "a", EOF],
    outcomes: ["/put 400 55 complete incomplete-message"],
  },
  {
    title: "a client that resets within its body",
    sent: [PUT, "a", RESET],
    outcomes: ["/put none 0 client-gone"],
  },
  {
    title: "a client that resets between two requests, or within a head",
    sent: [GET, "GET /", RESET],
    outcomes: ["/ 200 5 complete"],
  },
  {
    title: "a client that says nothing",
    sent: [EOF],
    outcomes: [],
  },
  {
    title: "a client that is gone before the response",
    sent: [GET],
    faults: { failAfter: 0 },
    outcomes: ["/ 200 0 client-gone"],
  },
  {
    title: "a client that is gone within whole content",
    sent: [GET],
    handler: (request) => request.respond(200, new Uint8Array(100_000)),
    faults: { failAfter: headLength("Content-Length: 100000") + 5000, writeAtMost: 1000 },
    outcomes: ["/ 200 5000 client-gone"],
  },
  {
    title: "a client that is gone within a stream",
    sent: [GET],
    handler: (request) => request.respond(200, streamOf("abc", "def", "ghi")),
    faults: {
      failAfter: headLength("Transfer-Encoding: chunked") + "3\r\nabc\r\n3\r\nde".length,
      writeAtMost: 1,
    },
    outcomes: ["/ 200 5 client-gone"],
  },
  {
    title: "a client that is gone within pipelined responses",
    sent: [get("/1") + get("/2") + get("/3")],
    faults: { failAfter: 2 * headLength("Content-Length: 5") + 6, writeAtMost: 1 },
    outcomes: ["/1 200 5 complete", "/2 200 1 client-gone", "/3 200 0 client-gone"],
  },
  {
    title: "a client whose going the handler hears of, and fails with it",
    sent: [GET, soon(), RESET],
    handler: async ({ signal }) => {
      const { promise, reject } = Promise.withResolvers<void>();
      signal.addEventListener("abort", () => reject(signal.reason));
      await promise;
    },
    outcomes: ["/ none 0 client-gone"],
  },
  {
    title: "a client whose going the handler hears of, and fails with another error",
    sent: [GET, soon(), RESET],
    handler: async ({ signal }) => {
      const { promise, reject } = Promise.withResolvers<void>();
      signal.addEventListener("abort", () => reject(new Error("stopped")));
      await promise;
    },
    outcomes: ["/ none 0 client-gone"],
  },
  {
    title: "a client that reads too slowly",
    sent: [GET, STALL],
    handler: (request) => request.respond(200, "hello"),
    faults: { writeGate: never },
    then: ({ clock }) => clock.tick(NOW + 30_000),
    outcomes: ["/ 200 0 cut"],
  },
  {
    title: "a handler that throws",
    sent: [GET],
    handler: () => {
      throw new Error("a mistake");
    },
    outcomes: ["/ 500 22 complete handler-failed"],
  },
  {
    title: "a handler that throws behind its response",
    sent: [GET],
    handler: async (request) => {
      await hello(request);
      throw new Error("a mistake");
    },
    outcomes: ["/ 200 5 complete"],
  },
  {
    title: "a handler that throws within its response by hand",
    sent: [GET],
    handler: async ({ client }) => {
      await client.write(utf8("HTTP/1.1 200 OK\r\n\r\n"));
      throw new Error("a mistake");
    },
    outcomes: ["/ 200 19 cut"],
  },
  {
    title: "a handler that does not answer",
    sent: [GET],
    handler: () => {},
    outcomes: ["/ 500 22 complete not-answered"],
  },
  {
    title: "a handler that takes too long",
    sent: [GET, STALL],
    handler: never,
    options: { timeouts: { handler: 1000 } },
    then: ({ clock }) => clock.tick(NOW + 1000),
    outcomes: ["/ 503 35 complete handler-timeout"],
  },
  {
    title: "a handler that takes too long within its response",
    sent: [GET, STALL],
    handler: async (request) => {
      await request.client.write(utf8("HTTP/1.1 200 OK\r\n\r\n"));
      await never();
    },
    options: { timeouts: { handler: 1000 } },
    then: ({ clock }) => clock.tick(NOW + 1000),
    outcomes: ["/ 200 19 cut handler-timeout"],
  },
  {
    title: "a source that fails before its first chunk",
    sent: [GET],
    handler: (request) => request.respond(200, failing([], fails)),
    outcomes: ["/ 200 0 cut"],
  },
  {
    title: "a source that fails behind a chunk",
    sent: [GET],
    handler: (request) => request.respond(200, failing(["abc"], fails)),
    outcomes: ["/ 200 3 cut"],
  },
  {
    title: "a source that is shorter than its length",
    sent: [GET],
    handler: (request) => request.respond(200, streamOf("abc"), { "Content-Length": "5" }),
    outcomes: ["/ 200 3 cut"],
  },
  {
    title: "a shutdown whose grace is over, before the response",
    sent: [GET, STALL],
    handler: never,
    then: ({ connection }) => connection.destroy(),
    outcomes: ["/ none 0 cut"],
  },
  {
    title: "a shutdown whose grace is over, within a stream",
    sent: [GET, STALL],
    handler: (request) => request.respond(200, failing(["abc"], never)),
    then: ({ connection }) => connection.destroy(),
    outcomes: ["/ 200 3 cut"],
  },
  {
    title: "a shutdown while a body is read",
    sent: [PUT, STALL],
    then: ({ connection }) => connection.destroy(),
    outcomes: ["/put none 0 cut"],
  },
];

for (const row of ROWS) testRow(row);

/** Runs one connection, and returns its outcomes. */
async function outcomesOf(
  sent: readonly Step[],
  handler: Handler,
  options: AsyncHttpServerOptions = {},
): Promise<RequestOutcome[]> {
  const told: RequestOutcome[] = [];
  await start(sent, handler, { ...options, onResponse: (outcome) => void told.push(outcome) }).done;
  return told;
}

Deno.test("onResponse: the request has its line, fields and addresses", async () => {
  const [served, refused] = await outcomesOf(
    [get("/a?b", "User-Agent: test/1") + "BREW / HTTP/1.0\r\nA b\r\n\r\n"],
    hello,
  );
  const { request } = served!;
  assertEquals(request.line, "GET /a?b HTTP/1.1");
  assertEquals([request.method, request.target, request.version], ["GET", "/a?b", "HTTP/1.1"]);
  assertEquals(request.headers.get("user-agent"), "test/1");
  assertEquals(request.headers, request.headers);
  assertEquals(request.remoteAddr, { transport: "tcp", hostname: "192.0.2.1", port: 54_321 });
  assertEquals(request.localAddr, { transport: "tcp", hostname: "127.0.0.1", port: 8080 });
  assertEquals([served!.handled, refused!.handled], [true, false]);
  const { line, method, target, version, headers } = refused!.request;
  assertEquals([line, method, target, version], ["BREW / HTTP/1.0", "BREW", "/", "HTTP/1.0"]);
  assertEquals([...headers], []);
});

Deno.test("onResponse: times are those of the clock, from the first byte on", async () => {
  const { promise: rest, resolve: sendRest } = Promise.withResolvers<void>();
  const { promise: ready, resolve: makeReady } = Promise.withResolvers<void>();
  const { promise: last, resolve: end } = Promise.withResolvers<void>();
  const told: RequestOutcome[] = [];
  const run = start(
    ["GET / HT", rest, "TP/1.1\r\nHost: x\r\n\r\n"],
    async (request) => {
      await ready;
      await request.respond(200, failing(["abc"], () => last.then(() => Promise.reject())));
    },
    { onResponse: (outcome) => void told.push(outcome), onError: () => {} },
  );
  for (const [ms, step] of [[1000, sendRest], [3000, makeReady], [7000, end]] as const) {
    await settle();
    run.clock.tick(NOW + ms);
    step();
  }
  await run.done;
  const { startedAt, headMs, totalMs } = told[0]!;
  assertEquals([startedAt, headMs, totalMs], [NOW, 3000, 7000]);
});

Deno.test("onResponse: a response that waits for a slow client is not over before it is taken", async () => {
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let writes = 0;
  const told: RequestOutcome[] = [];
  const run = start([get("/1") + get("/2")], hello, {
    onResponse: (outcome) => void told.push(outcome),
  }, { writeGate: () => gates[writes++]!.promise, writeAtMost: 79 + 5 });
  await settle();
  run.clock.tick(NOW + 1000);
  assertEquals(told, []);
  gates[0]!.resolve();
  await settle();
  assertEquals(told.map(summary), ["/1 200 5 complete"]);
  run.clock.tick(NOW + 2000);
  gates[1]!.resolve();
  await run.done;
  assertEquals(told.map(({ totalMs }) => totalMs), [1000, 2000]);
});

Deno.test("onResponse: an error of the hook goes to onError, and harms no request", async () => {
  const errors: unknown[] = [];
  const hooks = [
    () => {
      throw new Error("thrown");
    },
    () => Promise.reject(new Error("rejected")),
  ];
  for (const onResponse of hooks) {
    const run = start([get("/1") + get("/2")], hello, {
      onError: (error) => void errors.push((error as Error).message),
      onResponse: onResponse as () => void,
    });
    await run.done;
    assertEquals(run.conn.output.match(/hello/g)?.length, 2);
  }
  assertEquals(errors, ["thrown", "thrown", "rejected", "rejected"]);
});

Deno.test("onResponse: a hook that closes the connection harms nothing", async () => {
  const told: string[] = [];
  const run = start([get("/1") + get("/2"), STALL], hello, {
    onResponse: (outcome) => {
      told.push(summary(outcome));
      run.connection.destroy();
    },
  });
  await run.done;
  assertEquals(told.length, 2);
});

Deno.test("request.completed: the outcome of one request, without onResponse", async () => {
  const told: Promise<RequestOutcome>[] = [];
  const run = start([get("/1") + get("/2") + get("/3")], (request) => {
    if (request.target !== "/1") told.push(request.completed);
    return request.respond(200, "hello");
  });
  await run.done;
  const outcomes = await Promise.all(told);
  assertEquals(outcomes.map(summary), ["/2 200 5 complete", "/3 200 5 complete"]);
  assert(outcomes.every(({ handled }) => handled));
});

Deno.test("request.completed: is what onResponse is told, whenever it is read", async () => {
  const told: unknown[] = [];
  let completed: Promise<RequestOutcome> | undefined;
  const run = start([GET], async (request) => {
    await request.respond(200, "hello");
    completed = request.completed;
  }, { onResponse: (outcome) => void told.push(outcome) });
  await run.done;
  assertEquals([await completed], told);
});

Deno.test("request.completed: a rejection within the handler, and a head refused behind it", async () => {
  let completed: Promise<RequestOutcome> | undefined;
  await start(
    [PUT, "abc" + BAD_REQUEST],
    streaming((request) => {
      completed = request.completed;
      request.maxBody = 2;
      return request.text().then(() => {});
    }),
  ).done;
  assertEquals(summary(await completed!), "/put 413 38 complete body-too-large");
  await start([get("/1") + BAD_REQUEST], (request) => {
    completed = request.completed;
    return hello(request);
  }).done;
  assertEquals(summary(await completed!), "/1 200 5 complete");
});

Deno.test("request.completed: cannot be read first when the response has begun", async () => {
  let late: Request | undefined;
  await start([GET], async (request) => {
    late = request;
    await request.respond(200, "hello");
    assertThrows(() => request.completed, TypeError, "its response has begun");
  }).done;
  assertThrows(() => late!.completed, TypeError, "its response has begun");
});

Deno.test("request.completed: resolves where the client is gone", async () => {
  let completed: Promise<RequestOutcome> | undefined;
  const run = start(
    [PUT, RESET],
    streaming(async (request) => {
      completed = request.completed;
      await request.text();
    }),
  );
  await run.done;
  assertEquals(summary(await completed!), "/put none 0 client-gone");
});

const FORWARDED: AsyncHttpServerOptions = {
  forwarded: { from: ["192.0.2.0/24"], header: "x-forwarded" },
};

async function clientsOf(sent: string): Promise<string[]> {
  const told: string[] = [];
  const onResponse = ({ request, rejection }: RequestOutcome) => {
    const [client, peer] = [request.remoteAddr, request.peerAddr].map((each) =>
      (each as Deno.NetAddr).hostname
    );
    told.push(`${request.target} ${client} ${peer} ${rejection}`);
  };
  await start([sent, EOF], hello, { ...FORWARDED, onResponse }).done;
  await settle();
  return told;
}

Deno.test("onResponse: the client that a trusted proxy names, and the proxy", async () => {
  const sent = get("/a", "X-Forwarded-For: 198.51.100.7");
  assertEquals(await clientsOf(sent), ["/a 198.51.100.7 192.0.2.1 null"]);
});

Deno.test("onResponse: a field of a trusted proxy that is refused belongs to its own request", async () => {
  const sent = get("/a", "X-Forwarded-For: nonsense[") + get("/b");
  assertEquals(await clientsOf(sent), ["/a 192.0.2.1 192.0.2.1 bad-forwarded"]);
});
