/** Examples that serve a folder, and files that reveal a lost, repeated or misplaced byte. */
import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { pattern } from "../fixtures.ts";
import { launch } from "./tools.ts";
import type { Running } from "./tools.ts";

/** A running example that serves a folder of its own. */
export interface Site extends AsyncDisposable {
  readonly origin: string;
  readonly port: number;
  readonly folder: string;
  readonly example: Running;
}

/** Starts an example on a folder within `parent`; the example and the parent end with the scope. */
export async function openSite(
  name: string,
  permissions: readonly string[],
  parent: string,
  folder: string,
  ...flags: string[]
): Promise<Site> {
  const path = fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));
  const example = launch(Deno.execPath(), "run", ...permissions, path, "0", folder, ...flags);
  const [, port] = await example.line(/^Listening on http:\/\/127\.0\.0\.1:(\d+)\/$/);
  return {
    origin: `http://127.0.0.1:${port}`,
    port: Number(port),
    folder,
    example,
    async [Symbol.asyncDispose]() {
      await example[Symbol.asyncDispose]();
      await Deno.remove(parent, { recursive: true });
    },
  };
}

/** Reports where they differ: `assertEquals` would print every byte. */
export async function assertHasContent(path: string, size: number): Promise<void> {
  const wanted = pattern(size);
  const got = await Deno.readFile(path);
  assertEquals(got.length, wanted.length);
  assertEquals(got.findIndex((byte, i) => byte !== wanted[i]), -1, "A byte differs");
}
