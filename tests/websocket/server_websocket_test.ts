/** The server's end of a WebSocket: events, messages, closing, silence, and its failures. */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { AsyncHttpServer, fetchHandler } from "@asynchttp/server";
import { upgradeWebSocket } from "@asynchttp/server/websocket";
import type { UpgradeWebSocketOptions } from "@asynchttp/server/websocket";
import type { Request } from "@asynchttp/server";
import { settle, start } from "../connection/harness.ts";
import type { Run } from "../connection/harness.ts";
import { EOF, ScriptedConn, STALL } from "../connection/scripted_conn.ts";
import type { Faults, Step } from "../connection/scripted_conn.ts";
import { GET, utf8 } from "../fixtures.ts";
import {
  ACCEPTED,
  BINARY,
  CLOSE,
  closing,
  frame,
  handshake,
  PING,
  PONG,
  serverFrame,
  TEXT,
} from "./frames.ts";

/** A run whose handler has upgraded, what the client received behind the head, and the events. */
interface Upgraded extends Run {
  readonly socket: WebSocket;
  readonly events: string[];
  frames(): string;
}

async function upgraded(
  script: readonly Step[],
  options: UpgradeWebSocketOptions = {},
  prepare: (socket: WebSocket) => void = () => {},
  faults: Faults = {},
  fields: Parameters<typeof handshake>[0] = {},
): Promise<Upgraded> {
  const events: string[] = [];
  let socket!: WebSocket;
  const run = start(
    [handshake(fields), ...script],
    async (request) => {
      const upgrade = upgradeWebSocket(request, options);
      socket = upgrade.socket;
      prepare(socket);
      socket.addEventListener("open", () => events.push("open"));
      socket.addEventListener("message", ({ data }) => events.push(`message ${inspected(data)}`));
      socket.addEventListener("error", (event) => events.push((event as ErrorEvent).message));
      socket.addEventListener("close", ({ code, reason, wasClean }) => {
        events.push(`close ${code} ${reason}${wasClean ? "" : "(not clean)"}`);
      });
      await request.respondWith(upgrade.response);
    },
    {},
    faults,
  );
  await run.done;
  return { ...run, socket, events, frames: () => run.conn.output.slice(ACCEPTED.length) };
}

function inspected(data: unknown): string {
  if (typeof data === "string") return JSON.stringify(data);
  const bytes = data instanceof ArrayBuffer ? [...new Uint8Array(data)].join() : "";
  return `${data!.constructor.name} ${bytes}`.trim();
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await settle();
}

const BYE = frame(CLOSE, closing(1000, "bye"));

Deno.test("upgradeWebSocket: events in order, text, both kinds of binary data, a clean close", async () => {
  const received = [frame(TEXT, "\xc3\xa4"), frame(BINARY, "\x01\x02")].join("");
  for (const [type, name] of [["blob", "Blob"], ["arraybuffer", "ArrayBuffer 1,2"]] as const) {
    const run = await upgraded([received, BYE, EOF], {}, (socket) => {
      assertEquals([socket.binaryType, socket.readyState], ["blob", socket.CONNECTING]);
      socket.binaryType = type;
    });
    await until(() => run.conn.closed);
    await settle();
    assertEquals(run.events, ["open", 'message "ä"', `message ${name}`, "close 1000 bye"]);
    assertEquals(run.frames(), serverFrame(CLOSE, closing(1000, "bye")));
    assertEquals(run.socket.readyState, run.socket.CLOSED);
  }
});

Deno.test("send: every kind of data, as it was when it was sent", async () => {
  const gate = Promise.withResolvers<void>();
  const run = await upgraded([gate.promise, STALL], {}, (socket) => {
    assertThrows(() => socket.send("early"), DOMException, "not open yet");
    socket.onopen = () => {
      socket.send("ä\ud800");
      const bytes = Uint8Array.of(0, 1, 2, 3);
      socket.send(bytes.subarray(1, 3));
      socket.send(bytes.buffer);
      bytes.fill(9);
      socket.send(new Blob(["b"]));
      socket.send(4 as unknown as string);
      socket.send("");
    };
  });
  await until(() => run.frames().endsWith("\x81\0"));
  assertEquals(
    run.frames(),
    [
      serverFrame(TEXT, "\xc3\xa4\xef\xbf\xbd"),
      serverFrame(BINARY, "\x01\x02"),
      serverFrame(BINARY, "\0\x01\x02\x03"),
      serverFrame(BINARY, "b"),
      serverFrame(TEXT, "4"),
      serverFrame(TEXT, ""),
    ].join(""),
  );
  run.conn.close();
  await settle();
});

