/** WebSockets with real clients: a browser, Deno's `WebSocket`, `npm:ws`, and under Hono. */
import { once } from "node:events";
import { assert, assertEquals } from "@std/assert";
import { fetchHandler } from "@asynchttp/server";
import type { FetchHandler } from "@asynchttp/server";
import { tlsListener } from "@asynchttp/server/tls";
import { upgradeWebSocket } from "@asynchttp/server/websocket";
import type { UpgradeWebSocketOptions } from "@asynchttp/server/websocket";
import { Hono } from "npm:hono@4.13.19";
import { defineWebSocketHelper, WSContext } from "npm:hono@4.13.19/ws";
import { WebSocket as WsClient } from "ws";
import { pattern } from "../fixtures.ts";
import { withPage } from "../server/browser.ts";
import { servingFetchWell } from "../server/fetch_tools.ts";
import { accepting, testWith, withCertificate } from "../server/tools.ts";

function echo(options: UpgradeWebSocketOptions = {}): FetchHandler {
  return (request) => {
    const { socket, response } = upgradeWebSocket(request, options);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => socket.send(data);
    return response;
  };
}

/** The events of a client, one by one. */
function listen(client: WebSocket): { next(): Promise<unknown> } {
  const got: unknown[] = [];
  let wake = () => {};
  const add = (what: unknown) => {
    got.push(what);
    wake();
  };
  client.binaryType = "arraybuffer";
  client.onopen = () => add("open");
  client.onmessage = ({ data }) => add(data);
  client.onclose = ({ code, reason }) => add(`close ${code} ${reason}`);
  return {
    async next() {
      while (got.length === 0) await new Promise<void>((resolve) => wake = resolve);
      return got.shift();
    },
  };
}

Deno.test("Deno's WebSocket: subprotocol, text, a message of the largest size, one byte more, close", async () => {
  await servingFetchWell(echo({ protocols: ["b", "c"] }), async (port) => {
    const client = new WebSocket(`ws://127.0.0.1:${port}/`, ["a", "c", "b"]);
    const events = listen(client);
    assertEquals(await events.next(), "open");
    assertEquals([client.protocol, client.extensions], ["b", ""]);
    client.send("Grüße 🦕");
    assertEquals(await events.next(), "Grüße 🦕");
    const largest = pattern(1_048_576);
    client.send(largest);
    assertEquals(new Uint8Array(await events.next() as ArrayBuffer), largest);
    client.send(pattern(1_048_577));
    assertEquals(await events.next(), "close 1009 ");
  });
});

Deno.test("Deno's WebSocket: a clean close from each side", async () => {
  const closes: string[] = [];
  const closing: FetchHandler = (request) => {
    const { socket, response } = upgradeWebSocket(request);
    socket.onmessage = () => socket.close(4000, "enough");
    socket.onclose = ({ code, reason, wasClean }) => closes.push(`${code} ${reason} ${wasClean}`);
    return response;
  };
  await servingFetchWell(closing, async (port) => {
    for (const code of [3000, 4000]) {
      const client = new WebSocket(`ws://127.0.0.1:${port}/`);
      const events = listen(client);
      await events.next();
      if (code === 3000) client.close(code, "bye");
      else client.send("");
      assertEquals(await events.next(), code === 3000 ? "close 3000 bye" : "close 4000 enough");
    }
    while (closes.length < 2) await new Promise((resolve) => setTimeout(resolve));
    assertEquals(closes, ["3000 bye true", "4000 enough true"]);
  });
});

Deno.test("shutdown: clients see 1001, and shutdown waits for them", async () => {
  await servingFetchWell(echo(), async (port, server) => {
    const clients = Array.from({ length: 5 }, () => new WebSocket(`ws://127.0.0.1:${port}/`));
    const events = clients.map(listen);
    for (const each of events) assertEquals(await each.next(), "open");
    assertEquals(await server.shutdown(), { finished: 5, cut: 0 });
    for (const each of events) assertEquals(await each.next(), "close 1001 The server is closing");
  });
});

