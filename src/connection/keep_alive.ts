/**
 * Decides whether a connection persists.
 *
 * The framing of both heads says what client and handler want (RFC 9112, 9.3); what has
 * been read and sent by then may say no. `nextStep` is the only place where these come
 * together when a request is over.
 */
import type { ReadPosition } from "./request_reader.ts";
import type { ResponseState } from "./response_state.ts";

/**
 * What happens to the connection behind an exchange.
 *
 * - "reuse": the next request may follow.
 * - "drain": it may, once the rest of the body is read and dropped.
 * - "close": the connection ends.
 * - "detach": the connection belongs to the handler.
 */
export type NextStep = "reuse" | "drain" | "close" | "detach";

/** Whether the head of a response may leave the connection open: asked when it is encoded. */
export function responseMayPersist(position: ReadPosition, isDrainable: boolean): boolean {
  return position === "done" || (position === "body" && isDrainable);
}

/** What follows an exchange; `persistent` is the last word of both sides. */
export function nextStep(
  state: ResponseState,
  position: ReadPosition,
  persistent: boolean,
): NextStep {
  if (state === "hijacked") return "detach";
  if (state !== "answered" || !persistent) return "close";
  if (position === "done") return "reuse";
  return position === "body" ? "drain" : "close";
}
