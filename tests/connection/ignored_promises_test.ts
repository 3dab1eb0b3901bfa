/**
 * A handler may ignore every promise that the server returns, and every hook may fail: no
 * client can end the process with an unhandled rejection. The test runner fails a test
 * that leaves one.
 */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { streaming } from "@asynchttp/server";
import type { AsyncHttpServerOptions, Request } from "@asynchttp/server";
import { CHUNKED, put } from "./bodies.ts";
import { GET } from "../fixtures.ts";
import { converse, settle, start } from "./harness.ts";
import { EOF, RESET } from "./scripted_conn.ts";
import type { Step } from "./scripted_conn.ts";
import { silencedConsole } from "./silenced_console.ts";

const PUT = put(9) + "ab";
const UPGRADE = "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";

/** How a client ends a body that its handler is reading. */
const ENDS: readonly [title: string, sent: readonly Step[]][] = [
  ["closes its side", [PUT, EOF]],
  ["resets the connection", [PUT, RESET]],
  ["sends a bad chunk", [CHUNKED + "2\r\nab\r\n", "x\r\n", EOF]],
];

/** Calls whose result the handler ignores. */
const CALLS: { readonly [name: string]: (request: Request) => unknown } = {
  "text()": (request) => request.text(),
  "json()": (request) => request.json(),
  trailers: (request) => request.trailers,
  "stream.getReader().read()": (request) => void request.stream.getReader().read().catch(() => {}),
  "respond()": (request) => request.respond(200, "x"),
  "respond(), twice": (request) => [request.respond(200), request.respond(200)],
  "respond(), a bad field": (request) => request.respond(200, "x", { "a b": "c" }),
  "respond(), a stream that fails": (request) =>
    request.respond(200, new ReadableStream({ pull: (c) => c.error(new Error("source")) })),
  "respondWith()": (request) => request.respondWith(new Response("x")),
  "respondWith(), no Response": (request) => request.respondWith({} as Response),
  "inform()": (request) => request.inform(103),
  "inform(), a bad status": (request) => request.inform(99),
  "sendHeaders()": (request) => request.sendHeaders({ a: "b" }),
  "sendHeaders(), a bad field": (request) => request.sendHeaders({ "a b": "c" }),
  "upgrade()": (request) => request.upgrade(),
  "client.read()": (request) => request.client.read(new Uint8Array(100)),
  "client.write()": (request) => request.client.write(new Uint8Array(100)),
  "client.closeWrite()": (request) => request.client.closeWrite(),
};

for (const [name, call] of Object.entries(CALLS)) {
  for (const [title, sent] of [...ENDS, ["offers another protocol", [UPGRADE, RESET]] as const]) {
    Deno.test(`the handler ignores ${name}, and the client ${title}`, async () => {
      const handler = streaming(async (request) => {
        call(request);
        await settle();
        await request.respond(200, "y").catch(() => {});
      });
      await converse(sent, handler);
      await settle();
    });
  }
}

Deno.test("a handler that awaits text() late can still respond", async () => {
  const handler = streaming(async (request) => {
    const body = request.text();
    await settle();
    await assertRejects(() => body);
    await request.respond(200, "late");
  });
  assertStringIncludes((await converse([PUT, EOF], handler)).output, "late");
});

const failure = new Error("hook");
const throws = () => {
  throw failure;
};
const rejects = () => Promise.reject(failure) as never;

/** A hook that fails, a request that calls it, and the number of errors that `onError` receives. */
const HOOKS: readonly [
  title: string,
  sent: string,
  options: (fail: () => never) => AsyncHttpServerOptions,
  errors: number,
][] = [
  ["onReject", "GET / HTTP/9.1\r\n\r\n", (fail) => ({ onReject: fail }), 1],
  ["onError", GET, (fail) => ({ onError: fail }), 0],
];

for (const [title, sent, options, count] of HOOKS) {
  for (const [how, fail] of [["throws", throws], ["rejects", rejects]] as const) {
    Deno.test(`${title} ${how}: the client gets a response, and the process lives`, async () => {
      using silenced = silencedConsole();
      const run = start([sent, EOF], () => {}, options(fail));
      await run.done;
      await settle();
      assertStringIncludes(run.conn.output, "HTTP/1.1 50");
      assertEquals([...run.errors, ...silenced.log.flat()].length, 1);
      assertEquals(run.errors.length, count);
    });
  }
}

Deno.test("an async trailers function fails the response, not the process", async () => {
  const trailers = rejects as unknown as () => HeadersInit;
  const handler = (request: Request) => request.respond(200, "x", [], { trailers });
  const { errors } = await converse([GET, EOF], handler);
  await settle();
  assertEquals(errors.length, 1);
  assertStringIncludes(String(errors[0]), "trailers must return header fields");
});
