/**
 * Bodies that are larger than memory should become. The server is a process of its own; it
 * collects garbage before each sample, and each transfer is compared with its own course:
 * peak resident memory shows when V8 collects, which differs by 45 MB from run to run, not
 * what the server keeps.
 */
import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { launch, run, testWith } from "./tools.ts";

const GIB = 2 ** 30;
/** Keeping a hundredth of a body would exceed it. */
const MAX_GROWTH = 4e6;
const FLAGS = ["run", "--v8-flags=--expose-gc", "--allow-net", "--allow-sys"];
/**
 * More than the socket buffers of both sides hold, which grow where the machine is busy (18.7 MB
 * were seen), and a fraction of what a source gives in that time that does not wait.
 */
const MAX_AHEAD = 64e6;

async function withServer(use: (origin: string) => Promise<void>): Promise<void> {
  const path = fileURLToPath(new URL("memory_server.ts", import.meta.url));
  await using server = launch(Deno.execPath(), ...FLAGS, path);
  const [, origin] = await server.line(/^Listening on (http:\/\/[^/]+)\//);
  await use(origin!);
}

async function get(url: string): Promise<string> {
  return (await run("curl", "-s", url)).stdout;
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

/** Compares the last quarter of a transfer with the second; the first warms the process up. */
async function assertFlat(origin: string, transfer: () => Promise<void>): Promise<void> {
  await get(`${origin}/samples`);
  await transfer();
  const samples: number[] = JSON.parse(await get(`${origin}/samples`));
  assert(samples.length >= 16, `only ${samples.length} samples of memory`);
  const quarter = samples.length >> 2;
  const early = median(samples.slice(quarter, 2 * quarter));
  const late = median(samples.slice(-quarter));
  console.log(`memory in use: ${(early / 1e6).toFixed(1)} MB, ${(late / 1e6).toFixed(1)} MB`);
  assert(late - early < MAX_GROWTH, `memory in use grows by ${late - early} bytes`);
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
      await withServer((origin) =>
        assertFlat(origin, async () => {
          const { stdout } = await run("curl", "-s", ...fields, "-T", path, `${origin}/count`);
          assertEquals(stdout, String(4 * GIB));
        })
      );
    });
  });
}

testWith("curl", "a download of 1 GiB keeps memory flat", async () => {
  await withServer((origin) =>
    assertFlat(origin, async () => {
      const toNowhere = ["-s", "-o", "/dev/null", "-w", "%{size_download}"];
      const { stdout } = await run("curl", ...toNowhere, `${origin}/make?size=${GIB}`);
      assertEquals(stdout, String(GIB));
    })
  );
});

testWith("curl", "a download of 1 GiB waits for a client that reads slowly", async () => {
  await withServer(async (origin) => {
    const slow = ["-s", "-o", "/dev/null", "--limit-rate", "1M", "--max-time", "3"];
    const { code } = await run("curl", ...slow, `${origin}/make?size=${GIB}`);
    assertEquals(code, 28, "curl gives up after its time");
    const made = Number(await get(`${origin}/made`));
    assert(made > 0 && made < MAX_AHEAD, `the source gave ${made} bytes`);
  });
});
