/**
 * The server: a listener, the guard, and the connections that are alive.
 *
 * The accept loop is the user's own, or `serve`, which is the same loop written once.
 */
import { checkRecord, isCount, isFunction, isOneOf, isText } from "../validate.ts";
import { systemClock } from "../net/clock.ts";
import { Deadline } from "../net/deadline.ts";
import { Connection } from "../connection/connection.ts";
import { isResourceExhaustion, noteExhaustion } from "../net/exhaustion.ts";
import { AcceptFailures } from "./accept_failures.ts";
import { FdGuard } from "./fd_guard.ts";
import { LongestIdle } from "./longest_idle.ts";
import { report } from "../connection/context.ts";
import type { ServerContext } from "../connection/context.ts";
import { resolveOptions } from "./options.ts";
import type { AsyncHttpServerOptions } from "./options.ts";
import type { Handler } from "../connection/request.ts";
import { LinkedList } from "../net/linked_list.ts";
import { Counters } from "../stats.ts";
import { StreamConn } from "../net/stream_conn.ts";
import type { StreamPair } from "../net/stream_conn.ts";
import type { ServerStats } from "../stats.ts";

/** Where to listen. */
export interface ListenOptions {
  /**
   * The IP address or host name to listen on; `""` means all interfaces.
   *
   * @default {""}
   */
  address?: string;
  /**
   * What all interfaces are: those of IPv4, or those of IPv6.
   *
   * @default {"ipv4"}
   */
  domain?: "ipv4" | "ipv6";
}

/** Where to listen, and how to accept. */
export interface ServeOptions extends ListenOptions {
  /**
   * How many descriptors a request is taken to need: the guard waits until there is
   * room for them. Below 0 it does not look, as in the original.
   *
   * @default {-1}
   */
  assumedDescriptorsPerRequest?: number;
  /** Ends the loop, as {@linkcode AsyncHttpServer.close} does. */
  signal?: AbortSignal;
}

/** How a shutdown went. */
export interface ShutdownResult {
  /** Connections that ended by themselves. */
  readonly finished: number;
  /** Connections that were cut off when the grace was over. */
  readonly cut: number;
}

/** A connection, and the promise of its end. */
interface Served {
  readonly connection: Connection;
  readonly done: Promise<void>;
}

/** What a server is doing. */
type ServerState =
  | { readonly name: "new" }
  | { readonly name: "listening"; readonly listener: Deno.Listener }
  | { readonly name: "closed" };

/** How many descriptors a request is taken to need where nobody says. As in the original. */
const ASSUMED_DESCRIPTORS = 5;

/** After an accept failed for want of something, the loop waits: 5 ms, then twice as long each time, up to 1 s. */
const INITIAL_BACKOFF_MS = 5;
const MAX_BACKOFF_MS = 1000;

/**
 * An HTTP/1.1 server on raw TCP, with the accept loop in your hands.
 *
 * @example The loop by hand
 * ```ts
 * import { AsyncHttpServer } from "@asynchttp/server";
 *
 * await using server = new AsyncHttpServer();
 * server.listen(0, { address: "127.0.0.1" });
 * const answer = fetch(`http://127.0.0.1:${server.getPort()}/`).then((response) => response.text());
 *
 * await server.untilAcceptable();
 * await server.acceptRequest((request) => request.respond(200, "Hello, World!"));
 * console.log(await answer); // Hello, World!
 * ```
 */
export class AsyncHttpServer implements AsyncDisposable {
  readonly #context: ServerContext;
  readonly #guard: FdGuard;
  readonly #reusePort: boolean;
  readonly #connections = new LinkedList<Served>();
  /** What is closed for a descriptor. */
  readonly #longestIdle = new LongestIdle(() => this.#open(), ({ isIdle }) => isIdle);
  /** What is closed for a newcomer: not another newcomer, whose request may be on its way. */
  readonly #longestStale = new LongestIdle(() => this.#open(), ({ isStale }) => isStale);
  #state: ServerState = { name: "new" };
  /** A listener has one accept at a time: whoever accepts waits for the one before. */
  #turn: Promise<void> = Promise.resolve();
  #endPause: () => void = () => {};
  /** The grace is over, for every shutdown: a second one may be less patient than the first. */
  readonly #over = Promise.withResolvers<void>();

