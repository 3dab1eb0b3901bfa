/** A server without a socket: `serveInMemory`. */
import type { Handler } from "../connection/request.ts";
import { AsyncHttpServer } from "../server/server.ts";
import type { ShutdownResult } from "../server/server.ts";
import type { AsyncHttpServerOptions } from "../server/options.ts";
import type { ServerStats } from "../stats.ts";
import { isFunction } from "../validate.ts";
import { fetchOver } from "./in_memory_fetch.ts";
import type { FetchInput } from "./in_memory_fetch.ts";
import { ManualClock, movedBy } from "./manual_clock.ts";
import { connectInMemory } from "./memory_conn.ts";
import type { InMemoryConn } from "./memory_conn.ts";

const SERVER_ADDR: Deno.NetAddr = { transport: "tcp", hostname: "127.0.0.1", port: 80 };
const FIRST_CLIENT_PORT = 49_152;
const CLIENT_PORTS = 16_384;

/**
 * Serves a handler in memory: without a socket, a port or a permission.
 *
 * It is the server itself, over connections in memory: parser, limits, timeouts and hooks are
 * those of `AsyncHttpServer`. Only its clock is moved by hand.
 *
 * @param handler Called for each request: an ordinary, streaming or fetch handler.
 * @param options The options of the server.
 * @returns The server.
 * @throws {TypeError} `handler` is not a function, or an option is unknown or has the wrong type.
 * @throws {RangeError} A number is out of range, or `from` of `proxyProtocol` or `forwarded` is empty, or has a network without a valid prefix.
 *
 * @example A response, and a timeout
 * ```ts
 * import { serveInMemory } from "@asynchttp/server/testing";
 *
 * await using server = serveInMemory((request) => request.respond(200, `at ${request.target}`));
 * console.log(await (await server.fetch("/a?b=c")).text()); // at /a?b=c
 *
 * using conn = server.connect();
 * await conn.write(new TextEncoder().encode("GET / HTTP/1.1\r\n"));
 * await server.clock.advance(60_000);
 * const buffer = new Uint8Array(100);
 * const count = (await conn.read(buffer))!;
 * console.log(new TextDecoder().decode(buffer.subarray(0, count)).split("\r\n")[0]); // HTTP/1.1 408 Request Timeout
 * ```
 */
export function serveInMemory(handler: Handler, options?: AsyncHttpServerOptions): InMemoryServer {
  return new InMemoryServer(handler, options);
}

/**
 * A server in memory, made by {@linkcode serveInMemory}.
 *
 * @example
 * ```ts
 * import { type InMemoryServer, serveInMemory } from "@asynchttp/server/testing";
 *
 * const statusOf = async (server: InMemoryServer, path: string) => (await server.fetch(path)).status;
 *
 * await using server = serveInMemory((request) =>
 *   request.respond(request.url.pathname === "/" ? 200 : 404)
 * );
 * console.log(await statusOf(server, "/"), await statusOf(server, "/a")); // 200 404
 * console.log(server.stats().requests); // 2
 * ```
 */
export class InMemoryServer implements AsyncDisposable {
  /** The time of the server: every timeout follows it. */
  readonly clock: ManualClock = new ManualClock();
  readonly #server: AsyncHttpServer;
  readonly #handler: Handler;
  #clients = 0;

  /** @ignore Made by `serveInMemory`. */
  constructor(handler: Handler, options?: AsyncHttpServerOptions) {
    isFunction("handler", handler);
    this.#handler = handler;
    this.#server = new AsyncHttpServer(options, movedBy(this.clock));
  }

  /**
   * Sends a request on a connection of its own, and returns the response: strictly read, not
   * decompressed, redirects not followed.
   *
   * A body that is a stream in `init` is sent in chunks; any other is read whole first, and sent
   * with its length. Bound to the server, so that it can stand in for `fetch`.
   *
   * @param input A path, a URL or a Web `Request`; its host is sent as `Host`.
   * @param init As for `fetch`.
   * @returns The response, when its head has arrived.
   * @throws {TypeError} The URL or `init` is invalid, or the response is malformed, ends within its head, or is 101.
   * @throws {Deno.errors.ConnectionReset} The server has reset the connection, or was closed.
   * @throws {DOMException} An `AbortError`, or the reason of the signal of `init` or `input`, which has aborted.
   */
  readonly fetch = (input: FetchInput, init?: RequestInit): Promise<Response> =>
    fetchOver(this.connect(), input, init);

  /**
   * Opens a connection, for bytes of your own. As a socket it takes 64 KiB that the server has
   * not read; unlike one it can be reset on purpose.
   *
   * @returns The client's end; you close it. Where the server was closed it is reset at once.
   *
   * @example
   * ```ts
   * import { serveInMemory } from "@asynchttp/server/testing";
   *
   * await using server = serveInMemory((request) => request.respond(200));
   * using conn = server.connect();
   * await conn.write(new TextEncoder().encode("nonsense\r\n\r\n"));
   * const response = await new Response(conn.readable).text();
   * console.log(response.split("\r\n")[0]); // HTTP/1.1 400 Bad Request
   * ```
   */
  connect(): InMemoryConn {
    const port = FIRST_CLIENT_PORT + this.#clients++ % CLIENT_PORTS;
    const { client, server } = connectInMemory({ ...SERVER_ADDR, port }, SERVER_ADDR);
    this.#server.serveConnection(server, this.#handler).catch(() => server.reset());
    return client;
  }

  /**
   * Returns a snapshot of the server's counters.
   *
   * @returns The counts so far.
   *
   * @example
   * ```ts
   * import { serveInMemory } from "@asynchttp/server/testing";
   *
   * await using server = serveInMemory((request) => request.respond(200), { maxBody: 1 });
   * await (await server.fetch("/", { method: "POST", body: "long" })).text();
   * console.log(server.stats().rejections); // { "body-too-large": 1 }
   * ```
   */
  stats(): ServerStats {
    return this.#server.stats();
  }

  /**
   * Closes the server: requests in progress are completed, idle connections closed.
   *
   * @example
   * ```ts
   * import { serveInMemory } from "@asynchttp/server/testing";
   *
   * await using server = serveInMemory((request) => request.respond(200));
   * server.close();
   * await server.fetch("/").catch(({ name }) => console.log(name)); // ConnectionReset
   * ```
   */
  close(): void {
    this.#server.close();
  }

  /**
   * Closes the server and waits for its connections. The grace period passes by the clock of
   * this server, so that it only ends if it is moved, or is 0.
   *
   * @param options The grace period, in milliseconds; 10,000 by default.
   * @returns The number of connections that ended by themselves, and of those that were cut off.
   * @throws {TypeError} An option is unknown or has the wrong type.
   * @throws {RangeError} `grace` is negative or not an integer; `Infinity` is allowed.
   *
   * @example
   * ```ts
   * import { serveInMemory } from "@asynchttp/server/testing";
   *
   * const called = Promise.withResolvers<void>();
   * await using server = serveInMemory(() => {
   *   called.resolve();
   *   return new Promise(() => {}); // never ends
   * });
   * const lost = server.fetch("/").catch(({ name }) => name);
   * await called.promise;
   * const shutdown = server.shutdown({ grace: 1000 });
   * await server.clock.advance(1000);
   * console.log(await shutdown); // { finished: 0, cut: 1 }
   * await lost;
   * ```
   */
  shutdown(options?: { grace?: number }): Promise<ShutdownResult> {
    return this.#server.shutdown(options);
  }

  /** Closes the server and cuts all connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown({ grace: 0 });
  }
}
