/**
 * How the server handles each errno with which accept(2) can fail.
 *
 * The errors are those that Deno 2.9.6 throws, measured with an accept4 that fails in front
 * of the system's: some have neither a class nor a `code`, and EINTR looks as if the
 * listener had been closed. EAGAIN is never thrown: Deno waits. Those of Windows are not measured:
 * their codes are in Deno's table (core/error_codes.rs), and their texts in the system's language.
 */
import { assert, assertEquals, assertMatch, assertRejects, assertStrictEquals } from "@std/assert";
import { AsyncHttpServer } from "@asynchttp/server";
import type { Handler } from "@asynchttp/server";
import { ScriptedConn, STALL } from "../connection/scripted_conn.ts";
import { ScriptedListener } from "./scripted_listener.ts";

const { errors } = Deno;

/**
 * The cause of the error.
 *
 * - "client": the client has disconnected. The server accepts the next one and reports
 *   nothing.
 * - "shortage": a resource is exhausted that a closed connection releases. The server reports
 *   the error, backs off, and closes the longest-idle connection.
 * - "network": a network error of the new connection, which Linux passes to accept(2). The
 *   server reports it and backs off, but closes no connection.
 */
type Fault = "client" | "shortage" | "network";

/** An errno, its cause, and what Deno throws. */
type Row = [
  errno: string,
  fault: Fault,
  type: new (message: string) => Error,
  message: string,
  code?: string,
];

// deno-fmt-ignore
const ROWS: readonly Row[] = [
  ["EMFILE", "shortage", Error, "Too many open files (os error 24)", "EMFILE"],
  ["ENFILE", "shortage", Error, "Too many open files in system (os error 23)"],
  ["ENOBUFS", "shortage", Error, "No buffer space available (os error 105)", "ENOBUFS"],
  ["ENOMEM", "shortage", Error, "Cannot allocate memory (os error 12)", "ENOMEM"],
  ["ECONNABORTED", "client", errors.ConnectionAborted, "Software caused connection abort (os error 103)", "ECONNABORTED"],
  ["ECONNRESET", "client", errors.ConnectionReset, "Connection reset by peer (os error 104)", "ECONNRESET"],
  ["ENOTCONN", "client", errors.NotConnected, "Transport endpoint is not connected (os error 107)", "ENOTCONN"],
  ["EPROTO", "network", Error, "Protocol error (os error 71)"],
  ["ENOPROTOOPT", "network", Error, "Protocol not available (os error 92)"],
  ["EHOSTDOWN", "network", Error, "Host is down (os error 112)"],
  ["ENONET", "network", Error, "Machine is not on the network (os error 64)"],
  ["EHOSTUNREACH", "network", Error, "No route to host (os error 113)", "EHOSTUNREACH"],
  ["EOPNOTSUPP", "network", Error, "Operation not supported (os error 95)", "ENOTSUP"],
  ["ENETUNREACH", "network", errors.NetworkUnreachable, "Network is unreachable (os error 101)", "ENETUNREACH"],
  ["ENETDOWN", "network", Error, "Network is down (os error 100)"],
  ["ETIMEDOUT", "network", errors.TimedOut, "Connection timed out (os error 110)", "ETIMEDOUT"],
  ["EPERM", "network", errors.PermissionDenied, "Operation not permitted (os error 1)", "EPERM"],
  ["EINTR", "network", errors.BadResource, "Listener has been closed"],
  ["WSAEMFILE", "shortage", Error, "Es sind zu viele Sockets geöffnet. (os error 10024)", "EMFILE"],
  ["WSAENOBUFS", "shortage", Error, "Nicht genügend Pufferspeicher. (os error 10055)", "ENOBUFS"],
  ["WSAECONNRESET", "client", errors.ConnectionReset, "Die Verbindung wurde geschlossen. (os error 10054)", "ECONNRESET"],
  ["WSAENETDOWN", "network", Error, "Das Netzwerk ist ausgefallen. (os error 10050)"],
];

/** 5 ms, then twice the previous delay, up to a second. */
const BACKOFF = [5, 10, 20, 40, 80, 160, 320, 640, ...Array<number>(12).fill(1000)];
const MANY = BACKOFF.length;

const HELLO: Handler = (request) => request.respond(200, "hello");

function fail([, , type, message, code]: Row): Error {
  return Object.assign(new type(message), code && { code });
}

function failures(row: Row, count: number): Error[] {
  return Array.from({ length: count }, () => fail(row));
}

/** Returns a connection whose client sends nothing. */
function silent(): ScriptedConn {
  return new ScriptedConn([STALL]);
}

/** Replaces `setTimeout`: timers fire at once, or never. */
class Timers implements Disposable {
  /** The requested delays. */
  readonly asked: number[] = [];
  readonly #setTimeout = globalThis.setTimeout;

  constructor(ends: "at once" | "never") {
    globalThis.setTimeout = ((then: () => void, ms: number) => {
      this.asked.push(ms);
      return this.#setTimeout(then, ends === "at once" ? 0 : 2 ** 30);
    }) as typeof setTimeout;
  }

