/** The public API over real sockets. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { AsyncHttpServer, maxDescriptorsFallback, newAsyncHttpServer } from "@asynchttp/server";
import type { AsyncHttpServerOptions, Handler, Request, ServeOptions } from "@asynchttp/server";
import { systemClock } from "../../src/net/clock.ts";
import { GET, soon } from "../fixtures.ts";
import { standIn } from "../systems.ts";
import {
  exchangeBytes,
  LAST_GET,
  readText,
  readUntil,
  serving,
  servingWell,
  writeText,
} from "./tools.ts";

const HELLO: Handler = (request) => request.respond(200, "hello");

Deno.test("new AsyncHttpServer: checks the type and the range of every option", () => {
  const table: [options: unknown, error: new () => Error, message: string][] = [
    [
      { maxBodyy: 1 },
      TypeError,
      "Unknown option maxBodyy in options: known are reuseAddr, reusePort, maxBody",
    ],
    [{ __proto__: null, toString: 1 }, TypeError, "Unknown option toString"],
    [
      { maxBody: -1 },
      RangeError,
      "Option maxBody must be an integer from 0 on, or Infinity: got -1",
    ],
    [{ maxBody: 1.5 }, RangeError, "maxBody"],
    [{ maxBody: NaN }, RangeError, "got NaN"],
    [{ maxBody: "1" }, TypeError, 'Option maxBody must be a number: got "1"'],
    [{ maxFDs: 0 }, RangeError, "Option maxFDs must be an integer from 1 on"],
    [{ maxConnections: 0 }, RangeError, "Option maxConnections must be an integer from 1 on"],
    [{ profile: "nim" }, TypeError, 'Option profile must be "original" or "rfc": got "nim"'],
    [
      { limits: { lines: 1 } },
      TypeError,
      "Unknown option lines in limits: known are line, head, headers",
    ],
    [{ limits: { line: -1 } }, RangeError, "Option line must be"],
    [{ limits: 1 }, TypeError, "Limits must be an object: got 1"],
    [{ timeouts: { linger: -1 } }, RangeError, "Option linger must be"],
    [{ onError: 1 }, TypeError, "Option onError must be a function: got 1"],
    [{ onReject: null }, TypeError, "Option onReject must be a function: got null"],
    [{ countDescriptors: {} }, TypeError, "Option countDescriptors must be a function"],
    [{ reuseAddr: "yes" }, TypeError, "Option reuseAddr must be true or false"],
    [{ reuseAddr: false }, Deno.errors.NotSupported, "Deno always lets a port be bound"],
    [{ reusePort: true }, Deno.errors.NotSupported, "needs --unstable-net"],
    [null, TypeError, "Options must be an object: got null"],
  ];
  for (const [options, error, message] of table) {
    assertThrows(() => new AsyncHttpServer(options as AsyncHttpServerOptions), error, message);
  }
  new AsyncHttpServer({ maxBody: Infinity, limits: { line: undefined }, reuseAddr: true });
  assert(newAsyncHttpServer({ maxBody: 1 }) instanceof AsyncHttpServer);
});

Deno.test("listen: rejects invalid arguments; its state before and after", async () => {
  await using server = new AsyncHttpServer();
  assertThrows(
    () => server.getPort(),
    TypeError,
    "The server does not listen yet: call listen first",
  );
  assertThrows(() => server.addr, TypeError, "call listen first");
  await assertRejects(() => server.acceptRequest(HELLO), TypeError, "call listen first");
  assertThrows(
    () => server.listen(-1),
    RangeError,
    "Port must be an integer from 0 to 65535: got -1",
  );
  assertThrows(() => server.listen(65_536), RangeError, "got 65536");
  assertThrows(() => server.listen(1.5), RangeError, "got 1.5");
  assertThrows(
    () => server.listen(0, { adress: "" } as ServeOptions),
    TypeError,
    "Unknown option adress",
  );
  assertThrows(
    () => server.listen(0, { address: 1 } as unknown as ServeOptions),
    TypeError,
    "address must be a string",
  );
  assertThrows(
    () => server.listen(0, { domain: "unix" } as unknown as ServeOptions),
    TypeError,
    '"ipv4" or "ipv6"',
  );
  server.listen(0, { address: "127.0.0.1" });
  const port = server.getPort();
  assertEquals(server.addr, { transport: "tcp", hostname: "127.0.0.1", port });
  assertThrows(() => server.listen(0), TypeError, "the server listens already");
  assertThrows(
    () => new AsyncHttpServer().listen(port, { address: "127.0.0.1" }),
    Deno.errors.AddrInUse,
  );
  server.close();
  server.close();
  assertThrows(() => server.getPort(), TypeError, "it was closed");
  assertThrows(() => server.listen(0), TypeError, "the server was closed, make a new one");
  await assertRejects(
    () => server.acceptRequest(HELLO),
    Deno.errors.BadResource,
    "The server was closed",
  );
  await server.untilAcceptable();
});

Deno.test("listen: all interfaces, of IPv4 and of IPv6", async () => {
  for (const [domain, hostname] of [["ipv4", "127.0.0.1"], ["ipv6", "::1"]] as const) {
    await servingWell(
      HELLO,
      async (port) => {
        using conn = await Deno.connect({ hostname, port });
        await writeText(conn, LAST_GET);
        assertStringIncludes(await readText(conn), "hello");
      },
      {},
      { address: "", domain },
    );
  }
});

Deno.test("request: hostname and url, over IPv6 and HTTP/1.0", async () => {
  let seen: Request | undefined;
  const handler: Handler = (request) => {
    seen = request;
    return request.respond(200);
  };
  await servingWell(
    handler,
    async (port) => {
      using conn = await Deno.connect({ hostname: "::1", port });
      await writeText(conn, "GET /a HTTP/1.0\r\n\r\n");
      await readText(conn);
      assertEquals(seen?.hostname, "::1");
      assertEquals(seen?.url.href, `http://[::1]:${port}/a`);
      using overIpv4 = await Deno.connect({ hostname: "127.0.0.1", port });
      await writeText(overIpv4, "GET /a HTTP/1.0\r\n\r\n");
      await readText(overIpv4);
      assertEquals(seen?.hostname, "127.0.0.1");
    },
    {},
    { address: "", domain: "ipv6" },
  );
});

Deno.test("serve: fetch", async () => {
  const handler: Handler = (request) =>
    request.respond(200, request.body, { "X-Method": request.method });
  await servingWell(handler, async (port) => {
    const response = await fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: "hé" });
    assertEquals(response.headers.get("x-method"), "POST");
    assertEquals(await response.text(), "hé");
  });
});

Deno.test("serve: ends when its signal aborts, even before the call", async () => {
  const controller = new AbortController();
  const server = new AsyncHttpServer();
  const ended = server.serve(0, HELLO, { signal: controller.signal });
  controller.abort();
  await ended;
  await new AsyncHttpServer().serve(0, HELLO, { signal: AbortSignal.abort() });
});

Deno.test("serve: a taken port rejects", async () => {
  await servingWell(HELLO, async (port) => {
    await assertRejects(
      () => new AsyncHttpServer().serve(port, HELLO, { address: "127.0.0.1" }),
      Deno.errors.AddrInUse,
      `Port ${port} of 127.0.0.1 is taken: end the program that listens on it, or choose another; 0 lets the system choose`,
    );
  });
});

/** Stands in for `--unstable-net`, and for a port that another process listens on. */
class TakenPort implements Disposable {
  readonly #listen = Deno.listen;

