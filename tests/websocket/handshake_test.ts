/** The opening handshake: what is refused, what is chosen, and every byte of the response. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fetchHandler } from "@asynchttp/server";
import type { Request } from "@asynchttp/server";
import { upgradeWebSocket } from "@asynchttp/server/websocket";
import type { UpgradeWebSocketOptions } from "@asynchttp/server/websocket";
import { converse } from "../connection/harness.ts";
import { EOF } from "../connection/scripted_conn.ts";
import { ACCEPTED, CLOSE, closing, frame, handshake, serverFrame } from "./frames.ts";

const BYE = frame(CLOSE, closing(1000));
const BYE_BACK = serverFrame(CLOSE, closing(1000));

function upgrading(options: UpgradeWebSocketOptions = {}) {
  return (request: Request) => request.respondWith(upgradeWebSocket(request, options).response);
}

/** What the client receives for a handshake and a closing handshake behind it. */
async function answer(sent: string, options: UpgradeWebSocketOptions = {}): Promise<string> {
  const run = await converse([sent, EOF], upgrading(options));
  assertEquals(run.errors, []);
  while (run.conn.output.startsWith("HTTP/1.1 101") && !run.conn.closed) {
    await new Promise((resolve) => setTimeout(resolve));
  }
  return run.conn.output;
}

Deno.test("RFC 6455, 4.2.2: the response, byte for byte", async () => {
  assertEquals(await answer(handshake() + BYE), ACCEPTED + BYE_BACK);
});

/** What is wrong, the handshake, and the status with the field that explains it. */
const REFUSED: readonly (readonly [title: string, sent: string, got: RegExp])[] = [
  ["no Upgrade", handshake({ Upgrade: "" }), /^HTTP\/1.1 426 [^]*\r\nupgrade: websocket\r\n/],
  ["Connection without Upgrade", handshake({ Connection: "close" }), /^HTTP\/1.1 426 /],
  ["another protocol", handshake({ Upgrade: "h2c" }), /^HTTP\/1.1 426 /],
  ["HTTP/1.0", handshake({}, "GET / HTTP/1.0"), /^HTTP\/1.1 426 /],
  ["PUT", handshake({}, "PUT / HTTP/1.1"), /^HTTP\/1.1 405 [^]*\r\nallow: GET\r\n/],
  ["a body", handshake({ "Content-Length": "1" }) + "x", /^HTTP\/1.1 400 /],
  ["no key", handshake({ "Sec-WebSocket-Key": "" }), /^HTTP\/1.1 400 /],
  ["a short key", handshake({ "Sec-WebSocket-Key": "dGhlIHNhbXBsZQ==" }), /^HTTP\/1.1 400 /],
  [
    "a key whose last bits are not 0",
    handshake({ "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZR==" }),
    /^HTTP\/1.1 400 /,
  ],
  [
    "two keys",
    handshake({ "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==" }),
    /^HTTP\/1.1 400 /,
  ],
  [
    "version 8",
    handshake({ "Sec-WebSocket-Version": "8" }),
    /^HTTP\/1.1 426 [^]*\r\nsec-websocket-version: 13\r\n/,
  ],
  ["no version", handshake({ "Sec-WebSocket-Version": "" }), /^HTTP\/1.1 426 /],
  ["a subprotocol twice", handshake({ "Sec-WebSocket-Protocol": "a, a" }), /^HTTP\/1.1 400 /],
  ["no token", handshake({ "Sec-WebSocket-Protocol": "a b" }), /^HTTP\/1.1 400 /],
  ["an empty subprotocol", handshake({ "Sec-WebSocket-Protocol": "a,,b" }), /^HTTP\/1.1 400 /],
  ["a page of another host", handshake({ Origin: "http://attacker.example" }), /^HTTP\/1.1 403 /],
  ["a page of another port", handshake({ Origin: "http://x:81" }), /^HTTP\/1.1 403 /],
  ["a sandboxed page", handshake({ Origin: "null" }), /^HTTP\/1.1 403 /],
  ["two origins", handshake({ Origin: "http://x http://y" }), /^HTTP\/1.1 403 /],
  ["a host that begins alike", handshake({ Origin: "http://x.example" }), /^HTTP\/1.1 403 /],
];

for (const [title, sent, got] of REFUSED) {
  Deno.test(`RFC 6455, 4.2: refused: ${title}`, async () => {
    const output = await answer(sent);
    assertMatch(output, got);
    assertEquals(output.includes("101 Switching"), false);
  });
}

/** The handshake's fields, the options, and whether it is accepted. */
const ORIGINS: readonly (readonly [origin: string, options: UpgradeWebSocketOptions])[] = [
  ["http://x", {}],
  ["https://x", {}],
  ["http://app.example", { allowedOrigins: ["http://app.example"] }],
  ["null", { allowedOrigins: ["null"] }],
  ["http://anywhere.example", { allowedOrigins: ["*"] }],
];

for (const [origin, options] of ORIGINS) {
  Deno.test(`RFC 6455, 10.2: a page of ${origin} may connect with ${JSON.stringify(options)}`, async () => {
    assertEquals(
      await answer(handshake({ Origin: origin }) + BYE, options),
      ACCEPTED + BYE_BACK,
    );
  });
}

