/**
 * Prints the arguments that let Deno find `@std/*`: an import map of stand-ins where JSR
 * cannot be reached, and only `--no-lock` where it can.
 *
 * The lock file holds npm packages only. With JSR, Deno would add entries to it, and a
 * fresh clone must not change by being tested: hence `--no-lock`.
 */
const TIMEOUT_MS = 2000;

async function jsrAnswers(): Promise<boolean> {
  try {
    const response = await fetch("https://jsr.io/@std/assert/meta.json", {
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

console.log(await jsrAnswers() ? "--no-lock" : "--import-map=tests/offline/import_map.json");
