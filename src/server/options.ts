/** Every option of a server: its type, its default, and what is refused at the door. */
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
import type { ErrorResponse, HttpError, Profile } from "../errors.ts";
import { logError } from "../net/exhaustion.ts";
import { DEFAULT_LIMITS, DEFAULT_TIMEOUTS } from "../limits.ts";
import type { Limits, Timeouts } from "../limits.ts";
import type { Request } from "../connection/request.ts";
import type { ConnectionInfo, ResolvedOptions } from "../connection/context.ts";

/** What a server is made with. */
export interface AsyncHttpServerOptions {
  /**
   * May the port be bound while old connections to it linger? Deno always sets
   * `SO_REUSEADDR`, so `false` cannot be had and is refused.
   *
   * @default {true}
   */
  reuseAddr?: boolean;
  /**
   * May several processes listen on the port? Needs `--unstable-net` in Deno 2.
   *
   * @default {false}
   */
  reusePort?: boolean;
  /**
   * Bytes that the body of a request may have; more is answered with 413. As in the original.
   *
   * @default {8388608}
   */
  maxBody?: number;
  /**
   * How many descriptors may be in use before the guard closes.
   *
   * @default {the soft limit of the process where it can be read, else maxDescriptorsFallback}
   */
  maxFDs?: number;
  /**
   * How many connections may be open. At the limit accepting pauses: nobody is refused.
   *
   * @default {10000}
   */
  maxConnections?: number;
  /**
   * Which statuses refuse a request that breaks a limit.
   *
   * @default {"original"}
   */
  profile?: Profile;
  /** How much a client may send. */
  limits?: Partial<Limits>;
  /** How long things may take. */
  timeouts?: Partial<Timeouts>;
  /**
   * Counts the descriptors in use, instead of the guard's own ways. A count that
   * throws is taken for a full table: the usual reason is that it is.
   *
   * @default {Deno.resources, /proc/self/fd or /dev/fd where they can be read, else the open connections and 24}
   */
  countDescriptors?: () => number;
  /**
   * A handler threw or did not answer, an accept failed.
   *
   * @default {console.error}
   */
  onError?: (error: unknown, request?: Request) => void;
  /**
   * A request is about to be refused. What it returns replaces the answer, part by part.
   */
  onReject?: (error: HttpError, connection: ConnectionInfo) => Partial<ErrorResponse> | void;
}

const CHECKS: { readonly [option in keyof Required<AsyncHttpServerOptions>]: Check } = {
  reuseAddr: isBoolean,
  reusePort: isBoolean,
  maxBody: isCount(0),
  maxFDs: isCount(1),
  maxConnections: isCount(1),
  profile: isOneOf("original", "rfc"),
  limits: isRecord(countsOf(DEFAULT_LIMITS)),
  timeouts: isRecord(countsOf(DEFAULT_TIMEOUTS)),
  countDescriptors: isFunction,
  onError: isFunction,
  onReject: isFunction,
};

/**
 * Checks what the user gave, and fills in the rest.
 *
 * @throws {TypeError} An option is unknown or has the wrong type.
 * @throws {RangeError} A number is out of range.
 * @throws {Deno.errors.NotSupported} `reuseAddr: false`, or `reusePort: true` without `--unstable-net`.
 */
export function resolveOptions(options: AsyncHttpServerOptions = {}): ResolvedOptions {
  checkRecord("options", options, CHECKS);
  if (options.reuseAddr === false) {
    throw new Deno.errors.NotSupported(
      "Option reuseAddr must be true: Deno always sets SO_REUSEADDR when it listens",
    );
  }
  // Without the flag Deno.listen ends the process instead of throwing; the flag is seen by what else it brings.
  if (options.reusePort && !("listenDatagram" in Deno)) {
    throw new Deno.errors.NotSupported(
      "Option reusePort needs --unstable-net: run deno with that flag",
    );
  }
  return {
    reusePort: options.reusePort ?? false,
    maxBody: options.maxBody ?? 8_388_608,
    maxFDs: options.maxFDs,
    maxConnections: options.maxConnections ?? 10_000,
    profile: options.profile ?? "original",
    limits: withDefaults(DEFAULT_LIMITS, options.limits),
    timeouts: withDefaults(DEFAULT_TIMEOUTS, options.timeouts),
    countDescriptors: options.countDescriptors,
    onError: options.onError ?? logError,
    onReject: options.onReject,
  };
}
