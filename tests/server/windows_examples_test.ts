/** Examples that take this system for Windows: what they refuse there, and how they end. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { commandOf } from "./example_commands.ts";
import { launch, run, testWith, withFolder } from "./tools.ts";

const WINDOWS = `--preload=${fileURLToPath(new URL("../as_windows.ts", import.meta.url))}`;

/** The arguments of `deno` that run an example which takes this system for Windows. */
function windowsCommandOf(name: string, ...args: string[]): string[] {
  const [run, ...rest] = commandOf(name, ...args);
  return [run!, WINDOWS, ...rest];
}

/** Runs an example while `use` sends it requests. */
async function served(command: string[], use: (origin: string) => Promise<void>): Promise<void> {
  await using example = launch(Deno.execPath(), ...command);
  const [, port] = await example.line(/Listening on http:\/\/[^:]+:(\d+)\//);
  await use(`http://127.0.0.1:${port}`);
}

/** What Windows takes for a device, a stream, a pattern, or a second spelling of a name. */
const MORE_THAN_NAMES = [
  ...["a.txt::$DATA", "a.txt:b", "C:a.txt", ":a", "a.txt.", "a.txt ", "a.txt . ."],
  ...["NUL", "nul", "nul.txt", "Con .txt", "AUX.tar.gz", "prn", "COM1", "com¹.txt", "lpt9.log"],
  ...["conin$", "CONOUT$", "a?", "*.txt", "a<b", "a>b", 'a"b', "a|b"],
];

const NAMES = ["a.txt", "console.txt", "com.txt", "com10.txt", "null", "a b.txt", "aux-a", "ü.txt"];

testWith("Unix sockets", "examples/unix_socket.ts: says that Windows has no sockets", async () => {
  const { code, stderr } = await run(
    Deno.execPath(),
    ...windowsCommandOf("unix_socket.ts", "/absent/x"),
  );
  assertEquals(code, 1);
  assertStringIncludes(stderr, "NotSupported: Deno has no Unix sockets on Windows");
});

Deno.test("examples/cores.ts: says that Windows has no cluster", async () => {
  const { code, stderr } = await run(Deno.execPath(), ...windowsCommandOf("cores.ts", "0"));
  assertEquals(code, 1);
  assertStringIncludes(stderr, 'NotSupported: A cluster needs Linux: on "windows" the system');
});

for (
  const [name, ...args] of [
    ["hello_world.ts", "0"],
    ["health.ts", "0", "0"],
    ["graceful_shutdown.ts", "0"],
    ["multipart.ts", "0"],
    ["upload.ts", "0"],
  ] as const
) {
  testWith("signals", `examples/${name}: Ctrl+Break ends it on Windows`, async () => {
    await using example = launch(Deno.execPath(), ...windowsCommandOf(name, ...args));
    await example.line(/Listening on http:/);
    example.kill("SIGUSR2");
    const { code, signal } = await example.status;
    assertEquals([code, signal], [0, null]);
  });
}

/** Statuses of the responses to GET. */
async function statusesOf(origin: string, names: readonly string[]): Promise<unknown[]> {
  return await Promise.all(names.map(async (name) => {
    const response = await fetch(`${origin}/${encodeURIComponent(name)}`);
    await response.body?.cancel();
    return [name, response.status];
  }));
}

const all = (names: readonly string[], status: number) => names.map((name) => [name, status]);

testWith("free file names", "examples/static_files.ts: serves names only on Windows", async () => {
  await withFolder(async (parent) => {
    await Deno.mkdir(`${parent}/site`);
    for (const name of [...NAMES, ...MORE_THAN_NAMES]) {
      await Deno.writeTextFile(`${parent}/site/${name}`, "text");
      // Where the example looks that takes a backslash for the separator.
      await Deno.writeTextFile(`${parent}/site\\${name}`, "text");
    }
    const args = ["static_files.ts", "0", `${parent}/site`] as const;
    await served(windowsCommandOf(...args), async (origin) => {
      assertEquals(await statusesOf(origin, NAMES), all(NAMES, 200));
      assertEquals(await statusesOf(origin, MORE_THAN_NAMES), all(MORE_THAN_NAMES, 400));
    });
    await served(commandOf(...args), async (origin) => {
      assertEquals(await statusesOf(origin, MORE_THAN_NAMES), all(MORE_THAN_NAMES, 200));
    });
  });
});

/** An alias that Windows gives to a long name, such as that of an upload in progress. */
const ALIAS = "A1B2C3~1.PAR";

/** Stores a file by PUT. */
async function put(origin: string, name: string): Promise<number> {
  const url = `${origin}/files/${encodeURIComponent(name)}`;
  const response = await fetch(url, { method: "PUT", body: "text" });
  await response.body?.cancel();
  return response.status;
}

/** Stores a file with a form. */
async function post(origin: string, name: string): Promise<number> {
  const body = new FormData();
  body.set("file", new File(["text"], name));
  const response = await fetch(`${origin}/files`, { method: "POST", body });
  await response.body?.cancel();
  return response.status;
}

for (const [example, store] of [["upload.ts", put], ["multipart.ts", post]] as const) {
  testWith("free file names", `examples/${example}: stores names only on Windows`, async () => {
    // In a form a quotation mark is encoded.
    const refused = [...MORE_THAN_NAMES, ALIAS].filter((name) => !name.includes('"'));
    await withFolder(async (folder) => {
      await served(windowsCommandOf(example, "0", folder), async (origin) => {
        for (const name of NAMES) assertEquals(await store(origin, name), 201, name);
        for (const name of refused) assertEquals(await store(origin, name), 400, name);
      });
      const found = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
      assertEquals(found.sort(), NAMES.toSorted());
      await served(commandOf(example, "0", folder), async (origin) => {
        for (const name of refused) assertEquals(await store(origin, name), 201, name);
      });
    });
  });
}
