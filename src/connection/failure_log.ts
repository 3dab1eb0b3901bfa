/** The default `onError`: a line about the request that has failed, then the error. */
import { quoted } from "../errors.ts";
import { logError } from "../net/exhaustion.ts";
import type { Request } from "./request.ts";
import type { ResponseProgress } from "./response_state.ts";

const MAX_TARGET_LENGTH = 200;

const OUTCOMES: { readonly [progress in ResponseProgress]: string } = {
  unsent: "before its response, so the client gets 500",
  partial: "within its response, which ends here",
  complete: "after its response",
};

/** Prints an error, with the request and where its response stood. */
export function logFailure(error: unknown, request?: Request, progress?: ResponseProgress): void {
  if (request === undefined || progress === undefined) return logError(error);
  const { method, target } = request;
  logError(
    error,
    `The handler of ${method} ${quoted(target, MAX_TARGET_LENGTH)} failed ${OUTCOMES[progress]}`,
  );
}
