/**
 * What has become of the response to a request: the states, and the moves between them.
 *
 * ```text
 * unanswered ──► starting ──► streaming ──► answered ──► sealed
 *   │  │  │  ◄──────┘                          ▲           ▲
 *   │  │  └────────────────────────────────────┘           │
 *   │  └──► raw ───────────────────────────────────────────┤
 *   ▼       │                (from every state but hijacked)
 * hijacked ◄┘
 * ```
 */
import { moved } from "../transitions.ts";
import type { Transitions } from "../transitions.ts";

/**
 * What has been sent of a response.
 *
 * - "unanswered": nothing, or interim responses only.
 * - "starting": nothing yet of a stream whose first chunk is awaited. If the source fails
 *   now, the request can still be answered.
 * - "streaming": the head of a stream and part of its content.
 * - "answered": all of a response, whether the system has taken it or not.
 * - "raw": bytes that the handler wrote itself. Only the handler knows where they end, so
 *   the connection ends with them, unless the handler takes it over.
 * - "hijacked": the connection belongs to the handler.
 * - "sealed": the connection has gone on, or ends. A handler that is late must not write
 *   into another response, or read another request.
 */
export type ResponseState =
  | "unanswered"
  | "starting"
  | "streaming"
  | "answered"
  | "raw"
  | "hijacked"
  | "sealed";

/**
 * How much of a response was sent when its handler failed.
 *
 * - "unsent": nothing, so the client gets 500.
 * - "partial": a part of it. A stream is cut off, so that the client can tell.
 * - "complete": all of it.
 *
 * @example
 * ```ts
 * import type { ResponseProgress } from "@asynchttp/server";
 * import { serveInMemory } from "@asynchttp/server/testing";
 *
 * const failures: (ResponseProgress | undefined)[] = [];
 * const handler = () => Promise.reject(new Error("nothing was sent"));
 * await using server = serveInMemory(handler, {
 *   onError: (_error, _request, progress) => void failures.push(progress),
 * });
 * console.log((await server.fetch("/")).status, failures); // 500 [ "unsent" ]
 * ```
 */
export type ResponseProgress = "unsent" | "partial" | "complete";

/** Every move of a response; nothing else assigns its state. */
export const RESPONSE_TRANSITIONS: Transitions<ResponseState> = {
  unanswered: ["answered", "starting", "raw", "hijacked", "sealed"],
  starting: ["unanswered", "streaming", "sealed"],
  streaming: ["answered", "sealed"],
  answered: ["sealed"],
  raw: ["raw", "hijacked", "sealed"],
  hijacked: [],
  sealed: ["sealed"],
};

/** Why a handler that asks for a move too late is refused. */
const REASONS: { readonly [state in Exclude<ResponseState, "unanswered">]: string } = {
  starting: "Cannot respond: the request is already being answered",
  streaming: "Cannot respond: the request is already being answered",
  answered: "Cannot respond: the request has already been answered",
  raw: "Cannot respond: the handler has written to the socket itself",
  hijacked: "Cannot respond: the connection was handed over",
  sealed: "The request is over: its handler has returned, or it was rejected",
};

/** Returns `to`, where it may follow `from`. */
export function nextState(from: ResponseState, to: ResponseState): ResponseState {
  return moved(RESPONSE_TRANSITIONS, from, to);
}

/**
 * Checks a move that a handler asks for, before anything is encoded.
 *
 * @throws {TypeError} The response has come too far.
 */
export function checkMove(from: ResponseState, to: ResponseState): void {
  if (from === "unanswered" || RESPONSE_TRANSITIONS[from].includes(to)) return;
  throw new TypeError(REASONS[from]);
}

/** The error of a handler that uses a request after its end. */
export function requestIsOver(): TypeError {
  return new TypeError(REASONS.sealed);
}
