/**
 * Every limit and timeout: type, default, and the precedent it was taken from.
 *
 * All have a safe default, all can be switched off with `Infinity`, all are checked
 * at the door, so that inner code never meets a value that makes no sense.
 */

/** How much a client may send. Bytes, but for the three that count fields and rates. */
export interface Limits {
  /**
   * Bytes of the request line, and of each header line, without their CRLF.
   *
   * The original, nginx and Kestrel have the same.
   *
   * @default {8192}
   */
  line: number;
  /**
   * Bytes of a whole head: request line, header lines, the empty line. From Kestrel.
   *
   * @default {32768}
   */
  head: number;
  /**
   * How many header fields a request may have.
   *
   * `Deno.serve` allows 128, hyper and Kestrel 100. The original's 10,000 allow 80 MB
   * a request.
   *
   * @default {128}
   */
  headers: number;
  /**
   * Bytes of the line before each chunk: its size and its extensions. From Go and hyper.
   *
   * @default {4096}
   */
  chunkLine: number;
  /**
   * Bytes of all chunk extensions of one body. From Go and Node, after CVE-2024-22019.
   *
   * @default {16384}
   */
  chunkExtensions: number;
  /**
   * Bytes of the trailer section. hyper has 16 KiB.
   *
   * @default {8192}
   */
  trailers: number;
  /**
   * How many trailer fields a request may have.
   *
   * @default {32}
   */
  trailerFields: number;
  /**
   * Bytes of a body that its handler left unread, read and dropped so that the next
   * request can follow; more closes the connection. From Go.
   *
   * @default {262144}
   */
  drain: number;
  /**
   * Bytes that are read and dropped after the last response, so that the client reads it
   * and not a reset. Not bounded by bytes: many clients send a whole body before they read
   * (Python's `http.client`), whatever its size. nginx bounds it by time alone, too.
   *
   * @default {Infinity}
   */
  linger: number;
  /**
   * How many connections may be dropping bytes after their last response; the one that
   * has done so for longest is closed for the next.
   *
   * @default {256}
   */
  lingering: number;
  /**
   * Bytes per second that a client must send of a body, and read of a response, on
   * average, after 5 seconds. 0 means any. From Kestrel.
   *
   * @default {240}
   */
  minRate: number;
  /**
   * How many requests a connection may carry; the last answer says close. nginx has 1000.
   *
   * @default {Infinity}
   */
  requestsPerConnection: number;
}

/** How long things may take, in milliseconds. */
export interface Timeouts {
  /**
   * How long a head may take: from the accept, or from the first byte of the next
   * request. Absolute: a byte now and then does not extend it. From hyper and Kestrel.
   *
   * @default {30000}
   */
  head: number;
  /**
   * How long a connection may wait for its next request. nginx has the same, which is
   * longer than the 60 s of most balancers: who reuses a connection should close it first.
   *
   * @default {75000}
   */
  idle: number;
  /**
   * How long a body that is being read may stand still. nginx has 60 s.
   *
   * @default {30000}
   */
  body: number;
  /**
   * How long a response may stand still because the client does not read. nginx has 60 s.
   *
   * @default {30000}
   */
  write: number;
  /**
   * How long a handler may take. Off: server-sent events and long polling take long.
   *
   * @default {Infinity}
   */
  handler: number;
  /**
   * How long a body that its handler left unread may take to arrive. nginx has 5 s.
   *
   * @default {5000}
   */
  drain: number;
  /**
   * How long a client may be silent while bytes are read and dropped after the last
   * response. nginx has 5 s.
   *
   * @default {2000}
   */
  linger: number;
  /**
   * How long bytes are read and dropped after the last response in all. From nginx.
   *
   * @default {30000}
   */
  lingerTotal: number;
  /**
   * How long a streamed response may be silent to a client that has closed its side. It may
   * still be reading, or have gone, which looks the same until something is written; then
   * the source is cancelled and the connection closed.
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

/** What follows from a server's limits, made once for all its connections. */
export function perLimits<T>(
  make: (limits: Readonly<Limits>) => T,
): (limits: Readonly<Limits>) => T {
  const made = new WeakMap<Readonly<Limits>, T>();
  return (limits) => {
    let rules = made.get(limits);
    if (rules === undefined) made.set(limits, rules = make(limits));
    return rules;
  };
}
