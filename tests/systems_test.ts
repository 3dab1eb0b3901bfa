/** The tests on other systems: one file decides what they need, and paths are those of the system. */
import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { run, testWith } from "./server/tools.ts";

/** The sources of all tests but the files of this subject, by name. */
async function sources(folder: URL): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const url = new URL(isDirectory ? `${name}/` : name, folder);
    if (isDirectory) { for (const [path, text] of await sources(url)) found.set(path, text); }
    else if (/(?<!systems|systems_test)\.ts$/.test(name)) {
      found.set(url.href, await Deno.readTextFile(url));
    }
  }
  return found;
}

const SOURCES = await sources(new URL("./", import.meta.url));

function filesWith(pattern: RegExp): string[] {
  return [...SOURCES].filter(([, text]) => pattern.test(text)).map(([path]) => path);
}

Deno.test("tests: only systems.ts asks for the system", () => {
  assert(SOURCES.size > 200, `only ${SOURCES.size} files were found`);
  assertEquals(filesWith(/Deno\.build\b/), []);
});

// It has a slash in front of a drive, and encodes spaces.
Deno.test("tests: no path is the pathname of a URL", () => {
  assertEquals(filesWith(/\bnew URL\([^;]*?import\.meta\.url\)\.pathname/), []);
});

/** Those that use sockets, signals, descriptors, links and programs; the others use none. */
const FILES = ["exhaustion", "fd_guard", "listeners", "out_of_descriptors", "restart"]
  .concat("serve_options", "static_paths", "tls", "upload")
  .map((name) => fileURLToPath(new URL(`server/${name}_test.ts`, import.meta.url)));

testWith(
  "signals",
  "tests: as on Windows, those of the server pass or are skipped with a message",
  async () => {
    const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
    const flags = (await run(Deno.execPath(), "run", "-A", path("jsr_or_npm.ts"))).stdout.trim();
    const { code, stdout, stderr } = await run(
      Deno.execPath(),
      ...["test", "-A", "--no-check", `--preload=${path("as_windows.ts")}`, ...flags.split(" ")],
      ...FILES,
    );
    assertEquals(code, 0, stdout + stderr);
    const [, passed, ignored] = /(\d+) passed \| 0 failed \| (\d+) ignored/.exec(stdout)!;
    const messages = stdout.match(/^skipped, /gm)!;
    console.log(`as on Windows: ${passed} passed, ${ignored} skipped`);
    assert(Number(passed) > 30 && messages.length >= Number(ignored), stdout);
  },
);
