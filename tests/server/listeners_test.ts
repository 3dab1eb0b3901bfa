/** Listeners and connections that the server did not create itself. */
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { AsyncHttpServer } from "@asynchttp/server";
import type { Handler } from "@asynchttp/server";
import { textOf, utf8 } from "../fixtures.ts";
import { tlsListener } from "@asynchttp/server/tls";
import {
  accepting,
  exchangeBytes,
  LAST_GET,
  readText,
  run,
  testWith,
  withCertificate,
  withFolder,
  writeText,
} from "./tools.ts";

const WHERE: Handler = (request) => request.respond(200, `${request.url.href} ${request.hostname}`);

/** The two ways to HTTPS. */
const TLS_LISTENERS: {
  readonly [name: string]: (options: { cert: string; key: string }) => Deno.Listener;
} = {
  "Deno.listenTls": (options) => Deno.listenTls({ port: 0, hostname: "127.0.0.1", ...options }),
  tlsListener: (options) => tlsListener(Deno.listen({ port: 0, hostname: "127.0.0.1" }), options),
};

for (const [name, listen] of Object.entries(TLS_LISTENERS)) {
  testWith(
    "openssl",
    `listenOn: ${name}, https in the URL, rejections and closes as everywhere`,
    async () => {
      await withCertificate(async (cert, key) => {
        const listener = listen({
          cert: await Deno.readTextFile(cert),
          key: await Deno.readTextFile(key),
        });
        await accepting(listener, WHERE, async (server) => {
          const url = `https://localhost:${server.getPort()}/a`;
          const args = [
            "-s",
            "--cacert",
            cert,
            "--resolve",
            `localhost:${server.getPort()}:127.0.0.1`,
          ];
          const { stdout, stderr } = await run("curl", ...args, url, url);
          assertEquals(stdout, `${url} 127.0.0.1`.repeat(2), stderr);
          const refused = await run(
            "curl",
            ...args,
            "-i",
            "-X",
            "POST",
            "-H",
            "Content-Length:",
            url,
          );
          assertStringIncludes(refused.stdout, "HTTP/1.1 411 Length Required");
          // A client that does not speak TLS does not affect others.
          using plain = await Deno.connect({ hostname: "127.0.0.1", port: server.getPort() });
          await writeText(plain, LAST_GET);
          await readText(plain).catch(() => {});
          assertEquals((await run("curl", ...args, url)).stdout, `${url} 127.0.0.1`);
        });
      });
    },
  );
}

