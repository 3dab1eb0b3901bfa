/** Bytes that a handler writes itself: `sendHeaders()` and `request.client`. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { AsyncHttpServer } from "@asynchttp/server";
import type { Handler } from "@asynchttp/server";
import { LAST_GET, servingWell } from "../server/tools.ts";
import { GET, textOf, utf8 } from "../fixtures.ts";
import { conversations } from "./conversations.ts";
import { converse, response } from "./harness.ts";
import { EOF, RESET, ScriptedConn, STALL } from "./scripted_conn.ts";

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

/** A scripted connection that records how Nagle's algorithm is set. */
class NoDelayConn extends ScriptedConn {
  readonly set: boolean[] = [];
  override setNoDelay(noDelay?: boolean): void {
    this.set.push(noDelay ?? true);
  }
}

Deno.test("client: setNoDelay where the socket has it, and the handler's choice stays", async () => {
  const conn = new NoDelayConn([GET, EOF]);
  await using server = new AsyncHttpServer();
  await server.serveConnection(conn, async ({ client }) => {
    client.setNoDelay!(false);
    for (let i = 0; i < 3; i++) await client.write(utf8("abc"));
    client.setNoDelay!();
  });
  assertEquals(conn.set, [false, true]);
  assertEquals(conn.output, "abcabcabc");
});

Deno.test("client: no setNoDelay where the connection has none", async () => {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const got = new TransformStream<Uint8Array, Uint8Array>();
  await using server = new AsyncHttpServer();
  const served = server.serveConnection(
    { readable, writable: got.writable },
    (request) => request.respond(200, String("setNoDelay" in request.client)),
  );
  void writer.write(utf8(LAST_GET));
  assertStringIncludes(await new Response(got.readable).text(), "false");
  await writer.close();
  await served;
});

Deno.test("client: setNoDelay of a real socket", async () => {
  const handler: Handler = async ({ client }) => {
    client.setNoDelay!();
    await client.write(utf8("HTTP/1.1 204 No Content\r\n\r\n"));
  };
  await servingWell(handler, async (port) => {
    assertEquals((await fetch(`http://127.0.0.1:${port}/`)).status, 204);
  });
});

const BAD_FIELD = { "bad name": "" };

/** A `respond` that fails, and whether the handler hears of it. */
const FAILED: readonly (readonly [title: string, handler: Handler, errors: number])[] = [
  ["not awaited, with raw writes behind it", async (request) => {
    void request.respond(200, "hi", BAD_FIELD);
    await request.client.write(utf8("raw"));
  }, 1],
  ["not awaited, with sendHeaders behind it", async (request) => {
    void request.respond(200, "hi", BAD_FIELD);
    await new Promise((resolve) => setTimeout(resolve, 0));
    await request.sendHeaders({ A: "1" });
  }, 1],
  ["not awaited, with a good one behind it", (request) => {
    void request.respond(200, "hi", BAD_FIELD);
    return request.respond(200, "good");
  }, 1],
  ["caught, with raw writes behind it", async (request) => {
    await request.respond(200, "hi", BAD_FIELD).catch(() => {});
    await request.client.write(utf8("raw"));
  }, 0],
  ["awaited in a try, with raw writes behind it", async (request) => {
    try {
      await request.respond(200, "hi", BAD_FIELD);
    } catch {
      await request.client.write(utf8("raw"));
    }
  }, 0],
];

for (const [title, handler, count] of FAILED) {
  const heard = count === 0 ? "does not hear" : "hears";
  Deno.test(`onError: ${heard} of a respond that failed ${title}`, async () => {
    const { errors } = await converse([GET], handler);
    assertEquals(errors.length, count);
    if (count > 0) assertStringIncludes(String(errors[0]), 'Invalid field name "bad name"');
  });
}

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
