/** Prints to stderr, and never throws: a full disk behind it (ENOSPC) must not end the server. */
export function warn(...data: unknown[]): void {
  try {
    console.error(...data);
  } catch {
    // There is nowhere to tell.
  }
}
