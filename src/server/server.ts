/**
 * The server: a listener, the guard, and the open connections.
 *
 * The caller writes the accept loop, or calls `serve`, which is that loop with its error handling.
 *
 * ```text
 * new ──► given ──► listening ──► draining ──► leaving      any ──► closed
 *  └────────────────►
 * ```
 */
import { BodyMemory } from "../connection/body_memory.ts";
import { Connection } from "../connection/connection.ts";
import { report } from "../connection/context.ts";
import type { ServerContext } from "../connection/context.ts";
import { HandedOver } from "../connection/handed_over.ts";
import type { Handler } from "../connection/request.ts";
import { systemClock } from "../net/clock.ts";
import type { Clock } from "../net/clock.ts";
import { Deadline } from "../net/deadline.ts";
import { isResourceExhaustion, noteExhaustion } from "../net/exhaustion.ts";
import { LinkedList } from "../net/linked_list.ts";
import { scheduler, Ticket } from "../net/scheduler.ts";
import { StreamConn } from "../net/stream_conn.ts";
import type { StreamPair } from "../net/stream_conn.ts";
import { platform } from "../platform.ts";
import { Counters } from "../stats.ts";
import type { ServerStats } from "../stats.ts";
import { moved } from "../transitions.ts";
import type { Transitions } from "../transitions.ts";
import {
  checkRecord,
  inspected,
  isBoolean,
  isCount,
  isFunction,
  isOneOf,
  isText,
} from "../validate.ts";
import type { Check } from "../validate.ts";
import { AcceptFailures } from "./accept_failures.ts";
import { backlogTaken } from "./backlog.ts";
import { FdGuard } from "./fd_guard.ts";
import { LongestIdle } from "./longest_idle.ts";
import { resolveOptions } from "./options.ts";
import type { AsyncHttpServerOptions } from "./options.ts";
import { ShutdownSignals } from "./shutdown_signals.ts";

/**
 * Options for {@linkcode AsyncHttpServer.listen}.
 *
 * @example
 * ```ts
 * import { AsyncHttpServer, type ListenOptions } from "@asynchttp/server";
 *
 * const loopback: ListenOptions = { address: "127.0.0.1" };
 * await using server = new AsyncHttpServer();
 * server.listen(0, loopback);
 * console.log((server.addr as Deno.NetAddr).hostname); // 127.0.0.1
 * ```
 */
export interface ListenOptions {
  /**
   * The IP address or host name to listen on; `""` stands for all interfaces.
   *
   * @default {""}
   */
  address?: string;
  /**
   * The IP version of all interfaces, if `address` is `""`.
   *
   * @default {"ipv4"}
   */
  domain?: "ipv4" | "ipv6";
}

/**
 * Options for {@linkcode AsyncHttpServer.serve}.
 *
 * @example
 * ```ts
 * import { AsyncHttpServer, type ServeOptions } from "@asynchttp/server";
 *
 * const options: ServeOptions = { address: "127.0.0.1", onListen: () => server.close() };
 * await using server = new AsyncHttpServer();
 * await server.serve(0, (request) => request.respond(200), options);
 * console.log("closed as soon as it listens");
 * ```
 */
export interface ServeOptions extends ListenOptions {
  /**
   * The number of descriptors that a request is assumed to need: the loop accepts only while
   * they are free. Below 0 descriptors are not checked, as in Nim's `std/asynchttpserver`.
   *
   * @default {-1}
   */
  assumedDescriptorsPerRequest?: number;
  /**
   * Closes the server when it aborts, as {@linkcode AsyncHttpServer.close} does.
   *
   * @default {undefined}
   */
  signal?: AbortSignal;
  /**
   * Called with the address of the listener once clients can connect, before `serve` returns
   * its promise. Without it nothing is printed. An error that it throws goes to `onError`.
   *
   * @default {undefined}
   */
  onListen?: (address: Deno.Addr) => void;
  /**
   * Whether SIGINT and SIGTERM (on Windows SIGINT and SIGBREAK) shut the server down: the first
   * one as {@linkcode AsyncHttpServer.shutdown} does, after whose end `serve` resolves, and a
   * second one at once. In place of `true`, a record sets the grace period, in milliseconds. The
   * signals have their usual effect again when `serve` has ended.
   *
   * @default {false}
   */
  handleSignals?: boolean | { readonly grace?: number };
}

/**
 * Options for {@linkcode AsyncHttpServer.shutdown}.
 *
 * @example
 * ```ts
 * import { AsyncHttpServer, type ShutdownOptions } from "@asynchttp/server";
 *
 * const options: ShutdownOptions = { grace: 5000 };
 * const server = new AsyncHttpServer();
 * console.log(await server.shutdown(options)); // { finished: 0, cut: 0 }
 * ```
 */
