/**
 * A Deno that keeps the state of its Web classes elsewhere: what looks into it falls back to
 * public methods, only slower. The tests of `fetchHandler` run without the internals.
 */
import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { run } from "../server/tools.ts";

const PRELOAD = fileURLToPath(new URL("no_internals.ts", import.meta.url));
const FILES = [
  "../server/fetch_request_test.ts",
  "../server/fetch_answers_test.ts",
  "../server/fetch_streams_test.ts",
  "../server/fetch_faults_test.ts",
  "../server/fetch_signal_test.ts",
  "../server/frameworks_test.ts",
  "../connection/respond_with_test.ts",
].map((file) => fileURLToPath(new URL(file, import.meta.url)));

async function evaluated(code: string): Promise<string> {
  const { stdout } = await run(Deno.execPath(), "eval", `--preload=${PRELOAD}`, code);
  return stdout.trim();
}

function source(path: string): string {
  return JSON.stringify(new URL(`../../src/web/${path}`, import.meta.url).href);
}

Deno.test("without the internals no content is taken for static", async () => {
  const code = `import { takeStaticBody } from ${source("static_body.ts")};
    console.log(takeStaticBody(new Response("x")), takeStaticBody(new Response(new Uint8Array(3))));`;
  assertEquals(await evaluated(code), "null null");
});

Deno.test("without the internals requests are genuine", async () => {
  const code = `import { lazyRequest } from ${source("lazy_request.ts")};
    const request = lazyRequest({ method: "GET", url: new URL("http://a/"), headers: new Headers(),
      hasBody: false, trailers: Promise.resolve(new Headers()), signal: AbortSignal.any([]) }, () => {});
    console.log(request.constructor === Request, Object.getPrototypeOf(request) === Request.prototype);`;
  assertEquals(await evaluated(code), "true true");
});

Deno.test("without the internals fetchHandler passes its tests", async () => {
  const flags = (await run(
    Deno.execPath(),
    "run",
    "-A",
    fileURLToPath(new URL("../jsr_or_npm.ts", import.meta.url)),
  ))
    .stdout.trim();
  const args = ["-A", "--no-check", `--preload=${PRELOAD}`, ...flags.split(" ").filter(Boolean)];
  const { code, stdout, stderr } = await run(Deno.execPath(), "test", ...args, ...FILES);
  assertEquals(code, 0, stdout + stderr);
});
