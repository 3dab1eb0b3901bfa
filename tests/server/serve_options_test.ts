/** `serve`: `onListen`, and `handleSignals` in processes of their own that receive signals. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { AsyncHttpServer } from "@asynchttp/server";
import type { Handler, ServeOptions } from "@asynchttp/server";
import { ShutdownSignals } from "../../src/server/shutdown_signals.ts";
import { standIn } from "../systems.ts";
import { ScriptedListener } from "./scripted_listener.ts";
import {
  launch,
  readText,
  readUntil,
  run,
  serving,
  testWith,
  untilClosed,
  writeText,
} from "./tools.ts";

const HELLO: Handler = (request) => request.respond(200, "hello");

/** Returns a program that serves, with `rest` as the rest of its options, and then runs `then`. */
function program(rest: string, then = ""): string {
  return `
    import { AsyncHttpServer, streaming } from "${import.meta.resolve("../../mod.ts")}";
    const server = new AsyncHttpServer();
    const handler = streaming(async (request) => {
      await request.inform(103);
      await request.respond(200, await request.text());
      if (request.target === "/close") server.close();
    });
    await server.serve(0, handler, { address: "127.0.0.1", ${rest} });
    ${then}`;
}

const PRINT_PORT = "onListen: ({ port }) => console.log('port', port)";
const PRINT_END = "console.log('ended');";

/** Starts such a program. */
async function launchServer(rest: string, then = PRINT_END) {
  const server = launch(Deno.execPath(), "eval", program(`${PRINT_PORT}, ${rest}`, then));
  const [, port] = await server.line(/^port (\d+)$/);
  return { server, port: Number(port) };
}

/** Sends the half of a request, and waits until its handler runs. */
async function beginRequest(conn: Deno.Conn): Promise<void> {
  await writeText(conn, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc");
  await readUntil(conn, (text) => text.endsWith("\r\n\r\n"));
}

Deno.test("onListen: called with the address before serve returns, while clients can connect", async () => {
  await using server = new AsyncHttpServer();
  const addresses: Deno.Addr[] = [];
  const serving = server.serve(0, HELLO, {
    address: "127.0.0.1",
    onListen: (address) => addresses.push(address),
  });
  assertEquals(addresses, [server.addr]);
  assertEquals((addresses[0] as Deno.NetAddr).port, server.getPort());
  server.close();
  await serving;
});

testWith("Unix sockets", "onListen: called with the path of a Unix socket", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/socket`;
  await using server = new AsyncHttpServer();
  const addresses: Deno.Addr[] = [];
  const onListen = (address: Deno.Addr) => void addresses.push(address);
  const ended = server.serve(Deno.listen({ transport: "unix", path }), HELLO, { onListen });
  assertEquals(addresses, [{ transport: "unix", path }]);
  server.close();
  await ended;
  await Deno.remove(folder, { recursive: true });
});

Deno.test("onListen: not called if the signal has aborted already, or nothing can listen", async () => {
  const onListen = () => {
    throw new Error("It was called");
  };
  const reported: unknown[] = [];
  const aborted = new AsyncHttpServer({ onError: (error) => reported.push(error) });
  await aborted.serve(0, HELLO, { signal: AbortSignal.abort(), onListen });
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr as Deno.NetAddr;
  const second = new AsyncHttpServer({ onError: (error) => reported.push(error) });
  const options = { address: "127.0.0.1", onListen };
  await assertRejects(() => second.serve(port, HELLO, options), Deno.errors.AddrInUse);
  assertEquals(reported, []);
});

Deno.test("onListen: what it throws, or rejects with, is reported, and the server serves", async () => {
  const fault = new Error("Oops");
  for (
    const onListen of [() => {
      throw fault;
    }, (() => Promise.reject(fault)) as unknown as () => void]
  ) {
    const errors = await serving(
      HELLO,
      async (port) =>
        assertEquals(await (await fetch(`http://127.0.0.1:${port}/`)).text(), "hello"),
      {},
      { onListen },
    );
    assertEquals(errors, [fault]);
  }
});

Deno.test("serve: prints nothing by itself", async () => {
  const { code, stdout, stderr } = await run(
    Deno.execPath(),
    "eval",
    program(
      "onListen: ({ port }) => fetch(`http://127.0.0.1:${port}/close`, { method: 'POST', body: 'a' })",
    ),
  );
  assertEquals([code, stdout, stderr], [0, "", ""]);
});

Deno.test("serve: options of a wrong type are rejected before anything listens", async () => {
  const rows: readonly [options: unknown, message: string][] = [
    [{ onListen: "yes" }, 'Option onListen must be a function: got "yes", a string'],
    [{ handleSignals: 1 }, "Option handleSignals must be true or false: got 1"],
    [{ handleSignals: { gracee: 1 } }, "Unknown option gracee in handleSignals"],
    [{ handleSignals: { grace: "1" } }, 'Option grace must be a number: got "1", a string'],
    [{ signal: {} }, "Option signal must be an AbortSignal: got an object"],
  ];
  for (const [options, message] of rows) {
    const server = new AsyncHttpServer();
    await assertRejects(() => server.serve(0, HELLO, options as ServeOptions), TypeError, message);
    server.close();
  }
});

