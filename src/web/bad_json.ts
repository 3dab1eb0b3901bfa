/**
 * Tells the SyntaxError of a body that is not JSON from those of a handler's own.
 *
 * `json()` throws the same error in both, as the Web has it; only the one about the client's
 * body is the client's fault, if a handler lets it pass.
 */
const faults = new WeakSet<SyntaxError>();

/** Passes the value of `json` on, and remembers its error. */
export async function notingBadJson<T>(json: Promise<T>): Promise<T> {
  try {
    return await json;
  } catch (error) {
    if (error instanceof SyntaxError) faults.add(error);
    throw error;
  }
}

/** Whether an error is that of a client's body that is not JSON. */
export function isBadJson(error: unknown): boolean {
  return error instanceof SyntaxError && faults.has(error);
}