Deno.test("close: the code and the reason are sent, and checked as in a browser", async () => {
  const run = await upgraded([STALL]);
  for (const code of [999, 1004, 1005, 1006, 1015, 2999, 5000, NaN]) {
    assertThrows(() => run.socket.close(code), DOMException, `got ${code}`);
  }
  assertThrows(() => run.socket.close(1000, "x".repeat(124)), DOMException, "got 124");
  run.socket.close(3000, "enough");
  assertEquals(run.socket.readyState, run.socket.CLOSING);
  run.socket.send("dropped");
  await settle();
  assertEquals(run.frames(), serverFrame(CLOSE, closing(3000, "enough")));
  run.conn.close();
  await until(() => run.socket.readyState === run.socket.CLOSED);
});

Deno.test("close: before the response is sent there is no socket to open", async () => {
  const run = start([handshake(), EOF], async (request) => {
    const { socket, response } = upgradeWebSocket(request);
    socket.close();
    await request.respondWith(response);
  });
  await run.done;
  assertMatch(run.conn.output, /^HTTP\/1.1 500 /);
  assertMatch(String(run.errors[0]), /^TypeError: The socket was closed/);
});

Deno.test("on… handlers: replaced, removed, and in their place among listeners", async () => {
  const calls: string[] = [];
  const run = await upgraded([frame(TEXT, "a"), STALL], {}, (socket) => {
    assertEquals(
      [socket.onopen, socket.onmessage, socket.onerror, socket.onclose],
      [null, null, null, null],
    );
    socket.onopen = () => calls.push("replaced");
    const handler = () => calls.push("open");
    socket.onopen = handler;
    assertEquals(socket.onopen, handler);
    socket.onmessage = () => calls.push("removed");
    socket.onmessage = null;
    assertEquals(socket.onmessage, null);
    const object = { handleEvent: () => calls.push("object") };
    const removed = () => calls.push("removed");
    socket.addEventListener("message", object);
    socket.addEventListener("message", removed);
    socket.removeEventListener("message", removed);
    socket.onerror = socket.onclose = () => calls.push("end");
    assert(socket.onerror === socket.onclose);
  });
  await until(() => calls.includes("object"));
  assertEquals(calls, ["open", "object"]);
  run.conn.close();
  await until(() => calls.includes("end"));
});

Deno.test("a listener that throws or rejects is reported, and closes its connection with 1011", async () => {
  const failing: ((event: MessageEvent) => void | Promise<void>)[] = [
    () => {
      throw new Error("a mistake");
    },
    () => Promise.reject(new Error("a mistake")),
  ];
  for (const listener of failing) {
    const run = await upgraded([frame(TEXT, "a"), STALL], {}, (socket) => {
      socket.onmessage = listener;
    });
    await until(() => run.frames() !== "");
    assertEquals(run.errors.map(String), ["Error: a mistake"]);
    assertEquals(run.frames(), serverFrame(CLOSE, closing(1011)));
    run.conn.close();
    await until(() => run.socket.readyState === run.socket.CLOSED);
  }
});

/** What the client sends, the status of the server's close frame, and the error. */
const MALFORMED: readonly (readonly [title: string, sent: string, code: number, why: RegExp])[] = [
  ["5.2: reserved bits", "\xf1\x80\0\0\0\0", 1002, /RSV/],
  ["5.2: a reserved opcode", "\x83\x80\0\0\0\0", 1002, /invalid opcode 3/],
  ["5.1: no mask", "\x81\x02hi", 1002, /MASK must be set/],
  ["5.4: a continuation of nothing", "\x80\x80\0\0\0\0", 1002, /invalid opcode 0/],
  ["5.4: a message within a message", "\x01\x80\0\0\0\0\x81\x80\0\0\0\0", 1002, /invalid opcode 1/],
  ["5.5: a fragmented ping", "\x09\x80\0\0\0\0", 1002, /FIN must be set/],
  ["5.5: a long ping", "\x89\xfe\0\x80\0\0\0\0", 1002, /invalid payload length/],
  ["5.5.1: a close frame of one byte", frame(CLOSE, "\x03"), 1002, /invalid payload length 1/],
  ["7.4.1: a close code that must not be sent", frame(CLOSE, closing(1005)), 1002, /1005/],
  ["8.1: text that is no UTF-8", frame(TEXT, "\xc3\x28"), 1007, /invalid UTF-8/],
  [
    "maxPayload: an announced message of 2^40 bytes",
    "\x82\xff\0\0\x01\0\0\0\0\0\0\0\0\0",
    1009,
    /Max/,
  ],
  ["maxPayload: one byte too many", "\x82\xff\0\0\0\0\0\x10\0\x01\0\0\0\0", 1009, /Max payload/],
  ["5.2: a length beyond 2^53", "\x82\xff\xff\0\0\0\0\0\0\0\0\0\0\0", 1009, /length|Max/],
];

