/** All tests of `tests/wire/` and those that they test as one script without imports. */
import { fileURLToPath } from "node:url";
const ROOT = new URL("../../", import.meta.url);

/** Tests of this platform: a module of Node's to compare with; a `Proxy` that counts reads, which other `Buffer`s refuse. */
const DENO_ONLY: ReadonlySet<string> = new Set(["status_test.ts", "linear_time_test.ts"]);

/** Returns the names of the test files that run on every platform. */
export function portableTests(): string[] {
  return [...Deno.readDirSync(new URL("tests/wire/", ROOT))]
    .map(({ name }) => name)
    .filter((name) => name.endsWith("_test.ts") && !DENO_ONLY.has(name))
    .sort();
}

/** The tests as a module; `end` is the code behind them, and has the summary as `summary`. */
function entry(end: string): string {
  const files = ["portable/collected.ts", ...portableTests().map((name) => `wire/${name}`)];
  const [collected, ...tests] = files.map((path) => JSON.stringify(new URL(`tests/${path}`, ROOT)));
  return [
    `import { runCollected } from ${collected};`,
    ...tests.map((test) => `import ${test};`),
    "const summary = await runCollected();",
    end,
  ].join("\n");
}

/** Prints a summary, and fails with it. */
const PRINT = `
for (const failure of summary.failures) console.error(failure);
console.log(summary.passed + " passed, " + summary.failures.length + " failed");
if (summary.failures.length > 0) globalThis.process.exitCode = 1;
`;

/** Hands a summary to the page. */
const SHOW = "globalThis.summary = summary;";

/** Bundles the tests into `folder`; returns the path of the script. */
export async function bundleTests(folder: string, place: "process" | "page"): Promise<string> {
  const main = `${folder}/main.ts`;
  const script = `${folder}/tests.mjs`;
  await Deno.writeTextFile(main, entry(place === "process" ? PRINT : SHOW));
  const config = `--config=${fileURLToPath(new URL("deno.json", ROOT))}`;
  const args = ["bundle", "--quiet", "--platform=browser", config, ...await resolution()];
  const command = new Deno.Command(Deno.execPath(), { args: [...args, `-o=${script}`, main] });
  const { code, stderr } = await command.output();
  if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
  return script;
}

/** The arguments that find `@std`. */
async function resolution(): Promise<string[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", fileURLToPath(new URL("tests/jsr_or_npm.ts", ROOT))],
  }).output();
  return new TextDecoder().decode(stdout).trim().split(" ")
    .map((arg) => arg.replace("=tests/", `=${fileURLToPath(new URL("tests/", ROOT))}`));
}
