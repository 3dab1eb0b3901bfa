/**
 * README.md and docs/ against the code: what they list is what there is, their links lead
 * somewhere, and their shell commands work. `deno task test:docs` runs their programs.
 */
import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { AsyncHttpServer, RequestParseStream, streaming } from "@asynchttp/server";
import type { AsyncHttpServerOptions, Handler } from "@asynchttp/server";
import { fileURLToPath } from "node:url";
import { BodyMemory } from "../src/connection/body_memory.ts";
import { DEFAULT_LIMITS, DEFAULT_TIMEOUTS } from "../src/limits.ts";
import { resolveOptions } from "../src/server/options.ts";
import { NOW, settle, start } from "./connection/harness.ts";
import type { Run } from "./connection/harness.ts";
import { EOF, STALL } from "./connection/scripted_conn.ts";
import type { Step } from "./connection/scripted_conn.ts";
import { userArgs, writeUserFolder } from "./docs/user_program.ts";
import { GET } from "./fixtures.ts";
import { curl, launch, testWith, withCertificate, withFolder } from "./server/tools.ts";
import type { Running } from "./server/tools.ts";

const ROOT = new URL("../", import.meta.url);
const MAX_README_BYTES = 7000;

function read(path: string): Promise<string> {
  return Deno.readTextFile(new URL(path, ROOT));
}

/** The files in a folder and below it, by their paths from the root. */
async function filesBelow(folder: string): Promise<string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(new URL(folder, ROOT))) {
    if (isDirectory) files.push(...await filesBelow(`${folder}${name}/`));
    else files.push(folder + name);
  }
  return files.sort();
}

async function pages(): Promise<string[]> {
  const docs = (await filesBelow("docs/")).filter((path) => path.endsWith(".md"));
  return ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", ...docs];
}

interface Block {
  readonly page: string;
  /** What follows the opening fence. */
  readonly info: string;
  readonly text: string;
}

async function codeBlocks(): Promise<Block[]> {
  const blocks: Block[] = [];
  for (const page of await pages()) {
    for (const [, info, text] of (await read(page)).matchAll(/^```(.*)\n([^]*?)^```$/gm)) {
      blocks.push({ page, info: info!, text: text! });
    }
  }
  return blocks;
}

/** The text of a page without its code blocks. */
async function proseOf(page: string): Promise<string> {
  return (await read(page)).replace(/^```.*\n[^]*?^```$/gm, "");
}

/** The cells of the rows of a Markdown table whose first cell matches. */
function rowsOf(text: string, first: RegExp): string[][] {
  return text.split("\n")
    .filter((line) => line.startsWith("|"))
    .map((line) => line.slice(1, -1).split("|").map((cell) => cell.trim()))
    .filter(([cell]) => first.test(cell!));
}

Deno.test(`README.md has at most ${MAX_README_BYTES} bytes`, async () => {
  const { size } = await Deno.stat(new URL("README.md", ROOT));
  assert(size <= MAX_README_BYTES, `${size} bytes`);
});

