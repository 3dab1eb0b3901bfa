/** Turns of the runtime's event loop. */

// Not the global one: the types of Deno below 2.9 do not have it, and a program's test may replace it.
import { setImmediate } from "node:timers";

/** Resolves with the next turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