export interface ShutdownOptions {
  /**
   * The grace period, in milliseconds, after which the remaining connections are cut off.
   *
   * @default {10000}
   */
  grace?: number;
  /**
   * How long idle connections stay open for one more request, in milliseconds; its response says
   * `Connection: close`. A client that sends within this time never sends into a close, and what
   * waits in the backlog of a port that others share (`reusePort`) is accepted before the
   * listener closes. With 0 idle connections are closed at once.
   *
   * @default {0}
   */
  idle?: number;
}

/**
 * The result of {@linkcode AsyncHttpServer.shutdown}.
 *
 * @example
 * ```ts
 * import { AsyncHttpServer, type ShutdownResult } from "@asynchttp/server";
 *
 * const server = new AsyncHttpServer();
 * const { finished, cut }: ShutdownResult = await server.shutdown();
 * console.log(finished, cut); // 0 0
 * ```
 */
export interface ShutdownResult {
  /** The number of connections that ended by themselves. */
  readonly finished: number;
  /** The number of connections that were cut off at the end of the grace period. */
  readonly cut: number;
}

/** A connection, and a promise that resolves when it has ended. */
interface Served {
  readonly connection: Connection;
  readonly done: Promise<void>;
}

/** The state of a server. */
type ServerState =
  | { readonly name: "new" }
  | { readonly name: "given" | "listening" | "draining"; readonly listener: Deno.Listener }
  | { readonly name: "leaving" | "closed" };

/** A closed server does not listen again: its waiters have been told to give up. */
const TRANSITIONS: Transitions<ServerState["name"]> = {
  new: ["listening", "given", "closed"],
  given: ["listening", "closed"],
  listening: ["closed", "draining"],
  draining: ["leaving", "closed"],
  leaving: ["closed"],
  closed: [],
};

/** The number of descriptors that a request is assumed to need by default, as in the original. */
const DEFAULT_ASSUMED_DESCRIPTORS = 5;

/** The grace period of `shutdown`, in milliseconds. */
const DEFAULT_GRACE_MS = 10_000;

/**
 * An HTTP/1.1 server on raw TCP, whose accept loop you can write yourself.
 *
 * @example The accept loop by hand
 * ```ts
 * import { AsyncHttpServer } from "@asynchttp/server";
 *
 * await using server = new AsyncHttpServer();
 * server.listen(0, { address: "127.0.0.1" });
 * const text = fetch(`http://127.0.0.1:${server.getPort()}/`).then((response) => response.text());
 *
 * await server.untilAcceptable();
 * await server.acceptRequest((request) => request.respond(200, "Hello, World!"));
 * console.log(await text); // Hello, World!
 * ```
 */
export class AsyncHttpServer implements AsyncDisposable {
  readonly #context: ServerContext;
  readonly #guard: FdGuard;
  readonly #reusePort: boolean;
  readonly #connections = new LinkedList<Served>();
  /** Connections to close when descriptors are exhausted. */
  readonly #longestIdle = new LongestIdle(() => this.#open(), ({ isIdle }) => isIdle);
  /** Connections to close for a new one; recent ones are spared, whose first request may be on its way. */
  readonly #longestStale = new LongestIdle(() => this.#open(), ({ isStale }) => isStale);
  #state: ServerState = { name: "new" };
  /** Whether an accept waits for the kernel. */
  #isAccepting = false;
  readonly #acceptTicket = new Ticket(scheduler);
  /** Resolves when the previous accept is done: a listener has one accept at a time. */
  #turn: Promise<void> = Promise.resolve();
  #endPause: () => void = () => {};
  /** Ends the grace period of every shutdown: a second call may allow less time than the first. */
  readonly #graceEnd = Promise.withResolvers<void>();