/** The anchors that GitHub gives to the headings of a page. */
async function anchorsOf(page: string): Promise<Set<string>> {
  const headings = [...(await proseOf(page)).matchAll(/^#+ (.+)$/gm)];
  return new Set(
    headings.map(([, heading]) =>
      heading!.toLowerCase().replace(/[^\p{L}\p{N}\p{M}_ -]/gu, "").replaceAll(" ", "-")
    ),
  );
}

Deno.test("docs: relative links lead to files and headings", async () => {
  let links = 0;
  for (const page of await pages()) {
    for (const [, link] of (await proseOf(page)).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(link!)) continue;
      links++;
      const [path, anchor] = link!.split("#");
      const url = path === "" ? new URL(page, ROOT) : new URL(path!, new URL(page, ROOT));
      const found = await Deno.stat(url).catch(() => null);
      assertNotEquals(found, null, `${page} links to ${link}`);
      if (anchor === undefined) continue;
      const anchors = await anchorsOf(url.href.slice(ROOT.href.length));
      assert(anchors.has(anchor), `${page} links to ${link}: no such heading`);
    }
  }
  assert(links > 50, `only ${links} links were found: is the pattern still right?`);
});

/** Pages whose programs `deno task test:docs` runs. */
const RUN_PAGES = /^(?:README\.md|docs\/.*)$/;

/** What the programs print that serve for ever, or need a certificate; the tests below launch these. */
const LAUNCHED = [
  "Listening on http://",
  "Listening on https://",
  '"Descriptors:"',
  '"Behind a proxy:"',
];

Deno.test("docs: every program is run", async () => {
  const { tasks } = JSON.parse(await read("deno.json"));
  assert(tasks["test:docs"].command.endsWith(" README.md docs"));
  for (const { page, info, text } of await codeBlocks()) {
    assert(["ts", "ts ignore", "sh", "text"].includes(info), `${page} has a block of "${info}"`);
    // Programs of Nim and Node are texts here; tests/docs/migration_test.ts runs them.
    if (!info.startsWith("ts")) continue;
    assert(RUN_PAGES.test(page), `${page}: nothing runs its programs`);
    const isLaunched = LAUNCHED.some((line) => text.includes(line));
    assertEquals(info === "ts ignore", isLaunched, `${page}: nothing runs\n${text}`);
  }
});

/** Launches the program that prints `line`, edited, in a folder with the configuration of a user. */
async function launchProgram(
  folder: string,
  line: string,
  edits: { readonly [from: string]: string },
  ...permissions: string[]
): Promise<Running> {
  let program = (await codeBlocks()).find(({ text }) => text.includes(line))!.text;
  for (const [from, to] of Object.entries(edits)) {
    assert(program.includes(from), `the program lacks ${from}`);
    program = program.replace(from, to);
  }
  await writeUserFolder(folder, { "server.ts": program });
  return launch(Deno.execPath(), ...userArgs(folder, "server.ts", ...permissions));
}

Deno.test("README.md: its first program serves", async () => {
  await withFolder(async (folder) => {
    const edits = { "serve(8080,": "serve(0," };
    await using server = await launchProgram(folder, LAUNCHED[0]!, edits, "--allow-net");
    const [, port] = await server.line(/^Listening on http:\/\/127\.0\.0\.1:(\d+)\/$/);
    const [found, missing] = await Promise.all(["/", "/x"].map(async (path) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      return [response.status, await response.text()];
    }));
    assertEquals(found, [200, "Hello, World!\n"]);
    assertEquals(missing, [404, "Not found\n"]);
  });
});

testWith("reusePort", "docs/cluster.md: its program serves on two cores", async () => {
  await withFolder(async (folder) => {
    const edits = { "port: 8080,": "port: 0,\n  workers: 2," };
    const permission = `--allow-run=${Deno.execPath()}`;
    await using server = await launchProgram(
      folder,
      "main({ number, port, stats })",
      edits,
      permission,
    );
    const [, port] = await server.line(/^Listening on http:\/\/localhost:(\d+)\/$/);
    const [hello, metrics] = await Promise.all(["/", "/metrics"].map(async (path) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      return await response.text();
    }));
    assert(/^Hello from worker [12]\n$/.test(hello!), hello);
    assert(/^requests [12]\nrestarts 0\n$/.test(metrics!), metrics);
  });
});

testWith("openssl", "docs/operations.md: its program serves over TLS", async () => {
  await withCertificate(async (cert, key) => {
    const folder = cert.slice(0, cert.lastIndexOf("/"));
    const edits = {
      "port: 8443": "port: 0",
      '"cert.pem"': JSON.stringify(cert),
      '"key.pem"': JSON.stringify(key),
    };
    const permissions = ["--allow-net", `--allow-read=${folder}`];
    await using server = await launchProgram(folder, LAUNCHED[1]!, edits, ...permissions);
    const [, port] = await server.line(/^Listening on https:\/\/localhost:(\d+)\/$/);
    using client = Deno.createHttpClient({ caCerts: [await Deno.readTextFile(cert)] });
    const response = await fetch(`https://127.0.0.1:${port}/`, { client });
    assertEquals(await response.text(), "Hello, TLS!\n");
  });
});