for (const [title, sent, code, why] of MALFORMED) {
  Deno.test(`RFC 6455, ${title} closes the connection with ${code}`, async () => {
    const run = await upgraded([sent, STALL]);
    await until(() => run.events.length >= 2);
    assertMatch(run.events[1]!, why);
    await until(() => run.frames() !== "");
    assertEquals(run.frames(), serverFrame(CLOSE, closing(code)));
    run.conn.close();
    await until(() => run.events.at(-1) === "close 1006 (not clean)");
    assertEquals(run.errors, []);
  });
}

/** The first frame of a compressed message (RFC 7692, 6). */
const COMPRESSED = 0x40 | BINARY;
const NONSENSE = "\xff".repeat(50);

for (
  const [title, sent] of [
    ["in one frame", frame(COMPRESSED, NONSENSE)],
    ["in fragments", `\x42\xb2\0\0\0\0${NONSENSE}${frame(0, NONSENSE)}`],
    ["with others behind it", frame(COMPRESSED, NONSENSE) + frame(TEXT, "a").repeat(3)],
  ] as const
) {
  Deno.test(`hardening 56: a message ${title} that cannot be inflated ends its connection, not the process`, async () => {
    const offer = { "Sec-WebSocket-Extensions": "permessage-deflate" };
    const run = await upgraded([sent, STALL], { compression: true }, undefined, {}, offer);
    await until(() => run.conn.output.endsWith(serverFrame(CLOSE, closing(1007))));
    run.conn.close();
    await until(() => run.events.length === 3);
    assertEquals(run.events, ["open", "invalid block type", "close 1006 (not clean)"]);
    assertEquals(run.errors, []);
  });
}

Deno.test("RFC 6455, 5.4: fragments are one message, with a ping between them", async () => {
  const run = await upgraded([
    "\x01\x82\0\0\0\0He" + frame(PING, "?") + "\x80\x83\0\0\0\0llo",
    STALL,
  ]);
  await until(() => run.events.length === 2);
  assertEquals(run.events[1], 'message "Hello"');
  assertEquals(run.frames(), serverFrame(PONG, "?"));
  run.conn.close();
  await settle();
});

Deno.test("maxPayload: a message of exactly so many bytes is delivered", async () => {
  const run = await upgraded([frame(TEXT, "abc"), STALL], { maxPayload: 3 });
  await until(() => run.events.length === 2);
  assertEquals(run.events[1], 'message "abc"');
  run.conn.close();
  await settle();
});

Deno.test("idleTimeout: a silent client is pinged, and cut after the same time again", async () => {
  const run = await upgraded([STALL], { idleTimeout: 20 });
  const pass = (seconds: number) => run.clock.tick(run.clock.now + seconds * 1000);
  pass(19);
  await settle();
  assertEquals(run.frames(), "");
  pass(1);
  await settle();
  assertEquals(run.frames(), serverFrame(PING, ""));
  pass(19);
  assert(!run.conn.closed);
  pass(1);
  await until(() => run.conn.closed);
  await settle();
  assertEquals(run.events, [
    "open",
    "The client was silent for 40 seconds",
    "close 1006 (not clean)",
  ]);
  assertEquals(run.clock.size, 0);
});

Deno.test("idleTimeout: a pong, or any byte, starts it again; 0 switches it off", async () => {
  const steps = [PONG, TEXT].map((opcode) => ({ ...Promise.withResolvers<void>(), opcode }));
  const script = steps.flatMap(({ promise, opcode }) => [promise, frame(opcode, "")]);
  const run = await upgraded([...script, STALL], { idleTimeout: 20 });
  const pass = (seconds: number) => run.clock.tick(run.clock.now + seconds * 1000);
  for (const { resolve } of steps) {
    pass(0);
    pass(20);
    pass(19);
    resolve();
    await settle();
    pass(19);
    assert(!run.conn.closed);
  }
  run.conn.close();
  await settle();
  const off = await upgraded([STALL], { idleTimeout: 0 });
  assertEquals(off.clock.size, 0);
  off.conn.close();
  await settle();
});

