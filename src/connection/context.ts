/** What the connections of a server share: its options, its clock, its counters. */
import type { ErrorResponse, HttpError, Profile } from "../errors.ts";
import type { Limits, Timeouts } from "../limits.ts";
import { logError } from "../net/exhaustion.ts";
import type { Clock } from "../net/clock.ts";
import type { Scheduler } from "../net/scheduler.ts";
import type { LinkedList } from "../net/linked_list.ts";
import type { Counters } from "../stats.ts";
import type { RequestParserSettings } from "../wire/parser_options.ts";
import type { AddressList } from "../wire/address_list.ts";
import type { ForwardedRules } from "../wire/forwarded.ts";
import type { BodyMemory } from "./body_memory.ts";
import type { HandedOver } from "./handed_over.ts";
import type { RequestOutcome } from "./outcome.ts";
import type { Request } from "./request.ts";
import type { ResponseProgress } from "./response_state.ts";

/**
 * The addresses of a connection.
 *
 * @example
 * ```ts
 * import type { ConnectionInfo } from "@asynchttp/server";
 * import { serveInMemory } from "@asynchttp/server/testing";
 *
 * const transports: string[] = [];
 * await using server = serveInMemory((request) => request.respond(200), {
 *   maxBody: 1,
 *   onReject: (_, { remoteAddr }: ConnectionInfo) => void transports.push(remoteAddr.transport),
 * });
 * await server.fetch("/", { method: "POST", body: "long" });
 * console.log(transports); // [ "tcp" ]
 * ```
 */
export interface ConnectionInfo {
  /** The address of the server's end. */
  readonly localAddr: Deno.Addr;
  /** The address of the client's end, as trusted proxies name it where there are any. */
  readonly remoteAddr: Deno.Addr;
  /** The address of the other end of the socket: of the last proxy, or the same as `remoteAddr`. */
  readonly peerAddr: Deno.Addr;
}

/** All options of a server, checked, with the defaults in place. */
export interface ResolvedOptions {
  readonly reusePort: boolean;
  readonly maxBody: number;
  readonly maxBodyMemory: number;
  readonly maxFDs: number | undefined;
  readonly maxConnections: number;
  readonly profile: Profile;
  readonly limits: Readonly<Limits>;
  /** `maxBody`, `profile` and `limits`, as the parser of each connection takes them. */
  readonly parser: RequestParserSettings;
  readonly timeouts: Readonly<Timeouts>;
  readonly proxyProtocol: AddressList | undefined;
  readonly forwarded: ForwardedRules | undefined;
  readonly countDescriptors: (() => number) | undefined;
  readonly onError: (error: unknown, request?: Request, progress?: ResponseProgress) => void;
  readonly onReject:
    | ((error: HttpError, connection: ConnectionInfo) => Partial<ErrorResponse> | void)
    | undefined;
  readonly onResponse: ((outcome: RequestOutcome) => void) | undefined;
}

/** Calls `onError`. Errors thrown by the hook are logged, never propagated. */
export function report(
  options: ResolvedOptions,
  error: unknown,
  request?: Request,
  progress?: ResponseProgress,
): void {
  try {
    const returned: unknown = options.onError(error, request, progress);
    if (returned instanceof Promise) returned.catch((fault) => logError(fault));
  } catch (fault) {
    logError(fault);
  }
}

/** What the connections of a server share. */
export interface ServerContext {
  readonly options: ResolvedOptions;
  readonly clock: Clock;
  readonly counters: Counters;
  /** Decides which connection reads or writes next. */
  readonly scheduler: Scheduler;
  /** The memory of all bodies that are read whole. */
  readonly bodyMemory: BodyMemory;
  /** The connections that drop bytes after their last response, in the order in which they began. */
  readonly lingering: LinkedList<{ destroy(): void }>;
  /** The connections that were handed over to a protocol that ends in a manner of its own. */
  readonly handedOver: HandedOver;
}
