/** Turns of the runtime's event loop. */

/** Resolves with the next turn; at once if there is no `setImmediate`. */
export function nextTurn(): Promise<void> {
  if (typeof setImmediate !== "function") return Promise.resolve();
  return new Promise((resolve) => void setImmediate(resolve));
}
