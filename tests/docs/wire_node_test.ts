/** The program for Node in `docs/wire.md` serves, and refuses. */
import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { soon } from "../fixtures.ts";
import { launch, run, testWith, withFolder, writeText } from "../server/tools.ts";
import type { Running } from "../server/tools.ts";

const ROOT = new URL("../../", import.meta.url);

/** Makes the entry a package of a folder of Node's, from the file that the page says how to make. */
async function install(folder: string): Promise<void> {
  const home = `${folder}/node_modules/@asynchttp/server`;
  await Deno.mkdir(home, { recursive: true });
  const entry = fileURLToPath(new URL("wire.ts", ROOT));
  const { code, stderr } = await run(Deno.execPath(), "bundle", "-o", `${home}/wire.js`, entry);
  assertEquals(code, 0, stderr);
  const exports = { "./wire": "./wire.js" };
  await Deno.writeTextFile(`${home}/package.json`, JSON.stringify({ type: "module", exports }));
}

async function writeProgram(folder: string): Promise<string> {
  const page = await Deno.readTextFile(new URL("docs/wire.md", ROOT));
  const program = /^```text\n(import .*? from "node:net";\n[^]*?)^```$/m.exec(page)![1]!;
  assert(program.includes("listen(8080,"));
  await Deno.writeTextFile(`${folder}/server.mjs`, program.replace("listen(8080,", "listen(0,"));
  return `${folder}/server.mjs`;
}

/** Sends bytes, and returns all that comes until the server closes. */
async function exchange(port: number, bytes: string): Promise<string> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await conn.write(new TextEncoder().encode(bytes));
  return await new Response(conn.readable).text();
}

/** Lets the program tell of its buffers. */
const TELLS = `
process.on("SIGUSR2", () => {
  gc();
  console.log("Bytes:", process.memoryUsage().arrayBuffers);
});
`;

/** What the buffers of two clients may take; without bounds they are 40 MB and more. */
const MOST_BYTES = 20_000_000;

async function bytesOf(server: Running): Promise<number> {
  const told = server.lines().length;
  server.kill("SIGUSR2");
  while (server.lines().length === told) await soon();
  return Number(/^Bytes: (\d+)$/.exec(server.lines().at(-1)!)![1]);
}

testWith(
  ["node", "signals"],
  "docs/wire.md: the program for Node keeps what no client reads to bounds",
  async () => {
    await withFolder(async (folder) => {
      await install(folder);
      const program = await writeProgram(folder);
      await Deno.writeTextFile(program, TELLS, { append: true });
      await using server = launch("node", "--expose-gc", program);
      const [, port] = await server.line(/^Listening on http:\/\/127\.0\.0\.1:(\d+)\/$/);
      const last = "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
      const pipelined = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n".repeat(2000);
      for (const [first, rest] of [[last, "x".repeat(65_536)], ["", pipelined]] as const) {
        const conn = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
        await writeText(conn, first);
        let sent = 0;
        const sending = (async () => {
          while (sent++ < 600) await writeText(conn, rest);
        })().catch(() => {});
        // Until all 40 MB are sent, or the server reads no more.
        for (let before = -1, same = 0; same < 50 && sent < 600; before = sent) {
          await soon();
          same = sent === before ? same + 1 : 0;
        }
        // Node frees what a collection has found a while later.
        let bytes = Infinity;
        for (let i = 0; i < 20 && bytes >= MOST_BYTES; i++) bytes = await bytesOf(server);
        assert(bytes < MOST_BYTES, `${bytes} bytes`);
        conn.close();
        await sending;
      }
    });
  },
);

testWith("node", "docs/wire.md: the program for Node serves, and refuses", async () => {
  await withFolder(async (folder) => {
    await install(folder);
    await using server = launch("node", await writeProgram(folder));
    const [, port] = await server.line(/^Listening on http:\/\/127\.0\.0\.1:(\d+)\/$/);
    const request = (method: string, fields: string) =>
      `${method} /a HTTP/1.1\r\nHost: x\r\n${fields}\r\n`;
    const last = request("GET", "Connection: close\r\n");
    const served = await exchange(
      Number(port),
      request("PUT", "Content-Length: 1\r\n") + "b" + last,
    );
    assertEquals(served.match(/^HTTP.*|^(?:PUT|GET) .*/gm), [
      "HTTP/1.1 200 OK",
      "PUT /a",
      "HTTP/1.1 200 OK",
      "GET /a",
    ]);
    const behind = await exchange(Number(port), last + last);
    assertEquals(behind.match(/^HTTP.*/gm), ["HTTP/1.1 200 OK"]);
    const refused = await exchange(Number(port), "GET  /a HTTP/1.1\r\n\r\n");
    assert(refused.startsWith("HTTP/1.1 400 Bad Request\r\n"), refused);
  });
});
