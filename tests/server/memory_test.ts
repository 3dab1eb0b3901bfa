/** Bodies that are larger than memory should be: the server is a process of its own, and its peak is read. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { launch, run, testWith } from "./tools.ts";

const GIB = 2 ** 30;
/** A Deno process that has served a request has about 60 MB. */
const MOST = 120e6;

async function withServer(use: (origin: string) => Promise<void>): Promise<void> {
  const path = new URL("memory_server.ts", import.meta.url).pathname;
  await using server = launch(Deno.execPath(), "run", "--allow-net", "--allow-sys", path);
  const [, origin] = await server.line(/^Listening on (http:\/\/[^/]+)\//);
  await use(origin!);
  const peak = Number((await run("curl", "-s", `${origin}/peak`)).stdout);
  console.log(`peak of resident memory: ${(peak / 1e6).toFixed(0)} MB`);
  assert(peak > 0 && peak < MOST, `${peak} bytes of resident memory`);
}

async function withSparseFile(size: number, use: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.truncate(path, size);
    await use(path);
  } finally {
    await Deno.remove(path);
  }
}

for (
  const [title, fields] of [["with a length", []], ["chunked", [
    "-H",
    "Transfer-Encoding: chunked",
  ]]] as const
) {
  testWith("curl", `an upload of 4 GiB, ${title}, keeps memory flat`, async () => {
    await withSparseFile(4 * GIB, async (path) => {
      await withServer(async (origin) => {
        const { stdout } = await run("curl", "-s", ...fields, "-T", path, `${origin}/count`);
        assertEquals(stdout, String(4 * GIB));
      });
    });
  });
}

testWith(
  "curl",
  "a download of 1 GiB to a client that reads slowly keeps memory flat",
  async () => {
    await withServer(async (origin) => {
      const slow = ["-s", "-o", "/dev/null", "--limit-rate", "1M", "--max-time", "3"];
      // curl gives up after its time: 28.
      assertEquals((await run("curl", ...slow, `${origin}/make?size=${GIB}`)).code, 28);
      const fast = await run(
        "curl",
        "-s",
        "-o",
        "/dev/null",
        "-w",
        "%{size_download}",
        `${origin}/make?size=${GIB}`,
      );
      assertStringIncludes(fast.stdout, String(GIB));
    });
  },
);
