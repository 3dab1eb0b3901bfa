/** `serveConnection`: how the server counts connections that it did not accept itself. */
import { assert, assertEquals } from "@std/assert";
import { AsyncHttpServer } from "@asynchttp/server";
import { systemClock } from "../../src/net/clock.ts";
import { GET, soon, utf8 } from "../fixtures.ts";
import { settle } from "../connection/harness.ts";
import { ScriptedConn, STALL } from "../connection/scripted_conn.ts";

const LAST_GET = GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");

const SECOND = GET.replace("/", "/2");

Deno.test("serveConnection: a connection that its owner closes ends like any other", async () => {
  for (const when of ["idle", "in a handler"]) {
    const server = new AsyncHttpServer({ maxConnections: 1 });
    const conn = new ScriptedConn([GET, SECOND, STALL]);
    const serving = server.serveConnection(conn, (request) => {
      if (when === "in a handler" && request.target === "/2") conn.close();
      return request.respond(200);
    });
    await settle();
    if (when === "idle") conn.close();
    await serving;
    assertEquals(server.stats().connections.open, 0, when);
    assert(server.shouldAcceptRequest(), when);
    assertEquals(await server.shutdown(), { finished: 0, cut: 0 }, when);
  }
});

Deno.test("serveConnection: a pair of streams with a locked side is rejected and not counted", async () => {
  const server = new AsyncHttpServer({ maxConnections: 1 });
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  writable.getWriter();
  let refused: unknown;
  await server.serveConnection({ readable, writable }, (request) => request.respond(200))
    .catch((error) => refused = error);
  assert(refused instanceof TypeError);
  assertEquals(server.stats().connections.open, 0);
  assert(server.shouldAcceptRequest());
  await server.shutdown();
});

const never = () => new Promise<void>(() => {});

const STUCK: readonly [title: string, sent: string, sink: UnderlyingSink<Uint8Array>][] = [
  ["takes no bytes", GET, { write: never }],
  ["takes no bytes of a last response", LAST_GET, { write: never }],
  ["does not end", GET, { close: never }],
  ["does not end behind a last response", LAST_GET, { close: never }],
  ["is not aborted", LAST_GET, { write: never, close: never, abort: never }],
];

for (const [title, sent, sink] of STUCK) {
  Deno.test(`serveConnection: a pair whose writable ${title} is given up by the timeouts`, async () => {
    const server = new AsyncHttpServer();
    const readable = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(utf8(sent)),
    });
    let ended = false;
    const pair = { readable, writable: new WritableStream(sink) };
    const serving = server.serveConnection(pair, (request) => request.respond(200, "content"));
    serving.then(() => ended = true);
    const begin = performance.now();
    for (let i = 0; i < 100 && !ended; i++) {
      await soon();
      systemClock.tick(begin + i * 10_000, Date.now());
    }
    assert(ended, "the connection hangs");
    assertEquals(server.stats().connections.open, 0);
    assert(server.shouldAcceptRequest());
    assertEquals(await server.shutdown(), { finished: 0, cut: 0 });
  });
}

Deno.test("serveConnection: a pair whose client still reads is not cut by timeouts.linger", async () => {
  const server = new AsyncHttpServer({ limits: { requestsPerConnection: 1 } });
  const { promise: read, resolve: readToEnd } = Promise.withResolvers<void>();
  let aborted = false;
  const writable = new WritableStream({ close: () => read, abort: () => void (aborted = true) });
  const { readable, writable: client } = new TransformStream<Uint8Array, Uint8Array>();
  const sending = client.getWriter();
  const serving = server.serveConnection(
    { readable, writable },
    (request) => request.respond(200, "content"),
  );
  await sending.write(utf8(GET));
  const begin = performance.now();
  for (let second = 0; second < 20; second++) {
    await soon();
    systemClock.tick(begin + second * 1000, Date.now());
  }
  readToEnd();
  await soon();
  await sending.close();
  await serving;
  assertEquals(aborted, false);
  await server.shutdown();
});
