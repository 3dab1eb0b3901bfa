/** `deno task release` in a repository of its own: what it refuses, shows, commits and tags. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { testWith } from "../server/tools.ts";

const MAIN = fileURLToPath(new URL("../../release/main.ts", import.meta.url));
const NOTES = fileURLToPath(new URL("../../release/notes.ts", import.meta.url));

const CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n- A change.\n";

interface Output {
  readonly code: number;
  readonly text: string;
}

/** A repository whose `deno task ok` passes or fails at once. */
class Repository implements AsyncDisposable {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  static async create(ok: "true" | "false" = "true"): Promise<Repository> {
    const repository = new Repository(await Deno.makeTempDir());
    const tasks = { ok: `sh -c ${ok}` };
    await repository.write("deno.json", JSON.stringify({ version: "0.1.0", tasks }, null, 2));
    await repository.write("CHANGELOG.md", CHANGELOG);
    await repository.git("init", "--quiet", "--initial-branch=main");
    await repository.git("add", "--all");
    await repository.git("commit", "--quiet", "--message", "first");
    return repository;
  }

  write(name: string, text: string): Promise<void> {
    return Deno.writeTextFile(`${this.#path}/${name}`, text);
  }

  read(name: string): Promise<string> {
    return Deno.readTextFile(`${this.#path}/${name}`);
  }

  git(...args: string[]): Promise<Output> {
    return this.#run("git", "-c", "user.name=a", "-c", "user.email=a@example.com", ...args);
  }

  release(...args: string[]): Promise<Output> {
    return this.#run(Deno.execPath(), "run", "-A", MAIN, ...args);
  }

  notes(tag: string): Promise<Output> {
    return this.#run(Deno.execPath(), "run", "--allow-read", NOTES, tag);
  }

  async #run(program: string, ...args: string[]): Promise<Output> {
    const identity = { GIT_AUTHOR_NAME: "a", GIT_AUTHOR_EMAIL: "a@example.com" };
    const env = {
      ...identity,
      GIT_COMMITTER_NAME: "a",
      GIT_COMMITTER_EMAIL: "a@example.com",
      NO_COLOR: "1",
    };
    const command = new Deno.Command(program, { args, cwd: this.#path, env });
    const { code, stdout, stderr } = await command.output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, text: text(stdout) + text(stderr) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#path, { recursive: true });
  }
}

testWith("git", "release: commits the version and the changelog, and tags them", async () => {
  await using repository = await Repository.create();
  const { code, text } = await repository.release("0.2.0");
  assertEquals(code, 0, text);
  assertStringIncludes(await repository.read("deno.json"), '"version": "0.2.0"');
  assertStringIncludes(await repository.read("CHANGELOG.md"), "## [0.2.0] - ");
  assertEquals((await repository.git("status", "--porcelain")).text, "");
  assertEquals((await repository.git("tag", "--points-at", "HEAD")).text, "v0.2.0\n");
  assertEquals((await repository.git("log", "-1", "--format=%s")).text, "release: 0.2.0\n");
  assertEquals(await repository.notes("v0.2.0"), { code: 0, text: "- A change.\n" });
  const other = await repository.notes("v0.3.0");
  assertEquals(other.code, 1);
  assertStringIncludes(other.text, "The tag must be v0.2.0: got v0.3.0");
});

/** What a dry run shows. */
const SHOWN = [
  '+   "version": "0.2.0"',
  "+ ## [0.2.0] - ",
  "$ deno task ok",
  "$ git tag",
  "Nothing was changed",
  "git push --follow-tags",
];

for (const args of [["0.2.0", "--dry-run"], ["--dry-run", "0.2.0"]]) {
  testWith("git", `release ${args.join(" ")}: shows everything and changes nothing`, async () => {
    await using repository = await Repository.create("false");
    const { code, text } = await repository.release(...args);
    assertEquals(code, 0, text);
    for (const shown of SHOWN) assertStringIncludes(text, shown);
    assertEquals((await repository.git("status", "--porcelain")).text, "");
    assertEquals((await repository.git("tag")).text, "");
  });
}

/** What makes a release fail: a change to the repository, the arguments, and what is said. */
type Refusal = readonly [
  title: string,
  prepare: (repository: Repository) => Promise<unknown>,
  args: readonly string[],
  message: string,
];

const REFUSALS: readonly Refusal[] = [
  ["changes", (r) => r.write("new.txt", "a"), ["0.2.0"], "The tree must have no changes"],
  [
    "another branch",
    (r) => r.git("switch", "-c", "b"),
    ["0.2.0"],
    "The branch must be main: got b",
  ],
  ["a tag that exists", (r) => r.git("tag", "v0.2.0"), ["0.2.0"], "Tag v0.2.0 exists"],
  ["an old version", () => Promise.resolve(), ["0.1.0"], "Version must be above 0.1.0"],
  ["no version", () => Promise.resolve(), [], "Usage: deno task release VERSION"],
  ["an unknown option", () => Promise.resolve(), ["0.2.0", "--force"], "Usage: "],
  ["only an option", () => Promise.resolve(), ["--dry-run", "--dry-run"], "Usage: "],
];

for (const [title, prepare, args, message] of REFUSALS) {
  testWith("git", `release: refuses ${title}`, async () => {
    await using repository = await Repository.create();
    await prepare(repository);
    const { code, text } = await repository.release(...args);
    assertEquals(code, args.length === 1 ? 1 : 2, text);
    assertStringIncludes(text, message);
  });
}

testWith("git", "release: changes nothing where a check fails", async () => {
  await using repository = await Repository.create("false");
  const { code, text } = await repository.release("0.2.0");
  assertEquals(code, 1);
  assertStringIncludes(text, "deno task ok failed");
  assertEquals((await repository.git("status", "--porcelain")).text, "");
  assertEquals((await repository.git("tag")).text, "");
});
