/**
 * The documentation of every public symbol, as `deno doc` and the pages of JSR show it.
 * `deno task test:docs` runs the examples; those that it cannot run are run here.
 */
import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { launch, run, testWith, withCertificate, withFolder } from "../server/tools.ts";
import { has } from "../systems.ts";
import { PACKAGE, specifierOf, userArgs, writeUserFolder } from "./user_program.ts";

const ROOT = new URL("../../", import.meta.url);

interface Tag {
  readonly kind: string;
  readonly name?: string;
  /** A default. */
  readonly value?: string;
  /** The type of an error. */
  readonly tsType?: Type;
  readonly doc?: string;
}

interface Doc {
  readonly doc?: string;
  readonly tags?: readonly Tag[];
}

interface Type {
  readonly repr: string;
  readonly value: { readonly typeParams?: readonly Type[] };
}

/** A parameter; its name is that on its left where it has a default, and it has none as a pattern. */
interface Param {
  readonly kind: string;
  readonly name?: string;
  readonly left?: Param;
}

interface Signature {
  readonly params: readonly Param[];
  readonly returnType?: Type;
}

interface Member extends Partial<Signature> {
  readonly name: string;
  readonly kind?: string;
  readonly accessibility?: string;
  readonly jsDoc?: Doc;
  readonly functionDef?: Signature;
}

interface Declaration {
  readonly kind: string;
  readonly jsDoc?: Doc;
  readonly def: Partial<Signature> & {
    readonly constructors?: readonly Member[];
    readonly methods?: readonly Member[];
    readonly properties?: readonly Member[];
  };
}

interface Entry {
  readonly module_doc?: Doc;
  readonly symbols: readonly {
    readonly name: string;
    readonly declarations: readonly Declaration[];
  }[];
}

/** A symbol where it is declared; an entry that exports it again has the same documentation. */
interface Documented {
  readonly name: string;
  readonly declaration: Declaration;
}

const { exports } = PACKAGE;

async function documentation(): Promise<Record<string, Entry>> {
  const files = Object.values(exports).map((path) => fileURLToPath(new URL(path, ROOT)));
  const { code, stdout, stderr } = await run(Deno.execPath(), "doc", "--json", ...files);
  assertEquals(code, 0, stderr);
  return JSON.parse(stdout).nodes;
}

const entries = Object.values(await documentation());

const symbols: readonly Documented[] = entries.flatMap(({ symbols }) =>
  symbols.flatMap(({ name, declarations }) =>
    declarations.filter(({ kind }) => kind !== "reference")
      .map((declaration) => ({ name, declaration }))
  )
);

/** What is called: functions, methods and constructors. Those of `Symbol.dispose` are the platform's. */
function callables(): (Signature & { readonly title: string; readonly doc: Doc })[] {
  return symbols.flatMap(({ name, declaration: { kind, jsDoc, def } }) => {
    if (kind === "function") return [{ title: name, doc: jsDoc!, ...def as Signature }];
    const { constructors = [], methods = [] } = def;
    return [...constructors, ...methods]
      .filter((member) => member.kind !== "getter" && member.kind !== "setter")
      .filter((member) => member.jsDoc !== undefined && !member.name.startsWith("["))
      .map((member) => {
        const { params = [], returnType } = member.functionDef ?? member;
        return { title: `${name}.${member.name}`, doc: member.jsDoc!, params, returnType };
      });
  });
}

function tagsOf(doc: Doc | undefined, kind: string): readonly Tag[] {
  return (doc?.tags ?? []).filter((tag) => tag.kind === kind);
}

function returnsNothing(type: Type | undefined): boolean {
  if (type === undefined || type.repr === "void") return true;
  return type.repr === "Promise" && type.value.typeParams?.[0]?.repr === "void";
}

interface Example {
  /** What it documents. */
  readonly symbol: string;
  /** What follows the opening fence. */
  readonly info: string;
  readonly text: string;
}

function examplesOf(symbol: string, doc: Doc | undefined): Example[] {
  return tagsOf(doc, "example").map(({ doc = "" }) => {
    const [, info, text] = /^```(.*)\n([^]*?)^```$/m.exec(doc) ?? [];
    assert(text !== undefined, `an example of ${symbol} has no code`);
    return { symbol, info: info!, text };
  });
}

/** The documentation of every symbol and member, with its title. */
const docs = symbols.flatMap(({ name, declaration: { jsDoc, def } }) => {
  const { constructors = [], methods = [], properties = [] } = def;
  const members = [...constructors, ...methods, ...properties]
    .map((member) => ({ title: `${name}.${member.name}`, doc: member.jsDoc }));
  return [{ title: name, doc: jsDoc }, ...members];
});

const examples = docs.flatMap(({ title, doc }) => examplesOf(title, doc));

const moduleExamples = entries.flatMap(({ module_doc }, i) =>
  examplesOf(specifierOf(Object.keys(exports)[i]!), module_doc)
);

