/**
 * Recognizes exhausted descriptors and memory, and prints errors while they last.
 *
 * To format the stack of an error, Deno reads the compiled main module; without a free
 * descriptor it compiles it anew, and panics when the compiler's stack check cannot open
 * `/proc/self/maps`. So no stack is read while descriptors are exhausted, and the errors
 * that report it have none.
 */
import { warn } from "../warn.ts";

/** Milliseconds after the last such error for which the exhaustion is assumed to last. */
const MIN_EXHAUSTION_MS = 5000;

let lastExhaustion = -Infinity;

/** Whether a resource is exhausted that a closed connection frees. Deno sets a code for each error but ENFILE. */
export function isResourceExhaustion(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { code?: string; message?: string };
  if (code !== undefined) return ["EMFILE", "ENOBUFS", "ENOMEM"].includes(code);
  return message?.startsWith("Too many open files in system") ?? false;
}

/** Records an exhaustion, and removes the stack of the error that reports it. */
export function noteExhaustion(error: unknown): void {
  lastExhaustion = performance.now();
  if (error instanceof Error) Object.defineProperty(error, "stack", { value: String(error) });
}

/** Whether a resource was exhausted a moment ago. */
export function isExhausted(): boolean {
  return performance.now() - lastExhaustion < MIN_EXHAUSTION_MS;
}

/** Prints an error, behind what it is about; in one line, without its stack, during an exhaustion. */
export function logError(error: unknown, about?: string): void {
  if (isResourceExhaustion(error)) noteExhaustion(error);
  const printed = isExhausted() ? String(error) : error;
  if (about === undefined) warn(printed);
  else warn(`${about}:`, printed);
}
