/** The programs of `docs/from-*.md`: each pair gives the same responses. */
import { assertEquals } from "@std/assert";
import { launch, run, type Running, testWith, withFolder } from "../server/tools.ts";

const ROOT = new URL("../../", import.meta.url);

/** Returns the programs of a page, before and after, on a free port. */
async function programsOf(page: string): Promise<[before: string, after: string]> {
  const text = await Deno.readTextFile(new URL(`docs/${page}`, ROOT));
  const section = text.slice(text.indexOf("## A program before and after"));
  const [before, after] = [...section.matchAll(/^```.*\n([^]*?)^```$/gm)].map(([, text]) => text!);
  return [before!.replace("8080", "0"), after!.replace("8080", "0")];
}

async function launchDeno(folder: string, name: string, program: string): Promise<Running> {
  const imports = { "@asynchttp/server": new URL("mod.ts", ROOT).href };
  await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify({ imports }));
  await Deno.writeTextFile(`${folder}/${name}.ts`, program);
  const flags = ["--no-lock", `--config=${folder}/deno.json`, "--allow-net"];
  return launch(Deno.execPath(), "run", ...flags, `${folder}/${name}.ts`);
}

async function answersOf(program: Running): Promise<unknown[]> {
  const [, origin] = await program.line(/^Listening on (http:\/\/127\.0\.0\.1:\d+)\/$/);
  const requests: [path: string, init?: RequestInit][] = [
    ["/?Ada"],
    ["/length", { method: "POST", body: "grüß" }],
    ["/elsewhere"],
  ];
  return await Promise.all(requests.map(async ([path, init]) => {
    const response = await fetch(origin + path, init);
    return [response.status, await response.text()];
  }));
}

const ANSWERS = [[200, "Hello, Ada\n"], [201, "6\n"], [404, "Not found\n"]];

/** Runs both programs of a page; `start` starts the first one. */
async function comparePrograms(
  page: string,
  start: (folder: string, program: string) => Promise<Running>,
): Promise<void> {
  const [before, after] = await programsOf(page);
  await withFolder(async (folder) => {
    await using first = await start(folder, before);
    await using second = await launchDeno(folder, "after", after);
    assertEquals(await answersOf(first), ANSWERS);
    assertEquals(await answersOf(second), ANSWERS);
  });
}

Deno.test("docs/from-deno-serve.md: both programs give the same responses", async () => {
  await comparePrograms(
    "from-deno-serve.md",
    (folder, program) => launchDeno(folder, "before", program),
  );
});

testWith("node", "docs/from-node.md: both programs give the same responses", async () => {
  await comparePrograms("from-node.md", async (folder, program) => {
    await Deno.writeTextFile(`${folder}/before.mjs`, program);
    return launch("node", `${folder}/before.mjs`);
  });
});

testWith("nim", "docs/from-nim.md: both programs give the same responses", async () => {
  await comparePrograms("from-nim.md", async (folder, program) => {
    await Deno.writeTextFile(`${folder}/before.nim`, program);
    const flags = ["--hints:off", `--nimcache:${folder}/cache`, `-o:${folder}/before`];
    const built = await run("nim", "c", ...flags, `${folder}/before.nim`);
    assertEquals(built.code, 0, built.stderr);
    return launch(`${folder}/before`);
  });
});