  /**
   * Creates a server that does not listen yet.
   *
   * @param options Limits, timeouts, hooks.
   * @throws {TypeError} An option is unknown, or its value has the wrong type.
   * @throws {RangeError} A number is out of range, or `from` of `proxyProtocol` or `forwarded` is empty, or has a network without a valid prefix.
   * @throws {Deno.errors.NotSupported} `reuseAddr: false`, or `reusePort: true` without `--unstable-net`.
   */
  constructor(options?: AsyncHttpServerOptions);
  /** @ignore With a clock that a test moves by hand. */
  constructor(options: AsyncHttpServerOptions | undefined, clock: Clock);
  /** @ignore Both of the above: `deno doc` lists it, too. */
  constructor(options?: AsyncHttpServerOptions, clock: Clock = systemClock) {
    const resolved = resolveOptions(options);
    this.#context = {
      options: resolved,
      clock,
      counters: new Counters(),
      scheduler,
      bodyMemory: new BodyMemory(resolved.maxBodyMemory),
      lingering: new LinkedList(),
      handedOver: new HandedOver(),
    };
    this.#guard = new FdGuard({ ...resolved, clock });
    this.#reusePort = resolved.reusePort;
  }

  /**
   * Starts to listen. Synchronous: when it returns, clients can connect.
   *
   * @param port The port; 0 lets the system choose one.
   * @param options The address to listen on.
   * @throws {TypeError} The port is no number, an option is unknown or has the wrong type, or the server listens already, or was closed.
   * @throws {RangeError} The port is not an integer from 0 to 65535.
   * @throws {Deno.errors.AddrInUse} The port is taken.
   * @throws {Deno.errors.AddrNotAvailable} The address is not one of this machine.
   * @throws {Deno.errors.PermissionDenied} The system reserves the port for privileged users.
   * @throws {Deno.errors.NotCapable} The permission `--allow-net` is missing.
   * @throws {Error} The host name does not resolve, or no descriptor is left.
   * @throws {URIError} The host name has characters that no host name may have.
   *
   * @example
   * ```ts
   * import { AsyncHttpServer } from "@asynchttp/server";
   *
   * await using server = new AsyncHttpServer();
   * server.listen(0, { domain: "ipv6" });
   * console.log((server.addr as Deno.NetAddr).hostname); // ::
   * ```
   */
  listen(port: number, options: ListenOptions = {}): void {
    checkPort(port, "listen(8080, { address })");
    checkRecord("options of listen", options, LISTEN_CHECKS);
    this.#assertNew();
    const all = options.domain === "ipv6" ? "::" : "0.0.0.0";
    const hostname = options.address || all;
    const listener = listenOrSayWhy({ port, hostname, reusePort: this.#reusePort });
    this.#move({ name: "listening", listener });
  }

  /**
   * Uses an existing listener: of `tlsListener`, `Deno.listenTls`, or a Unix socket. The
   * server owns it from then on, and closes it. Accept with
   * {@linkcode AsyncHttpServer.acceptRequest}, or let {@linkcode AsyncHttpServer.serve} do it.
   *
   * @param listener The listener.
   * @throws {TypeError} The server listens already, or was closed.
   *
   * @example
   * ```ts
   * import { AsyncHttpServer } from "@asynchttp/server";
   *
   * const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
   * await using server = new AsyncHttpServer();
   * server.listenOn(listener);
   * console.log(server.getPort() === listener.addr.port); // true
   * ```
   */
  listenOn(listener: Deno.Listener): void {
    this.#assertNew();
    this.#move({ name: "given", listener });
  }

  /**
   * Returns the port that the server listens on, which the system has chosen after `listen(0)`.
   *
   * @returns The port.
   * @throws {TypeError} The server does not listen, or its listener has no port.
   *
   * @example
   * ```ts
   * import { AsyncHttpServer } from "@asynchttp/server";
   *
   * await using server = new AsyncHttpServer();
   * server.listen(0, { address: "127.0.0.1" });
   * console.log(server.getPort() > 0); // true
   * ```
   */
  getPort(): number {
    const { addr } = this;
    if ("port" in addr) return addr.port;
    throw new TypeError(`A listener of transport "${addr.transport}" has no port`);
  }

  /**
   * The address that the server listens on.
   *
   * @returns The address of the listener.
   * @throws {TypeError} The server does not listen.
   */
  get addr(): Deno.Addr {
    if ("listener" in this.#state) return this.#state.listener.addr;
    throw new TypeError(
      this.#state.name === "new"
        ? "The server does not listen yet: call listen first"
        : "The server does not listen any more: it was closed",
    );
  }

  /**
   * Whether there is room for one more connection.
   *
   * There is while the descriptors in use and those assumed here stay below `maxFDs`, and
   * fewer than `maxConnections` connections are open.
   *
   * @param assumedDescriptorsPerRequest The number of descriptors that a request is assumed to need; below 0 the result is always `true`, as in Nim's `std/asynchttpserver`.
   * @returns Whether there is room.
   * @throws {RangeError} `assumedDescriptorsPerRequest` is not an integer.
   *
   * @example
   * ```ts
   * import { AsyncHttpServer } from "@asynchttp/server";
   *
   * await using server = new AsyncHttpServer({ maxFDs: 100, countDescriptors: () => 98 });
   * console.log(server.shouldAcceptRequest(1)); // true
   * console.log(server.shouldAcceptRequest(5)); // false
   * ```
   */
  shouldAcceptRequest(assumedDescriptorsPerRequest: number = DEFAULT_ASSUMED_DESCRIPTORS): boolean {
    checkAssumed(assumedDescriptorsPerRequest);
    return this.#guard.admits(assumedDescriptorsPerRequest);
  }

  /**
   * Waits until {@linkcode AsyncHttpServer.shouldAcceptRequest} returns `true`: the connection
   * that makes room wakes it when it closes. The loop in the documentation of Nim's
   * `std/asynchttpserver` sleeps for 500 ms instead.
   *
   * @param assumedDescriptorsPerRequest The number of descriptors that a request is assumed to need.
   * @returns A promise that resolves when there is room, or the server is closed.
   * @throws {RangeError} `assumedDescriptorsPerRequest` is not an integer.
   *
   * @example An accept loop of your own
   * ```ts
   * import { AsyncHttpServer } from "@asynchttp/server";
   *
   * await using server = new AsyncHttpServer();
   * server.listen(0, { address: "127.0.0.1" });
   * const texts = ["/a", "/b"].map(async (path) =>
   *   await (await fetch(`http://127.0.0.1:${server.getPort()}${path}`)).text()
   * );
   * for (let i = 0; i < texts.length; i++) {
   *   await server.untilAcceptable();
   *   await server.acceptRequest((request) => request.respond(200, request.target));
   * }
   * console.log(await Promise.all(texts)); // [ "/a", "/b" ]
   * ```
   */
  untilAcceptable(
    assumedDescriptorsPerRequest: number = DEFAULT_ASSUMED_DESCRIPTORS,
  ): Promise<void> {
    checkAssumed(assumedDescriptorsPerRequest);
    if (this.#hasLeft()) return Promise.resolve();
    return this.#guard.until(() => this.#guard.admits(assumedDescriptorsPerRequest));
  }

  /**
   * Accepts one connection, and serves its requests in the background.
   *
   * With `maxConnections` connections open it closes the one that has idled longest, or waits
   * until one idles or closes.
   *
   * @param handler Called for each request of the connection.
   * @returns A promise that resolves when a connection was accepted.
   * @throws {TypeError} `handler` is not a function, or the server does not listen yet.
   * @throws {Deno.errors.BadResource} The server was closed before a connection was accepted.
   * @throws {Error} The system cannot accept; `code` is `"EMFILE"` if no descriptor is left.
   *
   * @example A server for one connection
   * ```ts
   * import { AsyncHttpServer } from "@asynchttp/server";
   *
   * await using server = new AsyncHttpServer();
   * server.listen(0, { address: "127.0.0.1" });
   * const response = fetch(`http://127.0.0.1:${server.getPort()}/`);
   * await server.acceptRequest((request) => request.respond(200, "hello"));
   * console.log(await (await response).text()); // hello
   * ```
   */
  async acceptRequest(handler: Handler): Promise<void> {
    isFunction("handler", handler);
    const turn = this.#turn;
    const { promise, resolve: next } = Promise.withResolvers<void>();
    this.#turn = promise;
    await turn;
    try {
      const conn = await this.#accept();
      this.#handOff(new Connection(conn, handler, this.#context));
    } finally {
      next();
    }
  }

  /**
   * Listens, and accepts until {@linkcode AsyncHttpServer.close} is called or
   * `options.signal` aborts. No connection and no failed accept ends the loop.
   *
   * In place of the port it takes a listener, which the server owns from then on. After
   * {@linkcode AsyncHttpServer.listenOn} it serves that listener; the port must be 0 then.
   *
   * @param where The port, where 0 lets the system choose one, or a listener.
   * @param handler Called for each request.
   * @param options The address to listen on, unless a listener is given, and how to accept.
   * @returns A promise that resolves when accepting has ended; requests may still be running, unless a signal has ended it.
   * @throws {TypeError} The port is no number, `handler` is not a function, an option is unknown or has the wrong type, an address is given beside a listener, or the server listens already, or was closed.
   * @throws {RangeError} The port is not an integer from 0 to 65535, `assumedDescriptorsPerRequest` is not an integer, or `handleSignals.grace` is negative or not an integer.
   * @throws {Deno.errors.AddrInUse} The port is taken.
   * @throws {Deno.errors.AddrNotAvailable} The address is not one of this machine.
   * @throws {Deno.errors.PermissionDenied} The system reserves the port for privileged users.
   * @throws {Deno.errors.NotCapable} The permission `--allow-net` is missing.
   * @throws {Error} The host name does not resolve, or no descriptor is left.
   * @throws {URIError} The host name has characters that no host name may have.
   *
   * @example A whole program: a signal ends it when the requests in progress have ended
   * ```ts
   * import { AsyncHttpServer } from "@asynchttp/server";
   *
   * const server = new AsyncHttpServer();
   * await server.serve(0, (request) => request.respond(200, "Hello, World!\n"), {
   *   address: "127.0.0.1",
   *   onListen: () => Deno.kill(Deno.pid, "SIGTERM"), // what a service manager does
   *   handleSignals: true,
   * });
   * console.log(server.stats().connections.open); // 0
   * ```
   */
  async serve(
    where: number | Deno.Listener,
    handler: Handler,
    options: ServeOptions = {},
  ): Promise<void> {
    if (!isListener(where)) checkPort(where, "serve(8080, handler, { address })");
    isFunction("handler", handler);
    checkRecord("options of serve", options, SERVE_CHECKS);
    const { assumedDescriptorsPerRequest = -1, signal, onListen, handleSignals, ...listenOptions } =
      options;
    // First: if the system refuses a listener for signals, nothing listens yet.
    using signals = handleSignals ? new ShutdownSignals(this, graceOf(handleSignals)) : null;
    this.#listenToServe(where, listenOptions);
    const close = () => this.close();
    signal?.addEventListener("abort", close, { once: true });
    if (signal?.aborted) close();
    else this.#announce(onListen);
    try {
      await this.#acceptAll(handler, assumedDescriptorsPerRequest);
      await signals?.ending;
    } finally {
      signal?.removeEventListener("abort", close);
    }
  }

  /**
   * Serves one connection that was accepted elsewhere, or that is not a socket.
   *
   * The guard, `stats` and `shutdown` treat it as one of the server's own. The server need not
   * listen.
   *
   * @param conn A connection, or a pair of streams.
   * @param handler Called for each request.
   * @returns A promise that resolves when the connection has ended, or was handed over.
   * @throws {TypeError} `handler` is not a function, `conn` is neither a connection nor a pair of streams, or a stream of the pair is locked.
   * @throws {Deno.errors.BadResource} The server was closed.
   *
   * @example A connection that another program has accepted
   * ```ts
   * import { AsyncHttpServer } from "@asynchttp/server";
   *
   * using listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
   * const response = fetch(`http://127.0.0.1:${listener.addr.port}/`);
   * await using server = new AsyncHttpServer();
   * const conn = await listener.accept();
   * const serving = server.serveConnection(
   *   conn,
   *   (request) => request.respond(200, "hello", { Connection: "close" }),
   * );
   * console.log(await (await response).text()); // hello
   * await serving;
   * ```
   */
  async serveConnection(conn: Deno.Conn | StreamPair, handler: Handler): Promise<void> {
    isFunction("handler", handler);
    if (this.#hasLeft()) throw serverClosed();
    const bytes = "read" in conn ? conn : new StreamConn(conn);
    const connection = new Connection(bytes, handler, this.#context);
    this.#guard.opened();
    await this.#handOff(connection);
  }

  /**
   * Stops accepting. Running requests are completed. Idle connections are closed: the server's
   * side at once, after which what the client still sends is dropped for at most
   * `timeouts.linger` milliseconds. Synchronous; a second call has no effect.
   *
   * @example
   * ```ts
   * import { AsyncHttpServer } from "@asynchttp/server";
   *
   * const server = new AsyncHttpServer();
   * const serving = server.serve(0, (request) => request.respond(200), { address: "127.0.0.1" });
   * server.close();
   * await serving;
   * console.log("accepts no more"); // accepts no more
   * ```
   */
  close(): void {
    if ("listener" in this.#state) this.#stopAccepting(this.#state.listener, CLOSED);
    else if (!this.#closed()) this.#move(CLOSED);
    this.#guard.releaseAll();
    for (const { connection } of this.#connections.values()) connection.disableKeepAlive();
    this.#context.handedOver.close();
  }

  /**
   * Closes the server and waits for its connections.
   *
   * @param options The grace period, and how long idle connections stay open.
   * @returns The number of connections that ended by themselves, and of those that were cut off.
   * @throws {TypeError} An option is unknown or has the wrong type.
   * @throws {RangeError} `grace` or `idle` is negative or not an integer; `Infinity` is allowed.
   *
   * @example
   * ```ts
   * import { AsyncHttpServer } from "@asynchttp/server";
   *
   * const server = new AsyncHttpServer();
   * const called = Promise.withResolvers<void>();
   * const serving = server.serve(0, async (request) => {
   *   called.resolve();
   *   await request.respond(200, "the last");
   * }, { address: "127.0.0.1" });
   * const response = fetch(`http://127.0.0.1:${server.getPort()}/`);
   * await called.promise;
   * console.log(await server.shutdown({ grace: 5000 })); // { finished: 1, cut: 0 }
   * console.log(await (await response).text()); // the last
   * await serving;
   * ```
   */
  async shutdown(options: ShutdownOptions = {}): Promise<ShutdownResult> {
    checkRecord("options of shutdown", options, { grace: isCount(0), idle: isCount(0) });
    const { grace = DEFAULT_GRACE_MS, idle = 0 } = options;
    const { counters, handedOver } = this.#context;
    const endedBefore = counters.accepted - this.#connections.size - handedOver.values().length;
    await this.#waitForGrace(grace, this.#finish(Math.min(idle, grace)));
    this.close();
    // Does not wait for handlers that never return: destroying their connections is enough.
    let cut = 0;
    for (const { connection } of this.#connections.values()) {
      if (!connection.isLingering) cut++;
      connection.destroy();
    }
    for (const successor of handedOver.values()) {
      cut++;
      successor.destroy();
    }
    return { finished: counters.accepted - endedBefore - cut, cut };
  }

  /**
   * Returns a snapshot of the server's counters.
   *
   * @returns The counts so far.
   *
   * @example
   * ```ts
   * import { AsyncHttpServer } from "@asynchttp/server";
   *
   * await using server = new AsyncHttpServer();
   * console.log(server.stats().connections); // { open: 0, accepted: 0, acceptErrors: 0 }
   * ```
   */
  stats(): ServerStats {
    const { counters } = this.#context;
    let { bytesIn, bytesOut } = counters;
    for (const { connection: { reader, transport } } of this.#connections.values()) {
      bytesIn += reader.bytesIn;
      bytesOut += transport.bytesOut;
    }
    return {
      connections: {
        open: this.#connections.size,
        accepted: counters.accepted,
        acceptErrors: counters.acceptErrors,
      },
      requests: counters.requests,
      bytesIn,
      bytesOut,
      rejections: counters.rejections,
    };
  }

  /** Calls {@linkcode AsyncHttpServer.shutdown} without options. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  /** Closes, and resolves when every connection has ended. */
  async #finish(idle: number): Promise<void> {
    if (idle > 0 && this.#state.name === "listening") await this.#leave(this.#state.listener, idle);
    this.close();
    await this.#allEnded();
  }

  async #allEnded(): Promise<void> {
    const { handedOver } = this.#context;
    for (;;) {
      const open = [...this.#connections.values(), ...handedOver.values()];
      if (open.length === 0) return;
      await Promise.all(open.map(({ done }) => done));
    }
  }

  /** Stops accepting with an empty backlog; idle connections may send one more request for `ms`. */
  async #leave(listener: Deno.Listener, ms: number): Promise<void> {
    this.#move({ name: "draining", listener });
    await backlogTaken(() => this.#isAccepting ? this.#context.counters.accepted : null);
    // A second shutdown may have closed it meanwhile.
    if (this.#closed()) return;
    this.#stopAccepting(listener, LEAVING);
    // Not before: clients that are told connect anew, which must not reach the listener that closes.
    for (const { connection } of this.#connections.values()) connection.announceEnd();
    this.#context.handedOver.close();
    await this.#wait(ms, this.#allEnded());
  }

  #stopAccepting(listener: Deno.Listener, state: ServerState): void {
    listener.close();
    this.#move(state);
    this.#guard.releaseAll();
    this.#endPause();
  }

  /** Waits for `finished` for `ms`, and then ends the grace period of every shutdown. */
  async #waitForGrace(ms: number, finished: Promise<unknown>): Promise<void> {
    if (ms > 0) await this.#wait(ms, finished);
    this.#graceEnd.resolve();
  }

  /** Resolves when `finished` does, after `ms`, or when a grace period has ended. */
  async #wait(ms: number, finished: Promise<unknown>): Promise<void> {
    const { clock } = this.#context;
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const deadline = new Deadline();
    deadline.set(ms);
    const node = clock.subscribe({ tick: (now) => deadline.isOver(now) && resolve() });
    await Promise.race([finished, over, this.#graceEnd.promise]);
    clock.unsubscribe(node);
  }

  #open(): Connection[] {
    return this.#connections.values().map(({ connection }) => connection);
  }

  /** The only assignment of the state. */
  #move(state: ServerState): void {
    moved(TRANSITIONS, this.#state.name, state.name);
    this.#state = state;
  }

  #closed(): boolean {
    return this.#state.name === "closed";
  }

  /** Whether it accepts nothing any more, and says so with each response. */
  #hasLeft(): boolean {
    return this.#state.name === "leaving" || this.#closed();
  }

  #listener(): Deno.Listener {
    if ("listener" in this.#state) return this.#state.listener;
    if (this.#hasLeft()) throw serverClosed();
    throw new TypeError("The server does not listen yet: call listen first");
  }

  /** Listens for `serve`: with a listener that is given, or that was given before, or on a port. */
  #listenToServe(where: number | Deno.Listener, options: ListenOptions): void {
    if (!isListener(where) && this.#state.name !== "given") return this.listen(where, options);
    for (const name of Object.keys(options)) {
      throw new TypeError(`Option ${name} must be left out with a listener: it has an address`);
    }
    if (isListener(where)) this.listenOn(where);
    else if (where !== 0) {
      throw new TypeError(
        "Cannot listen: the server has a listener already, write serve(0, handler) to serve that one",
      );
    }
    this.#move({ name: "listening", listener: this.#listener() });
  }

  /** Accepts one connection; skips connections that their clients have reset already. */
  async #accept(): Promise<Deno.Conn> {
    for (;;) {
      await this.#guard.until(() => this.#hasRoom() || this.#hasLeft());
      const turn = scheduler.beforeAccept(this.#acceptTicket);
      if (turn !== null) await turn;
      const listener = this.#listener();
      this.#guard.opened();
      try {
        const conn = await this.#nextConn(listener);
        scheduler.recordAccept();
        return await this.#makeRoom(conn);
      } catch (error) {
        this.#guard.closed();
        if (this.#hasLeft()) throw serverClosed();
        this.#context.counters.acceptErrors++;
        if (isResourceExhaustion(error)) noteExhaustion(error);
        if (!TRANSIENT_ACCEPT_ERRORS.some((transient) => error instanceof transient)) throw error;
        scheduler.recordAccept();
      }
    }
  }

  async #nextConn(listener: Deno.Listener): Promise<Deno.Conn> {
    this.#isAccepting = true;
    try {
      return await listener.accept();
    } finally {
      this.#isAccepting = false;
    }
  }

  /** Calls `onListen`. Errors of the hook are reported, never propagated. */
  #announce(onListen: ServeOptions["onListen"]): void {
    try {
      const returned: unknown = onListen?.(this.addr);
      if (!(returned instanceof Promise)) return;
      returned.catch((error) => report(this.#context.options, error));
    } catch (error) {
      report(this.#context.options, error);
    }
  }

  /** Whether a new connection fits, or can take the place of an idle one. */
  #hasRoom(): boolean {
    return this.#guard.hasSlot() || this.#longestStale.exists;
  }

  /**
   * Closes the connection that has idled longest if there are more than `maxConnections`:
   * 10,000 idle ones would lock all other clients out for `timeouts.idle`. If all have become
   * busy since the accept began, the new connection waits until one idles or closes.
   */
  async #makeRoom(conn: Deno.Conn): Promise<Deno.Conn> {
    const fits = () => this.#guard.isWithinLimit() || this.#longestStale.close();
    await this.#guard.until(() => fits() || this.#closed());
    if (!this.#closed()) return conn;
    conn.close();
    throw serverClosed();
  }

  /** Accept errors usually mean exhaustion: back off, then close the longest-idle connection. */
  async #acceptAll(handler: Handler, assumedDescriptors: number): Promise<void> {
    const failures = new AcceptFailures((error) => report(this.#context.options, error));
    while (!this.#hasLeft()) {
      try {
        await this.#guard.until(() =>
          this.#hasLeft() || this.#guard.hasDescriptors(assumedDescriptors)
        );
        await this.acceptRequest(handler);
        failures.reset();
      } catch (error) {
        if (this.#hasLeft()) return;
        await this.#pause(failures.add(error));
        // Not before the pause: a newcomer's request may have arrived and not been read yet.
        if (isResourceExhaustion(error)) this.#longestIdle.close();
      }
    }
  }

  /** Waits for `ms`, or until the server is closed: it may be already, by `onError`. */
  async #pause(ms: number): Promise<void> {
    if (this.#closed()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    this.#endPause = resolve;
    await promise;
    clearTimeout(timer);
  }

  /** Runs a connection; resolves when it has ended or was handed over. The guard counts it until its socket is closed. */
  #handOff(connection: Connection): Promise<void> {
    this.#context.counters.accepted++;
    connection.transport.onClose(() => this.#guard.closed());
    const done = connection.run().then(() => {
      this.#connections.remove(node);
      this.#context.counters.bytesIn += connection.reader.bytesIn;
      this.#context.counters.bytesOut += connection.transport.bytesOut;
    });
    const node = this.#connections.add({ connection, done });
    // The server may have been closed while the connection was being accepted.
    if (this.#closed()) connection.disableKeepAlive();
    else if (this.#hasLeft()) connection.announceEnd();
    return done;
  }

  #assertNew(): void {
    if (this.#state.name === "new") return;
    throw new TypeError(
      this.#state.name === "closed"
        ? "Cannot listen: the server was closed, make a new one"
        : "Cannot listen: the server listens already; serve listens by itself, leave out listen",
    );
  }
}

/**
 * Creates a server, as `new AsyncHttpServer(options)` does, by the name that it has in Nim's
 * `std/asynchttpserver`.
 *
 * @param options Limits, timeouts, hooks.
 * @returns A server that does not listen yet.
 * @throws {TypeError} An option is unknown, or its value has the wrong type.
 * @throws {RangeError} A number is out of range, or `from` of `proxyProtocol` or `forwarded` is empty, or has a network without a valid prefix.
 * @throws {Deno.errors.NotSupported} `reuseAddr: false`, or `reusePort: true` without `--unstable-net`.
 *
 * @example As in Nim
 * ```ts
 * import { newAsyncHttpServer } from "@asynchttp/server";
 *
 * const server = newAsyncHttpServer({ maxBody: 1024 });
 * server.listen(0, { address: "127.0.0.1" });
 * console.log(server.getPort() > 0); // true
 * server.close();
 * ```
 */
export function newAsyncHttpServer(options?: AsyncHttpServerOptions): AsyncHttpServer {
  return new AsyncHttpServer(options);
}

/** Accept errors that mean only that the client has reset its connection already. */
const TRANSIENT_ACCEPT_ERRORS = [
  Deno.errors.NotConnected,
  Deno.errors.ConnectionReset,
  Deno.errors.ConnectionAborted,
];

const LEAVING: ServerState = Object.freeze({ name: "leaving" });
const CLOSED: ServerState = Object.freeze({ name: "closed" });

const LISTEN_CHECKS = {
  address: isText,
  domain: isOneOf("ipv4", "ipv6"),
};

const SERVE_CHECKS: { readonly [option in keyof Required<ServeOptions>]: Check } = {
  ...LISTEN_CHECKS,
  assumedDescriptorsPerRequest: (_name, value) => checkAssumed(value),
  signal(name, value) {
    if (value instanceof AbortSignal) return;
    throw new TypeError(`Option ${name} must be an AbortSignal: got ${inspected(value)}`);
  },
  onListen: isFunction,
  handleSignals(name, value) {
    if (typeof value === "object") checkRecord(name, value, { grace: isCount(0) });
    else isBoolean(name, value);
  },
};

function graceOf(handleSignals: true | { readonly grace?: number }): number | undefined {
  return handleSignals === true ? undefined : handleSignals.grace;
}

/** Checks a port; `usage` shows how to write the call. */
function checkPort(port: unknown, usage: string): asserts port is number {
  if (typeof port !== "number") {
    throw new TypeError(`Port must be a number: got ${inspected(port)}; write ${usage}`);
  }
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return;
  throw new RangeError(`Port must be an integer from 0 to 65535: got ${port}`);
}

function isListener(where: unknown): where is Deno.Listener {
  return typeof where === "object" && where !== null && "accept" in where;
}

type ListenFailure = new (message: string, options?: ErrorOptions) => Error;
type Place = Required<Pick<Deno.TcpListenOptions, "port" | "hostname" | "reusePort">>;

/** The system's messages name neither port nor address; the last row is a name that does not resolve. */
const LISTEN_FAILURES: readonly (readonly [ListenFailure, (place: Place) => string])[] = [
  [
    Deno.errors.AddrInUse,
    ({ port, hostname, reusePort }) =>
      `Port ${port} of ${hostname} is taken: ${
        ignored(reusePort)
      }end the program that listens on it, or choose another; 0 lets the system choose`,
  ],
  [
    Deno.errors.AddrNotAvailable,
    ({ hostname }) =>
      `Address ${hostname} is not one of this machine: choose one that it has, or leave address out to listen on all`,
  ],
  [
    Deno.errors.PermissionDenied,
    ({ port, hostname }) =>
      `The system reserves port ${port} of ${hostname} for privileged users: choose one from 1024 on, or give the process CAP_NET_BIND_SERVICE`,
  ],
  [
    Error,
    ({ hostname }) =>
      `Host name ${hostname} does not resolve: option address must be an IP address or a host name of this machine`,
  ],
];

function ignored(reusePort: boolean): string {
  const isIgnored = reusePort && !platform().sharesPorts;
  return isIgnored ? `reusePort needs Linux, on "${Deno.build.os}" Deno ignores it; ` : "";
}

function listenOrSayWhy(options: Place): Deno.Listener {
  try {
    return Deno.listen(options);
  } catch (error) {
    const failure = LISTEN_FAILURES.find(([type]) => (error as Error).constructor === type);
    if (failure === undefined) throw error;
    const [type, message] = failure;
    throw new type(message(options), { cause: error });
  }
}

function checkAssumed(count: unknown): void {
  if (Number.isInteger(count)) return;
  throw new RangeError(`Option assumedDescriptorsPerRequest must be an integer: got ${count}`);
}

function serverClosed(): Error {
  return new Deno.errors.BadResource("The server was closed");
}
