/**
 * Runs the tests of the pure part against mutants of `src/wire/`, each in a tree of its own, up
 * to the first test that fails.
 */
import { fileURLToPath } from "node:url";
import { mutantsOf } from "./mutants.ts";
import type { Mutant } from "./mutants.ts";

const ROOT = new URL("../../", import.meta.url);
const WIRE = "src/wire/";

/** What has become of a mutant. */
export interface Outcome {
  readonly mutant: Mutant;
  /** The test that has failed, or the one that did not end; null if all have passed. */
  readonly killedBy: string | null;
}

/** A test that ends at all does so in a few seconds, even where many run beside it. */
const SILENCE_MS = 20_000;
/** A mutant that allocates for ever must not take the memory of the others. */
const MAX_DATA_KIB = 4_000_000;
/** Mutants of one process: the modules of each stay in its memory. */
const BATCH = 25;

/** Tests that are named for another file than the one they test first of all. */
const TESTS_OF: { readonly [file: string]: readonly string[] } = {
  "chunk_extension.ts": ["chunked_test.ts"],
  "request_head.ts": ["request_line_test.ts"],
  "request_framing.ts": ["request_framing_test.ts", "persistence_test.ts"],
  "message_framing.ts": ["request_framing_test.ts", "persistence_test.ts"],
  "response_head.ts": ["response_parser_test.ts"],
};

/** Tests that need a process of their own, because they change what the others have loaded. */
const APART = ["linear_time_test.ts"];
/** Tests of the pure part outside `tests/wire/`; the last ones, because they take longest. */
const BESIDES = ["tests/property_test.ts", "tests/grammar_test.ts", "tests/fuzz_test.ts"];

/** Returns the mutants of the files in `src/wire/`, or of those named. */
export function mutants(files: readonly string[]): Mutant[] {
  const names = files.length > 0 ? files : namesIn(WIRE).sort();
  return names.flatMap((file) =>
    mutantsOf(file, Deno.readTextFileSync(new URL(WIRE + file, ROOT)))
  );
}

function namesIn(directory: string): string[] {
  return [...Deno.readDirSync(new URL(directory, ROOT))].map(({ name }) => name);
}

/** Runs the tests against each mutant, `jobs` processes at a time; calls `onOutcome` for each. */
export async function runMutants(
  all: readonly Mutant[],
  jobs: number,
  onOutcome: (outcome: Outcome) => void,
): Promise<void> {
  const batches = batchesOf(all);
  const work = async () => {
    for (let batch = batches.shift(); batch !== undefined; batch = batches.shift()) {
      const killers = await killersOf(batch);
      batch.forEach((mutant, i) => onOutcome({ mutant, killedBy: killers[i]! }));
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
}

/** Batches of mutants of one file, whose own tests run first. */
function batchesOf(all: readonly Mutant[]): Mutant[][] {
  const batches: Mutant[][] = [];
  for (const mutant of all.toSorted((a, b) => a.file < b.file ? -1 : a.file > b.file ? 1 : 0)) {
    const last = batches.at(-1);
    if (last?.at(0)?.file === mutant.file && last.length < BATCH) last.push(mutant);
    else batches.push([mutant]);
  }
  return batches;
}

/** Returns for each mutant the title of the first test that fails; null if all pass. */
async function killersOf(batch: readonly Mutant[]): Promise<(string | null)[]> {
  const directory = Deno.makeTempDirSync({ prefix: "mutants" });
  try {
    const trees = batch.map((mutant, i) => plant(`${directory}/${i}`, mutant));
    const killers = await failures(trees, testsFor(batch[0]!.file));
    const left = trees.filter((_, i) => killers[i] === null);
    const apart = await failures(left, APART.map((name) => `tests/wire/${name}`));
    return killers.map((killer) => killer ?? apart.shift()!);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

/** Makes a tree of links, in which one file is a mutant. */
function plant(tree: string, { file, source }: Mutant): string {
  for (const part of ["src", "tests"]) link(fileURLToPath(new URL(part, ROOT)), `${tree}/${part}`);
  Deno.removeSync(`${tree}/${WIRE}${file}`);
  Deno.writeTextFileSync(`${tree}/${WIRE}${file}`, source);
  return tree;
}

function link(from: string, to: string): void {
  Deno.mkdirSync(to, { recursive: true });
  for (const { name, isDirectory } of Deno.readDirSync(from)) {
    if (isDirectory) link(`${from}/${name}`, `${to}/${name}`);
    else Deno.symlinkSync(`${from}/${name}`, `${to}/${name}`);
  }
}

/** Returns the first failure in each tree; a tree in which a test does not end is left for the next one. */
async function failures(
  trees: readonly string[],
  files: readonly string[],
): Promise<(string | null)[]> {
  const found: (string | null)[] = [];
  while (found.length < trees.length) {
    found.push(...await runOnce(trees.slice(found.length), files));
  }
  return found;
}

async function runOnce(
  trees: readonly string[],
  files: readonly string[],
): Promise<(string | null)[]> {
  const script = fileURLToPath(new URL("run_tests.ts", import.meta.url));
  const run = [Deno.execPath(), "run", "--allow-all", "--no-check", ...await IMPORT_MAP, script];
  // What a mutant runs is no coverage of the file that it is made of.
  const child = new Deno.Command("sh", {
    args: [
      "-c",
      `unset DENO_COVERAGE_DIR; ulimit -d ${MAX_DATA_KIB}; exec "$0" "$@"`,
      ...run,
      ...[...files, "--", ...trees],
    ],
    cwd: ROOT,
    env: { FUZZ_SEED: "1", NO_COLOR: "1" },
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const found: (string | null)[] = [];
  let last = "";
  for await (const line of linesOf(child)) {
    if (line.startsWith("@ ")) found.push(line.slice(2) || null);
    else if (line.startsWith("> ")) last = line.slice(2);
  }
  await child.status;
  return found.length < trees.length ? [...found, `${last} (did not end)`] : found;
}

/** Yields the lines that the child prints; kills it if it prints none for long. */
async function* linesOf(child: Deno.ChildProcess): AsyncGenerator<string> {
  const kill = () => child.kill("SIGKILL");
  let silence = setTimeout(kill, SILENCE_MS);
  let rest = "";
  for await (const piece of child.stdout.pipeThrough(new TextDecoderStream())) {
    clearTimeout(silence);
    silence = setTimeout(kill, SILENCE_MS);
    const lines = (rest + piece).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
  clearTimeout(silence);
}

const IMPORT_MAP = importMap();

async function importMap(): Promise<string[]> {
  const script = fileURLToPath(new URL("tests/jsr_or_npm.ts", ROOT));
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", script],
    cwd: ROOT,
  }).output();
  return new TextDecoder().decode(stdout).split(/\s+/).filter((option) => option !== "");
}

/** Returns all tests of the pure part, those named for `file` first: most mutants die at once. */
function testsFor(file: string): string[] {
  const own = TESTS_OF[file] ?? [file.replace(/\.ts$/, "_test.ts")];
  const all = namesIn("tests/wire/").filter((name) => /_test\.ts$/.test(name)).sort();
  const others = all.filter((name) => !own.includes(name) && !APART.includes(name));
  const wire = [...own.filter((name) => all.includes(name)), ...others];
  return [...wire.map((name) => `tests/wire/${name}`), ...BESIDES];
}
