/**
 * The entries, imported as a user does, and their pages, which name every option and every fault
 * that the code knows.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import type { ClusterOptions } from "@asynchttp/server/cluster";
import { faulty, record } from "@asynchttp/server/testing";
import type { PlannedFault, RecordOptions } from "@asynchttp/server/testing";
import { upgradeWebSocket } from "@asynchttp/server/websocket";
import { fileURLToPath } from "node:url";
import { resolveClusterOptions } from "../../src/cluster/options.ts";
import { run, testWith, withFolder } from "../server/tools.ts";
import { PACKAGE, specifierOf, userArgs, writeUserFolder } from "./user_program.ts";

function page(name: string): Promise<string> {
  return Deno.readTextFile(new URL(`../../docs/${name}`, import.meta.url));
}

/** The names that a check lists when it meets an unknown one. */
function knownNames(attempt: () => unknown): string[] {
  const { message } = assertThrows(attempt, TypeError, "known are ");
  return message.slice(message.indexOf("known are ") + "known are ".length).split(", ");
}

/** The names in the first words of the items of a list. */
function itemsOf(text: string): string[] {
  return [...text.matchAll(/^- `(\w+)`[ :]/gm)].map(([, name]) => name!);
}

Deno.test("docs/websocket.md: has every option of upgradeWebSocket", async () => {
  const request = new Request("http://localhost/");
  const names = knownNames(() => upgradeWebSocket(request, { x: 1 } as never));
  const [, section] = /^## Options\n([^]*?)^## /m.exec(await page("websocket.md"))!;
  // `protocol` is described with `protocols`.
  assertEquals([...itemsOf(section!), "protocol"].toSorted(), names.toSorted());
});

Deno.test("docs/cluster.md: has every option of cluster", async () => {
  const names = knownNames(() => resolveClusterOptions({ x: 1 } as unknown as ClusterOptions));
  const [, section] = /^## Options\n([^]*?)^## /m.exec(await page("cluster.md"))!;
  // `restartWindow` is described with `maxRestarts`.
  assertEquals([...itemsOf(section!), "restartWindow"].toSorted(), names.toSorted());
});

Deno.test("docs/testing.md: has every fault with its options", async () => {
  const { message } = assertThrows(() => faulty(() => {}, [{} as PlannedFault]), TypeError);
  const names = [...message.matchAll(/"([a-z-]+)"/g)].map(([, name]) => name!);
  assert(names.length > 5, message);
  const text = await page("testing.md");
  const documented = [...text.matchAll(/^- `\{ fault: "([a-z-]+)"(?:, (\w+))? \}`: /gm)];
  assertEquals(documented.map(([, name]) => name).toSorted(), names.toSorted());
  for (const [, fault, option] of documented) {
    const known = knownNames(() => faulty(() => {}, [{ fault, x: 1 } as unknown as PlannedFault]));
    const timing = ["fault", "probability", "burst", "times"];
    assertEquals(known.filter((name) => !timing.includes(name)), option ? [option] : []);
    for (const name of timing.slice(1)) assert(text.includes(`\n- \`${name}\` (`), name);
  }
});

Deno.test("docs/testing.md: has the options of record", async () => {
  const names = knownNames(() => record(fetch, { x: 1 } as RecordOptions));
  const text = await page("testing.md");
  for (const name of names) assert(text.includes(`\`${name}\``), name);
});

/** A program that needs an entry, and what it may. */
interface Use {
  readonly program: string;
  readonly flags?: readonly string[];
  readonly prints: string;
  /** What it needs of the system. */
  readonly needs?: string;
}

const CLIENT = `
console.log(await (await fetch(\`http://127.0.0.1:\${server.getPort()}/\`)).text());
server.close();
await serving;
`;

