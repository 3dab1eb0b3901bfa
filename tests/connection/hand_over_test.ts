/** Connections that leave the server: hijack, upgrade and CONNECT. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { streaming } from "@asynchttp/server";
import type { Handler, Request } from "@asynchttp/server";
import { GET, utf8 } from "../fixtures.ts";
import { readText, servingWell, writeText } from "../server/tools.ts";
import { put } from "./bodies.ts";
import { converse, response, start } from "./harness.ts";
import { EOF, STALL } from "./scripted_conn.ts";

const OFFER = "GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: a\r\n\r\n";

Deno.test("hijack: close() does not wait for a peer that does not read", async () => {
  const run = start(
    [GET, STALL],
    (request) => {
      const conn = request.hijack();
      void conn.write(utf8("abc"));
      conn.close();
    },
    {},
    { writeGate: () => new Promise(() => {}) },
  );
  await run.done;
  assert(run.conn.closed);
});

/** How the handler takes the connection, and the bytes that the client receives for it. */
const TAKEN: readonly (readonly [
  how: string,
  take: (request: Request) => Deno.Conn | Promise<Deno.Conn>,
  head: string,
])[] = [
  ["hijack", (request) => request.hijack(), ""],
  [
    "upgrade",
    (request) => request.upgrade(),
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: a\r\n\r\n",
  ],
];

for (const [how, take, head] of TAKEN) {
  for (const length of [3, 100_000]) {
    Deno.test(`${how}: ${length} bytes whose write is not awaited arrive before the close`, async () => {
      const handler: Handler = (request) => {
        const use = (conn: Deno.Conn) => {
          void conn.write(utf8("x".repeat(length)));
          conn.close();
        };
        const conn = take(request);
        return conn instanceof Promise ? conn.then(use) : use(conn);
      };
      await servingWell(handler, async (port) => {
        using client = await Deno.connect({ port });
        await writeText(client, OFFER);
        const got = await readText(client);
        assertEquals([got.slice(0, head.length), got.length], [head, head.length + length]);
      });
    });
  }
}

/** What the handler has sent itself when it takes the connection over. */
const BEGUN: { readonly [how: string]: (request: Request) => Promise<unknown> } = {
  "raw bytes": (request) => request.client.write(utf8("HTTP/1.1 200 OK\r\nA: 1\r\n")),
  "a status line and sendHeaders": async (request) => {
    await request.client.write(utf8("HTTP/1.1 200 OK\r\n"));
    await request.sendHeaders({ A: "1" });
  },
  "writes that are not awaited": (request) => {
    void request.client.write(utf8("HTTP/1.1 200 OK\r\n"));
    void request.sendHeaders({ A: "1" });
    return Promise.resolve();
  },
};

for (const [begun, write] of Object.entries(BEGUN)) {
  Deno.test(`hijack: after ${begun}, the connection lives on when the handler has returned`, async () => {
    let kept: Deno.Conn | undefined;
    let sendMore: (() => Promise<void>) | undefined;
    const run = start([GET, STALL], async (request) => {
      await write(request);
      kept = request.hijack();
      sendMore = () => request.sendHeaders({ B: "2" });
    });
    await run.done;
    assert(!run.conn.closed);
    await sendMore!();
    await kept!.write(utf8("\r\nlater"));
    assertEquals(run.conn.output, "HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\n\r\nlater");
    assertEquals(run.errors, []);
    kept!.close();
    assert(run.conn.closed);
  });
}

Deno.test("upgrade: after an early response by hand, 101 follows it", async () => {
  const { output } = await converse([OFFER], async (request) => {
    await request.client.write(utf8("HTTP/1.1 103 Early Hints\r\n\r\n"));
    (await request.upgrade()).close();
  });
  assertEquals(
    output,
    "HTTP/1.1 103 Early Hints\r\n\r\n" +
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: a\r\n\r\n",
  );
});

