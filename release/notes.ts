/**
 * Prints the changes of a version, the text of its release on GitHub.
 *
 * ```sh
 * deno run --allow-read release/notes.ts v0.2.0
 * ```
 *
 * Fails if the tag is not the version in deno.json, so that nothing else is published under it.
 */
import { changesOf } from "./changes.ts";

const tag = Deno.args[0]!;
const { version } = JSON.parse(await Deno.readTextFile("deno.json")) as { version: string };
if (tag !== `v${version}`) throw new Error(`The tag must be v${version}: got ${tag}`);
console.log(changesOf(version, await Deno.readTextFile("CHANGELOG.md")));
