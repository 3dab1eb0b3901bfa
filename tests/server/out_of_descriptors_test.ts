/**
 * hardening 48: a common program, without `onError` and without a signal listener, runs out
 * of descriptors: it lives, says so in a line a second, and serves again.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import { poll, socketsOf } from "../soak/server_process.ts";
import { has } from "../systems.ts";
import { LAST_GET, readText, testWith, withCertificate, writeText } from "./tools.ts";
import { deadline, delay } from "@std/async";

const PROGRAM = fileURLToPath(new URL("common_program.ts", import.meta.url));
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

/** Connects to a port: over TLS where a certificate is given. */
type Connect = (port: number) => Promise<Deno.Conn>;

async function isServed(port: number, connect: Connect): Promise<boolean> {
  try {
    using conn = await connect(port);
    await writeText(conn, LAST_GET);
    return (await readText(conn)).endsWith("hello");
  } catch {
    return false;
  }
}

/**
 * Waits until Deno has opened its descriptors for signals, half a second after its start: it
 * panics where it has none left then, which is another fault, and not this module's. Waits
 * long enough where they are there already, or the system does not tell.
 */
async function signalsAreReady(pid: number): Promise<void> {
  if (!has("/proc")) return await delay(3000);
  const before = socketsOf(pid);
  await poll(() => socketsOf(pid) > before, 3000);
}

const COMMAND = `ulimit -n 80; program=$1; shift; exec "$0" run --quiet -A "$program" "$@"`;

async function livesThroughACrowd(connect: Connect, ...args: string[]): Promise<void> {
  await using program = new Deno.Command("sh", {
    args: ["-c", COMMAND, Deno.execPath(), PROGRAM, ...args],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stderr = new Response(program.stderr).text();
  const stdout = program.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const [, origin] = await textUntil(stdout, /(http:\/\/\S+)/);
  const port = Number(new URL(origin!).port);
  await signalsAreReady(program.pid);

  const crowd: Deno.Conn[] = [];
  for (let i = 0; i < 200; i++) {
    crowd.push(await Deno.connect({ hostname: "127.0.0.1", port }));
  }
  await delay(2500);
  for (const conn of crowd) conn.close();
  const served = async () => {
    while (!await isServed(port, connect)) await delay(50);
  };
  await deadline(served(), PATIENCE);

  program.kill("SIGTERM");
  await program.status;
  await stdout.cancel();
  const lines = (await stderr).trimEnd().split("\n");
  for (const line of lines) assertMatch(line, LINE);
  assert(lines.length >= 1 && lines.length < 20, `${lines.length} lines`);
  assertEquals((await program.status).signal, "SIGTERM");
}

testWith(
  "sh",
  "a common program lives through a crowd of 200 with 80 descriptors",
  () => livesThroughACrowd((port) => Deno.connect({ hostname: "127.0.0.1", port })),
);

testWith("openssl", "so does one that serves over TLS", async () => {
  await withCertificate(async (certFile, keyFile) => {
    const caCerts = [await Deno.readTextFile(certFile)];
    const connect = (port: number) => Deno.connectTls({ hostname: "localhost", port, caCerts });
    await livesThroughACrowd(connect, certFile, keyFile);
  });
});
