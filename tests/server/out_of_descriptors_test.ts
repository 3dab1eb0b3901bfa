/**
 * hardening 48: a common program, without `onError` and without a signal listener, runs out
 * of descriptors: it lives, says so in a line a second, and serves again.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";

import { exchangeBytes, LAST_GET } from "./tools.ts";
import { deadline, delay } from "@std/async";

const PROGRAM = new URL("common_program.ts", import.meta.url).pathname;
const PATIENCE = 20_000;

const LINE =
  /^Error: No descriptors left, accepting again in \d+ ms \((?:once|\d+ times)\): raise ulimit -n or set maxConnections$/;

async function textUntil(reader: ReadableStreamDefaultReader<string>, pattern: RegExp) {
  let text = "";
  for (;;) {
    const found = pattern.exec(text);
    if (found !== null) return found;
    const { value, done } = await reader.read();
    assert(!done, text);
    text += value;
  }
}

async function isServed(origin: string): Promise<boolean> {
  try {
    return (await exchangeBytes(Number(new URL(origin).port), LAST_GET)).endsWith("hello");
  } catch {
    return false;
  }
}

Deno.test({
  name: "a common program lives through a crowd of 200 with 80 descriptors",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using program = new Deno.Command("sh", {
      args: ["-c", `ulimit -n 80; exec "$0" run --quiet -A "$1"`, Deno.execPath(), PROGRAM],
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const stderr = new Response(program.stderr).text();
    const stdout = program.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const [, origin] = await textUntil(stdout, /(http:\/\/\S+)/);
    const { hostname, port } = new URL(origin!);
    // Deno opens descriptors for signals half a second after its start, and panics where it
    // has none left then: that is another fault, and not this module's.
    await delay(1000);

    const crowd: Deno.Conn[] = [];
    for (let i = 0; i < 200; i++) {
      crowd.push(await Deno.connect({ hostname, port: Number(port) }));
    }
    await delay(2500);
    for (const conn of crowd) conn.close();
    const served = async () => {
      while (!await isServed(origin!)) await delay(50);
    };
    await deadline(served(), PATIENCE);

    program.kill("SIGTERM");
    await program.status;
    await stdout.cancel();
    const lines = (await stderr).trimEnd().split("\n");
    for (const line of lines) assertMatch(line, LINE);
    assert(lines.length >= 1 && lines.length < 20, `${lines.length} lines`);
    assertEquals((await program.status).signal, "SIGTERM");
  },
});
