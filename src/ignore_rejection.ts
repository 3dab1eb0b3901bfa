/**
 * Marks the rejection of a promise as handled; code that awaits the promise still sees it.
 *
 * A client that disconnects, or a response that fails, must not end the process through
 * a promise that is never awaited.
 */
export function ignoreRejection<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
