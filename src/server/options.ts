/** Every option of a server: its type, its default, and its check. */
import type { ConnectionInfo, ResolvedOptions } from "../connection/context.ts";
import { logFailure } from "../connection/failure_log.ts";
import type { RequestOutcome } from "../connection/outcome.ts";
import type { Request } from "../connection/request.ts";
import type { ResponseProgress } from "../connection/response_state.ts";
import type { ErrorResponse, HttpError, Profile } from "../errors.ts";
import { DEFAULT_LIMITS, DEFAULT_TIMEOUTS } from "../limits.ts";
import type { Limits, Timeouts } from "../limits.ts";
import { isProxyProtocol, trustedProxies } from "../net/proxied_conn.ts";
import type { ProxyProtocolOptions } from "../net/proxied_conn.ts";
import {
  checkRecord,
  countsOf,
  isBoolean,
  isCount,
  isFunction,
  isOneOf,
  isRecord,
  withDefaults,
} from "../validate.ts";
import type { Check } from "../validate.ts";
import { MAX_REQUEST_BODY, RequestParserSettings } from "../wire/parser_options.ts";
import { AddressList } from "../wire/address_list.ts";
import type { ForwardedRules } from "../wire/forwarded.ts";

/**
 * Whose fields about the client of a request are believed, and which fields.
 *
 * @example
 * ```ts
 * import type { ForwardedOptions } from "@asynchttp/server";
 * import { serveInMemory } from "@asynchttp/server/testing";
 *
 * const forwarded: ForwardedOptions = { from: ["127.0.0.1"], header: "x-forwarded" };
 * const handler = serveInMemory((request) => request.respond(200, request.hostname), { forwarded });
 * await using server = handler;
 * const headers = { "X-Forwarded-For": "192.0.2.7" };
 * console.log(await (await server.fetch("/", { headers })).text()); // 192.0.2.7
 * ```
 */
export interface ForwardedOptions {
  /**
   * The proxies: IP addresses, networks such as `"10.0.0.0/8"` or `"fd00::/8"`, and `"unix"` for
   * peers on a Unix socket. Trust none that passes these fields on as a client sends them.
   */
  readonly from: readonly string[];
  /**
   * The fields that the proxies write: `"forwarded"` for `Forwarded` (RFC 7239), or
   * `"x-forwarded"` for `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host`. It has
   * no default: a proxy that writes the ones passes the others on, and a client can forge them.
   */
  readonly header: "forwarded" | "x-forwarded";
}

/**
 * Options for {@linkcode AsyncHttpServer}.
 *
 * @example
 * ```ts
 * import { AsyncHttpServer, type AsyncHttpServerOptions } from "@asynchttp/server";
 *
 * const options: AsyncHttpServerOptions = { maxBody: 1_000_000, timeouts: { handler: 10_000 } };
 * await using server = new AsyncHttpServer(options);
 * console.log(server.stats().connections.open); // 0
 * ```
 */
export interface AsyncHttpServerOptions {
  /**
   * Whether the port can be bound while old connections to it linger. Deno always allows it, by
   * `SO_REUSEADDR` where the system needs that, so `false` is rejected.
   *
   * @default {true}
   */
  reuseAddr?: boolean;
  /**
   * Whether several processes can listen on the port, and share its connections. Deno 2 requires
   * `--unstable-net` for it, and ignores it on all systems but Linux: there the second process
   * gets `Deno.errors.AddrInUse`.
   *
   * @default {false}
   */
  reusePort?: boolean;
  /**
   * The largest request body, in bytes; a larger one is rejected with 413. The default is that of
   * Nim's `std/asynchttpserver`.
   *
   * @default {8388608}
   */
  maxBody?: number;
  /**
   * The memory for all bodies that are being read whole, in bytes, across the server, those
   * among them that the function of a `fetchHandler` reads by `text()` and the like. A body that
   * does not fit stays unread until there is room, in order of arrival; after `timeouts.body` it
   * is rejected with 503. A process of 512 MB survives the default.
   *
   * @default {134217728}
   */
  maxBodyMemory?: number;
  /**
   * The number of descriptors in use at which the guard stops accepting.
   *
   * @default {the soft limit of the process if it can be read, otherwise maxDescriptorsFallback}
   */
  maxFDs?: number;
  /**
   * The largest number of open connections. At the limit the one that has idled longest is
   * closed for a new one, or accepting pauses until one idles or closes; no client is rejected.
   *
   * @default {10000}
   */
  maxConnections?: number;
  /**
   * Selects the statuses of rejections: those of Nim's `std/asynchttpserver`, or those of the
   * RFCs.
   *
   * @default {"original"}
   */
  profile?: Profile;
  /**
   * Bounds on what a client sends; each has a default of its own.
   *
   * @default {the default of each}
   */
  limits?: Partial<Limits>;
  /**
   * Bounds on the time of each phase, in milliseconds; each has a default of its own.
   *
   * @default {the default of each}
   */
  timeouts?: Partial<Timeouts>;
  /**
   * The proxies whose connections begin with a header of the PROXY protocol, version 1 or 2,
   * which names the client. Anything else from there is 400; from other addresses no header is
   * read. For connections over TLS give it to `tlsListener`.
   *
   * @default {undefined}
   */
  proxyProtocol?: ProxyProtocolOptions;
  /**
   * The proxies whose `Forwarded` or `X-Forwarded-*` fields name the client, the scheme and the
   * host of a request. From other addresses the fields mean nothing.
   *
   * @default {undefined}
   */
  forwarded?: ForwardedOptions;
  /**
   * Counts the descriptors in use, in place of the guard's own count. If it throws, the guard
   * takes the table for full, which is the usual reason.
   *
   * @default {Deno.resources, /proc/self/fd or on macOS /dev/fd if it can be read, otherwise the open connections and 24}
   */
  countDescriptors?: () => number;
  /**
   * Called with the error if a handler throws or sends no response, a hook fails, or an accept
   * fails; for a handler's error also with its request, and how much of the response was sent.
   *
   * @default {prints a line with method, target and progress, and the error}
   */
  onError?: (error: unknown, request?: Request, progress?: ResponseProgress) => void;
  /**
   * Called before a request is rejected, and before the 500 or 503 for a handler that fails, does
   * not respond, or is late. Properties of the returned object replace those of the response.
   *
   * @default {undefined}
   */
  onReject?: (error: HttpError, connection: ConnectionInfo) => Partial<ErrorResponse> | void;
  /**
   * Called once for each request, when its response has ended or its connection was handed over:
   * also for one that was rejected before a handler saw it. For a connection in the order of the
   * requests. Nothing is measured where it is left out.
   *
   * @default {undefined}
   */
  onResponse?: (outcome: RequestOutcome) => void;
}

