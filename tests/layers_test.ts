/**
 * The folders of `src/` and their levels: imports go in one direction, no files import each
 * other in a circle, and `src/wire/` is pure. Read from the imports themselves, so that
 * the table cannot become a wish.
 */
import { assert, assertEquals } from "@std/assert";

/** A folder imports from itself and from lower levels; "" is `src/` itself, the vocabulary. */
const LEVELS: { readonly [folder: string]: number } = {
  "": 0,
  wire: 1,
  web: 2,
  net: 2,
  connection: 3,
  server: 4,
  cluster: 5,
  otel: 5,
  websocket: 5,
  testing: 5,
};

/** The libraries that the folder of an entry of its own may import. */
const LIBRARIES: { readonly [folder: string]: readonly string[] } = {
  otel: ["@opentelemetry/api"],
  websocket: ["ws"],
};

const SOURCE = new URL("../src/", import.meta.url);

async function filesBelow(directory: URL, prefix = ""): Promise<string[]> {
  const files: string[] = [];
  for await (const entry of Deno.readDir(directory)) {
    if (entry.isDirectory) {
      files.push(
        ...await filesBelow(new URL(`${entry.name}/`, directory), `${prefix}${entry.name}/`),
      );
    } else {
      files.push(prefix + entry.name);
    }
  }
  return files.sort();
}

/** The files of `src/` that `file` imports, types included. */
async function importsOf(file: string): Promise<string[]> {
  const url = new URL(file, SOURCE);
  // Examples in comments import the package as its users do.
  const text = (await Deno.readTextFile(url)).replace(/^ *\/\*\*[^]*?\*\/$/gm, "");
  return [...text.matchAll(/^(?:import|export)[^;]*? from "([^"]+)";$/gm)].map(([, specifier]) => {
    const isLibrary = LIBRARIES[folderOf(file)]?.includes(specifier!);
    assert(
      isLibrary || /^\.|^node:/.test(specifier!),
      `${file} imports ${specifier}: src/ imports nothing remote`,
    );
    return specifier!;
  }).filter((specifier) => specifier.startsWith("."))
    .map((specifier) => new URL(specifier, url).href.slice(SOURCE.href.length));
}

async function importGraph(): Promise<Map<string, string[]>> {
  const graph = new Map<string, string[]>();
  for (const file of await filesBelow(SOURCE)) graph.set(file, await importsOf(file));
  return graph;
}

function folderOf(file: string): string {
  return file.includes("/") ? file.slice(0, file.lastIndexOf("/")) : "";
}

/** A circle of imports that `from` is in or leads to; null where there is none. */
function circleFrom(
  from: string,
  graph: ReadonlyMap<string, string[]>,
  path: string[],
  done: Set<string>,
): string[] | null {
  if (path.includes(from)) return [...path.slice(path.indexOf(from)), from];
  if (done.has(from)) return null;
  for (const imported of graph.get(from) ?? []) {
    const circle = circleFrom(imported, graph, [...path, from], done);
    if (circle !== null) return circle;
  }
  done.add(from);
  return null;
}

Deno.test("layers: every folder has a level", async () => {
  const folders = new Set((await filesBelow(SOURCE)).map(folderOf));
  assertEquals([...folders].sort(), Object.keys(LEVELS).sort());
});

Deno.test("layers: a folder imports from itself and from lower levels", async () => {
  let imports = 0;
  for (const [file, imported] of await importGraph()) {
    for (const other of imported) {
      imports++;
      const [from, to] = [folderOf(file), folderOf(other)];
      assert(from === to || LEVELS[to]! < LEVELS[from]!, `${file} imports ${other}`);
    }
  }
  assert(imports > 100, `only ${imports} imports were found: is the pattern still right?`);
});

Deno.test("layers: the main entry and that for TLS load no library", async () => {
  const graph = await importGraph();
  for (const entry of ["mod.ts", "tls.ts"]) {
    const text = await Deno.readTextFile(new URL(`../${entry}`, SOURCE));
    const found = [...text.matchAll(/ from "\.\/src\/([^"]+)";/g)].map(([, file]) => file!);
    assert(found.length > 0);
    // A list grows while it is visited.
    for (const file of found) {
      assertEquals(LIBRARIES[folderOf(file)], undefined, `${entry} leads to ${file}`);
      found.push(...graph.get(file)!.filter((imported) => !found.includes(imported)));
    }
  }
});

Deno.test("layers: no files import each other in a circle", async () => {
  const graph = await importGraph();
  const done = new Set<string>();
  for (const file of graph.keys()) assertEquals(circleFrom(file, graph, [], done), null);
});

Deno.test("layers: a circle of imports is found", () => {
  const graph = new Map([["a", ["b"]], ["b", ["c"]], ["c", ["b"]]]);
  assertEquals(circleFrom("a", graph, [], new Set()), ["b", "c", "b"]);
});

Deno.test("layers: src/wire/ knows no socket, no promise and no clock", async () => {
  for (const file of (await filesBelow(SOURCE)).filter((file) => folderOf(file) === "wire")) {
    const text = await Deno.readTextFile(new URL(file, SOURCE));
    const code = text.replace(/\/\*[^]*?\*\/|\/\/.*$/gm, "");
    const impure =
      /\bDeno\.|\basync\b|\bawait\b|\bPromise\b|\bset(?:Timeout|Interval)\b|\bDate\b\.|\bperformance\b|\bconsole\b/
        .exec(code);
    assertEquals(impure?.[0], undefined, `${file} is not pure`);
  }
});
