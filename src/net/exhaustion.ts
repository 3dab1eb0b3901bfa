/**
 * Errors for want of descriptors or memory, and how errors are printed meanwhile.
 *
 * To format the stack of an error, Deno reads the compiled main module; without a free
 * descriptor it compiles it anew, and panics when the compiler's stack check cannot open
 * `/proc/self/maps`. So no stack is read while descriptors are short, and the errors that
 * say so have none.
 */

/** Milliseconds after an exhaustion in which errors are printed without their stacks. */
const MAX_ECHO_MS = 5000;

let lastExhaustion = -Infinity;

/** Whether something is used up that a closed connection gives back. Deno has a code for each but ENFILE. */
export function isResourceExhaustion(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { code?: string; message?: string };
  if (code !== undefined) return ["EMFILE", "ENOBUFS", "ENOMEM"].includes(code);
  return message?.startsWith("Too many open files in system") ?? false;
}

/** Notes that something is used up, and takes the stack off the error that says so. */
export function noteExhaustion(error: unknown): void {
  lastExhaustion = performance.now();
  if (error instanceof Error) Object.defineProperty(error, "stack", { value: String(error) });
}

/** Whether something was used up a moment ago. */
export function isExhausted(): boolean {
  return performance.now() - lastExhaustion < MAX_ECHO_MS;
}

/** Prints an error: in one line, without its stack, while something is used up. */
export function logError(error: unknown): void {
  if (isResourceExhaustion(error)) noteExhaustion(error);
  console.error(isExhausted() ? String(error) : error);
}