  /**
   * Makes a server that does not listen yet.
   *
   * @param options Limits, timeouts, hooks.
   * @throws {TypeError} An option is unknown, or its value has the wrong type.
   * @throws {RangeError} A number is out of range.
   * @throws {Deno.errors.NotSupported} `reuseAddr: false`, or `reusePort: true` without `--unstable-net`.
   */
  constructor(options?: AsyncHttpServerOptions) {
    const resolved = resolveOptions(options);
    this.#context = {
      options: resolved,
      clock: systemClock,
      counters: new Counters(),
      lingering: new LinkedList(),
    };
    this.#guard = new FdGuard({ ...resolved, clock: systemClock });
    this.#reusePort = resolved.reusePort;
  }

  /**
   * Listens. Synchronous: when it returns, clients can connect.
   *
   * @param port The port; 0 lets the system choose one.
   * @param options Where to listen.
   * @throws {Deno.errors.AddrInUse} The port is taken.
   * @throws {RangeError} The port is not an integer from 0 to 65535.
   * @throws {TypeError} The server listens already, or was closed.
   */
  listen(port: number, options: ListenOptions = {}): void {
    checkRecord("options of listen", options, LISTEN_CHECKS);
    if (!Number.isInteger(port) || port < 0 || port > 65_535) {
      throw new RangeError(`Port must be an integer from 0 to 65535: got ${port}`);
    }
    const all = options.domain === "ipv6" ? "::" : "0.0.0.0";
    this.#mustBeNew();
    const listener = Deno.listen({
      port,
      hostname: options.address || all,
      reusePort: this.#reusePort,
    });
    this.#state = { name: "listening", listener };
  }

  /**
   * Takes a listener that was made elsewhere: `Deno.listenTls`, a Unix socket. It is the
   * server's then, and closed with it.
   *
   * @param listener The listener.
   * @throws {TypeError} The server listens already, or was closed.
   */
  listenOn(listener: Deno.Listener): void {
    this.#mustBeNew();
    this.#state = { name: "listening", listener };
  }

  /**
   * The port that the server listens on: what `listen(0)` was given.
   *
   * @returns The port.
   * @throws {TypeError} The server does not listen.
   */
  getPort(): number {
    const { addr } = this;
    if ("port" in addr) return addr.port;
    throw new TypeError(`A listener of transport "${addr.transport}" has no port`);
  }

  /**
   * The address that the server listens on.
   *
   * @throws {TypeError} The server does not listen.
   */
  get addr(): Deno.Addr {
    if (this.#state.name === "listening") return this.#state.listener.addr;
    throw new TypeError(
      this.#state.name === "new"
        ? "The server does not listen yet: call listen first"
        : "The server does not listen any more: it was closed",
    );
  }

  /**
   * The guard: is there room for one more connection?
   *
   * True while descriptors in use and those assumed here stay below `maxFDs`, and
   * fewer than `maxConnections` connections are open.
   *
   * @param assumedDescriptorsPerRequest How many descriptors a request is taken to need; below 0 the answer is always true, as in the original.
   * @returns Is there room?
   */
  shouldAcceptRequest(assumedDescriptorsPerRequest: number = ASSUMED_DESCRIPTORS): boolean {
    checkAssumed(assumedDescriptorsPerRequest);
    return this.#guard.admits(assumedDescriptorsPerRequest);
  }

  /**
   * Waits until {@linkcode AsyncHttpServer.shouldAcceptRequest} is true: woken by the
   * close that makes room, where the original waits 500 ms and looks again.
   *
   * @param assumedDescriptorsPerRequest How many descriptors a request is taken to need.
   * @returns Resolves when there is room, or the server was closed.
   */
  untilAcceptable(assumedDescriptorsPerRequest: number = ASSUMED_DESCRIPTORS): Promise<void> {
    checkAssumed(assumedDescriptorsPerRequest);
    if (this.#closed()) return Promise.resolve();
    return this.#guard.until(() => this.#guard.admits(assumedDescriptorsPerRequest));
  }

  /**
   * Accepts one connection and hands it off: its requests are served while you go on.
   *
   * With `maxConnections` open it waits until one closes.
   *
   * @param handler Called for each request of the connection.
   * @returns Resolves when a connection was handed off.
   * @throws {Deno.errors.BadResource} The server was closed, before or meanwhile.
   * @throws {Error} The system refused; with `code` `"EMFILE"` when there was no descriptor left.
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
   * Listens and accepts until {@linkcode AsyncHttpServer.close} is called or
   * `options.signal` aborts. No connection and no failed accept ends the loop.
   *
   * @param port The port; 0 lets the system choose one.
   * @param handler Called for each request.
   * @param options Where to listen, and how to accept.
   * @returns Resolves when accepting has ended; requests that run may still be finishing.
   * @throws {Deno.errors.AddrInUse} The port is taken.
   */
  async serve(port: number, handler: Handler, options: ServeOptions = {}): Promise<void> {
    isFunction("handler", handler);
    const { assumedDescriptorsPerRequest = -1, signal, ...listenOptions } = options;
    checkAssumed(assumedDescriptorsPerRequest);
    this.listen(port, listenOptions);
    const close = () => this.close();
    signal?.addEventListener("abort", close, { once: true });
    if (signal?.aborted) close();
    try {
      await this.#acceptAll(handler, assumedDescriptorsPerRequest);
    } finally {
      signal?.removeEventListener("abort", close);
    }
  }

  /**
   * Serves one connection that was accepted elsewhere, or that is no socket at all.
   *
   * It counts as one of the server's: for the guard, for `stats`, and for `shutdown`.
   *
   * @param conn A connection, or a pair of streams.
   * @param handler Called for each request.
   * @returns Resolves when the connection has ended, or was handed over.
   * @throws {Deno.errors.BadResource} The server was closed.
   */
  async serveConnection(conn: Deno.Conn | StreamPair, handler: Handler): Promise<void> {
    isFunction("handler", handler);
    if (this.#closed()) throw serverClosed();
    const bytes = "read" in conn ? conn : new StreamConn(conn);
    const connection = new Connection(bytes, handler, this.#context);
    this.#guard.opened();
    await this.#handOff(connection);
  }

  /**
   * Stops accepting. Requests that run are finished, idle connections are closed: our side
   * at once, and for `timeouts.linger` at the most what the client still sends is dropped.
   * Synchronous, and harmless when called again.
   */
  close(): void {
    if (this.#state.name === "listening") this.#state.listener.close();
    this.#state = CLOSED;
    this.#guard.releaseAll();
    this.#endPause();
    for (const { connection } of this.#connections.values()) connection.disableKeepAlive();
  }

  /**
   * Closes the server and waits for its connections.
   *
   * @param options How long to wait, in milliseconds, before those that remain are cut off; 10,000 where it is left out.
   * @returns How many connections ended by themselves, and how many were cut off.
   */
  async shutdown(options: { grace?: number } = {}): Promise<ShutdownResult> {
    checkRecord("options of shutdown", options, { grace: isCount(0) });
    const open = this.#connections.values().map(({ done }) => done);
    this.close();
    await this.#grace(options.grace ?? 10_000, Promise.all(open));
    // A handler that never returns is not waited for: its connection is gone all the same.
    let cut = 0;
    for (const { connection } of this.#connections.values()) {
      if (!connection.isLingering) cut++;
      connection.destroy();
    }
    return { finished: open.length - cut, cut };
  }

  /**
   * What the server has counted so far.
   *
   * @returns A snapshot.
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

  /** The same as {@linkcode AsyncHttpServer.shutdown} without options. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  /** Resolves with `finished`, or after `ms`. */
  async #grace(ms: number, finished: Promise<unknown>): Promise<void> {
    if (ms === 0) return this.#over.resolve();
    const { clock } = this.#context;
    const deadline = new Deadline();
    deadline.set(ms);
    const end = { tick: (now: number) => deadline.isOver(now) && this.#over.resolve() };
    const node = clock.subscribe(end);
    await Promise.race([finished, this.#over.promise]);
    clock.unsubscribe(node);
  }

  #open(): Connection[] {
    return this.#connections.values().map(({ connection }) => connection);
  }

  #closed(): boolean {
    return this.#state.name === "closed";
  }

  #listener(): Deno.Listener {
    if (this.#state.name === "listening") return this.#state.listener;
    if (this.#state.name === "closed") throw serverClosed();
    throw new TypeError("The server does not listen yet: call listen first");
  }

  /** Accepts one connection that its client has not given up meanwhile. */
  async #accept(): Promise<Deno.Conn> {
    for (;;) {
      await this.#guard.until(() => this.#hasRoom() || this.#closed());
      const listener = this.#listener();
      this.#guard.opened();
      try {
        return await this.#inItsPlace(await listener.accept());
      } catch (error) {
        this.#guard.closed();
        if (this.#closed()) throw serverClosed();
        this.#context.counters.acceptErrors++;
        if (isResourceExhaustion(error)) noteExhaustion(error);
        if (!TRANSIENT_ACCEPT_ERRORS.some((transient) => error instanceof transient)) throw error;
      }
    }
  }

  /** Whether a newcomer has a place, or can have that of an idle connection. */
  #hasRoom(): boolean {
    return this.#guard.hasSlot() || this.#longestStale.exists;
  }

  /**
   * At `maxConnections` the connection that has idled longest makes room: 10,000 idle ones
   * would lock everybody else out for `timeouts.idle`. If all have become busy since the
   * accept began, the newcomer waits until one idles or closes.
   */
  async #inItsPlace(conn: Deno.Conn): Promise<Deno.Conn> {
    const fits = () => this.#guard.isWithinLimit() || this.#longestStale.close();
    await this.#guard.until(() => fits() || this.#closed());
    if (!this.#closed()) return conn;
    conn.close();
    throw serverClosed();
  }

  /** Accept errors usually mean exhaustion: back off, then close the longest-idle connection. */
  async #acceptAll(handler: Handler, assumedDescriptors: number): Promise<void> {
    const failures = new AcceptFailures((error) => report(this.#context.options, error));
    let backoff = INITIAL_BACKOFF_MS;
    while (!this.#closed()) {
      try {
        await this.#guard.until(() =>
          this.#closed() || this.#guard.hasDescriptors(assumedDescriptors)
        );
        await this.acceptRequest(handler);
        backoff = INITIAL_BACKOFF_MS;
      } catch (error) {
        if (this.#closed()) return;
        const isExhausted = isResourceExhaustion(error);
        if (isExhausted) failures.add(error, backoff);
        else report(this.#context.options, error);
        await this.#pause(backoff);
        // Not before the pause: a newcomer's request may have arrived and not been read yet.
        if (isExhausted) this.#longestIdle.close();
        backoff = Math.min(backoff * 2, MAX_BACKOFF_MS);
      }
    }
  }

  /** Waits, but not longer than until the server is closed. */
  async #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    this.#endPause = resolve;
    await promise;
    clearTimeout(timer);
  }

  /** Resolves when the connection has ended, or was handed over: the guard counts it until it is closed. */
  #handOff(connection: Connection): Promise<void> {
    this.#context.counters.accepted++;
    connection.transport.onClose(() => this.#guard.closed());
    const done = connection.run().then(() => {
      this.#connections.remove(node);
      this.#context.counters.bytesIn += connection.reader.bytesIn;
      this.#context.counters.bytesOut += connection.transport.bytesOut;
    });
    const node = this.#connections.add({ connection, done });
    // It may have been accepted while the server was being closed.
    if (this.#closed()) connection.disableKeepAlive();
    return done;
  }

  #mustBeNew(): void {
    if (this.#state.name === "new") return;
    throw new TypeError(
      this.#state.name === "closed"
        ? "Cannot listen: the server was closed, make a new one"
        : "Cannot listen: the server listens already",
    );
  }
}

/**
 * The same as `new AsyncHttpServer(options)`, by the original's name.
 *
 * @param options Limits, timeouts, hooks.
 * @returns A server that does not listen yet.
 *
 * @example As in Nim
 * ```ts
 * import { newAsyncHttpServer } from "@asynchttp/server";
 *
 * const server = newAsyncHttpServer({ maxBody: 1024 });
 * server.listen(0);
 * console.log(server.getPort() > 0); // true
 * server.close();
 * ```
 */
export function newAsyncHttpServer(options?: AsyncHttpServerOptions): AsyncHttpServer {
  return new AsyncHttpServer(options);
}

/** How an accept fails for a connection that its client has reset in the meantime. */
const TRANSIENT_ACCEPT_ERRORS = [
  Deno.errors.NotConnected,
  Deno.errors.ConnectionReset,
  Deno.errors.ConnectionAborted,
];

const CLOSED: ServerState = Object.freeze({ name: "closed" });

const LISTEN_CHECKS = {
  address: isText,
  domain: isOneOf("ipv4", "ipv6"),
};

function checkAssumed(count: number): void {
  if (Number.isInteger(count)) return;
  throw new RangeError(`Option assumedDescriptorsPerRequest must be an integer: got ${count}`);
}

function serverClosed(): Error {
  return new Deno.errors.BadResource("The server was closed");
}
