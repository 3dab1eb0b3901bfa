/** The part of `@std/async` that tests and bench use, from npm: the same modules without their types. */
import * as deadlines from "npm:deno-std@1.4.0/async/deadline.js";
import * as delays from "npm:deno-std@1.4.0/async/delay.js";

export const delay: (ms: number, options?: { signal?: AbortSignal }) => Promise<void> =
  delays.delay;
export const deadline: <T>(promise: Promise<T>, ms: number) => Promise<T> = deadlines.deadline;
