/**
 * A client that goes, or an answer that fails, must not end the process through a
 * promise that nobody looks at: its rejection counts as handled. Who does look at it
 * sees it all the same.
 */
export function ignoreRejection<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
