/** The part of `@std/assert` that the tests use, from npm: the same modules without their types. */
import * as std from "npm:deno-std@1.4.0/assert/mod.js";

type ErrorClass<E extends Error> = abstract new (...args: never[]) => E;

export const assert: (value: unknown, message?: string) => asserts value = std.assert;
export const assertEquals: <T>(actual: T, expected: T, message?: string) => void = std.assertEquals;
export const assertNotEquals: <T>(actual: T, expected: T, message?: string) => void =
  std.assertNotEquals;
export const assertStrictEquals: <T>(
  actual: unknown,
  expected: T,
  message?: string,
) => asserts actual is T = std.assertStrictEquals;
export const assertMatch: (actual: string, expected: RegExp, message?: string) => void =
  std.assertMatch;
export const assertStringIncludes: (actual: string, expected: string, message?: string) => void =
  std.assertStringIncludes;
export const assertInstanceOf: <E extends Error>(
  actual: unknown,
  expected: ErrorClass<E>,
  message?: string,
) => asserts actual is E = std.assertInstanceOf;
export const assertThrows: <E extends Error = Error>(
  fn: () => unknown,
  expected?: ErrorClass<E>,
  includes?: string,
  message?: string,
) => E = std.assertThrows;
export const assertRejects: <E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  expected?: ErrorClass<E>,
  includes?: string,
  message?: string,
) => Promise<E> = std.assertRejects;
export const AssertionError: new (message: string) => Error = std.AssertionError;
