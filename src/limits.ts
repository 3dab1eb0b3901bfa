/**
 * Every limit and timeout: type, default, and the precedent for the default.
 *
 * All have a safe default, all can be switched off with `Infinity`, and all are
 * validated when a server is created, so that inner code never sees an invalid value.
 */

/**
 * How much a client may send, in bytes unless a limit says otherwise.
 *
 * @example
 * ```ts
 * import type { Limits } from "@asynchttp/server";
 * import { serveInMemory } from "@asynchttp/server/testing";
 *
 * const limits: Partial<Limits> = { headers: 4 };
 * await using server = serveInMemory((request) => request.respond(200), { limits });
 * const headers = { a: "1", b: "2", c: "3", d: "4", e: "5" };
 * console.log((await server.fetch("/", { headers })).status); // 400
 * ```
 */
export interface Limits {
  /**
   * Maximum size of the request line, and of each header line, in bytes without the CRLF.
   *
   * Nim's `std/asynchttpserver`, nginx and Kestrel have the same default.
   *
   * @default {8192}
   */
  line: number;
  /**
   * Maximum size of a whole head in bytes: request line, header lines and empty line.
   *
   * From Kestrel.
   *
   * @default {32768}
   */
  head: number;
  /**
   * Maximum number of header fields of a request.
   *
   * `Deno.serve` allows 128, hyper and Kestrel 100. The 10,000 of Nim's
   * `std/asynchttpserver` allow 80 MB per request.
   *
   * @default {128}
   */
  headers: number;
  /**
   * Maximum size of the line before each chunk, with its extensions, in bytes.
   *
   * From Go and hyper.
   *
   * @default {4096}
   */
  chunkLine: number;
  /**
   * Maximum size of all chunk extensions of one body, in bytes.
   *
   * From Go and Node, after CVE-2024-22019.
   *
   * @default {16384}
   */
  chunkExtensions: number;
  /**
   * Maximum size of the trailer section in bytes.
   *
   * hyper allows 16 KiB.
   *
   * @default {8192}
   */
  trailers: number;
  /**
   * Maximum number of trailer fields of a request.
   *
   * @default {32}
   */
  trailerFields: number;
  /**
   * Maximum number of bytes of an unread body that are read and discarded, so that the
   * next request can follow; a longer rest closes the connection.
   *
   * From Go.
   *
   * @default {262144}
   */
  drain: number;
  /**
   * Maximum number of bytes that are read and discarded after the last response, so that
   * the client receives the response and not a reset.
   *
   * Not bounded by default: many clients send a whole body before they read (Python's
   * `http.client`), whatever its size. nginx bounds it by time alone, too.
   *
   * @default {Infinity}
   */
  linger: number;
  /**
   * Maximum number of connections that are discarding bytes after their last response;
   * one more closes the one that has done so for longest.
   *
   * @default {256}
   */
  lingering: number;
  /**
   * Minimum average rate, in bytes per second, at which a client must send a body and
   * read a response, after 5 seconds of grace; 0 allows any rate.
   *
   * From Kestrel.
   *
   * @default {240}
   */
  minRate: number;
  /**
   * Maximum number of requests on one connection; the last response has
   * `Connection: close`.
   *
   * nginx allows 1000.
   *
   * @default {Infinity}
   */
  requestsPerConnection: number;
}

/**
 * How long each phase of a connection may take, in milliseconds.
 *
 * @example
 * ```ts
 * import type { Timeouts } from "@asynchttp/server";
 * import { serveInMemory } from "@asynchttp/server/testing";
 *
 * const timeouts: Partial<Timeouts> = { handler: 5000 };
 * await using server = serveInMemory(() => new Promise(() => {}), { timeouts });
 * const response = server.fetch("/");
 * await server.clock.advance(5000);
 * console.log((await response).status); // 503
 * ```
 */
export interface Timeouts {
  /**
   * Maximum time for a head to arrive, in milliseconds from the accept, or from the first
   * byte of a later request. Absolute: a byte now and then does not extend it.
   *
   * From hyper and Kestrel.
   *
   * @default {30000}
   */
  head: number;
  /**
   * Maximum time that a connection waits for its next request, in milliseconds.
   *
   * nginx has the same default. It is longer than the 60 s of most load balancers: the
   * side that reuses connections should be the first to close an idle one.
   *
   * @default {75000}
   */
  idle: number;
  /**
   * Maximum time without a byte of a body that is being read, in milliseconds.
   *
   * nginx has 60 s.
   *
   * @default {30000}
   */
  body: number;
  /**
   * Maximum time that a response makes no progress because the client does not read, in
   * milliseconds.
   *
   * nginx has 60 s.
   *
   * @default {30000}
   */
  write: number;
  /**
   * Maximum time that a handler takes, in milliseconds. Off by default: server-sent
   * events and long polling take long.
   *
   * @default {Infinity}
   */
  handler: number;
  /**
   * Maximum time for the rest of an unread body to arrive, in milliseconds.
   *
   * nginx has 5 s.
   *
   * @default {5000}
   */
  drain: number;
  /**
   * Maximum silence of a client, in milliseconds, while bytes are read and discarded after
   * the last response.
   *
   * nginx has 5 s.
   *
   * @default {2000}
   */
  linger: number;
  /**
   * Maximum total time, in milliseconds, for which bytes are read and discarded after the
   * last response.
   *
   * From nginx.
   *
   * @default {30000}
   */
  lingerTotal: number;
  /**
   * Maximum silence of a streamed response, in milliseconds, after the client has closed
   * its side; then the source is cancelled and the connection closed. A client that still
   * reads and one that has gone look the same until something is written; so do those that
   * have sent more than the 16 KiB that are read ahead, unless their body is being read.
   *
   * @default {5000}
   */
  halfClosed: number;
}

/** The defaults of {@linkcode Limits}. */
export const DEFAULT_LIMITS: Readonly<Limits> = {
  line: 8192,
  head: 32_768,
  headers: 128,
  chunkLine: 4096,
  chunkExtensions: 16_384,
  trailers: 8192,
  trailerFields: 32,
  drain: 262_144,
  linger: Infinity,
  lingering: 256,
  minRate: 240,
  requestsPerConnection: Infinity,
};

/** The defaults of {@linkcode Timeouts}. */
export const DEFAULT_TIMEOUTS: Readonly<Timeouts> = {
  head: 30_000,
  idle: 75_000,
  body: 30_000,
  write: 30_000,
  handler: Infinity,
  drain: 5000,
  linger: 2000,
  lingerTotal: 30_000,
  halfClosed: 5000,
};

/** Derives a value from a server's limits once, for all its connections. */
export function perLimits<T>(
  derive: (limits: Readonly<Limits>) => T,
): (limits: Readonly<Limits>) => T {
  const derived = new WeakMap<Readonly<Limits>, T>();
  return (limits) => {
    let value = derived.get(limits);
    if (value === undefined) derived.set(limits, value = derive(limits));
    return value;
  };
}