  constructor() {
    Object.assign(Deno, {
      listenDatagram() {},
      listen() {
        throw new Deno.errors.AddrInUse("Address already in use");
      },
    });
  }

  [Symbol.dispose](): void {
    Deno.listen = this.#listen;
    delete (Deno as { listenDatagram?: unknown }).listenDatagram;
  }
}

for (
  const [os, why] of [
    ["linux", "is taken: end the program"],
    ["darwin", 'is taken: reusePort needs Linux, on "darwin" Deno ignores it; end the program'],
    ["windows", 'is taken: reusePort needs Linux, on "windows" Deno ignores it; end the program'],
  ] as const
) {
  Deno.test(`reusePort: a taken port on ${os}`, () => {
    using _os = standIn(os);
    using _port = new TakenPort();
    const listen = (options?: AsyncHttpServerOptions) => () =>
      new AsyncHttpServer(options).listen(1, { address: "127.0.0.1" });
    assertThrows(listen({ reusePort: true }), Deno.errors.AddrInUse, why);
    assertThrows(listen(), Deno.errors.AddrInUse, "is taken: end the program");
  });
}

/** What `Deno.listen` throws, and what `listen` makes of it; an error that is not listed passes as it is. */
const LISTEN_FAILURES: readonly (readonly [thrown: Error, message: string])[] = [
  [
    new Deno.errors.AddrNotAvailable("Cannot assign requested address (os error 99)"),
    "Address 203.0.113.9 is not one of this machine: choose one that it has, or leave address out to listen on all",
  ],
  [
    new Deno.errors.PermissionDenied("Permission denied (os error 13)"),
    "The system reserves port 80 of 203.0.113.9 for privileged users: choose one from 1024 on, or give the process CAP_NET_BIND_SERVICE",
  ],
  [
    new Error("failed to lookup address information: Name or service not known"),
    "Host name 203.0.113.9 does not resolve: option address must be an IP address or a host name of this machine",
  ],
  [
    new Deno.errors.NotCapable('Requires net access to "203.0.113.9:80"'),
    'Requires net access to "203.0.113.9:80"',
  ],
];