Deno.test("hijack: a response by hand that goes on behind its handler, to a real client", async () => {
  const handler: Handler = async (request) => {
    await request.client.write(utf8("HTTP/1.1 200 OK\r\n"));
    await request.sendHeaders({ "Content-Type": "text/event-stream", "Connection": "close" });
    const conn = request.hijack();
    void (async () => {
      await conn.write(utf8("\r\n"));
      for (let i = 0; i < 3; i++) await conn.write(utf8(`data: ${i}\n\n`));
      conn.close();
    })();
  };
  await servingWell(handler, async (port) => {
    const response = await fetch(`http://127.0.0.1:${port}/`);
    assertEquals(response.headers.get("content-type"), "text/event-stream");
    assertEquals(await response.text(), "data: 0\n\ndata: 1\n\ndata: 2\n\n");
  });
});

Deno.test("hardening 21: a declined CONNECT closes the connection", async () => {
  const { output } = await converse(
    ["CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n" + GET],
    (request) => request.respond(501),
  );
  assertEquals(output, response("501 Not Implemented", "", "close"));
});

Deno.test("hijack: reads give the unread bytes first, and the server no longer touches the connection", async () => {
  let conn: Deno.Conn | undefined;
  const run = start([GET + "first", "second", EOF], (request) => {
    conn = request.hijack();
  });
  await run.done;
  assert(!run.conn.closed);
  assertEquals(run.clock.size, 0);
  run.connection.disableKeepAlive();
  assert(!run.conn.closed);
  const into = new Uint8Array(100);
  assertEquals(await conn!.read(into), 5);
  assertEquals(await conn!.read(into), 6);
  assertEquals(await conn!.read(into), null);
  await conn!.write(utf8("abc"));
  assertEquals(run.conn.output, "abc");
  await conn!.closeWrite();
  conn!.close();
  assert(run.conn.closed);
});

Deno.test("upgrade: sends 101 with the first offered protocol, or with the one that the caller names", async () => {
  const offer = "GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: a/1, b\r\n\r\n";
  for (
    const [headers, named] of [[undefined, "Upgrade: a/1\r\n"], [
      { upgrade: "b" },
      "upgrade: b\r\n",
    ]] as const
  ) {
    const { output } = await converse([offer + "after"], async (request) => {
      const conn = await request.upgrade(headers);
      const into = new Uint8Array(10);
      await conn.write(into.subarray(0, (await conn.read(into))!));
      conn.close();
    });
    assertEquals(
      output,
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n${named}\r\nafter`,
    );
  }
});

Deno.test("upgrade: responds to CONNECT with 200", async () => {
  const { output } = await converse(
    ["CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n"],
    async (request) => {
      (await request.upgrade()).close();
    },
  );
  assertEquals(output, "HTTP/1.1 200 OK\r\n\r\n");
});

Deno.test("hardening 21: a hand-over without an offer, before the body is read or after a response throws", async () => {
  const offer = "Connection: upgrade\r\nUpgrade: a\r\n";
  await converse(
    [put(3, offer) + "abc"],
    streaming(async (request) => {
      await assertRejects(
        () => request.upgrade(),
        TypeError,
        "the request has a body, read it first",
      );
      assertThrows(() => request.hijack(), TypeError, "the request has a body, read it first");
      await request.text();
      const conn = await request.upgrade();
      await assertRejects(() => request.respond(200), TypeError, "was handed over");
      assertThrows(() => request.hijack(), TypeError, "was handed over");
      conn.close();
    }),
  );
  await converse([GET], async (request: Request) => {
    await assertRejects(() => request.upgrade(), TypeError, "respond with 426 where");
    await request.respond(200);
    assertThrows(() => request.hijack(), TypeError, "has already been answered");
  });
});

Deno.test("a handler that throws after hijack: the error is reported, and the connection stays open", async () => {
  const run = start([GET, STALL], (request) => {
    request.hijack();
    throw new Error("after");
  });
  await run.done;
  assertEquals(run.errors.length, 1);
  assert(!run.conn.closed);
  run.conn.close();
});