testWith(
  ["openssl", "/proc"],
  "docs/operations.md: Deno.listenTls keeps a socket that it was told to close",
  async () => {
    await withCertificate(async (cert, key) => {
      const folder = cert.slice(0, cert.lastIndexOf("/"));
      const edits = {
        '"cert.pem"': JSON.stringify(cert),
        '"key.pem"': JSON.stringify(key),
        "60_000": "1000",
      };
      await using program = await launchProgram(folder, LAUNCHED[2]!, edits, "--allow-all");
      const [, closed] = await program.line(/^Descriptors: (\d+)$/);
      const [, gone] = await program.line(/^Then: (\d+)$/);
      // With a Deno that mends it this is 1, and the page has to say so.
      assertEquals(Number(closed) - Number(gone), 2);
    });
  },
);

testWith(
  "openssl",
  "docs/proxy.md: its program reads the header before the handshake",
  async () => {
    await withCertificate(async (cert, key) => {
      const folder = cert.slice(0, cert.lastIndexOf("/"));
      const edits = {
        "port: 8443": 'port: 0, hostname: "127.0.0.1"',
        '"cert.pem"': JSON.stringify(cert),
        '"key.pem"': JSON.stringify(key),
      };
      const permissions = ["--allow-net", `--allow-read=${folder}`];
      await using server = await launchProgram(folder, LAUNCHED[3]!, edits, ...permissions);
      const [, port] = await server.line(/^Behind a proxy: https:\/\/localhost:(\d+)\/$/);
      const url = `https://127.0.0.1:${port}/`;
      const output = await curl("--haproxy-protocol", "--cacert", cert, url);
      assert(output.endsWith("\r\n\r\n127.0.0.1\n"), output);
    });
  },
);

