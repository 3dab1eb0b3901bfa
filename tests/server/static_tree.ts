/** `examples/static_files.ts` on a folder of files, and its responses. */
import { pattern } from "../fixtures.ts";
import { openSite } from "./site.ts";
import type { Site } from "./site.ts";
import { curl } from "./tools.ts";

export const SIZE = 300_000;
export const TEXT = "0123456789";
export const OUTSIDE = "nobody may read this";
export const HIDDEN = "no client may read this";
export const LAST_MODIFIED = "Thu, 29 Feb 2024 12:00:00 GMT";

const MODIFIED = new Date("2024-02-29T12:00:00.500Z");

/** Serves a folder that has files beside it which must not be served; both end with the scope. */
export async function openTree(...flags: string[]): Promise<Site> {
  const parent = await Deno.makeTempDir();
  const folder = `${parent}/served`;
  await Deno.mkdir(`${folder}/sub/deeper`, { recursive: true });
  await Deno.mkdir(`${parent}/served-not`);
  await Deno.writeTextFile(`${parent}/secret.txt`, OUTSIDE);
  await Deno.writeTextFile(`${parent}/served-not/secret.txt`, OUTSIDE);
  await Deno.writeTextFile(`${folder}/digits.txt`, TEXT);
  await Deno.writeTextFile(`${folder}/empty.json`, "");
  await Deno.writeTextFile(`${folder}/sub/a&b <i> "ü" 100%?#.html`, "odd");
  await Deno.writeFile(`${folder}/large`, pattern(SIZE));
  await Deno.symlink(`${parent}/secret.txt`, `${folder}/leaves.txt`);
  await Deno.symlink(`${parent}/served-not`, `${folder}/neighbour`);
  await Deno.symlink("digits.txt", `${folder}/stays.txt`);
  for (const name of [".git", ".well-known", "sub/.well-known"]) {
    await Deno.mkdir(`${folder}/${name}`);
  }
  const hidden = [".env", ".git/config", "sub/.htpasswd", "sub/.well-known/a", ".well-known/.b"];
  for (const name of hidden) await Deno.writeTextFile(`${folder}/${name}`, HIDDEN);
  await Deno.writeTextFile(`${folder}/.well-known/security.txt`, TEXT);
  await Deno.utime(`${folder}/digits.txt`, MODIFIED, MODIFIED);
  const permissions = ["--allow-net", "--allow-read"];
  return await openSite("static_files.ts", permissions, parent, folder, ...flags);
}

/** Status, header fields and content, as curl prints them. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export async function responseTo(...args: string[]): Promise<Answer> {
  return answerIn(await curl(...args));
}

export function answerIn(message: string): Answer {
  const end = message.indexOf("\r\n\r\n");
  const [statusLine, ...lines] = message.slice(0, end).split("\r\n");
  const pairs = lines.map((line) => line.split(/: (.*)/, 2) as [string, string]);
  return {
    status: Number(statusLine!.split(" ")[1]),
    headers: new Headers(pairs),
    text: message.slice(end + 4),
  };
}
