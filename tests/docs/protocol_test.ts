/**
 * What `docs/protocol.md` says beyond its tables of codes and its links, which `docs_test.ts`
 * checks: the defaults that it names, and the tests that hold each line of the hardening list.
 */
import { assert, assertEquals } from "@std/assert";
import { fetchHandler } from "@asynchttp/server";
import type { Handler } from "@asynchttp/server";
import { DEFAULT_LIMITS, DEFAULT_TIMEOUTS } from "../../src/limits.ts";
import { put } from "../connection/bodies.ts";
import { converse } from "../connection/harness.ts";
import { EOF } from "../connection/scripted_conn.ts";
import { bytesOf } from "../fixtures.ts";

const TESTS = new URL("../", import.meta.url);
const page = await Deno.readTextFile(new URL("../docs/protocol.md", TESTS));

/** The lines of the hardening list, with the cell that names their tests. */
const HARDENING = [...page.matchAll(/^\| (\d+) +\|.*\| ([^|]+) \|$/gm)].map((
  [, line, heldBy],
) => ({
  line: Number(line),
  heldBy: heldBy!.trim(),
}));

/** The options whose default the page gives in parentheses, with that default. */
const DEFAULTS: readonly (readonly [option: string, value: string])[] = [
  ...page.matchAll(/`((?:timeouts|limits)\.\w+)`[^`(|;:]*\(([^()]+)\)/g),
].map(([, option, value]) => [option!, value!]);

/** Returns the default of an option as the page writes it. */
function written(option: string): string {
  const [group, name] = option.split(".");
  const defaults: { readonly [name: string]: number } = group === "limits"
    ? { ...DEFAULT_LIMITS }
    : { ...DEFAULT_TIMEOUTS };
  const value = defaults[name!]!;
  if (value === Infinity) return "no bound";
  return group === "timeouts" ? `${value / 1000} s` : `${value}`;
}

Deno.test("defaults: those that the page names are those of the server", () => {
  assert(DEFAULTS.length > 6, `only ${DEFAULTS.length} were found: is the pattern still right?`);
  for (const [option, value] of DEFAULTS) assertEquals(value, written(option), option);
});

Deno.test("options: every limit and timeout that the page names exists", () => {
  const groups = { limits: DEFAULT_LIMITS, timeouts: DEFAULT_TIMEOUTS };
  for (const [name, group, option] of page.matchAll(/`(limits|timeouts)\.(\w+)`/g)) {
    assert(Object.hasOwn(groups[group as keyof typeof groups], option!), `${name} does not exist`);
  }
});

async function testFilesBelow(directory: URL): Promise<URL[]> {
  const files: URL[] = [];
  for await (const { name, isDirectory } of Deno.readDir(directory)) {
    if (isDirectory) files.push(...await testFilesBelow(new URL(`${name}/`, directory)));
    else if (name.endsWith("_test.ts")) files.push(new URL(name, directory));
  }
  return files;
}

/** Returns the lines that a text cites: in "hardening 7", or in "hardening 1 to 4". */
function citedLines(text: string): number[] {
  return [...text.matchAll(/hardening (\d+)(?: to (\d+))?/gi)].flatMap(([, first, last = first]) =>
    Array.from({ length: Number(last) - Number(first) + 1 }, (_, i) => Number(first) + i)
  );
}

/** Returns the test files that cite each line, by their paths in `tests/`. */
async function citations(): Promise<Map<number, string[]>> {
  const files = new Map<number, string[]>();
  for (const file of await testFilesBelow(TESTS)) {
    const path = file.href.slice(TESTS.href.length);
    for (const line of new Set(citedLines(await Deno.readTextFile(file)))) {
      files.set(line, [...files.get(line) ?? [], path]);
    }
  }
  return files;
}

Deno.test("hardening list: lines 1 to 56 in order", () => {
  assertEquals(HARDENING.map(({ line }) => line), Array.from({ length: 56 }, (_, i) => i + 1));
});

Deno.test("hardening list: a line is open, or names tests that hold it", () => {
  for (const { line, heldBy } of HARDENING) {
    assert(heldBy.startsWith("**open**: ") || heldBy.includes("](../tests/"), `line ${line}`);
  }
});

Deno.test("hardening list: a line that tests cite exists, is not open, and names one of them", async () => {
  const cited = await citations();
  assert(cited.size > 30, `only ${cited.size} lines are cited: is the pattern still right?`);
  for (const [line, files] of cited) {
    const row = HARDENING.find((row) => row.line === line);
    assert(row !== undefined, `${files} cite line ${line}, which does not exist`);
    assert(!row.heldBy.includes("**open**"), `line ${line} is open, and ${files} cite it`);
    const isNamed = files.some((file) => row.heldBy.includes(`](../tests/${file})`));
    assert(isNamed, `line ${line} names none of the tests that cite it: ${files}`);
  }
});

Deno.test("hardening 35: content is delivered as it was sent, whatever its coding", async () => {
  const gzip = "\x1f\x8b\x08\0\0";
  const sent = put(gzip.length, "Content-Encoding: gzip\r\n") + gzip;
  const bodies: Uint8Array[] = [];
  const handlers: readonly Handler[] = [
    async (request) => {
      bodies.push(request.bytes);
      await request.respond(200);
    },
    fetchHandler(async (request) => {
      bodies.push(await request.bytes());
      return new Response();
    }),
  ];
  for (const handler of handlers) await converse([sent, EOF], handler);
  assertEquals(bodies, [bytesOf(gzip), bytesOf(gzip)]);
});

Deno.test("RejectCode: its doc comment has the codes and statuses of docs/protocol.md", async () => {
  const source = await Deno.readTextFile(new URL("../src/errors.ts", TESTS));
  const told = [
    ...source.matchAll(/^ \* - `([a-z-]+)`: (\d+)(?:, in `"rfc"` (\d+))?(, never in `"rfc"`)?$/gm),
  ].map(([, code, original, rfc, never]) => [code, original, never ? "none" : rfc ?? original]);
  const rows = [...page.matchAll(/^\| `([a-z-]+)` +\| (\d+) +\| (\d+|none) +\|/gm)]
    .map(([, ...cells]) => cells);
  assert(told.length > 30, `only ${told.length} codes`);
  assertEquals(told.toSorted(), rows.toSorted());
});
