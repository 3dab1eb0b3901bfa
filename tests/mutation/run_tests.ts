/**
 * Runs the tests of one tree after another in this process, each up to the first test that fails.
 *
 * Each tree has a path of its own, and so modules of its own: nothing that a mistake has left in
 * one of them reaches the next. A process for each would need a second before its first test.
 *
 * The arguments are the names of the test files, `--`, and the trees. It prints a line before
 * each test, so that a hang shows, and a verdict for each tree.
 */
type Body = (context: unknown) => void | Promise<void>;

const tests: [title: string, body: Body][] = [];
const collect = (title: string, body: Body) => void tests.push([title, body]);
Object.defineProperty(Deno, "test", { value: collect });

const separator = Deno.args.indexOf("--");
const files = Deno.args.slice(0, separator);
for (const tree of Deno.args.slice(separator + 1)) {
  console.log(`@ ${await firstFailure(tree) ?? ""}`);
}

async function firstFailure(tree: string): Promise<string | null> {
  for (const file of files) {
    const imported = await failure(`import of ${file}`, () => import(`file://${tree}/${file}`));
    if (imported !== null) return imported;
    for (const [title, body] of tests.splice(0)) {
      const failed = await failure(title, () => body({}));
      if (failed !== null) return failed;
    }
  }
  return null;
}

async function failure(title: string, body: () => unknown): Promise<string | null> {
  console.log(`> ${title}`);
  try {
    await body();
    return null;
  } catch {
    tests.length = 0;
    return title;
  }
}
