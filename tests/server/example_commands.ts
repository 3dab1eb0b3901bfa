/** The examples, and the commands in their headers. */
import { assert } from "@std/assert";
import { fileURLToPath } from "node:url";
import { launch } from "./tools.ts";
import type { Running } from "./tools.ts";

export const EXAMPLES = new URL("../../examples/", import.meta.url);

/** The names of all examples, in order. */
export function exampleNames(): string[] {
  const entries = [...Deno.readDirSync(EXAMPLES)];
  return entries.filter(({ isFile }) => isFile).map(({ name }) => name).sort();
}

/** The first command in an example's header that runs it: its flags, and the arguments behind it. */
export interface Documented {
  /** `run` or `test`, and the permissions. */
  readonly flags: readonly string[];
  readonly args: readonly string[];
}

export function documented(name: string): Documented {
  const [header] = /^\/\*\*[^]*?\*\//.exec(Deno.readTextFileSync(new URL(name, EXAMPLES)))!;
  const command = new RegExp(`^ \\* deno (.+) examples/${name}(.*)$`, "m").exec(header);
  assert(command, `the header of ${name} has no command that runs it`);
  const args = command[2]!.replace(/\s&$/, "").replace(/\[[^\]]*\]/g, "").trim();
  return { flags: command[1]!.split(" "), args: args === "" ? [] : args.split(/\s+/) };
}

/** The arguments of `deno` that run an example with the permissions in its header. */
export function commandOf(name: string, ...args: readonly string[]): string[] {
  return [...documented(name).flags, fileURLToPath(new URL(name, EXAMPLES)), ...args];
}

/** Starts an example with the permissions in its header, and arguments of the test. */
export async function launchDocumented(
  name: string,
  args: readonly string[],
  edits: { readonly [flag: string]: string } = {},
): Promise<{ example: Running; origin: string }> {
  const command = commandOf(name, ...args).map((part) => edits[part] ?? part);
  const example = launch(Deno.execPath(), ...command);
  const [, port] = await example.line(/^Listening on (?:http:\/\/[^:]+:(\d+)\/|[^h])/);
  return { example, origin: `http://127.0.0.1:${port}` };
}