for (const [thrown, message] of LISTEN_FAILURES) {
  Deno.test(`listen: names the place and the remedy: ${message}`, () => {
    const { listen } = Deno;
    Deno.listen = () => {
      throw thrown;
    };
    try {
      const server = new AsyncHttpServer();
      const error = assertThrows(() => server.listen(80, { address: "203.0.113.9" }), Error);
      assertEquals([error.constructor, error.message], [thrown.constructor, message]);
    } finally {
      Deno.listen = listen;
    }
  });
}

Deno.test("listen: an address of another machine is named", () => {
  const server = new AsyncHttpServer();
  assertThrows(
    () => server.listen(0, { address: "203.0.113.9" }),
    Deno.errors.AddrNotAvailable,
    "Address 203.0.113.9 is not one of this machine",
  );
});

/** Calls of `serve` that go wrong, as people write them who come from elsewhere. */
const WRONG_CALLS: readonly (readonly [args: unknown[], message: string])[] = [
  [[{ port: 8080 }, HELLO], "Port must be a number: got an object; write serve(8080, handler"],
  [[HELLO], "Port must be a number: got a function; write serve(8080, handler"],
  [["8080", HELLO], 'Port must be a number: got "8080", a string; write serve(8080, handler'],
  [[0, { fetch: HELLO }], "Option handler must be a function: got an object"],
  [[0, HELLO, { hostname: "x" }], "Unknown option hostname in options of serve"],
];

for (const [args, message] of WRONG_CALLS) {
  Deno.test(`serve: says what is wrong with a call: ${message}`, async () => {
    const server = new AsyncHttpServer();
    const call = server.serve as unknown as (...args: unknown[]) => Promise<void>;
    await assertRejects(() => call.apply(server, args), TypeError, message);
    server.close();
  });
}

Deno.test("serve: after listen, a TypeError that says that it listens by itself", async () => {
  await using server = new AsyncHttpServer();
  server.listen(0, { address: "127.0.0.1" });
  await assertRejects(
    () => server.serve(0, HELLO),
    TypeError,
    "the server listens already; serve listens by itself, leave out listen",
  );
});

/** The ways to serve a listener that was made elsewhere. */
const GIVEN: {
  readonly [how: string]: (server: AsyncHttpServer, listener: Deno.Listener) => Promise<void>;
} = {
  "serve(listener, handler)": (server, listener) => server.serve(listener, HELLO),
  "listenOn(listener), then serve(0, handler)": (server, listener) => {
    server.listenOn(listener);
    return server.serve(0, HELLO);
  },
};

for (const [how, serve] of Object.entries(GIVEN)) {
  Deno.test(`serve: ${how}`, async () => {
    await using server = new AsyncHttpServer();
    const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
    const serving = serve(server, listener);
    const { port } = listener.addr as Deno.NetAddr;
    assertEquals(server.getPort(), port);
    for (let i = 0; i < 2; i++) {
      assertStringIncludes(await exchangeBytes(port, LAST_GET), "hello");
    }
    await assertRejects(() => server.serve(0, HELLO), TypeError, "listens already");
    server.close();
    await serving;
    await assertRejects(() => listener.accept(), Deno.errors.BadResource);
  });
}

