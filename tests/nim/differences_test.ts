/**
 * The same inputs to Nim 1.6's server and to this one, side by side. docs/nim.md lists what
 * differs, with the reason: a difference that it lacks fails, and so does one that it has in vain.
 */
import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { launch, run, serving, testWith, withFolder } from "../server/tools.ts";
import { handler } from "./handler.ts";
import { INPUTS } from "./inputs.ts";
import { difference, outcomeOf } from "./outcome.ts";

const PAGE = new URL("../../docs/nim.md", import.meta.url);
const SOURCE = fileURLToPath(new URL("server.nim", import.meta.url));

/** The rows of the tables of the page, without the padding that `deno fmt` adds. */
async function listedRows(): Promise<string[]> {
  const lines = (await Deno.readTextFile(PAGE)).split("\n");
  return lines.filter((line) => /^\|/.test(line) && !/^\| (?:-|input )/.test(line))
    .map(collapsed);
}

function collapsed(line: string): string {
  return line.replace(/\s+/g, " ");
}

Deno.test("docs/nim.md: each input is listed once, under a reason", async () => {
  const names = new Set(INPUTS.map(({ name }) => name));
  assertEquals(names.size, INPUTS.length, "two inputs have the same name");
  const listed = (await listedRows()).map((row) => row.split(" | ")[0]!.slice(2));
  assertEquals(listed.filter((name) => !names.has(name)), []);
  assertEquals(new Set(listed).size, listed.length);
  for (const section of (await Deno.readTextFile(PAGE)).split(/^## /m).slice(1)) {
    const [heading, reason] = section.split(/\n\n/);
    assert(/^[A-Z*`]/.test(reason!), `"${heading}" gives no reason`);
  }
});

testWith("nim", "docs/nim.md lists every difference from Nim's server", async () => {
  const { stdout } = await run("nim", "--version");
  if (!/Version 1\.6\./.test(stdout)) {
    return console.log(`skipped, the page is on Nim 1.6: ${stdout}`);
  }
  await withFolder(async (folder) => {
    const flags = ["-d:release", "--hints:off", `--nimcache:${folder}/cache`];
    const built = await run("nim", "c", ...flags, `-o:${folder}/server`, SOURCE);
    assertEquals(built.code, 0, built.stderr);
    await using nim = launch(`${folder}/server`);
    const [, nimPort] = await nim.line(/^Listening on http:\/\/127\.0\.0\.1:(\d+)\/$/);
    const rows: string[] = [];
    await serving(handler, async (port) => {
      await Promise.all(INPUTS.map(async (input) => {
        const outcomes = [outcomeOf(Number(nimPort), input), outcomeOf(port, input)] as const;
        const cells = difference(...await Promise.all(outcomes));
        if (cells) rows.push(collapsed(`| ${[input.name, ...cells].join(" | ")} |`));
      }));
    }, { maxBody: 1000 });
    assertEquals(rows.sort(), (await listedRows()).sort());
  });
});
