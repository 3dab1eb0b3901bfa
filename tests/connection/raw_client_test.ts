/** Bytes that a handler writes itself: `sendHeaders()` and `request.client`. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { GET, textOf, utf8 } from "../fixtures.ts";
import { conversations } from "./conversations.ts";
import { converse, response } from "./harness.ts";
import { EOF, RESET, STALL } from "./scripted_conn.ts";

conversations([
  {
    title:
      "sendHeaders: sends field lines only; the handler writes the rest, and the connection ends",
    sent: GET + GET,
    handler: async (request) => {
      await request.client.write(utf8("HTTP/1.1 200 OK\r\n"));
      await request.sendHeaders({ "Content-Type": "text/event-stream" });
      await request.sendHeaders([["X", "y"]]);
      await request.client.write(utf8("\r\ndata: 1\n\n"));
    },
    got: "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX: y\r\n\r\ndata: 1\n\n",
  },
  {
    title: "client: writes follow the earlier responses",
    sent: GET + GET.replace("/", "/raw"),
    handler: async (request) => {
      if (request.target === "/raw") await request.client.write(utf8("raw"));
      else void request.respond(200, "first");
    },
    got: response("200 OK", "first") + "raw",
  },
  {
    title: "client: reads give the unparsed bytes first",
    sent: [GET + "abc", "def", EOF],
    handler: async (request) => {
      let text = "";
      const into = new Uint8Array(2);
      for (let n; (n = await request.client.read(into)) !== null;) {
        text += textOf(into.subarray(0, n));
      }
      await request.respond(200, text);
    },
    got: response("200 OK", "abcdef", "close"),
  },
  {
    title: "client: closed by the handler",
    sent: GET + GET,
    handler: (request) => request.client.close(),
    got: "",
  },
  {
    title: "client: closed by the handler after its response",
    sent: GET + GET + GET,
    handler: async (request) => {
      await request.respond(200, "last");
      request.client.close();
    },
    got: response("200 OK", "last"),
  },
  {
    title: "client: half-closed by the handler",
    sent: GET + GET,
    handler: (request) => request.client.closeWrite(),
    got: "",
  },
  {
    title: "client: its streams",
    sent: [GET + "abc", "def", EOF],
    handler: async ({ client }) => {
      await client.readable.pipeTo(client.writable);
    },
    got: "abcdef",
  },
]);

Deno.test("client: is a Deno.Conn", async () => {
  const { conn } = await converse([GET, STALL], (request) => {
    using client = request.client;
    assertEquals(client, request.client);
    assertEquals(client.localAddr, { transport: "tcp", hostname: "127.0.0.1", port: 8080 });
    assertEquals(client.remoteAddr, request.remoteAddr);
    client.ref();
    client.unref();
  });
  assert(conn.closed);
});

Deno.test("respond: throws a TypeError after raw writes", async () => {
  const { output } = await converse([GET], async (request) => {
    await request.client.write(utf8("raw"));
    await assertRejects(() => request.respond(200), TypeError, "has written to the socket itself");
  });
  assertEquals(output, "raw");
});

Deno.test("a handler that throws after raw writes: the connection is destroyed", async () => {
  const { output, errors, conn } = await converse([GET + GET], async (request) => {
    await request.client.write(utf8("HTTP/1.1 200 OK\r\n"));
    throw new Error("half-way");
  });
  assertEquals(output, "HTTP/1.1 200 OK\r\n");
  assertEquals(errors.length, 1);
  assert(conn.closed && !conn.writeClosed);
});

Deno.test("hardening 32: raw reads and writes that are not awaited may fail", async () => {
  await converse(
    [GET, RESET],
    (request) => {
      void request.client.read(new Uint8Array(10));
      void request.client.write(utf8("abc"));
      void request.client.closeWrite();
    },
    {},
    { failAfter: 1 },
  );
});