Deno.test("maxBufferedAmount: a client that does not read is cut off", async () => {
  let stalled: Promise<unknown> = Promise.resolve();
  const faults = { writeGate: () => stalled };
  const run = await upgraded([STALL], { maxBufferedAmount: 1000 }, () => {}, faults);
  await settle();
  stalled = new Promise(() => {});
  run.socket.send(utf8("x".repeat(600)));
  run.socket.send(utf8("x".repeat(600)));
  assert(run.socket.bufferedAmount > 1000);
  assertEquals(run.socket.readyState, run.socket.OPEN);
  run.socket.send("one more");
  await until(() => run.conn.closed);
  await settle();
  assertMatch(run.events[1]!, /^The client does not read: 12\d\d bytes wait to be sent$/);
  assertEquals(run.events[2], "close 1006 (not clean)");
});

Deno.test("upgradeWebSocket: what is no request of this server, answered or misspelt is a TypeError", async () => {
  const errors: string[] = [];
  const attempt = (act: () => unknown) => {
    const { name, message } = assertThrows(act, Error);
    errors.push(`${name}: ${message}`);
  };
  const run = start([handshake(), GET, EOF], async (request: Request) => {
    attempt(() => upgradeWebSocket(new globalThis.Request("http://x/")));
    attempt(() => upgradeWebSocket(request, { maxPayLoad: 1 } as UpgradeWebSocketOptions));
    attempt(() => upgradeWebSocket(request, { maxPayload: 0 }));
    attempt(() => upgradeWebSocket(request, { protocols: "a" as unknown as string[] }));
    await request.respond(200);
    attempt(() => upgradeWebSocket(request));
  });
  await run.done;
  assertEquals(errors, [
    "TypeError: Cannot upgrade: the request is neither one of this server nor the one that fetchHandler passes on",
    "TypeError: Unknown option maxPayLoad in options of upgradeWebSocket: known are protocols, protocol, idleTimeout, allowedOrigins, maxPayload, maxBufferedAmount, compression",
    "RangeError: Option maxPayload must be an integer from 1 on, or Infinity: got 0",
    "TypeError: Option protocols must be an array of strings: got a",
    "TypeError: Cannot upgrade: the request has already been answered",
  ]);
});

Deno.test("respondWith: status 101 without upgradeWebSocket is an error", async () => {
  const run = start([GET, EOF], fetchHandler(() => new Response(null, { status: 101 })));
  await run.done;
  assertMatch(String(run.errors[0]), /^TypeError: .*upgradeWebSocket/);
});

Deno.test("shutdown: sockets are closed with 1001 and waited for, and cut when their grace is over", async () => {
  const reply = Promise.withResolvers<void>();
  for (
    const [script, result] of [
      [[reply.promise, frame(CLOSE, closing(1001)), EOF], { finished: 1, cut: 0 }],
      [[STALL], { finished: 0, cut: 1 }],
    ] as const
  ) {
    const server = new AsyncHttpServer();
    const conn = new ScriptedConn([handshake(), ...script]);
    let socket!: WebSocket;
    await server.serveConnection(conn, async (request) => {
      const upgrade = upgradeWebSocket(request);
      socket = upgrade.socket;
      await request.respondWith(upgrade.response);
    });
    assertEquals(socket.readyState, socket.OPEN);
    const down = server.shutdown({ grace: result.cut === 1 ? 1 : 60_000 });
    await settle();
    assertEquals(
      conn.output.slice(ACCEPTED.length),
      serverFrame(CLOSE, closing(1001, "The server is closing")),
    );
    reply.resolve();
    assertEquals(await down, result);
    await until(() => socket.readyState === socket.CLOSED);
    assert(conn.closed);
  }
});

Deno.test("close: a socket that opens while the server is closing is closed with 1001", async () => {
  const server = new AsyncHttpServer();
  const conn = new ScriptedConn([handshake(), STALL]);
  const begun = Promise.withResolvers<void>();
  const serving = server.serveConnection(conn, async (request) => {
    const { response } = upgradeWebSocket(request);
    begun.resolve();
    await settle();
    await request.respondWith(response);
  });
  await begun.promise;
  server.close();
  await serving;
  await until(() => conn.output.length > ACCEPTED.length);
  assertEquals(
    conn.output.slice(ACCEPTED.length),
    serverFrame(CLOSE, closing(1001, "The server is closing")),
  );
  assertEquals(await server.shutdown({ grace: 0 }), { finished: 0, cut: 1 });
  await until(() => conn.closed);
});