const CHECKS: { readonly [option in keyof Required<AsyncHttpServerOptions>]: Check } = {
  reuseAddr: isBoolean,
  reusePort: isBoolean,
  maxBody: isCount(0),
  maxBodyMemory: isCount(0),
  maxFDs: isCount(1),
  maxConnections: isCount(1),
  profile: isOneOf("original", "rfc"),
  limits: isRecord(countsOf(DEFAULT_LIMITS)),
  timeouts: isRecord(countsOf(DEFAULT_TIMEOUTS)),
  proxyProtocol: isProxyProtocol,
  forwarded: (name, value) => void forwardedRules(name, value),
  countDescriptors: isFunction,
  onError: isFunction,
  onReject: isFunction,
  onResponse: isFunction,
};

const FORWARDED_CHECKS = {
  from: () => {},
  header: isOneOf("forwarded", "x-forwarded"),
};

/** Returns the rules that the option `forwarded` sets; throws if they are invalid. */
function forwardedRules(name: string, value: unknown): ForwardedRules {
  checkRecord(`option ${name}`, value, FORWARDED_CHECKS);
  const { from, header } = value as ForwardedOptions;
  if (header === undefined) {
    throw new TypeError(
      'Option header of forwarded must be "forwarded" or "x-forwarded": name the fields that the proxies write, since clients can send the others',
    );
  }
  return { from: new AddressList("from of forwarded", from), header };
}

/**
 * Checks the options, and fills in the defaults.
 *
 * @throws {TypeError} An option is unknown or has the wrong type.
 * @throws {RangeError} A number is out of range.
 * @throws {Deno.errors.NotSupported} `reuseAddr: false`, or `reusePort: true` without `--unstable-net`.
 */
export function resolveOptions(options: AsyncHttpServerOptions = {}): ResolvedOptions {
  checkRecord("options", options, CHECKS);
  if (options.reuseAddr === false) {
    throw new Deno.errors.NotSupported(
      "Option reuseAddr must be true: Deno always lets a port be bound while old connections to it linger",
    );
  }
  // Without the flag Deno.listen ends the process instead of throwing. The flag also adds Deno.listenDatagram.
  if (options.reusePort && !("listenDatagram" in Deno)) {
    throw new Deno.errors.NotSupported(
      "Option reusePort needs --unstable-net: run deno with that flag",
    );
  }
  const { maxBody = MAX_REQUEST_BODY, profile = "original" } = options;
  const limits = withDefaults(DEFAULT_LIMITS, options.limits);
  return {
    reusePort: options.reusePort ?? false,
    maxBody,
    maxBodyMemory: options.maxBodyMemory ?? 134_217_728,
    maxFDs: options.maxFDs,
    maxConnections: options.maxConnections ?? 10_000,
    profile,
    limits,
    parser: new RequestParserSettings(limits, profile, maxBody),
    timeouts: withDefaults(DEFAULT_TIMEOUTS, options.timeouts),
    proxyProtocol: options.proxyProtocol && trustedProxies(options.proxyProtocol),
    forwarded: options.forwarded && forwardedRules("forwarded", options.forwarded),
    countDescriptors: options.countDescriptors,
    onError: options.onError ?? logFailure,
    onReject: options.onReject,
    onResponse: options.onResponse,
  };
}