Deno.test("deno doc: finds the symbols of every entry", () => {
  assertEquals(entries.length, Object.keys(exports).length);
  assert(symbols.length > 100, `only ${symbols.length} symbols were found`);
  assert(callables().length > 60, `only ${callables().length} functions were found`);
});

Deno.test("deno doc: every module, symbol and member has a sentence", () => {
  const missing = symbols.flatMap(({ name, declaration: { jsDoc, def } }) => {
    const { methods = [], properties = [] } = def;
    // A setter has the documentation of its getter.
    const members = [...methods, ...properties].filter(({ kind }) => kind !== "setter")
      .map((member) => ({ name: `${name}.${member.name}`, doc: member.jsDoc }));
    return [{ name, doc: jsDoc }, ...members].filter(({ doc }) => !/[.:]$/m.test(doc?.doc ?? ""))
      .map(({ name }) => name);
  });
  assertEquals(missing, []);
  for (const { module_doc } of entries) assert(module_doc?.doc !== undefined);
});

Deno.test("deno doc: every constructor that is shown has a sentence", () => {
  const missing = symbols.flatMap(({ name, declaration: { def } }) =>
    (def.constructors ?? []).filter(({ jsDoc }) => jsDoc === undefined).map(() => name)
  );
  assertEquals(missing, []);
});

Deno.test("deno doc: every default is shown whole: it ends at the first brace", () => {
  const defaults = docs.flatMap(({ title, doc }) =>
    tagsOf(doc, "default").map(({ value = "" }) => ({ title, value }))
  );
  assert(defaults.length > 50, `only ${defaults.length} defaults were found`);
  assertEquals(defaults.filter(({ value }) => value.includes("{")), []);
});

Deno.test("deno doc: every function has its parameters, and what it returns", () => {
  const missing = callables().flatMap(({ title, doc, params, returnType }) => {
    // A pattern has no name to compare: the tag gives it one.
    const names = params.map((param) => (param.left ?? param).name);
    const tags = tagsOf(doc, "param").map((tag) => tag.name);
    const isDescribed = names.length === tags.length &&
      names.every((name, i) => name === undefined || name === tags[i]);
    const returns = tagsOf(doc, "return").length;
    return [
      ...isDescribed ? [] : [`${title}: @param ${names.join(", ")}`],
      ...returns > 0 || returnsNothing(returnType) ? [] : [`${title}: @returns`],
    ];
  });
  assertEquals(missing, []);
});

Deno.test("deno doc: every symbol has an example that names it", () => {
  const missing = symbols.map(({ name }) => name).filter((name) =>
    !examples.some(({ symbol, text }) => symbol === name && new RegExp(`\\b${name}\\b`).test(text))
  );
  assertEquals(missing, []);
});

Deno.test("deno doc: every method of a class has an example", () => {
  const missing = symbols.filter(({ declaration }) => declaration.kind === "class")
    .flatMap(({ name, declaration: { def } }) =>
      (def.methods ?? []).filter((member) => member.kind === "method")
        // Those of `Symbol.dispose` are called by `using`.
        .filter((member) => !member.name.startsWith("["))
        .map((member) => ({ title: `${name}.${member.name}`, doc: member.jsDoc }))
    )
    .filter(({ title, doc }) => examplesOf(title, doc).length === 0)
    .map(({ title }) => title);
  assertEquals(missing, []);
});

Deno.test("deno doc: every module has an example that imports it", () => {
  const missing = Object.keys(exports).map(specifierOf).filter((specifier) =>
    !moduleExamples.some(({ symbol, text }) =>
      symbol === specifier && text.includes(`from "${specifier}";`)
    )
  );
  assertEquals(missing, []);
});

Deno.test("deno doc: every @throws has a type and a condition", () => {
  const thrown = docs.flatMap(({ title, doc }) =>
    tagsOf(doc, "throws").map((tag) => ({ title, ...tag }))
  );
  assert(thrown.length > 80, `only ${thrown.length} were found`);
  const vague = thrown.filter(({ tsType, doc }) =>
    tsType === undefined || !/\.\s*$/.test(doc ?? "")
  );
  assertEquals(vague.map(({ title, doc }) => `${title}: ${doc}`), []);
});

Deno.test("deno doc: what is as in the original names it: Nim's std/asynchttpserver", () => {
  const vague = docs.filter(({ doc }) => {
    const text = [doc?.doc, ...(doc?.tags ?? []).map((tag) => tag.doc)].join("\n");
    return /\bthe original\b/i.test(text) && !text.includes("asynchttpserver");
  });
  assertEquals(vague.map(({ title }) => title), []);
});

/** What the comments behind the calls of `console.log` promise, outside of loops and functions. */
function promised({ text }: Example): string[] {
  return [...text.matchAll(/^console\.log\([^]*?\);\s+\/\/ (.*)$/gm)].map(([, said]) => said!);
}

/** Whether each promise is printed, in order, between whatever else is; a colon adds a reason. */
function keeps(printed: readonly string[], promises: readonly string[]): boolean {
  let at = 0;
  return promises.every((promise) => {
    const found = printed.slice(at).findIndex((line) =>
      promise === line || promise.startsWith(`${line}: `)
    );
    at += found + 1;
    return found !== -1;
  });
}