testWith("curl", "listenOn: a Unix socket", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/socket`;
    await accepting(Deno.listen({ transport: "unix", path }), WHERE, async (server) => {
      assertEquals(server.addr, { transport: "unix", path });
      assertThrows(() => server.getPort(), TypeError, 'A listener of transport "unix" has no port');
      const { stdout } = await run("curl", "-s", "--unix-socket", path, "http://example.com/a");
      assertEquals(stdout, "http://example.com/a ");
      const old = await run("curl", "-s", "-0", "-H", "Host:", "--unix-socket", path, "http://y/a");
      assertEquals(old.stdout, "http://localhost/a ");
    });
  });
});

Deno.test("listenOn: throws on a second call and after the close", async () => {
  await using server = new AsyncHttpServer();
  using listener = Deno.listen({ port: 0 });
  using other = Deno.listen({ port: 0 });
  server.listenOn(listener);
  assertThrows(() => server.listenOn(other), TypeError, "listens already");
  server.close();
  assertThrows(() => server.listenOn(other), TypeError, "was closed");
});

Deno.test("serveConnection: a connection that another listener accepted", async () => {
  await using server = new AsyncHttpServer();
  using listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  using client = await Deno.connect({
    hostname: "127.0.0.1",
    port: (listener.addr as Deno.NetAddr).port,
  });
  const served = server.serveConnection(await listener.accept(), WHERE);
  assertEquals(server.stats().connections, { open: 1, accepted: 1, acceptErrors: 0 });
  await writeText(client, LAST_GET);
  assertStringIncludes(await readText(client), "http://x/ 127.0.0.1");
  client.close();
  await served;
  assertEquals(server.stats().connections.open, 0);
  const none = undefined as unknown as Handler;
  await assertRejects(() => server.serveConnection(client, none), TypeError, "handler");
  server.close();
  await assertRejects(
    () => server.serveConnection(client, WHERE),
    Deno.errors.BadResource,
    "closed",
  );
});

/** Serves a pair of streams; returns the client's end of it. */
function overStreams(server: AsyncHttpServer) {
  const there = new TransformStream<Uint8Array, Uint8Array>();
  const back = new TransformStream<Uint8Array, Uint8Array>();
  const served = server.serveConnection(
    { readable: there.readable, writable: back.writable },
    WHERE,
  );
  return { served, writer: there.writable.getWriter(), readable: back.readable };
}

Deno.test("serveConnection: a pair of streams", async () => {
  await using server = new AsyncHttpServer();
  const { served, writer, readable } = overStreams(server);
  const received = new Response(readable).text();
  // One chunk is larger than the server's buffer, one is empty.
  await writer.write(new Uint8Array(0));
  const field = `X: ${"x".repeat(5000)}\r\n`;
  await writer.write(utf8(LAST_GET.replace("\r\n", `\r\n${field}`)));
  await writer.close();
  assertStringIncludes(await received, "\r\n\r\nhttp://x/ 0.0.0.0");
  await served;
});

Deno.test("serveConnection: a pair of streams ends in order when the client half-closes", async () => {
  await using server = new AsyncHttpServer();
  for (const when of ["before the response", "after it"]) {
    const { served, writer, readable } = overStreams(server);
    const written = [writer.write(utf8(LAST_GET))];
    if (when === "before the response") written.push(writer.close());
    const reader = readable.getReader();
    assertStringIncludes(textOf((await reader.read()).value!), "\r\n\r\nhttp://x/ 0.0.0.0");
    if (when === "after it") written.push(writer.close());
    assertEquals((await reader.read()).done, true, when);
    await Promise.all([served, ...written]);
  }
});

Deno.test("serveConnection: a pair of streams ends in order after a client's last request", async () => {
  await using server = new AsyncHttpServer();
  const { served, writer, readable } = overStreams(server);
  const received = new Response(readable).text();
  const last = LAST_GET.replace("\r\n", "\r\nConnection: close\r\n");
  await writer.write(utf8(last));
  assertStringIncludes(await received, "\r\n\r\nhttp://x/ 0.0.0.0");
  await served;
});

Deno.test("serveConnection: a pair of streams that fails or is cancelled", async () => {
  await using server = new AsyncHttpServer();
  for (const how of ["abort", "cancel"]) {
    const { served, writer, readable } = overStreams(server);
    if (how === "abort") await writer.abort(new Error("gone"));
    else {
      await readable.cancel();
      await writer.write(utf8(LAST_GET));
    }
    await served;
  }
  assertEquals(server.stats().connections.open, 0);
});

Deno.test("hijack: a connection counts for the guard until it is closed, and outlives close()", async () => {
  const server = new AsyncHttpServer({ maxConnections: 1 });
  const handed = Promise.withResolvers<Deno.Conn>();
  const serving = server.serve(0, (request) => handed.resolve(request.hijack()), {
    address: "127.0.0.1",
  });
  using client = await Deno.connect({ hostname: "127.0.0.1", port: server.getPort() });
  await writeText(client, LAST_GET);
  const conn = await handed.promise;
  assert(!server.shouldAcceptRequest());
  const down = await server.shutdown();
  assertEquals(down.cut, 0);
  await serving;
  await conn.write(utf8("still here"));
  conn.close();
  assert(server.shouldAcceptRequest());
  assertEquals(await readText(client), "still here");
});

Deno.test("serve: takes a listener, and then no address", async () => {
  await using server = new AsyncHttpServer();
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const hello: Handler = (request) => request.respond(200, "hello");
  for (const [name, value] of [["address", "127.0.0.1"], ["domain", "ipv6"]] as const) {
    await assertRejects(
      () => server.serve(listener, hello, { [name]: value }),
      TypeError,
      `Option ${name} must be left out with a listener: it has an address`,
    );
  }
  const controller = new AbortController();
  const ended = server.serve(listener, hello, { signal: controller.signal });
  assert((await exchangeBytes(server.getPort(), LAST_GET)).endsWith("hello"));
  controller.abort();
  await ended;
});