Deno.test("serve: a server that onError closes ends at once, without the back-off", async () => {
  const server = new AsyncHttpServer({ onError: () => server.close() });
  using time = new class {
    readonly asked: unknown[] = [];
    readonly #setTimeout = globalThis.setTimeout;
    constructor() {
      globalThis.setTimeout = ((...args: Parameters<typeof setTimeout>) => {
        this.asked.push(args[1]);
        return this.#setTimeout(...args);
      }) as typeof setTimeout;
    }
    [Symbol.dispose]() {
      globalThis.setTimeout = this.#setTimeout;
    }
  }();
  await server.serve(new ScriptedListener([new Error("A failed accept")]), HELLO);
  assertEquals(time.asked, []);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  testWith(
    "signals",
    `handleSignals: ${signal} lets requests end, and then serve resolves`,
    async () => {
      const { server, port } = await launchServer("handleSignals: { grace: Infinity }");
      await using _ = server;
      {
        using conn = await Deno.connect({ hostname: "127.0.0.1", port });
        await beginRequest(conn);
        server.kill(signal);
        await untilClosed(port);
        assertEquals(server.lines(), [`port ${port}`]);
        await writeText(conn, "def");
        assert((await readText(conn)).endsWith("\r\n\r\nabcdef"));
      }
      const { code, signal: by } = await server.status;
      assertEquals([code, by], [0, null]);
      await server.line(/^ended$/);
    },
  );
}

testWith(
  "signals",
  "handleSignals: a second signal cuts the requests in progress at once",
  async () => {
    const { server, port } = await launchServer("handleSignals: { grace: Infinity }");
    await using _ = server;
    using conn = await Deno.connect({ hostname: "127.0.0.1", port });
    await beginRequest(conn);
    server.kill("SIGTERM");
    await untilClosed(port);
    server.kill("SIGINT");
    assertEquals(await readText(conn).catch(() => ""), "");
    const { code, signal } = await server.status;
    assertEquals([code, signal], [0, null]);
    await server.line(/^ended$/);
  },
);

testWith(
  "signals",
  "handleSignals: when serve has ended, a signal ends the process again",
  async () => {
    const alive = "console.log('ended'); setInterval(() => {}, 1000);";
    const { server, port } = await launchServer("handleSignals: true", alive);
    await using _ = server;
    await (await fetch(`http://127.0.0.1:${port}/close`, { method: "POST", body: "a" })).text();
    await server.line(/^ended$/);
    server.kill("SIGTERM");
    assertEquals((await server.status).signal, "SIGTERM");
  },
);

testWith(
  "signals",
  "handleSignals: a signal ends the process at once where it is left out",
  async () => {
    const { server, port } = await launchServer("");
    await using _ = server;
    using conn = await Deno.connect({ hostname: "127.0.0.1", port });
    await beginRequest(conn);
    server.kill("SIGTERM");
    assertEquals((await server.status).signal, "SIGTERM");
  },
);

/** Stands in for Deno's functions, and throws where the system does not have the signal. */
class SystemSignals implements Disposable {
  readonly listeners = new Map<string, () => void>();
  readonly #add = Deno.addSignalListener;
  readonly #remove = Deno.removeSignalListener;

  constructor(known: readonly string[]) {
    Deno.addSignalListener = (signal, listener) => {
      if (!known.includes(signal)) throw new TypeError(`There is no ${signal} on this system`);
      this.listeners.set(signal, listener);
    };
    Deno.removeSignalListener = (signal, listener) => {
      assertEquals(this.listeners.get(signal), listener);
      this.listeners.delete(signal);
    };
  }

  [Symbol.dispose](): void {
    Deno.addSignalListener = this.#add;
    Deno.removeSignalListener = this.#remove;
  }
}

const SYSTEMS = [
  ["windows", ["SIGINT", "SIGBREAK"]],
  ["linux", ["SIGINT", "SIGTERM"]],
  ["darwin", ["SIGINT", "SIGTERM"]],
] as const;

for (const [os, known] of SYSTEMS) {
  Deno.test(`handleSignals: ${known.join(" and ")} on ${os}`, () => {
    using _ = standIn(os);
    using system = new SystemSignals(known);
    const graces: unknown[] = [];
    const stoppable = {
      shutdown({ grace }: { grace?: number }) {
        graces.push(grace);
        return Promise.resolve();
      },
    };
    const signals = new ShutdownSignals(stoppable, 5000);
    assertEquals([...system.listeners.keys()], [...known]);
    assertEquals(signals.ending, undefined);
    for (const listener of system.listeners.values()) listener();
    assertEquals(graces, [5000, 0]);
    assert(signals.ending instanceof Promise);
    signals[Symbol.dispose]();
    assertEquals(system.listeners.size, 0);
  });
}

Deno.test("handleSignals: nothing listens where the system refuses a listener for signals", async () => {
  using _ = new SystemSignals([]);
  const server = new AsyncHttpServer();
  await assertRejects(
    () => server.serve(0, HELLO, { handleSignals: true }),
    TypeError,
    "There is no SIGINT on this system",
  );
  server.listen(0, { address: "127.0.0.1" });
  server.close();
});
