/**
 * Mutants that no test can kill, because they are no mistakes: what they compute is the same,
 * or differs only in time or memory that nothing promises.
 */
import type { Mutant } from "./mutants.ts";

/** One of them, by the line of code rather than its number. */
interface Equivalent {
  readonly file: string;
  readonly code: string;
  readonly from: string;
  readonly to: string;
  readonly why: string;
}

/** All of them; found by `deno task mutate`. */
export const EQUIVALENTS: readonly Equivalent[] = [];

/** Returns why no test can kill the mutant; undefined if one should. */
export function whyEquivalent(mutant: Mutant): string | undefined {
  return EQUIVALENTS.find(({ file, code, from, to }) =>
    file === mutant.file && code === mutant.code && from === mutant.from && to === mutant.to
  )?.why;
}
