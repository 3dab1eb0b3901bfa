/**
 * `Deno.test` for other runtimes: collects the tests of the modules that are imported behind it,
 * and runs them in order.
 */

interface Collected {
  readonly name: string;
  readonly fn: () => void | Promise<void>;
}

/** What a run of all tests gave. */
export interface Summary {
  readonly passed: number;
  /** Names and errors of those that failed. */
  readonly failures: readonly string[];
}

const tests: Collected[] = [];

Object.assign(globalThis, {
  Deno: { test: (name: string, fn: Collected["fn"]) => void tests.push({ name, fn }) },
});

/** Runs what was collected. */
export async function runCollected(): Promise<Summary> {
  const failures: string[] = [];
  for (const { name, fn } of tests) {
    try {
      await fn();
    } catch (error) {
      failures.push(`${name}: ${error instanceof Error ? error.stack : error}`);
    }
  }
  return { passed: tests.length - failures.length, failures };
}