  /** Turns the event loop until the condition holds. */
  async until(reached: () => boolean): Promise<void> {
    while (!reached()) await new Promise<void>((resolve) => this.#setTimeout(resolve));
  }

  [Symbol.dispose](): void {
    globalThis.setTimeout = this.#setTimeout;
  }
}

/** Creates a server whose guard counts connections only, and the list of its reported errors. */
function create(maxConnections: number): { server: AsyncHttpServer; reported: unknown[] } {
  const reported: unknown[] = [];
  const onError = (error: unknown) => void reported.push(error);
  const server = new AsyncHttpServer({ onError, maxConnections, countDescriptors: () => 0 });
  return { server, reported };
}

/** Asserts that all failures within a second are one report: one line, without a stack. */
function assertOneReport(reported: unknown[], [errno, , , , given = errno]: Row): void {
  assertEquals(reported.length, 1);
  const { message, stack, code } = reported[0] as Error & { code: string };
  assertEquals(code, given);
  assertEquals(stack, `Error: ${message}`);
  assertMatch(
    message,
    /^No (descriptors|memory for sockets) left, accepting again in 5 ms \(once\): /,
  );
}

/** Calls `serve` with the given listener. */
function serve(server: AsyncHttpServer, listener: Deno.Listener): Promise<void> {
  const { listen } = Deno;
  Deno.listen = (() => listener) as unknown as typeof Deno.listen;
  try {
    return server.serve(0, HELLO);
  } finally {
    Deno.listen = listen;
  }
}

for (const row of ROWS) {
  const [errno, fault] = row;
  const isReported = fault !== "client";

  for (const count of [1, MANY]) {
    Deno.test(`serve: accept fails with ${errno}, ${count} in a row: the next client is accepted`, async () => {
      using timers = new Timers("at once");
      const errors = failures(row, count);
      const { server, reported } = create(1);
      const ended = serve(server, new ScriptedListener([...errors, silent()]));
      await timers.until(() => server.stats().connections.accepted === 1);
      assertEquals(server.stats().connections, { open: 1, accepted: 1, acceptErrors: count });
      if (fault === "shortage") assertOneReport(reported, row);
      else assertEquals(reported, isReported ? errors : []);
      assertEquals(timers.asked, isReported ? BACKOFF.slice(0, count) : []);
      assert(!server.shouldAcceptRequest(0), "the open connection counts");
      server.close();
      await ended;
      assert(server.shouldAcceptRequest(0), "nothing else counts");
    });

    Deno.test(`acceptRequest: ${errno}, ${count} in a row: ${isReported ? "rejects" : "accepts the next client"}`, async () => {
      using timers = new Timers("never");
      const errors = failures(row, count);
      await using server = create(1).server;
      server.listenOn(new ScriptedListener([...errors, silent()]));
      for (const error of isReported ? errors : []) {
        assertStrictEquals(await rejection(server.acceptRequest(HELLO)), error);
        assert(server.shouldAcceptRequest(0));
      }
      await server.acceptRequest(HELLO);
      assertEquals(server.stats().connections, { open: 1, accepted: 1, acceptErrors: count });
      assert(!server.shouldAcceptRequest(0));
      assertEquals(timers.asked, [], "backing off is up to the loop");
    });
  }

  Deno.test(`serve: ${errno}: an idle connection ${fault === "shortage" ? "is closed" : "stays open"}`, async () => {
    using timers = new Timers("at once");
    const { server } = create(10);
    const idle = silent();
    const ended = serve(server, new ScriptedListener([idle, fail(row), silent()]));
    await timers.until(() => server.stats().connections.accepted === 2);
    const wasClosed = idle.closed;
    server.close();
    await ended;
    assertEquals(wasClosed, fault === "shortage");
  });

  Deno.test(`close: while serve ${isReported ? "backs off after" : "goes on after"} ${errno}`, async () => {
    using timers = new Timers("never");
    const { server, reported } = create(10);
    const listener = new ScriptedListener([fail(row)]);
    const ended = serve(server, listener);
    await timers.until(() => server.stats().connections.acceptErrors === 1);
    await timers.until(() => timers.asked.length === (isReported ? 1 : 0));
    server.close();
    await ended;
    assertEquals(server.stats().connections, { open: 0, accepted: 0, acceptErrors: 1 });
    assertEquals(reported.length, isReported ? 1 : 0);
    await assertRejects(
      () => server.acceptRequest(HELLO),
      Deno.errors.BadResource,
      "The server was closed",
    );
  });
}

Deno.test("serve: a successful accept resets the back-off", async () => {
  using timers = new Timers("at once");
  const { server } = create(10);
  const [emfile] = ROWS;
  const ended = serve(
    server,
    new ScriptedListener([
      ...[...failures(emfile!, 3), silent()],
      ...[...failures(emfile!, 2), silent()],
    ]),
  );
  await timers.until(() => server.stats().connections.accepted === 2);
  assertEquals(timers.asked, [5, 10, 20, 5, 10]);
  server.close();
  await ended;
});

Deno.test("serve: accept rejects with a value that is not an Error: the next client is accepted", async () => {
  for (const reason of [undefined, null, "a text"]) {
    using timers = new Timers("at once");
    const { server, reported } = create(10);
    const listener = new ScriptedListener([silent()]);
    const { accept } = listener;
    listener.accept = () => {
      listener.accept = accept;
      return Promise.reject(reason);
    };
    let over = false;
    const ended = serve(server, listener).finally(() => over = true);
    const accepted = () => server.stats().connections.accepted === 1;
    await Promise.race([ended, timers.until(() => over || accepted())]);
    assert(accepted());
    assertEquals(reported, [reason]);
    server.close();
    await ended;
  }
});

/** Returns the reason with which the promise rejects. */
async function rejection(promise: Promise<void>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("The promise did not reject");
}
