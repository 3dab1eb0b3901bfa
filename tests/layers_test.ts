/**
 * The rooms and their levels: a file imports only from a lower one, and `src/wire/`
 * is pure. Read from the imports themselves, so that the table cannot become a wish.
 */
import { assert, assertEquals } from "@std/assert";

/** A file imports only from lines above its own. */
const LEVELS: readonly (readonly string[])[] = [
  ["errors.ts", "limits.ts", "handled.ts", "roster.ts", "sent.ts"],
  [
    "wire/syntax.ts",
    "wire/status.ts",
    "wire/input_buffer.ts",
    "wire/output_buffer.ts",
    "wire/kept_bytes.ts",
    "wire/body_collector.ts",
    "wire/content.ts",
    "clock.ts",
    "checks.ts",
    "stats.ts",
    "stream_conn.ts",
    "static_body.ts",
  ],
  [
    "pace.ts",
    "turns.ts",
    "wire/field_headers.ts",
    "wire/lines.ts",
    "wire/target.ts",
    "raw_conn.ts",
    "fd_guard.ts",
  ],
  ["wire/fields.ts"],
  ["transport.ts", "wire/field_section.ts", "wire/framing.ts", "wire/response_framing.ts"],
  ["wire/head.ts", "wire/chunked.ts", "wire/response_encoder.ts", "wire/upgrade.ts"],
  ["wire/request_parser.ts"],
  ["inbound.ts", "parse_stream.ts", "response_stream.ts"],
  ["request_body.ts"],
  ["client_watch.ts"],
  ["exchange.ts"],
  ["web_response.ts"],
  ["request.ts"],
  ["options.ts", "streaming.ts", "web_request.ts"],
  ["fetch.ts", "refusal.ts"],
  ["handling.ts"],
  ["connection.ts"],
  ["server.ts"],
];

const SOURCE = new URL("../src/", import.meta.url);

async function filesBelow(directory: URL, prefix = ""): Promise<string[]> {
  const files: string[] = [];
  for await (const entry of Deno.readDir(directory)) {
    if (entry.isDirectory) {
      files.push(
        ...await filesBelow(new URL(`${entry.name}/`, directory), `${prefix}${entry.name}/`),
      );
    } else {
      files.push(prefix + entry.name);
    }
  }
  return files.sort();
}

/** The files of `src/` that `file` imports, types included. */
async function importsOf(file: string): Promise<string[]> {
  const url = new URL(file, SOURCE);
  const text = await Deno.readTextFile(url);
  return [...text.matchAll(/^(?:import|export)[^;]*? from "([^"]+)";$/gm)].map(([, specifier]) => {
    assert(specifier!.startsWith("."), `${file} imports ${specifier}: src/ imports nothing remote`);
    return new URL(specifier!, url).href.slice(SOURCE.href.length);
  });
}

Deno.test("layers: the table names every file, once", async () => {
  assertEquals(LEVELS.flat().sort(), await filesBelow(SOURCE));
});

Deno.test("layers: a file imports only from a lower level", async () => {
  const levelOf = new Map(LEVELS.flatMap((files, level) => files.map((file) => [file, level])));
  let imports = 0;
  for (const [file, level] of levelOf) {
    for (const imported of await importsOf(file)) {
      imports++;
      const lower = levelOf.get(imported);
      assert(
        lower !== undefined && lower < level,
        `${file} (${level}) imports ${imported} (${lower})`,
      );
    }
  }
  assert(imports > 40, `only ${imports} imports were found: is the pattern still right?`);
});

Deno.test("layers: src/wire/ knows no socket, no promise and no clock", async () => {
  for (const file of await filesBelow(new URL("wire/", SOURCE), "wire/")) {
    const text = await Deno.readTextFile(new URL(file, SOURCE));
    const code = text.replace(/\/\*[^]*?\*\/|\/\/.*$/gm, "");
    const impure =
      /\bDeno\.|\basync\b|\bawait\b|\bPromise\b|\bset(?:Timeout|Interval)\b|\bDate\b\.|\bperformance\b|\bconsole\b/
        .exec(code);
    assertEquals(impure?.[0], undefined, `${file} is not pure`);
    for (const imported of await importsOf(file)) {
      assert(
        imported.startsWith("wire/") || imported === "errors.ts" || imported === "limits.ts",
        `${file} imports ${imported}`,
      );
    }
  }
});

Deno.test("layers: no file has more than 300 lines of code", async () => {
  for (const file of await filesBelow(SOURCE)) {
    const text = await Deno.readTextFile(new URL(file, SOURCE));
    const code = text.replace(/\/\*[^]*?\*\/|\/\/.*$/gm, "").split("\n").filter((line) =>
      line.trim()
    );
    assert(code.length <= 300, `${file} has ${code.length} lines of code`);
  }
});