Deno.test("serve: after listenOn, another port or an address is a TypeError", async () => {
  await using server = new AsyncHttpServer();
  server.listenOn(Deno.listen({ port: 0, hostname: "127.0.0.1" }));
  await assertRejects(
    () => server.serve(8080, HELLO),
    TypeError,
    "the server has a listener already, write serve(0, handler) to serve that one",
  );
  await assertRejects(
    () => server.serve(0, HELLO, { address: "127.0.0.1" }),
    TypeError,
    "Option address must be left out with a listener",
  );
});

Deno.test("acceptRequest: accepts one connection and resolves while it is served", async () => {
  await using server = new AsyncHttpServer();
  server.listen(0, { address: "127.0.0.1" });
  const gate = Promise.withResolvers<void>();
  const answer = exchangeBytes(server.getPort(), LAST_GET);
  await server.acceptRequest(async (request) => {
    await gate.promise;
    await request.respond(200, "handed off");
  });
  assertEquals(server.stats().connections, { open: 1, accepted: 1, acceptErrors: 0 });
  gate.resolve();
  assertStringIncludes(await answer, "handed off");
});

Deno.test("acceptRequest: rejects when the server is closed", async () => {
  const server = new AsyncHttpServer();
  server.listen(0);
  const accepting = server.acceptRequest(HELLO);
  server.close();
  await assertRejects(() => accepting, Deno.errors.BadResource, "The server was closed");
  assertEquals(server.stats().connections.acceptErrors, 0);
});

Deno.test("acceptRequest: waits for a slot at maxConnections, and no client is refused", async () => {
  const gate = Promise.withResolvers<void>();
  const handler: Handler = async (request) => {
    await gate.promise;
    await request.respond(200, "hello");
  };
  await servingWell(handler, async (port, server) => {
    const answers = Array.from({ length: 5 }, () => exchangeBytes(port, LAST_GET));
    while (server.stats().requests < 2) await soon();
    assertEquals(server.stats().connections, { open: 2, accepted: 2, acceptErrors: 0 });
    assert(!server.shouldAcceptRequest());
    assert(server.shouldAcceptRequest(-1));
    gate.resolve();
    for (const answer of await Promise.all(answers)) assertStringIncludes(answer, "hello");
  }, { maxConnections: 2 });
});

Deno.test("untilAcceptable: resolves at the close that makes room", async () => {
  await using server = new AsyncHttpServer({ maxConnections: 1 });
  server.listen(0, { address: "127.0.0.1" });
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: server.getPort() });
  await server.acceptRequest(HELLO);
  assert(!server.shouldAcceptRequest());
  const acceptable = server.untilAcceptable();
  conn.close();
  await acceptable;
  assert(server.shouldAcceptRequest());
});

Deno.test("close: idle connections are closed; running requests finish, and their responses say close", async () => {
  const gate = Promise.withResolvers<void>();
  const handler: Handler = async (request) => {
    if (request.target === "/slow") await gate.promise;
    await request.respond(200, "hello");
  };
  await servingWell(handler, async (port, server) => {
    using idle = await Deno.connect({ hostname: "127.0.0.1", port });
    await writeText(idle, GET);
    await readUntil(idle, (text) => text.endsWith("hello"));
    const slow = exchangeBytes(port, GET.replace("/", "/slow"));
    while (server.stats().requests < 2) await soon();
    server.close();
    assertEquals(await readText(idle), "");
    gate.resolve();
    assertStringIncludes(await slow, "Connection: close\r\n");
  });
});

Deno.test("shutdown: counts the finished connections, and cuts the rest after the grace", async () => {
  const gate = Promise.withResolvers<void>();
  const never = Promise.withResolvers<void>();
  const handler: Handler = async (request) => {
    if (request.target === "/stuck") return never.promise;
    await gate.promise;
    await request.respond(200, "finished");
  };
  const server = new AsyncHttpServer();
  const ended = server.serve(0, handler, { address: "127.0.0.1" });
  const port = server.getPort();
  const slow = exchangeBytes(port, GET);
  using stuck = await Deno.connect({ hostname: "127.0.0.1", port });
  await writeText(stuck, GET.replace("/", "/stuck"));
  while (server.stats().requests < 2) await soon();
  const down = server.shutdown({ grace: 60_000 });
  gate.resolve();
  assertStringIncludes(await slow, "finished");
  while (server.stats().connections.open > 1) await soon();
  systemClock.tick(performance.now(), Date.now());
  systemClock.tick(performance.now() + 60_000, Date.now());
  assertEquals(await down, { finished: 1, cut: 1 });
  await ended;
  assertEquals(await readText(stuck).catch(() => ""), "");
  assertEquals(await server.shutdown({ grace: 0 }), { finished: 0, cut: 1 });
  await assertRejects(
    () => server.shutdown({ graze: 1 } as { grace?: number }),
    TypeError,
    "graze",
  );
});

