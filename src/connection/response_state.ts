/** How far the answer to a request has come. */

/**
 * What has been sent.
 *
 * - "unanswered": nothing, or interim responses only.
 * - "streaming": a response whose end has not come.
 * - "answered": a response, whole, whether the system has it yet or not.
 * - "raw": bytes of the handler's own. Where they end is the handler's secret, so the connection ends with them.
 * - "handed over": the connection is somebody else's.
 * - "over": the connection has gone on, or ends. A handler that is late must not write into
 *   somebody else's answer, or read somebody else's request.
 */
export type ResponseState =
  | "unanswered"
  | "streaming"
  | "answered"
  | "raw"
  | "handed over"
  | "over";

/** What whoever comes too late is told. */
export const REFUSALS: { readonly [sent in ResponseState]: string } = {
  unanswered: "Cannot do that: the request has not been answered",
  streaming: "Cannot respond: the request is already being answered",
  answered: "Cannot respond: the request has already been answered",
  raw: "Cannot respond: the handler has written to the socket itself",
  "handed over": "Cannot respond: the connection was handed over",
  over: "The request is over: its handler has returned, or it was refused",
};

/** For a handler that is late. */
export function isOver(): TypeError {
  return new TypeError(REFUSALS.over);
}