Deno.test("npm:ws: ping, fragments, compression, a refused origin", async () => {
  await servingFetchWell(echo({ compression: true }), async (port) => {
    const client = new WsClient(`ws://127.0.0.1:${port}/`, { perMessageDeflate: true });
    await once(client, "open");
    assertEquals(client.extensions, "permessage-deflate");
    client.ping("?");
    assertEquals(String((await once(client, "pong"))[0]), "?");
    client.send("first, ", { fin: false });
    client.send("second");
    assertEquals(String((await once(client, "message"))[0]), "first, second");
    const long = "x".repeat(100_000);
    client.send(long);
    assertEquals(String((await once(client, "message"))[0]), long);
    // Decompressed it is larger than maxPayload.
    client.send("x".repeat(1_048_577));
    assertEquals((await once(client, "close"))[0], 1009);

    const refused = new WsClient(`ws://127.0.0.1:${port}/`, { origin: "http://other.example" });
    const [error] = await once(refused, "error");
    assertEquals(error.message, "Unexpected server response: 403");
  });
});

Deno.test("npm:ws: a client that is cut off within a frame ends its own connection only", async () => {
  await servingFetchWell(echo(), async (port) => {
    const other = new WsClient(`ws://127.0.0.1:${port}/`);
    await once(other, "open");
    const client = new WsClient(`ws://127.0.0.1:${port}/`);
    await once(client, "open");
    client.send("x".repeat(100_000));
    client.terminate();
    await once(client, "close");
    other.send("still here");
    assertEquals(String((await once(other, "message"))[0]), "still here");
    other.close();
    await once(other, "close");
  });
});

/** The helper of the docs. */
const upgradeInHono = defineWebSocketHelper<WebSocket, UpgradeWebSocketOptions>(
  (c, events, options) => {
    if (c.req.header("upgrade") !== "websocket") return;
    const { socket, response } = upgradeWebSocket(c.req.raw, options);
    const context = new WSContext<WebSocket>({
      raw: socket,
      url: socket.url,
      get protocol() {
        return socket.protocol;
      },
      get readyState() {
        return socket.readyState as 0 | 1 | 2 | 3;
      },
      send: (data) => socket.send(data),
      close: (code, reason) => socket.close(code, reason),
    });
    socket.onopen = (event) => events.onOpen?.(event, context);
    socket.onmessage = (event) => events.onMessage?.(event, context);
    socket.onclose = (event) => events.onClose?.(event, context);
    socket.onerror = (event) => events.onError?.(event, context);
    return response;
  },
);

Deno.test("Hono: hono/ws, behind middleware that adds a header field", async () => {
  const seen: string[] = [];
  const app = new Hono();
  app.use(async (c, next) => {
    await next();
    c.header("X-Middleware", "seen");
  });
  app.get(
    "/ws/:room",
    upgradeInHono((c) => ({
      onOpen: (_event, ws) => ws.send(`welcome to ${c.req.param("room")}`),
      onMessage: ({ data }, ws) => {
        ws.send(`echo ${data}`);
        ws.close(1000, "done");
      },
      onClose: ({ code }) => void seen.push(`close ${code}`),
    }), { protocols: ["chat"] }),
    (c) => c.text("no WebSocket", 426),
  );
  await servingFetchWell(app.fetch, async (port) => {
    const client = new WsClient(`ws://127.0.0.1:${port}/ws/blue`, ["chat"]);
    const upgraded = once(client, "upgrade");
    const message = once(client, "message");
    assertEquals((await upgraded)[0].headers["x-middleware"], "seen");
    assertEquals(String((await message)[0]), "welcome to blue");
    assertEquals(client.protocol, "chat");
    client.send("hi");
    assertEquals(String((await once(client, "message"))[0]), "echo hi");
    const [code, reason] = await once(client, "close");
    assertEquals([code, String(reason)], [1000, "done"]);
    const plain = await fetch(`http://127.0.0.1:${port}/ws/blue`);
    assertEquals([plain.status, await plain.text()], [426, "no WebSocket"]);
    while (seen.length === 0) await new Promise((resolve) => setTimeout(resolve));
    assertEquals(seen, ["close 1000"]);
  });
});