/** Runs an example of this checkout on a free port, until it has answered. */
async function answers(args: readonly string[]): Promise<void> {
  const paths = args.map((arg) =>
    arg.startsWith("examples/") ? fileURLToPath(new URL(arg, ROOT)) : arg
  );
  await using example = launch(Deno.execPath(), ...paths, "0");
  const [, port] = await example.line(/Listening on http:\/\/[^:]+:(\d+)\//);
  const response = await fetch(`http://127.0.0.1:${port}/`);
  assert(response.ok, `status ${response.status}`);
  await response.body?.cancel();
}

/**
 * Runs one line of a shell block. Three kinds are only looked up: a task would run this test
 * again, `deno add` needs a registry that has this version, and npx downloads a Deno, which
 * `.ci/run` does, too, so that the version is known to exist.
 */
async function tryCommand(command: string): Promise<void> {
  const { name, tasks } = JSON.parse(await read("deno.json"));
  const [program, ...args] = command.replace(/\s+#.*$/, "").split(/\s+/);
  if (program === "npx") {
    const [, version] = /^DENO_VERSION=(.+)$/m.exec(await read(".ci/run"))!;
    assertEquals(args.slice(0, 2), ["-y", `deno@${version}`]);
    return await tryCommand(["deno", ...args.slice(2)].join(" "));
  }
  assertEquals(program, "deno");
  switch (args[0]) {
    case "add":
      return assertEquals(args, ["add", `jsr:${name}`]);
    case "task":
      return assert(args[1]! in tasks, `there is no task ${args[1]}`);
    case "test":
      assertEquals(args.slice(1, -1).join(" "), "-A $(deno run -A tests/jsr_or_npm.ts)");
      return void await Deno.stat(new URL(args.at(-1)!, ROOT));
    case "run":
      // The test above runs the README's own program.
      return args.at(-1) === "server.ts" ? undefined : await answers(args);
    default:
      throw new Error("This test does not know such commands");
  }
}

Deno.test("docs: every shell command works", async (t) => {
  const blocks = (await codeBlocks()).filter(({ info }) => info === "sh");
  const commands = new Set(
    blocks.flatMap(({ text }) => text.trim().split("\n").filter((line) => line.trim() !== "")),
  );
  for (const command of commands) await t.step(command, () => tryCommand(command));
  for (const program of ["deno run --allow-net examples/hello_world.ts", "deno task test"]) {
    assert(commands.has(program), `README.md must name the command ${program}`);
  }
});

const VERSION_HEADING = /^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d$/gm;

Deno.test("CHANGELOG.md has what is unreleased and the version of deno.json", async () => {
  const { version } = JSON.parse(await read("deno.json"));
  const text = await read("CHANGELOG.md");
  assert(/^## \[Unreleased\]$/m.test(text));
  assertEquals(text.matchAll(VERSION_HEADING).next().value?.[1], version);
});

// docs/protocol.md; tests/docs/protocol_test.ts holds its defaults and its hardening list

/** How each code comes about: what the client sends, the options, the handler. */
interface Refusal {
  readonly sent: readonly Step[];
  readonly options?: AsyncHttpServerOptions;
  readonly handler?: Handler;
  readonly bodyMemory?: BodyMemory;
  /** After how many milliseconds. */
  readonly ms?: number;
}

function head(...lines: string[]): Refusal {
  return { sent: [`${lines.join("\r\n")}\r\n\r\n`] };
}

function field(line: string): Refusal {
  return head("GET / HTTP/1.1", "Host: x", line);
}

function chunks(bytes: string, options: AsyncHttpServerOptions = {}): Refusal {
  const sent = [`PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${bytes}`];
  return { sent, options };
}

/** The memory of a server whose bodies have used it up. */
function fullMemory(): BodyMemory {
  const memory = new BodyMemory(0);
  memory.take({ bytes: 0 }, 1);
  return memory;
}

const SHORT_LINES = { limits: { line: 40 } };

const REFUSALS: { readonly [code: string]: Refusal } = {
  "request-line-too-long": { ...head(`GET /${"x".repeat(40)} HTTP/1.1`), options: SHORT_LINES },
  "method-too-long": { ...head(`${"M".repeat(41)} / HTTP/1.1`), options: SHORT_LINES },
  "field-line-too-long": { ...field(`A: ${"x".repeat(40)}`), options: SHORT_LINES },
  "too-many-fields": { ...field("A: b"), options: { limits: { headers: 1 } } },
  "head-too-large": { ...field("A: b"), options: { limits: { head: 30 } } },
  "bad-line-ending": head("GET / HTTP/1.1\nHost: x"),
  "bad-character": field("A: \x01"),
  "bad-request-line": head("GET  / HTTP/1.1"),
  "bad-target": head("GET x HTTP/1.1"),
  "bad-field": field("A : b"),
  "bad-host": head("GET / HTTP/1.1"),
  "bad-forwarded": {
    ...field("Forwarded: for"),
    options: { forwarded: { from: ["192.0.2.1"], header: "forwarded" } },
  },
  "bad-proxy-header": {
    ...head("GET / HTTP/1.1", "Host: x"),
    options: { proxyProtocol: { from: ["192.0.2.1"] } },
  },
  "unsupported-version": head("GET / HTTP/2.0"),
  "bad-content-length": field("Content-Length: +3"),
  "bad-transfer-encoding": field("Transfer-Encoding: chunked, chunked"),
  "unsupported-transfer-coding": field("Transfer-Encoding: gzip, chunked"),
  "length-required": head("POST / HTTP/1.1", "Host: x"),
  "expectation-failed": field("Expect: a"),
  "body-too-large": { ...field("Content-Length: 3"), options: { maxBody: 2 } },
  "no-body-memory": {
    sent: ["PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", STALL],
    bodyMemory: fullMemory(),
    ms: 30_000,
  },
  "bad-chunk": chunks("x"),
  "chunk-line-too-long": chunks("1;abc\r\n", { limits: { chunkLine: 2 } }),
  "chunk-extensions-too-large": chunks("1;abc\r\n", { limits: { chunkExtensions: 2 } }),
  "trailers-too-large": chunks("0\r\nA: b\r\n\r\n", { limits: { trailerFields: 0 } }),
  "incomplete-message": { sent: ["GET / HT", EOF] },
  "head-timeout": { sent: ["GET / HT", STALL], ms: 30_000 },
  "bad-json": {
    sent: ["PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n{"],
    handler: async (request) => void await request.json(),
  },
  "bad-form": {
    sent: ["PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na"],
    handler: async (request) => void await request.formData(),
  },
  "body-timeout": {
    sent: ["PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na", STALL],
    ms: 30_000,
  },
  "handler-timeout": {
    sent: [GET, STALL],
    options: { timeouts: { handler: 1000 } },
    handler: () => new Promise(() => {}),
    ms: 1000,
  },
  "handler-failed": {
    sent: [GET],
    handler: () => {
      throw new Error("a mistake of the handler");
    },
  },
  "not-answered": { sent: [GET], handler: streaming(() => {}) },
};

/** Lets `ms` pass, and then the lingering close. */
async function runTo(ms: number, run: Run): Promise<void> {
  await settle();
  run.clock.tick(NOW + ms);
  await settle();
  run.clock.tick(NOW + ms + 60_000);
  await run.done;
}

/** The status with which a code is refused; "none" where the request is served. */
async function statusOf(code: string, profile: "original" | "rfc"): Promise<string> {
  const { sent, handler = (request) => request.respond(200), bodyMemory, ms } = REFUSALS[code]!;
  const options = { ...REFUSALS[code]!.options, profile };
  const run = start(sent, handler, options, {}, undefined, bodyMemory);
  await (ms === undefined ? run.done : runTo(ms, run));
  const rejections = Object.keys(run.counters.rejections);
  if (rejections.length === 0) return "none";
  assertEquals(rejections, [code]);
  return /^HTTP\/1\.1 (\d{3}) /.exec(run.conn.output)![1]!;
}

Deno.test("docs/protocol.md: has every reject code, with the statuses of both profiles", async () => {
  const [, union] = /export type RejectCode =([^]+?);/.exec(await read("src/errors.ts"))!;
  const codes = [...union!.matchAll(/\| "([^"]+)"/g)].map(([, code]) => code!);
  assert(codes.length > 20, `only ${codes.length} codes were found: is the pattern still right?`);
  const rows = rowsOf(await read("docs/protocol.md"), /^`[a-z-]+`$/);
  assertEquals(rows.map(([code]) => code!.slice(1, -1)), codes);
  for (const [cell, original, rfc] of rows) {
    const code = cell!.slice(1, -1);
    assert(code in REFUSALS, `this test does not know how ${code} comes about`);
    assertEquals([await statusOf(code, "original"), await statusOf(code, "rfc")], [original, rfc]);
  }
});

// docs/configuration.md

/** The names that a check of options lists when it meets an unknown one. */
function knownNames(construct: () => unknown): string[] {
  const { message } = assertThrows(construct, TypeError, "known are ");
  return message.slice(message.indexOf("known are ") + "known are ".length).split(", ");
}

/** The names and defaults of all options. */
function options(): [name: string, value: unknown][] {
  const unknown = { x: 1 } as AsyncHttpServerOptions;
  const names = knownNames(() => resolveOptions(unknown));
  const resolved: { [name: string]: unknown } = { ...resolveOptions(), reuseAddr: true };
  return [
    ...names.filter((name) => name !== "limits" && name !== "timeouts")
      .map((name): [string, unknown] => [name, resolved[name]]),
    ...Object.entries(DEFAULT_LIMITS).map(([name, value]): [string, unknown] => [
      `limits.${name}`,
      value,
    ]),
    ...Object.entries(DEFAULT_TIMEOUTS).map(([name, value]): [string, unknown] => [
      `timeouts.${name}`,
      value,
    ]),
  ];
}

/** A default as the page writes it. */
function written(name: string, value: unknown): string {
  if (name === "onError") return "`console.error`";
  return value === undefined ? "none" : `\`${JSON.stringify(value) ?? value}\``;
}

/** JSON has no Infinity. */
function defaultOf(name: string, value: unknown): string {
  return value === Infinity ? "`Infinity`" : written(name, value);
}

Deno.test("docs/configuration.md: has every option with its default", async () => {
  const page = await read("docs/configuration.md");
  const sections = [...page.matchAll(/^### `(\S+)`\n\n([^]*?)(?=^##|$(?![^]))/gm)];
  const documented = sections.map(([, name, text]) => {
    const found = /Default:\s+(none|`[^`]+`)/.exec(text!);
    assert(found !== null, `${name} has no default`);
    return `${name}: ${found[1]}`;
  });
  const actual = options().map(([name, value]) => `${name}: ${defaultOf(name, value)}`);
  assertEquals(documented.toSorted(), actual.toSorted());
});

Deno.test("docs/configuration.md: has the options of listen, shutdown and RequestParseStream", async () => {
  const server = new AsyncHttpServer();
  const unknown = { x: 1 };
  const names = new Set([
    ...knownNames(() => server.listen(0, unknown as never)),
    ...knownNames(() => new RequestParseStream(unknown as never)),
    ...["assumedDescriptorsPerRequest", "signal", "grace", "idle"],
  ]);
  const page = await read("docs/configuration.md");
  for (const name of names) assert(page.includes(name), `${name} is missing`);
});

// docs/architecture.md

Deno.test("docs/architecture.md: names every file of src/, and no other", async () => {
  const page = await read("docs/architecture.md");
  const named: string[] = [];
  for (const [, folder, text] of page.matchAll(/^### `(src\/\S*)`\n([^]*?)(?=^##)/gm)) {
    for (const [, name] of text!.matchAll(/^- `(\w+\.ts)`: /gm)) named.push(folder! + name);
  }
  assertEquals(named.toSorted(), await filesBelow("src/"));
});

/** The states of each table of transitions in `src/`, by its file. */
async function stateTables(): Promise<Map<string, string[]>> {
  const tables = new Map<string, string[]>();
  for (const file of await filesBelow("src/")) {
    const source = await read(file);
    for (const [, body] of source.matchAll(/: Transitions<.+> = \{\n([^]*?)\n\};/g)) {
      assert(!tables.has(file), `${file} has two tables`);
      tables.set(file, [...body!.matchAll(/^ {2}(\w+): \[/gm)].map(([, state]) => state!));
    }
  }
  return tables;
}

Deno.test("docs/architecture.md: has the states of every table of transitions", async () => {
  const page = await read("docs/architecture.md");
  const sections = page.slice(page.indexOf("## The states")).split(/^### /m).slice(1);
  const tables = await stateTables();
  assert(tables.size > 3, `only ${tables.size} tables were found: is the pattern still right?`);
  for (const [file, states] of tables) {
    const section = sections.find((text) => {
      const [, named] = /^`(\S+\.ts)`/m.exec(text)!;
      return file.endsWith(`/${named}`);
    });
    assert(section !== undefined, `no section begins with the name of ${file}`);
    const named = [...section.matchAll(/^- `(\w+)`: /gm)].map(([, state]) => state!);
    assertEquals(named, states, file);
    const [, picture] = /^```text\n([^]*?)^```$/m.exec(section)!;
    for (const state of states) assert(picture!.includes(state), `${file}: no ${state} drawn`);
  }
});
