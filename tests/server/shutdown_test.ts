/** Requests and responses in flight when a server is closed, as its clients see them. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { AsyncHttpServer, streaming } from "@asynchttp/server";
import type { Handler } from "@asynchttp/server";
import { GET, soon } from "../fixtures.ts";
import { readText, readUntil, servingWell, writeText } from "./tools.ts";

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

/** Runs `use` with a client that had one response, and idles. */
async function idling(
  use: (client: Deno.Conn, server: AsyncHttpServer, port: number) => Promise<void>,
): Promise<void> {
  await servingWell((request) => request.respond(200, "hello"), async (port, server) => {
    using client = await Deno.connect({ hostname: "127.0.0.1", port });
    await writeText(client, GET);
    await readUntil(client, (text) => text.endsWith("hello"));
    await use(client, server, port);
  });
}

/** Resolves when a server that shuts down has closed its listener. */
async function hasLeft(server: AsyncHttpServer): Promise<void> {
  for (;;) {
    try {
      server.getPort();
      await soon();
    } catch {
      return;
    }
  }
}

/** Longer than any test. */
const LONG = 600_000;

Deno.test("shutdown: what a client has not read when the grace is over counts as cut", async () => {
  const server = new AsyncHttpServer({ onError: () => {} });
  const failing: Handler = (request) => {
    request.client.write(new Uint8Array(20_000_000));
    throw new Error("The handler fails behind what it has written");
  };
  const serving = server.serve(0, failing, { address: "127.0.0.1" });
  using client = await Deno.connect({ hostname: "127.0.0.1", port: server.getPort() });
  await writeText(client, GET);
  while (server.stats().bytesOut === 0) await soon();
  const { finished, cut } = await server.shutdown({ grace: 0 });
  assertEquals({ finished, cut }, { finished: 0, cut: 1 });
  await serving;
});

Deno.test("shutdown: with idle, an idle client sends one more request, and is told so", async () => {
  await idling(async (client, server) => {
    const down = server.shutdown({ grace: LONG, idle: LONG });
    await hasLeft(server);
    await writeText(client, GET);
    const answer = await readText(client);
    assertStringIncludes(answer, "\r\nConnection: close\r\n");
    assert(answer.endsWith("hello"), answer);
    await client.closeWrite().catch(() => {});
    assertEquals(await down, { finished: 1, cut: 0 });
  });
});

Deno.test("shutdown: with idle, idle clients are closed when the time is over", async () => {
  await idling(async (client, server) => {
    const down = server.shutdown({ grace: LONG, idle: 1 });
    assertEquals(await readText(client), "");
    await client.closeWrite().catch(() => {});
    assertEquals(await down, { finished: 1, cut: 0 });
  });
});

Deno.test("shutdown: a second one without grace ends the idle time of the first", async () => {
  await idling(async (client, server) => {
    const first = server.shutdown({ grace: LONG, idle: LONG });
    await hasLeft(server);
    assertEquals(await server.shutdown({ grace: 0 }), { finished: 1, cut: 0 });
    assertEquals(await first, { finished: 1, cut: 0 });
    assertEquals(await readText(client), "");
  });
});

Deno.test("shutdown: with idle, a response that has promised another one keeps its word", async () => {
  const gate = Promise.withResolvers<void>();
  async function* parts() {
    yield new TextEncoder().encode("a");
    await gate.promise;
    yield new TextEncoder().encode("b");
  }
  const handler: Handler = (request) => request.respond(200, ReadableStream.from(parts()));
  await servingWell(handler, async (port, server) => {
    using client = await Deno.connect({ hostname: "127.0.0.1", port });
    await writeText(client, GET);
    const begin = await readUntil(client, (text) => text.endsWith("a\r\n"));
    assert(!begin.includes("Connection: close"), begin);
    const down = server.shutdown({ grace: LONG, idle: LONG });
    await hasLeft(server);
    gate.resolve();
    await readUntil(client, (text) => text.endsWith("0\r\n\r\n"));
    await writeText(client, GET);
    assertStringIncludes(await readText(client), "\r\nConnection: close\r\n");
    await client.closeWrite().catch(() => {});
    assertEquals(await down, { finished: 1, cut: 0 });
  });
});

Deno.test("shutdown: with idle, what waits in the backlog is served", async () => {
  await servingWell((request) => request.respond(200, "hello"), async (port, server) => {
    const clients = await Promise.all(
      Array.from({ length: 50 }, () => Deno.connect({ hostname: "127.0.0.1", port })),
    );
    const down = server.shutdown({ grace: LONG, idle: LONG });
    await hasLeft(server);
    for (const client of clients) {
      await writeText(client, GET);
      const answer = await readText(client);
      assert(answer.endsWith("hello"), answer);
      client.close();
    }
    assertEquals(await down, { finished: 50, cut: 0 });
  });
});
