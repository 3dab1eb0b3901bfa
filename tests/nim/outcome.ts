/** What a server answers to one input, and in what two answers differ. */
import { delay } from "@std/async";
import { textOf } from "../fixtures.ts";
import { exchangeBytes, LAST_GET, writeText } from "../server/tools.ts";
import type { Input } from "./inputs.ts";

/** For so long, and one more exchange with the server, nothing must arrive before it is over. */
const QUIET_MS = 1000;
const PAUSE_MS = 120;

export interface Outcome {
  readonly text: string;
  /** Whether the server has left the connection open. */
  readonly isOpen: boolean;
}

/** Sends an input over a connection of its own, and reads until the server closes it or is quiet. */
export async function outcomeOf(port: number, input: Input): Promise<Outcome> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  let text = "";
  let isOpen = true;
  const reading = (async () => {
    const buffer = new Uint8Array(65_536);
    for (;;) {
      // A reset is an end, too: Nim's server closes with input unread.
      const count = await conn.read(buffer).catch(() => null);
      if (count === null) return void (isOpen = false);
      text += textOf(buffer.subarray(0, count));
    }
  })();
  await send(conn, input);
  for (let before = -1; isOpen && before !== text.length;) {
    before = text.length;
    await Promise.race([reading, quiet(port)]);
  }
  const outcome = { text, isOpen };
  conn.close();
  await reading;
  return outcome;
}

async function quiet(port: number): Promise<void> {
  await delay(QUIET_MS);
  await exchangeBytes(port, LAST_GET);
}

async function send(conn: Deno.TcpConn, { parts, pauseMs = PAUSE_MS, fin }: Input): Promise<void> {
  for (const [i, part] of parts.entries()) {
    if (i > 0) await delay(pauseMs);
    await writeText(conn, part).catch(() => {}); // the server has answered and closed
  }
  if (fin) await conn.closeWrite().catch(() => {});
}

interface Response {
  readonly status: string;
  readonly fields: readonly string[];
  readonly content: readonly string[];
}

/**
 * Splits the responses of a connection. Names of fields are compared in lower case and fields in
 * any order; `Date` is compared where the handler gives it. Nim sends content where there must be
 * none, so lengths cannot lead from one response to the next.
 */
function responsesOf(text: string): Response[] {
  return text.split(/(?=HTTP\/1\.1 \d)/).filter((part) => part !== "").map((part) => {
    const end = part.indexOf("\r\n\r\n");
    const [status, ...lines] = part.slice(0, end).split("\r\n");
    const fields = lines.map(lowerCaseName).filter((line) =>
      !/^date: (?!Thu, 01 Jan 1970)/.test(line)
    );
    return { status: status!.trim(), fields, content: part.slice(end + 4).split("\n") };
  });
}

function lowerCaseName(field: string): string {
  const colon = field.indexOf(":");
  return field.slice(0, colon).toLowerCase() + field.slice(colon);
}

function codesOf(responses: readonly Response[]): string {
  return responses.map(({ status }) => status.split(" ")[1]).join(", ") || "nothing";
}

/** Whether this server has refused the request: only its status is compared. */
function isRefusal({ fields }: Response): boolean {
  return fields.includes("connection: close") &&
    fields.includes("content-type: text/plain; charset=utf-8");
}

/** The lines of a response that the other one lacks. */
function onlyIn(one: Response, other: Response): string[] {
  const content = one.content.filter((line) => !other.content.includes(line));
  const fields = one.fields.filter((field) => !other.fields.includes(field))
    // Where the content differs, it is shown itself.
    .filter((field) => !field.startsWith("content-length: ") || content.length === 0);
  return [...one.status === other.status ? [] : [one.status], ...fields, ...content]
    .filter((line) => line !== "");
}

const MAX_SHOWN = 60;
const MAX_LINES = 3;

/** A line as code in a cell of a Markdown table. */
function code(line: string): string {
  const shown = line.length > MAX_SHOWN ? `${line.slice(0, MAX_SHOWN)}…` : line;
  const escaped = shown.replaceAll("|", "\\|").replace(
    /[^ -~]/g,
    (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return escaped.includes("`") ? `\`\` ${escaped} \`\`` : `\`${escaped}\``;
}

function shown(lines: readonly string[], { isOpen }: Outcome, other: Outcome): string {
  const cells = lines.slice(0, MAX_LINES).map(code);
  if (lines.length > MAX_LINES) cells.push("…");
  if (isOpen !== other.isOpen) cells.push(isOpen ? "stays open" : "closed");
  return cells.join(", ") || "–";
}

/** The cells of a row for docs/nim.md: what only Nim's server does, and only this one; null if they agree. */
export function difference(nim: Outcome, here: Outcome): [string, string] | null {
  const theirs = responsesOf(nim.text);
  const ours = responsesOf(here.text);
  if (codesOf(theirs) !== codesOf(ours)) {
    const end = (outcome: Outcome) => outcome.isOpen ? "stays open" : "closed";
    return [`${codesOf(theirs)}; ${end(nim)}`, `${codesOf(ours)}; ${end(here)}`];
  }
  const compared = ours.flatMap((our, i) => isRefusal(our) ? [] : [[theirs[i]!, our] as const]);
  const onlyNim = compared.flatMap(([their, our]) => onlyIn(their, our));
  const onlyHere = compared.flatMap(([their, our]) => onlyIn(our, their));
  const cells: [string, string] = [shown(onlyNim, nim, here), shown(onlyHere, here, nim)];
  return cells[0] === "–" && cells[1] === "–" ? null : cells;
}
