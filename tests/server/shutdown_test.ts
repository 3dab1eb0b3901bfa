/** Requests and responses in flight when a server is closed, as its clients see them. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { AsyncHttpServer, streaming } from "@asynchttp/server";
import type { Handler } from "@asynchttp/server";
import { GET, soon } from "../fixtures.ts";
import { readText, servingWell, writeText } from "./tools.ts";

/** Connects to a server that is closed with `close()` as soon as `begun` returns `true`. */
async function closing(
  handler: Handler,
  sent: string,
  begun: (server: AsyncHttpServer) => boolean,
  then: (client: Deno.Conn) => Promise<void>,
): Promise<void> {
  await servingWell(handler, async (port, server) => {
    using client = await Deno.connect({ hostname: "127.0.0.1", port });
    await writeText(client, sent);
    while (!begun(server)) await soon();
    server.close();
    await then(client);
  });
}

const readsBody: Handler = async (request) => {
  await request.respond(200, await request.text());
};

for (
  const [kind, handler] of [["streaming", streaming(readsBody)], ["ordinary", readsBody]] as const
) {
  Deno.test(`close: a body in flight to a ${kind} handler is read to its end`, async () => {
    await closing(
      handler,
      "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc",
      (server) => server.stats().requests === 1,
      async (client) => {
        await writeText(client, "def");
        const answer = await readText(client);
        assertStringIncludes(answer, "\r\nConnection: close\r\n");
        assert(answer.endsWith("\r\n\r\nabcdef"), answer);
      },
    );
  });
}

Deno.test("close: a head that has begun is read to its end, and the request is served", async () => {
  await closing(
    (request) => request.respond(200, "hello"),
    GET.slice(0, 5),
    (server) => server.stats().bytesIn === 5,
    async (client) => {
      await writeText(client, GET.slice(5));
      const answer = await readText(client);
      assertStringIncludes(answer, "\r\nConnection: close\r\n");
      assert(answer.endsWith("hello"), answer);
    },
  );
});

Deno.test("close: requests pipelined after the last one are not handled, so that the client may repeat them", async () => {
  const gate = Promise.withResolvers<void>();
  const targets: string[] = [];
  await closing(
    async (request) => {
      targets.push(request.target);
      await gate.promise;
      await request.respond(200, "hello");
    },
    GET.replace("/", "/1") + GET.replace("/", "/2"),
    (server) => server.stats().requests === 1,
    async (client) => {
      gate.resolve();
      const answer = await readText(client);
      assertEquals(answer.match(/^HTTP.*$/gm), ["HTTP/1.1 200 OK"]);
      assertStringIncludes(answer, "\r\nConnection: close\r\n");
    },
  );
  assertEquals(targets, ["/1"]);
});

Deno.test("close: a response that its client has not read yet survives what the client still sends", async () => {
  const content = "x".repeat(1_000_000);
  await closing(
    (request) => request.respond(200, content),
    GET,
    // The system has taken all of it, but most of it is still in this machine's buffers.
    (server) => server.stats().bytesOut > content.length,
    async (client) => {
      await writeText(client, GET);
      await soon();
      const answer = await readText(client);
      assertEquals(answer.length - answer.indexOf("\r\n\r\n") - 4, content.length);
    },
  );
});

Deno.test("shutdown: a second call without a grace ends the first, and both return the same counts", async () => {
  const server = new AsyncHttpServer();
  const ended = server.serve(0, () => new Promise<void>(() => {}), { address: "127.0.0.1" });
  using stuck = await Deno.connect({ hostname: "127.0.0.1", port: server.getPort() });
  await writeText(stuck, GET);
  while (server.stats().requests < 1) await soon();
  const patient = server.shutdown({ grace: 600_000 });
  assertEquals(await server.shutdown({ grace: 0 }), { finished: 0, cut: 1 });
  assertEquals(await Promise.race([patient, soon().then(soon)]), { finished: 0, cut: 1 });
  await ended;
});