Deno.test("stats: bytes, requests, rejections", async () => {
  await servingWell(HELLO, async (port, server) => {
    const answer = await exchangeBytes(port, GET + "BAD\r\n\r\n");
    assertMatch(answer, /^HTTP\/1\.1 200 OK[^]*HTTP\/1\.1 400 Bad Request/);
    await soon();
    const stats = server.stats();
    assertEquals(stats.requests, 1);
    assertEquals(stats.bytesIn, GET.length + 7);
    assertEquals(stats.bytesOut, answer.length);
    assertEquals(stats.rejections, { "bad-request-line": 1 });
  });
});

Deno.test("hardening 29: a client that still sends 8 MB reads the complete 413, in ten of ten runs", async () => {
  await servingWell(HELLO, async (port) => {
    const body = new Uint8Array(8_000_000);
    for (let i = 0; i < 10; i++) {
      using conn = await Deno.connect({ hostname: "127.0.0.1", port });
      await writeText(conn, `PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n`);
      // It reads only after it has sent all it can, as most clients do.
      for (let at = 0; at < body.length;) {
        const count = await conn.write(body.subarray(at)).catch(() => Infinity);
        at += count;
      }
      const answer = await readText(conn);
      assertMatch(
        answer,
        /^HTTP\/1\.1 413 Content Too Large\r\n[^]*The body must be at most 1000000 bytes long\n$/,
      );
    }
  }, { maxBody: 1_000_000 });
});

Deno.test("hardening 32: clients that disconnect at any point do not affect others", async () => {
  const whole =
    `PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`;
  await servingWell(
    (request) => request.respond(200, "x".repeat(100_000)),
    async (port, server) => {
      for (let at = 0; at <= whole.length; at++) {
        const conn = await Deno.connect({ hostname: "127.0.0.1", port });
        await writeText(conn, whole.slice(0, at));
        conn.close();
      }
      assertStringIncludes(await exchangeBytes(port, LAST_GET), "HTTP/1.1 200 OK");
      while (server.stats().connections.open > 0) {
        await soon();
      }
    },
  );
});

/** Makes the first accepts of the next listener fail. */
async function withFailingAccepts<T>(failures: Error[], use: () => Promise<T>): Promise<T> {
  const { listen } = Deno;
  Deno.listen = ((options: Deno.TcpListenOptions) => {
    Deno.listen = listen;
    const listener = listen(options);
    const accept = listener.accept.bind(listener);
    listener.accept = () => {
      const failure = failures.shift();
      return failure ? Promise.reject(failure) : accept();
    };
    return listener;
  }) as typeof Deno.listen;
  try {
    return await use();
  } finally {
    Deno.listen = listen;
  }
}

function emfile(): Error {
  return Object.assign(new Error("Too many open files"), { code: "EMFILE" });
}

Deno.test("serve: a failed accept does not end the loop", async () => {
  const errors = await withFailingAccepts(
    [emfile(), emfile(), emfile()],
    () =>
      serving(HELLO, async (port, server) => {
        assertStringIncludes(await exchangeBytes(port, LAST_GET), "hello");
        assertEquals(server.stats().connections.acceptErrors, 3);
      }),
  );
  assertEquals(errors.length, 1, "one report a second");
});

