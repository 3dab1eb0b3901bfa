/**
 * Makes a release: checks the tree, the version and the changelog, runs all checks, then
 * commits and tags. To publish, push the tag: the workflow `publish.yml` does the rest.
 *
 * ```sh
 * deno task release 0.2.0 --dry-run
 * deno task release 0.2.0
 * git push --follow-tags
 * ```
 *
 * `--dry-run` makes the quick checks, shows the changes and the commands, and runs none of them.
 */
import { type Release, releaseOf } from "./changes.ts";

const USAGE = "Usage: deno task release VERSION [--dry-run]";
const PUSH = "git push --follow-tags";

interface Command {
  readonly program: string;
  readonly args: readonly string[];
}

/** Runs a command to its end and returns its output. */
async function output(program: string, ...args: string[]): Promise<string> {
  const command = new Deno.Command(program, { args, stderr: "inherit" });
  const { success, stdout } = await command.output();
  if (!success) throw new Error(`${program} ${args.join(" ")} failed`);
  return new TextDecoder().decode(stdout).trim();
}

/** Runs a command whose output is for the terminal. */
async function run({ program, args }: Command): Promise<void> {
  const command = new Deno.Command(program, {
    args: [...args],
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
  });
  const { success } = await command.spawn().status;
  if (!success) throw new Error(`${program} ${args.join(" ")} failed`);
}

async function checkTree(tag: string): Promise<void> {
  const changes = await output("git", "status", "--porcelain");
  if (changes !== "") throw new Error(`The tree must have no changes, commit them:\n${changes}`);
  const branch = await output("git", "branch", "--show-current");
  if (branch !== "main") throw new Error(`The branch must be main: got ${branch}`);
  const taken = await output("git", "tag", "--list", tag);
  if (taken !== "") throw new Error(`Tag ${tag} exists: choose another version`);
}

async function readFiles(): Promise<Release> {
  return {
    "deno.json": await Deno.readTextFile("deno.json"),
    "CHANGELOG.md": await Deno.readTextFile("CHANGELOG.md"),
  };
}

async function writeFiles(files: Release): Promise<void> {
  for (const [path, text] of Object.entries(files)) await Deno.writeTextFile(path, text);
}

/** What follows the changes, in order. */
function commandsOf(version: string, tag: string): Command[] {
  return [
    { program: "git", args: ["commit", "--all", "--message", `release: ${version}`] },
    { program: "git", args: ["tag", "--annotate", tag, "--message", `Version ${version}`] },
  ];
}

/** Shows the lines that change, as `diff` does. */
function show(before: Release, after: Release): void {
  for (const path of Object.keys(after) as (keyof Release)[]) {
    console.log(`--- ${path}`);
    const [old, changed] = [before[path], after[path]].map((text) => text.split("\n"));
    for (const line of old!.filter((line) => !changed!.includes(line))) console.log(`- ${line}`);
    for (const line of changed!.filter((line) => !old!.includes(line))) console.log(`+ ${line}`);
  }
}

async function release(version: string, isDryRun: boolean): Promise<void> {
  const tag = `v${version}`;
  const before = await readFiles();
  const after = releaseOf(version, new Date().toISOString().slice(0, 10), before);
  await checkTree(tag);
  const check: Command = { program: "deno", args: ["task", "ok"] };
  const commands = commandsOf(version, tag);
  show(before, after);
  for (const { program, args } of [check, ...commands]) console.log("$", program, ...args);
  if (isDryRun) return console.log(`Nothing was changed. To publish ${tag} after these: ${PUSH}`);
  await run(check);
  await writeFiles(after);
  for (const command of commands) await run(command);
  console.log(`Tagged ${tag}. To publish it: ${PUSH}`);
}

if (import.meta.main) {
  const isDryRun = Deno.args.includes("--dry-run");
  const [version, ...rest] = Deno.args.filter((arg) => arg !== "--dry-run");
  if (version === undefined || version.startsWith("-") || rest.length > 0) {
    console.error(USAGE);
    Deno.exit(2);
  }
  try {
    await release(version, isDryRun);
  } catch (error) {
    console.error((error as Error).message);
    Deno.exit(1);
  }
}
