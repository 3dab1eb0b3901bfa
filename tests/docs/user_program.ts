/** Programs of a user, in a folder of their own: they import the package by its name and `exports`. */
import { fileURLToPath } from "node:url";

const ROOT = new URL("../../", import.meta.url);

/** The package, as `deno.json` describes it. */
export const PACKAGE: {
  readonly name: string;
  readonly version: string;
  readonly exports: { readonly [entry: string]: string };
} = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));

/** The name by which a user imports an entry of `exports`, such as `"./tls"`. */
export function specifierOf(entry: string): string {
  return PACKAGE.name + entry.slice(1);
}

/**
 * Writes a configuration with what `deno add` enters, but for the registry, whose place the
 * checkout takes, and the files.
 */
export async function writeUserFolder(
  folder: string,
  files: { readonly [name: string]: string },
): Promise<void> {
  const { name, version } = PACKAGE;
  const config = {
    links: [fileURLToPath(ROOT)],
    imports: { [name]: `jsr:${name}@^${version}` },
  };
  await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify(config));
  for (const [file, text] of Object.entries(files)) {
    await Deno.writeTextFile(`${folder}/${file}`, text);
  }
}

/** The arguments of Deno that run a file of such a folder. */
export function userArgs(folder: string, file: string, ...flags: readonly string[]): string[] {
  return [
    "run",
    "--no-lock",
    "--no-prompt",
    `--config=${folder}/deno.json`,
    ...flags,
    `${folder}/${file}`,
  ];
}
