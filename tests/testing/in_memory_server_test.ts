/** `serveInMemory`: requests without a socket, connections as sockets are, and a clock by hand. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { fetchHandler, streaming } from "@asynchttp/server";
import type { AsyncHttpServerOptions, Handler, Request } from "@asynchttp/server";
import { serveInMemory } from "@asynchttp/server/testing";
import type { InMemoryServer } from "@asynchttp/server/testing";
import { Hono } from "npm:hono@4.13.19";
import { fileURLToPath } from "node:url";
import { bytesOf, GET, pattern, streamOf, textOf } from "../fixtures.ts";
import { run } from "../server/tools.ts";

function describe(request: Request): Promise<void> {
  const { method, target, headers, body } = request;
  return request.respond(
    200,
    [method, target, headers.get("host"), headers.get("content-length"), body].join("|"),
  );
}

async function said(server: InMemoryServer, ...args: Parameters<InMemoryServer["fetch"]>) {
  return await (await server.fetch(...args)).text();
}

Deno.test("fetch: a path, a URL, a Request, and bodies of every kind", async () => {
  await using server = serveInMemory(describe);
  assertEquals(await said(server, "/a?b=c"), "GET|/a?b=c|localhost||");
  assertEquals(await said(server, new URL("http://x:81/")), "GET|/|x:81||");
  const put = { method: "PUT", body: "abc" };
  assertEquals(await said(server, new globalThis.Request("http://x/", put)), "PUT|/|x|3|abc");
  assertEquals(
    await said(server, "/", { ...put, body: bytesOf("\xc3\xa4") }),
    "PUT|/|localhost|2|ä",
  );
  assertEquals(
    await said(server, "/", { ...put, body: streamOf("a", "", "bc") }),
    "PUT|/|localhost||abc",
  );
  assertEquals(await said(server, "/", { method: "POST" }), "POST|/|localhost|0|");
  assertEquals(await said(server, "/", { headers: { Host: "other" } }), "GET|/|other||");
  assertEquals(await said(server, "/", { method: "DELETE" }), "DELETE|/|localhost||");
});

Deno.test("fetch: status, reason, fields, trailers behind chunks, HEAD and 204", async () => {
  await using server = serveInMemory(async (request) => {
    if (request.target === "/empty") return await request.respond(204);
    await request.inform(103, { Link: "</a>" });
    await request.respond(200, streamOf("a", "b"), [["X-A", "1"], ["X-A", "2"]], {
      statusText: "Fine",
      trailers: () => ({ "X-T": "1" }),
    });
  });
  const response = await server.fetch("/x#fragment");
  assertEquals([response.status, response.statusText, response.url], [
    200,
    "Fine",
    "http://localhost/x#fragment",
  ]);
  assertEquals(response.headers.get("x-a"), "1, 2");
  assertEquals(response.headers.get("date"), "Sun, 06 Nov 1994 08:49:37 GMT");
  assertEquals(await response.text(), "ab");
  const head = await server.fetch("/", { method: "HEAD" });
  assertEquals([head.headers.get("x-a"), await head.text()], ["1, 2", ""]);
  assertEquals((await server.fetch("/empty")).body, null);
});

Deno.test("fetch: large bodies both ways, which neither side holds at once", async () => {
  const whole = pattern(1_000_000);
  await using server = serveInMemory(streaming(async (request) => {
    await request.respond(200, request.stream);
  }));
  const body = ReadableStream.from([whole.subarray(0, 300_000), whole.subarray(300_000)]);
  assertEquals(await (await server.fetch("/", { method: "PUT", body })).bytes(), whole);
});

Deno.test("fetch: a response that comes before the body was read", async () => {
  await using server = serveInMemory(streaming((request) => request.respond(413, "too large")));
  const response = await server.fetch("/", { method: "PUT", body: pattern(1_000_000) });
  assertEquals([response.status, await response.text()], [413, "too large"]);
});

Deno.test("fetch: an abort reaches the handler and the caller", async () => {
  const aborted = Promise.withResolvers<void>();
  await using server = serveInMemory(fetchHandler((request) => {
    request.signal.addEventListener("abort", () => aborted.resolve());
    if (new URL(request.url).pathname === "/never") return new Promise(() => {});
    return new Response(new ReadableStream({ cancel: () => aborted.resolve() }));
  }));
  const controller = new AbortController();
  const never = server.fetch("/never", { signal: controller.signal });
  controller.abort();
  await assertRejects(() => never, DOMException, "aborted");
  const again = new AbortController();
  const response = await server.fetch("/", { signal: again.signal });
  again.abort();
  await assertRejects(() => response.text(), DOMException, "aborted");
  await aborted.promise;
  await assertRejects(() => server.fetch("/", { signal: again.signal }), DOMException, "aborted");
});

Deno.test("fetch: cancelling the content closes the connection", async () => {
  const cancelled = Promise.withResolvers<void>();
  await using server = serveInMemory((request) =>
    request.respond(200, new ReadableStream({ cancel: () => cancelled.resolve() }))
  );
  await (await server.fetch("/")).body!.cancel();
  // To the server a client that is gone looks like one that has closed its side only.
  await server.clock.advance(6000);
  await cancelled.promise;
});

Deno.test("fetch: a response that is cut, malformed, or 101 is a TypeError", async () => {
  const raw = (text: string): Handler => async (request) => {
    await request.client.write(bytesOf(text));
  };
  for (
    const [text, why] of [
      ["HTTP/1.1 200 OK\r\n", "before the response was complete"],
      ["HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "malformed"],
      ["HTTP/1.1 101 Switching Protocols\r\n\r\n", "use connect()"],
      ["HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", "before the response was complete"],
    ] as const
  ) {
    await using server = serveInMemory(raw(text));
    await assertRejects(async () => await (await server.fetch("/")).text(), TypeError, why);
  }
});

Deno.test("fetch: Hono's application, by fetchHandler", async () => {
  const app = new Hono();
  app.get("/users/:id", (c) => c.json({ id: c.req.param("id") }));
  await using server = serveInMemory(fetchHandler(app.fetch));
  assertEquals(await (await server.fetch("/users/7")).json(), { id: "7" });
});

/** Reads what has arrived so far. */
async function read(conn: Deno.Conn): Promise<string | null> {
  const buffer = new Uint8Array(16_384);
  const count = await conn.read(buffer);
  return count === null ? null : textOf(buffer.subarray(0, count));
}

