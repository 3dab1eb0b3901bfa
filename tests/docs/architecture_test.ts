/**
 * The pictures of `docs/architecture.md`: those of the file headers are the same there, and the
 * keep-alive decision is what the code returns. `docs_test.ts` checks the lists of files and of
 * states.
 */
import { assert, assertEquals } from "@std/assert";
import { nextStep } from "../../src/connection/keep_alive.ts";
import type { ReadPosition } from "../../src/connection/request_reader.ts";
import { RESPONSE_TRANSITIONS } from "../../src/connection/response_state.ts";
import type { ResponseState } from "../../src/connection/response_state.ts";

const ROOT = new URL("../../", import.meta.url);
const page = await Deno.readTextFile(new URL("docs/architecture.md", ROOT));

/** Returns the lines without the indentation that all of them share. */
function dedented(lines: readonly string[]): string {
  const indents = lines.map((line) => line.search(/\S/)).filter((indent) => indent >= 0);
  const shared = Math.min(...indents);
  return lines.map((line) => line.slice(shared).trimEnd()).join("\n");
}

/** Returns the pictures of a page. */
function picturesOf(markdown: string): string[] {
  return [...markdown.matchAll(/^```text\n([^]*?)\n```$/gm)].map(([, text]) =>
    dedented(text!.split("\n"))
  );
}

/** Returns the picture that a file has in its header; null where it has none. */
function headerPicture(source: string): string | null {
  const header = source.slice(0, source.indexOf("*/")).replaceAll(/^ \* ?/gm, "");
  return picturesOf(header)[0] ?? null;
}

async function sourceFilesBelow(directory: URL): Promise<URL[]> {
  const files: URL[] = [];
  for await (const { name, isDirectory } of Deno.readDir(directory)) {
    if (isDirectory) files.push(...await sourceFilesBelow(new URL(`${name}/`, directory)));
    else files.push(new URL(name, directory));
  }
  return files;
}

Deno.test("docs/architecture.md: the pictures of file headers are the same there", async () => {
  const pictures = picturesOf(page);
  let compared = 0;
  for (const file of await sourceFilesBelow(new URL("src/", ROOT))) {
    const source = await Deno.readTextFile(file);
    const picture = headerPicture(source);
    const isOfStates = /: Transitions<|#move\(/.test(source);
    if (picture === null || !isOfStates) continue;
    compared++;
    assert(pictures.includes(picture), `${file.pathname.split("/src/")[1]} draws:\n${picture}`);
  }
  assert(compared >= 5, `only ${compared} pictures were found: is the pattern still right?`);
});

const POSITIONS: readonly ReadPosition[] = ["head", "body", "done", "raw", "failed"];

/** What the page says follows an exchange; its lines are read from top to bottom. */
function documentedStep(state: ResponseState, position: ReadPosition, persistent: boolean): string {
  if (state === "hijacked") return "detach";
  if (state !== "answered" || !persistent) return "close";
  return position === "done" ? "reuse" : position === "body" ? "drain, then reuse" : "close";
}

Deno.test("docs/architecture.md: what follows an exchange is what nextStep returns", () => {
  const picture = picturesOf(page.slice(page.indexOf("### Whether the connection persists")))[0]!;
  const lines = picture.split("\n").map((line) => line.split(/ +──► /));
  assertEquals(lines, [
    ["response is hijacked", "detach"],
    ["response is not answered, or no persistence", "close"],
    ["reader is done", "reuse"],
    ["reader is within the body", "drain, then reuse"],
    ["reader is raw or failed", "close"],
  ]);
  for (const state of Object.keys(RESPONSE_TRANSITIONS) as ResponseState[]) {
    for (const position of POSITIONS) {
      for (const persistent of [true, false]) {
        const [step] = documentedStep(state, position, persistent).split(",");
        assertEquals(nextStep(state, position, persistent), step, `${state}, ${position}`);
      }
    }
  }
});
