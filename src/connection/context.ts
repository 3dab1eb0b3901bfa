/** What the connections of a server share: its options, its clock, its counters. */
import type { ErrorResponse, HttpError, Profile } from "../errors.ts";
import type { Limits, Timeouts } from "../limits.ts";
import type { Clock } from "../net/clock.ts";
import type { Counters } from "../stats.ts";
import type { Request } from "./request.ts";

/** The two ends of a connection. */
export interface ConnectionInfo {
  /** The server's end. */
  readonly localAddr: Deno.Addr;
  /** The client's end. */
  readonly remoteAddr: Deno.Addr;
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

/** Tells `onError`. A hook that throws, or rejects, harms nobody. */
export function report(options: ResolvedOptions, error: unknown, request?: Request): void {
  try {
    const told: unknown = options.onError(error, request);
    if (told instanceof Promise) told.catch((fault) => console.error(fault));
  } catch (fault) {
    console.error(fault);
  }
}

/** What the connections of a server have in common. */
export interface ServerContext {
  readonly options: ResolvedOptions;
  readonly clock: Clock;
  readonly counters: Counters;
}
