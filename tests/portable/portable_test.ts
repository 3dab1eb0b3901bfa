/**
 * The entry `./wire` is pure: the tests of `tests/wire/` pass on Node, on Bun and in a browser too,
 * from one script without imports.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { withPage } from "../server/browser.ts";
import { run, testWith, withFolder } from "../server/tools.ts";
import { bundleTests, portableTests } from "./bundle.ts";
import type { Summary } from "./collected.ts";

/** The tests of the folder that were there when this was written. */
const MIN_PASSED = 2000;

function assertPassed(passed: number, failures: readonly string[]): void {
  assertEquals(failures, []);
  assert(passed >= MIN_PASSED, `only ${passed} tests were run`);
}

async function passesOn(program: string): Promise<void> {
  await withFolder(async (folder) => {
    const { stdout, stderr } = await run(program, await bundleTests(folder, "process"));
    const [, passed] = /^(\d+) passed, 0 failed$/m.exec(stdout) ?? [];
    assertPassed(Number(passed ?? 0), stderr === "" ? [] : [stderr]);
  });
}

testWith("node", "wire: its tests pass on Node", () => passesOn("node"));

testWith("bun", "wire: its tests pass on Bun", () => passesOn("bun"));

/** What Chromium itself does otherwise: it has no `Buffer`, encodes `|` in a URL, and has a URL for `xn--a`. */
const BROWSER_DIFFERENCES = [
  "latin1: the decoder of Buffer is in use",
  "RFC 9112, 3.2.1: what browsers send unencoded is taken: /[]|",
  "RFC 9112, 3.2: Host: xn--a is taken",
];

/** A failure is the name of a test, `: `, and the name of an error. */
function nameOf(failure: string): string {
  return failure.split(": AssertionError")[0]!;
}

testWith("chromium", "wire: its tests pass in a browser", async () => {
  await withFolder(async (folder) => {
    const script = await Deno.readTextFile(await bundleTests(folder, "page"));
    await withPage(async (page) => {
      await page.addScriptTag({ type: "module", content: script });
      const shown = await page.waitForFunction("globalThis.summary", null, { timeout: 0 });
      const { passed, failures } = await shown.jsonValue() as Summary;
      assertEquals(failures.map(nameOf), BROWSER_DIFFERENCES);
      assertPassed(passed, []);
    });
  });
});

Deno.test("wire: the script of its tests is one module without imports", async () => {
  assert(portableTests().length > 15);
  await withFolder(async (folder) => {
    const script = await Deno.readTextFile(await bundleTests(folder, "process"));
    assertMatch(script, /\bResponseParser\b/);
    assertEquals(script.match(/^import\b.*$|\brequire\(["']/gm), null);
  });
});