Deno.test("connect: pipelined requests, addresses, and an end on each side", async () => {
  const addresses: unknown[] = [];
  await using server = serveInMemory((request) => {
    addresses.push([request.localAddr, request.remoteAddr]);
    return request.respond(200, request.target);
  });
  using conn = server.connect();
  await conn.write(bytesOf(GET + GET.replace("/", "/2")));
  let text = "";
  while (!text.endsWith("/2")) text += await read(conn);
  assertEquals(text.match(/HTTP\/1.1 200 OK/g)?.length, 2);
  assertEquals(addresses[0], [conn.remoteAddr, conn.localAddr]);
  await conn.closeWrite();
  assertEquals(await read(conn), null);
  await assertRejects(() => conn.write(bytesOf("x")), Deno.errors.BrokenPipe);
});

Deno.test("connect: a client that resets, or closes with unread bytes, is noticed", async () => {
  for (const how of ["reset", "close"] as const) {
    const gone = Promise.withResolvers<void>();
    await using server = serveInMemory(async (request) => {
      request.signal.addEventListener("abort", () => gone.resolve());
      await request.inform(102);
      await gone.promise;
      await request.respond(200).catch(() => {});
    });
    const conn = server.connect();
    await conn.write(bytesOf(GET));
    if (how === "reset") await read(conn);
    conn[how]();
    await gone.promise;
    await assertRejects(() => conn.read(new Uint8Array(1)), Deno.errors.Interrupted);
    await assertRejects(() => conn.write(bytesOf("x")), Error, "closed");
    conn[how]();
  }
});

Deno.test("connect: streams, and a write that waits until it is read", async () => {
  const go = Promise.withResolvers<void>();
  await using server = serveInMemory(async (request) => {
    const conn = request.hijack();
    await go.promise;
    await conn.readable.pipeTo(conn.writable);
  });
  const conn = server.connect();
  await conn.write(bytesOf(GET));
  let written = 0;
  const writing = (async () => {
    for (let i = 0; i < 40; i++) {
      await conn.write(pattern(10_000));
      written++;
    }
    await conn.closeWrite();
  })();
  await server.clock.advance(0);
  assert(written < 20, `${written} writes`);
  go.resolve();
  const echoed = await new Response(conn.readable).bytes();
  await writing;
  assertEquals(echoed.length, 400_000);
});