Deno.test("hardening 45: at maxConnections the longest-idle connection is closed for a newcomer", async () => {
  await servingWell(HELLO, async (port, server) => {
    const idle: Deno.Conn[] = [];
    for (let i = 0; i < 2; i++) {
      const conn = await Deno.connect({ hostname: "127.0.0.1", port });
      idle.push(conn);
      await writeText(conn, GET);
      await readUntil(conn, (text) => text.endsWith("hello"));
    }
    const newcomer = exchangeBytes(port, LAST_GET);
    // The newcomer takes no place of a connection that has idled for less than a tick.
    await soon();
    assertEquals(server.stats().connections.open, 2);
    for (let i = 0; i < 2; i++) systemClock.tick(performance.now(), Date.now());
    assertStringIncludes(await newcomer, "hello");
    assertEquals(await readText(idle[0]!), "");
    await writeText(idle[1]!, GET);
    await readUntil(idle[1]!, (text) => text.endsWith("hello"));
    for (const conn of idle) conn.close();
  }, { maxConnections: 2 });
});

Deno.test("hardening 45: a busy connection is closed for nobody, and the newcomer waits", async () => {
  const gate = Promise.withResolvers<void>();
  const handler: Handler = async (request) => {
    await gate.promise;
    await request.respond(200, "hello");
  };
  await servingWell(handler, async (port, server) => {
    const busy = exchangeBytes(port, LAST_GET);
    while (server.stats().requests < 1) await soon();
    const newcomer = exchangeBytes(port, LAST_GET);
    for (let i = 0; i < 3; i++) systemClock.tick(performance.now(), Date.now());
    await soon();
    assertEquals(server.stats().requests, 1);
    gate.resolve();
    for (const response of await Promise.all([busy, newcomer])) {
      assertStringIncludes(response, "hello");
    }
  }, { maxConnections: 1 });
});

Deno.test("serve: a client that resets before it is accepted does not delay the next accept", async () => {
  const gone = Array.from({ length: 100 }, () => new Deno.errors.NotConnected("gone"));
  const errors = await withFailingAccepts(gone, () =>
    serving(HELLO, async (port, server) => {
      assertStringIncludes(await exchangeBytes(port, LAST_GET), "hello");
      assertEquals(server.stats().connections.acceptErrors, 100);
    }));
  assertEquals(errors, []);
});

Deno.test("serve: out of descriptors, the longest-idle connection is closed", async () => {
  const failures: Error[] = [];
  await withFailingAccepts(failures, () =>
    serving(HELLO, async (port, server) => {
      using first = await Deno.connect({ hostname: "127.0.0.1", port });
      using second = await Deno.connect({ hostname: "127.0.0.1", port });
      const answered = (text: string) => text.endsWith("hello");
      for (const conn of [first, second, first]) {
        await writeText(conn, GET);
        await readUntil(conn, answered);
      }
      // The next accept is pending already: the one after it fails.
      failures.push(emfile());
      await exchangeBytes(port, LAST_GET);
      assertEquals(await readText(second), "");
      await writeText(first, GET);
      assertStringIncludes(await readUntil(first, answered), "hello");
      assertEquals(server.stats().connections.acceptErrors, 1);
    }));
});

Deno.test("acceptRequest: several pending calls take turns and respect maxConnections", async () => {
  await using server = new AsyncHttpServer({ maxConnections: 1 });
  server.listen(0, { address: "127.0.0.1" });
  let most = 0;
  const handler: Handler = async (request) => {
    most = Math.max(most, server.stats().connections.open);
    await request.respond(200, "hello");
  };
  const accepting = [1, 2, 3].map(() => server.acceptRequest(handler));
  const answers = [1, 2, 3].map(() => exchangeBytes(server.getPort(), LAST_GET));
  for (const answer of await Promise.all(answers)) assertStringIncludes(answer, "hello");
  await Promise.all(accepting);
  assertEquals(most, 1);
});

Deno.test("serve and acceptRequest: check the types of their arguments", async () => {
  await using server = new AsyncHttpServer();
  const none = undefined as unknown as Handler;
  await assertRejects(() => server.acceptRequest(none), TypeError, "handler must be a function");
  await assertRejects(() => server.serve(0, none), TypeError, "handler must be a function");
  const options = { assumedDescriptorsPerRequest: NaN };
  await assertRejects(() => server.serve(0, HELLO, options), RangeError, "must be an integer");
  assertThrows(() => server.shouldAcceptRequest(NaN), RangeError, "must be an integer: got NaN");
  assertThrows(() => server.untilAcceptable(0.5), RangeError, "must be an integer: got 0.5");
});

Deno.test("maxDescriptorsFallback is that of the original", () => {
  assertEquals(maxDescriptorsFallback, 16_000);
});