/** Imports one file after another, and prints what each has printed. */
const COLLECTOR = `
const { log } = console;
const printed = [];
for (const file of Deno.args) {
  const lines = [];
  console.log = (...values) => {
    lines.push(values.map((value) => typeof value === "string" ? value : Deno.inspect(value)).join(" "));
  };
  await import(file);
  printed.push(lines);
}
log(JSON.stringify(printed));
`;

/** Replaces the time in the line of a log. */
function timeless(line: string): string {
  return line.replace(/\[\d\d\/\w{3}\/[\d: +]+\]/, "[time]");
}

/** Returns what an example says and does not print; null where it is right. */
function lie(example: Example, printed: readonly string[]): string | null {
  const lines = printed.flatMap((text) => text.trimEnd().split("\n")).map(timeless);
  const promises = promised(example).map(timeless);
  if (keeps(lines, promises)) return null;
  return `The example of ${example.symbol} prints ${Deno.inspect(lines)}, and says ${
    Deno.inspect(promises)
  }`;
}

Deno.test("deno doc: every example prints what it says", async () => {
  await withFolder(async (folder) => {
    const all = [...examples, ...moduleExamples].filter(({ info }) => info === "ts")
      .filter(runsHere);
    const files = all.map(({ text }, i) => [`${i}.ts`, `${text}export {};\n`]);
    await writeUserFolder(folder, { ...Object.fromEntries(files), "main.ts": COLLECTOR });
    const args = userArgs(folder, "main.ts", "--allow-all");
    const paths = files.map(([file]) => `${folder}/${file}`);
    const { code, stdout, stderr } = await run(Deno.execPath(), ...args, ...paths);
    assertEquals(code, 0, stderr);
    const printed: string[][] = JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
    const lies = all.map((example, i) => lie(example, printed[i]!));
    assertEquals(lies.filter((found) => found !== null), []);
  });
});

/** `deno test --doc` runs no program that needs a certificate, or whose workers run it again. */
function isLeftOut({ info }: Example): boolean {
  return info === "ts ignore";
}

/** What an example needs of the system; undefined if it runs everywhere. */
function needOf({ text }: Example): string | undefined {
  if (text.includes("/cluster")) return "reusePort";
  return text.includes("Deno.kill(") ? "signals" : undefined;
}

/** Whether the system has what an example needs; a message says so where it has not. */
function runsHere(example: Example): boolean {
  const need = needOf(example);
  if (need === undefined || has(need)) return true;
  console.log(`skipped, no ${need} on this machine: the example of ${example.symbol}`);
  return false;
}

function stepOf(example: Example, fn: () => Promise<void>): Deno.TestStepDefinition {
  return { name: example.symbol, ignore: !runsHere(example), fn };
}

/** Writes an example as a program, with the paths of a certificate. */
async function writeProgram(folder: string, text: string, cert: string, key: string) {
  const program = text.replace('"cert.pem"', JSON.stringify(cert))
    .replace('"key.pem"', JSON.stringify(key))
    .replace(/port: (?:443|8080)\b/, "port: 0");
  await writeUserFolder(folder, { "main.ts": program });
  const { code, stderr } = await run(
    Deno.execPath(),
    ...["check", "--no-lock", `--config=${folder}/deno.json`, `${folder}/main.ts`],
  );
  assertEquals(code, 0, stderr);
}

/** Writes each example as a program, and has it run: `args` are those of Deno. */
async function runLeftOut(
  t: Deno.TestContext,
  leftOut: readonly Example[],
  use: (example: Example, args: readonly string[]) => Promise<void>,
): Promise<void> {
  await withCertificate(async (cert, key) => {
    const folder = cert.slice(0, cert.lastIndexOf("/"));
    for (const example of leftOut) {
      await t.step(stepOf(example, async () => {
        await writeProgram(folder, example.text, cert, key);
        await use(example, userArgs(folder, "main.ts", "--allow-all"));
      }));
    }
  });
}

testWith("openssl", "deno doc: every example that test:docs leaves out is a program", async (t) => {
  const leftOut = examples.filter(isLeftOut);
  assert(leftOut.length > 10, `only ${leftOut.length} were found`);
  await runLeftOut(t, leftOut, async (example, args) => {
    const { code, stdout, stderr } = await run(Deno.execPath(), ...args);
    assertEquals(code, 0, stderr);
    assert(promised(example).length > 0);
    assertEquals(lie(example, [stdout]), null);
  });
});

testWith("openssl", "deno doc: every module example left out serves until a signal", async (t) => {
  const leftOut = moduleExamples.filter(isLeftOut);
  assertEquals(leftOut.map(({ symbol }) => symbol), ["./cluster", "./tls"].map(specifierOf));
  await runLeftOut(t, leftOut, async (_, args) => {
    await using program = launch(Deno.execPath(), ...args);
    await program.line(/^Listening on https?:\/\/localhost/);
    program.kill("SIGTERM");
    assertEquals((await program.status).code, 0);
  });
});
