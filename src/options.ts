/**
 * Every option: its type, its default, and what is refused at the door.
 *
 * A misspelt option that is silently ignored is a limit that does not hold.
 */
import type { ErrorResponse, HttpError, Profile } from "./errors.ts";
import { DEFAULT_LIMITS, DEFAULT_TIMEOUTS } from "./limits.ts";
import type { Limits, Timeouts } from "./limits.ts";
import type { Request } from "./request.ts";

/** The two ends of a connection. */
export interface ConnectionInfo {
  /** The server's end. */
  readonly localAddr: Deno.Addr;
  /** The client's end. */
  readonly remoteAddr: Deno.Addr;
}

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
   * Counts the descriptors in use, instead of the guard's own ways.
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

/** All options, checked, with the defaults in place. */
export interface ResolvedOptions {
  readonly reusePort: boolean;
  readonly maxBody: number;
  readonly maxFDs: number | undefined;
  readonly maxConnections: number;
  readonly profile: Profile;
  readonly limits: Readonly<Limits>;
  readonly timeouts: Readonly<Timeouts>;
  readonly countDescriptors: (() => number) | undefined;
  readonly onError: (error: unknown, request?: Request) => void;
  readonly onReject:
    | ((error: HttpError, connection: ConnectionInfo) => Partial<ErrorResponse> | void)
    | undefined;
}

type Check = (name: string, value: unknown) => void;

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
    limits: { ...DEFAULT_LIMITS, ...given(options.limits) },
    timeouts: { ...DEFAULT_TIMEOUTS, ...given(options.timeouts) },
    countDescriptors: options.countDescriptors,
    onError: options.onError ?? ((error) => console.error(error)),
    onReject: options.onReject,
  };
}

/** What is not undefined: `{ line: undefined }` means the default, too. */
function given<T extends object>(record: T | undefined): Partial<T> {
  return Object.fromEntries(
    Object.entries(record ?? {}).filter(([, value]) => value !== undefined),
  ) as Partial<T>;
}

/** Checks the keys and values of a record of options. Shared with the options of single methods. */
export function checkRecord(
  name: string,
  record: unknown,
  checks: { readonly [key: string]: Check },
): void {
  if (typeof record !== "object" || record === null) {
    throw new TypeError(`${capitalized(name)} must be an object: got ${shown(record)}`);
  }
  for (const [key, value] of Object.entries(record)) {
    if (!Object.hasOwn(checks, key)) {
      throw new TypeError(
        `Unknown option ${key} in ${name}: known are ${Object.keys(checks).join(", ")}`,
      );
    }
    if (value !== undefined) checks[key]!(key, value);
  }
}

function isRecord(checks: { readonly [key: string]: Check }): Check {
  return (name, value) => checkRecord(name, value, checks);
}

function countsOf(defaults: object): { readonly [key: string]: Check } {
  return Object.fromEntries(Object.keys(defaults).map((key) => [key, isCount(0)]));
}

/** A whole number from `least` on, or Infinity: no limit. */
export function isCount(least: number): Check {
  return (name, value) => {
    if (typeof value !== "number") {
      throw new TypeError(`Option ${name} must be a number: got ${shown(value)}`);
    }
    if (value === Infinity || (Number.isInteger(value) && value >= least)) return;
    throw new RangeError(
      `Option ${name} must be an integer from ${least} on, or Infinity: got ${value}`,
    );
  };
}

function isBoolean(name: string, value: unknown): void {
  if (typeof value === "boolean") return;
  throw new TypeError(`Option ${name} must be true or false: got ${shown(value)}`);
}

function isFunction(name: string, value: unknown): void {
  if (typeof value === "function") return;
  throw new TypeError(`Option ${name} must be a function: got ${shown(value)}`);
}

function isOneOf(...values: string[]): Check {
  return (name, value) => {
    if (values.includes(value as string)) return;
    const wanted = values.map((each) => JSON.stringify(each)).join(" or ");
    throw new TypeError(`Option ${name} must be ${wanted}: got ${shown(value)}`);
  };
}

function shown(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