/** What the client sends, the options, after how many seconds what arrives. */
const TIMEOUTS: readonly (readonly [
  title: string,
  sent: string,
  options: AsyncHttpServerOptions,
  seconds: number,
  got: RegExp | null,
])[] = [
  ["timeouts.head without a byte", "", { timeouts: { head: 20_000 } }, 20, null],
  ["timeouts.head", "GET / HTTP", { timeouts: { head: 20_000 } }, 20, /^HTTP\/1.1 408 /],
  [
    "timeouts.body",
    "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na",
    { timeouts: { body: 7000 }, limits: { minRate: 0 } },
    7,
    /^HTTP\/1.1 408 /,
  ],
  ["timeouts.handler", GET, { timeouts: { handler: 3000 } }, 3, /^HTTP\/1.1 503 /],
];

for (const [title, sent, options, seconds, got] of TIMEOUTS) {
  Deno.test(`clock: ${title}, not a second before`, async () => {
    await using server = serveInMemory(() => new Promise(() => {}), options);
    using conn = server.connect();
    await conn.write(bytesOf(sent));
    await server.clock.advance((seconds - 1) * 1000);
    let arrived: string | null | undefined;
    const reading = read(conn).then((text) => arrived = text);
    await server.clock.advance(750);
    assertEquals(arrived, undefined);
    await server.clock.advance(500);
    await reading;
    if (got === null) assertEquals(arrived, null);
    else assert(got.test(arrived!), arrived!);
  });
}

Deno.test("clock: an idle connection ends after timeouts.idle, and Date follows", async () => {
  await using server = serveInMemory((request) => request.respond(200));
  using conn = server.connect();
  await conn.write(bytesOf(GET));
  await read(conn);
  await server.clock.advance(60_000);
  await conn.write(bytesOf(GET));
  assert((await read(conn))!.includes("Date: Sun, 06 Nov 1994 08:50:37 GMT\r\n"));
  await server.clock.advance(75_000);
  assertEquals(await read(conn), null);
  assertEquals(server.clock.now, 135_000);
  await assertRejects(() => server.clock.advance(-1), RangeError, "got -1");
});

Deno.test("shutdown: its grace passes by the clock; close lets requests be finished", async () => {
  await using server = serveInMemory(() => new Promise(() => {}));
  using conn = server.connect();
  await conn.write(bytesOf(GET));
  await server.clock.advance(0);
  assertEquals(server.stats().connections.open, 1);
  const down = server.shutdown({ grace: 5000 });
  await server.clock.advance(5250);
  assertEquals(await down, { finished: 0, cut: 1 });
  assertEquals(await read(conn), null);

  const finish = Promise.withResolvers<void>();
  await using other = serveInMemory(async (request) => {
    await finish.promise;
    await request.respond(200, "done");
  });
  const response = other.fetch("/");
  await other.clock.advance(0);
  other.close();
  finish.resolve();
  assertEquals(await (await response).text(), "done");
  await assertRejects(() => other.fetch("/"), Deno.errors.ConnectionReset);
});

Deno.test("serveInMemory: rejects unknown options, and what is no handler", () => {
  const handler: Handler = () => {};
  assertThrows(() => serveInMemory("x" as unknown as Handler), TypeError, "must be a function");
  assertThrows(() => serveInMemory({} as Handler), TypeError, "must be a function: got an object");
  assertThrows(
    () => serveInMemory(handler, { port: 1 } as AsyncHttpServerOptions),
    TypeError,
    "Unknown option port",
  );
});

Deno.test("serveInMemory: needs no permission, and prompts for none", async () => {
  const program = fileURLToPath(new URL("permissionless.ts", import.meta.url));
  const config = fileURLToPath(new URL("../../deno.json", import.meta.url));
  const { stdout, stderr } = await run(
    Deno.execPath(),
    ...["run", "--no-prompt", "--no-lock", `--config=${config}`, program],
  );
  assertEquals(stdout, "hello\n", stderr);
});
