/** `serveConnection`: how the server counts connections that it did not accept itself. */
import { assert, assertEquals } from "@std/assert";
import { AsyncHttpServer } from "@asynchttp/server";
import { GET } from "../fixtures.ts";
import { settle } from "../connection/harness.ts";
import { ScriptedConn, STALL } from "../connection/scripted_conn.ts";

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
