/**
 * Each example on a terminal, by the command in its header: Deno asks for no permission, which
 * it does on a terminal only, and warns of nothing.
 */
import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { documented, exampleNames, EXAMPLES } from "./example_commands.ts";
import { launch, testWith, withCertificate, withFolder } from "./tools.ts";

/** What an example needs besides the arguments in its header. */
const ARGUMENTS: { readonly [name: string]: readonly string[] } = {
  "dashboard.ts": ["0", "0"],
  "https.ts": ["0", "0"],
  "reverse_proxy.ts": ["0", "http://127.0.0.1:1"],
  "unit_test.ts": [],
  "unix_socket.ts": ["hello.sock"],
};

/** The end of a terminal is SIGHUP, with which a cluster replaces its workers. */
const OUTLIVES_TERMINAL = ["cores.ts"];

/** How Deno prompts and warns. */
const COMPLAINT = /requests? .* (?:access|permission)|Allow\?|warn/i;

/** Runs a command on a terminal of its own. */
function onTerminal(command: readonly string[], folder: string) {
  const quoted = command.map((part) => `'${part}'`).join(" ");
  return launch("script", "-qefc", `cd '${folder}' && exec ${quoted}`, "/dev/null");
}

async function folderWithCertificate(
  use: (folder: string) => Promise<void>,
): Promise<void> {
  await withCertificate((cert, key) =>
    withFolder(async (folder) => {
      await Deno.copyFile(cert, `${folder}/cert.pem`);
      await Deno.copyFile(key, `${folder}/key.pem`);
      await use(folder);
    })
  );
}

for (const name of exampleNames()) {
  testWith(
    ["script", "util-linux"],
    `examples/${name}: no prompt and no warning on a terminal`,
    async () => {
      await folderWithCertificate(async (folder) => {
        const { flags } = documented(name);
        const args = ARGUMENTS[name] ?? ["0"];
        const path = fileURLToPath(new URL(name, EXAMPLES));
        // deno test looks for its configuration where it runs, deno run beside the program.
        const cwd = flags[0] === "test" ? fileURLToPath(new URL("..", EXAMPLES)) : folder;
        await using example = onTerminal([Deno.execPath(), ...flags, path, ...args], cwd);
        const [, origin] = await example.line(/Listening on (\S+)|\d+ passed/);
        // What only a request needs is asked for now.
        if (origin?.startsWith("http:")) {
          await (await fetch(origin, { redirect: "manual" })).body?.cancel();
        }
        const complaints = example.lines().filter((line) => COMPLAINT.test(line));
        assertEquals(complaints, []);
        assert(example.lines().length > 0);
        if (OUTLIVES_TERMINAL.includes(name)) {
          example.kill("SIGTERM");
          await example.status;
        }
      });
    },
  );
}

testWith(["script", "util-linux"], "examples: this test sees a prompt", async () => {
  await withFolder(async (folder) => {
    const path = fileURLToPath(new URL("hello_world.ts", EXAMPLES));
    await using example = onTerminal([Deno.execPath(), "run", path, "0"], folder);
    const [line] = await example.line(COMPLAINT);
    assert(line!.includes("net access"), line);
  });
});