const USES: { readonly [entry: string]: Use } = {
  ".": {
    program: `
import { AsyncHttpServer } from "@asynchttp/server";
await using server = new AsyncHttpServer();
const serving = server.serve(0, (request) => request.respond(200, "served"), {
  address: "127.0.0.1",
});
${CLIENT}`,
    flags: ["--no-npm", "--allow-net=127.0.0.1"],
    prints: "served",
  },
  "./cluster": {
    program: `
import { AsyncHttpServer } from "@asynchttp/server";
import { cluster } from "@asynchttp/server/cluster";
await using workers = await cluster({
  workers: 1,
  flags: ["--allow-net=127.0.0.1"],
  main({ port }) {
    const server = new AsyncHttpServer({ reusePort: true });
    server.serve(port, (request) => request.respond(200), { address: "127.0.0.1" });
    return server;
  },
});
console.log(workers.stats().workers[0]!.state);
`,
    flags: ["--no-npm", `--allow-run=${Deno.execPath()}`],
    prints: "listening",
    needs: "reusePort",
  },
  "./otel": {
    program: `
import { openTelemetry } from "@asynchttp/server/otel";
import { serveInMemory } from "@asynchttp/server/testing";
const { traced, onResponse } = openTelemetry();
await using server = serveInMemory(traced((request) => request.respond(200)), { onResponse });
console.log((await server.fetch("/")).status);
`,
    prints: "200",
  },
  "./testing": {
    program: `
import { serveInMemory } from "@asynchttp/server/testing";
await using server = serveInMemory((request) => request.respond(200, "in memory"));
console.log(await (await server.fetch("/")).text());
`,
    flags: ["--no-npm"],
    prints: "in memory",
  },
  "./tls": {
    program: `
import { tlsListener } from "@asynchttp/server/tls";
using listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
try {
  tlsListener(listener, { cert: "", key: "" });
} catch (error) {
  console.log((error as Error).message);
}
`,
    flags: ["--no-npm", "--allow-net=127.0.0.1"],
    prints: "Options cert and key must be a certificate and its key in PEM",
  },
  "./websocket": {
    program: `
import { AsyncHttpServer, fetchHandler } from "@asynchttp/server";
import { upgradeWebSocket } from "@asynchttp/server/websocket";
await using server = new AsyncHttpServer();
const handler = fetchHandler((request) => upgradeWebSocket(request).response);
const serving = server.serve(0, handler, { address: "127.0.0.1" });
${CLIENT}`,
    flags: ["--allow-net=127.0.0.1", "--allow-env=WS_NO_BUFFER_UTIL,WS_NO_UTF_8_VALIDATE"],
    prints: "This is a WebSocket endpoint",
  },
  "./wire": {
    program: `
import { RequestParser } from "@asynchttp/server/wire";
const parser = new RequestParser();
parser.input.push(new TextEncoder().encode("GET /a HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"));
const head = parser.next();
if (head.type === "head") console.log(head.target);
`,
    flags: ["--no-npm"],
    prints: "/a",
  },
};

Deno.test("exports: there is a program for each entry", () => {
  assertEquals(Object.keys(USES), Object.keys(PACKAGE.exports));
});

// The flags allow nothing that the entry does not need; `--no-remote` and `--no-npm` prove that
// an entry loads the files of this package alone.
for (const [entry, { program, flags = [], prints, needs = [] }] of Object.entries(USES)) {
  testWith(
    needs,
    `exports: a user imports ${specifierOf(entry)}`,
    () =>
      withFolder(async (folder) => {
        await writeUserFolder(folder, { "main.ts": program });
        const args = userArgs(folder, "main.ts", "--check", "--no-remote", ...flags);
        const { code, stdout, stderr } = await run(Deno.execPath(), ...args);
        assertEquals(code, 0, stderr);
        assertEquals(stdout.trimEnd(), prints);
      }),
  );
}

Deno.test("CONTRIBUTING.md: its configuration runs the clone", async () => {
  const text = await Deno.readTextFile(new URL("../../CONTRIBUTING.md", import.meta.url));
  const [, config] = /^```text\n(\{\n {2}"imports"[^]*?)^```$/m.exec(text)!;
  await withFolder(async (folder) => {
    await writeUserFolder(folder, {
      "a.ts": `import "${PACKAGE.name}/testing";console.log("ok");`,
    });
    const root = fileURLToPath(new URL("../../", import.meta.url));
    assert(config!.includes('"../server"'), config);
    await Deno.writeTextFile(`${folder}/deno.json`, config!.replace("../server", root));
    const { stdout, stderr } = await run(Deno.execPath(), ...userArgs(folder, "a.ts"));
    assertEquals(stdout, "ok\n", stderr);
  });
});