/** What the client offers, what the server speaks, and what is chosen. */
const PROTOCOLS: readonly (readonly [string, UpgradeWebSocketOptions, string])[] = [
  ["a, b", { protocols: ["b", "a"] }, "b"],
  ["a,b", { protocols: ["c", "b"] }, "b"],
  ["a", { protocol: "a" }, "a"],
  ["a", { protocols: ["c"] }, ""],
  ["a", {}, ""],
];

for (const [offered, options, chosen] of PROTOCOLS) {
  Deno.test(`RFC 6455, 4.2.2: of ${offered}, ${JSON.stringify(options)} chooses "${chosen}"`, async () => {
    const output = await answer(handshake({ "Sec-WebSocket-Protocol": offered }) + BYE, options);
    const [, protocol = ""] = /Sec-WebSocket-Protocol: (.*)\r\n/.exec(output) ?? [];
    assertEquals(protocol, chosen);
  });
}

Deno.test("RFC 7692: compression is declined unless it is switched on", async () => {
  const offer = handshake({ "Sec-WebSocket-Extensions": "permessage-deflate" }) + BYE;
  assertEquals(await answer(offer), ACCEPTED + BYE_BACK);
  assertStringIncludes(
    await answer(offer, { compression: true }),
    "Sec-WebSocket-Extensions: permessage-deflate; " +
      "server_no_context_takeover; client_no_context_takeover\r\n",
  );
});

Deno.test("RFC 7692: an offer that cannot be read is refused, and the socket closes", async () => {
  const events: string[] = [];
  const offer = handshake({ "Sec-WebSocket-Extensions": "permessage-deflate; x=1" });
  const { output } = await converse([offer, EOF], async (request) => {
    const { socket, response } = upgradeWebSocket(request, { compression: true });
    const closed = new Promise<CloseEvent>((resolve) => socket.onclose = resolve);
    socket.onerror = () => events.push("error");
    await request.respondWith(response);
    events.push(`close ${(await closed).code}, state ${socket.readyState}`);
  });
  assertMatch(output, /^HTTP\/1.1 400 /);
  assertEquals(events, ["error", "close 1006, state 3"]);
});

Deno.test("upgradeWebSocket: fields added to the response are sent, those of the handshake are not", async () => {
  const handlers = [
    async (request: Request) => {
      const { response } = upgradeWebSocket(request);
      response.headers.set("set-cookie", "id=é");
      response.headers.set("sec-websocket-accept", "forged");
      response.headers.set("content-length", "3");
      await request.respondWith(response);
    },
    fetchHandler((request) => {
      const { response: { body, status } } = upgradeWebSocket(request);
      // As middleware does: a Response of its own, made of ours.
      return new Response(body, { status, headers: { "Set-Cookie": "id=é", Upgrade: "x" } });
    }),
  ];
  for (const handler of handlers) {
    const { output, conn } = await converse([handshake() + BYE, EOF], handler);
    while (!conn.closed) await new Promise((resolve) => setTimeout(resolve));
    assertEquals(output, ACCEPTED.replace(/\r\n$/, "set-cookie: id=é\r\n\r\n"));
  }
});

/** What a client receives for a handshake that is answered with an object like a Response. */
async function answerWith(headers: unknown): Promise<string> {
  const { output, conn } = await converse([handshake() + BYE, EOF], (request) => {
    upgradeWebSocket(request);
    return request.respondWith({ status: 101, headers } as Response);
  });
  while (!conn.closed) await new Promise((resolve) => setTimeout(resolve));
  return output;
}

Deno.test("upgradeWebSocket: an object like a Response has fields of every kind", async () => {
  const fields = { "Set-Cookie": "id=é", "Sec-WebSocket-Accept": "forged", "Content-Length": "3" };
  const accepted = ACCEPTED.replace(/\r\n$/, "Set-Cookie: id=é\r\n\r\n");
  for (const headers of [fields, new Map(Object.entries(fields))]) {
    assertEquals(await answerWith(headers), accepted);
  }
  assertEquals(await answerWith(undefined), ACCEPTED);
});

Deno.test("upgradeWebSocket: a field of such an object cannot end its line, nor leave the client without a word", async () => {
  for (const headers of [new Map([["X-A", "a\r\nSet-Cookie: b"]]), { "X\r\nA": "b" }, "a"]) {
    assertMatch(await answerWith(headers), /^HTTP\/1.1 500 .*\r\nContent-Type: text\/plain/);
  }
});

Deno.test("upgradeWebSocket: a refused socket has an error and a close event, and is closed", async () => {
  const events: string[] = [];
  await converse([handshake({ Origin: "http://y" }), EOF], async (request) => {
    const { socket, response } = upgradeWebSocket(request);
    for (const type of ["open", "error", "close"]) {
      socket.addEventListener(type, () => events.push(`${type} ${socket.readyState}`));
    }
    socket.send("dropped");
    await request.respondWith(response);
  });
  assertEquals(events, ["error 3", "close 3"]);
});