testWith(
  "chromium",
  "a browser: subprotocol, binary data, compression, close, and other origins",
  async () => {
    const app: FetchHandler = (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/") return new Response("<!doctype html><title>x</title>", HTML);
      return echo({ protocols: ["b"], compression: pathname === "/deflate" })(request, ADDRESSES);
    };
    await servingFetchWell(app, async (port) => {
      await withPage(async (page) => {
        await page.goto(`http://127.0.0.1:${port}/`);
        const own = `ws://127.0.0.1:${port}`;
        assertEquals(
          await page.evaluate(converse, `${own}/ws`),
          "b, , text Grüße, 3 bytes, close 3000",
        );
        assertEquals(
          await page.evaluate(converse, `${own}/deflate`),
          "b, permessage-deflate; server_no_context_takeover; client_no_context_takeover, " +
            "text Grüße, 3 bytes, close 3000",
        );
        // For a browser this is another host.
        const other = `ws://localhost:${port}/ws`;
        assertEquals(await page.evaluate(converse, other), "error, close 1006");
      });
    });
  },
);

const HTML = { headers: { "Content-Type": "text/html" } };
const ADDR: Deno.NetAddr = { transport: "tcp", hostname: "127.0.0.1", port: 0 };
const ADDRESSES = { localAddr: ADDR, remoteAddr: ADDR, peerAddr: ADDR };

testWith(
  "openssl",
  "wss: over tlsListener, where a page that came without TLS is refused",
  async () => {
    await withCertificate(async (cert, key) => {
      const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const { port } = listener.addr as Deno.NetAddr;
      const pems = { cert: await Deno.readTextFile(cert), key: await Deno.readTextFile(key) };
      await accepting(tlsListener(listener, pems), fetchHandler(echo()), async (server) => {
        const connect = (origin: string) =>
          new WsClient(`wss://localhost:${port}/`, { origin, ca: pems.cert });
        const client = connect(`https://localhost:${port}`);
        await once(client, "open");
        client.send("secret");
        assertEquals(String((await once(client, "message"))[0]), "secret");
        const [error] = await once(connect(`http://localhost:${port}`), "error");
        assertEquals(error.message, "Unexpected server response: 403");
        const closed = once(client, "close");
        assertEquals((await server.shutdown()).cut, 0);
        assertEquals((await closed)[0], 1001);
      });
    });
  },
);

/** Runs in the page: what it sees of a socket. */
function converse(url: string): Promise<string> {
  const seen: string[] = [];
  const socket = new WebSocket(url, ["a", "b"]);
  socket.binaryType = "arraybuffer";
  return new Promise((resolve) => {
    socket.onopen = () => {
      seen.push(socket.protocol, socket.extensions);
      socket.send("Grüße");
    };
    socket.onmessage = ({ data }) => {
      if (typeof data === "string") {
        seen.push(`text ${data}`);
        socket.send(Uint8Array.of(1, 2, 3));
      } else {
        seen.push(`${data.byteLength} bytes`);
        socket.close(3000);
      }
    };
    socket.onerror = () => seen.push("error");
    socket.onclose = ({ code }) => resolve([...seen, `close ${code}`].join(", "));
  });
}

Deno.test("back-pressure: a client that does not read makes send cut it off, not the server grow", async () => {
  let cut: (message: string) => void;
  const lost = new Promise<string>((resolve) => cut = resolve);
  const flooding: FetchHandler = (request) => {
    const { socket, response } = upgradeWebSocket(request, { maxBufferedAmount: 1_000_000 });
    const chunk = new Uint8Array(100_000);
    const flood = () => {
      if (socket.readyState !== socket.OPEN) return;
      socket.send(chunk);
      setTimeout(flood);
    };
    socket.onopen = flood;
    socket.onerror = (event) => cut((event as ErrorEvent).message);
    return response;
  };
  await servingFetchWell(flooding, async (port) => {
    const client = new WsClient(`ws://127.0.0.1:${port}/`);
    await once(client, "open");
    client.pause();
    assert(/^The client does not read: 1\d{6} bytes wait/.test(await lost));
    client.terminate();
  });
});
