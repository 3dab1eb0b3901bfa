/** Replaces `console.error` while a test provokes errors that are logged. */

/** Collects the calls of `console.error` until the scope ends. */
export function silencedConsole(): Disposable & { readonly log: readonly unknown[][] } {
  const log: unknown[][] = [];
  const { error } = console;
  console.error = (...values) => void log.push(values);
  return { log, [Symbol.dispose]: () => void (console.error = error) };
}
