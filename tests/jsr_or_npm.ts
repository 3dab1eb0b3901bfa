/**
 * Prints the arguments with which `@std/*` is found where JSR cannot be reached, and
 * nothing but `--no-lock` where it can.
 *
 * The lock file holds what comes from npm. Entries of JSR would have to be added where
 * JSR answers, and a fresh clone must not change by being tested: hence `--no-lock` there.
 */
const WAIT = 2000;

async function jsrAnswers(): Promise<boolean> {
  try {
    const response = await fetch("https://jsr.io/@std/assert/meta.json", {
      signal: AbortSignal.timeout(WAIT),
    });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

console.log(await jsrAnswers() ? "--no-lock" : "--import-map=tests/offline/import_map.json");
