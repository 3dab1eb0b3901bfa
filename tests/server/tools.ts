/** Servers and real clients for tests; tests that lack something on this machine are skipped. */
import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async";
import { readAll, writeAll } from "@std/io";
import { AsyncHttpServer } from "@asynchttp/server";
import type { AsyncHttpServerOptions, Handler, ServeOptions } from "@asynchttp/server";
import { fileURLToPath } from "node:url";
import { bytesOf, textOf } from "../fixtures.ts";
import { has } from "../systems.ts";

/** A GET after whose response the server closes the connection. */
export const LAST_GET = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

/** Loads only the test's pages: no sandbox (containers lack it), no traffic to other hosts. */
export const CHROMIUM_FLAGS: readonly string[] = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** What a test does while its server runs, and the options of the server. */
export type Serving = [
  use: (port: number, server: AsyncHttpServer) => Promise<void>,
  options?: AsyncHttpServerOptions,
  serveOptions?: ServeOptions,
];

/** Runs a server while `use` runs; returns the errors that `onError` received. */
export async function serving(
  handler: Handler,
  ...[use, options, serveOptions]: Serving
): Promise<unknown[]> {
  const errors: unknown[] = [];
  const onError = (error: unknown) => void errors.push(error);
  await using server = new AsyncHttpServer({ onError, ...options });
  const ended = server.serve(0, handler, { address: "127.0.0.1", ...serveOptions });
  await use(server.getPort(), server);
  server.close();
  await ended;
  return errors;
}

/** Does the same, and asserts that no error is reported. */
export async function servingWell(handler: Handler, ...rest: Serving): Promise<void> {
  assertEquals(await serving(handler, ...rest), []);
}

/** Creates a temporary folder that exists while `use` runs. */
export async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Registers a test that needs programs, or parts of the system; skips it with a message without them. */
export function testWith(
  needs: string | readonly string[],
  title: string,
  test: (t: Deno.TestContext) => void | Promise<void>,
): void {
  const all = [needs].flat();
  const missing = all.find((need) => !has(need));
  if (missing !== undefined) console.log(`skipped, no ${missing} on this machine: ${title}`);
  const suffix = all.length > 0 ? ` (${all.join(", ")})` : "";
  Deno.test({ name: title + suffix, ignore: missing !== undefined, fn: test });
}

/** The output of a program, and its exit code. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, for five minutes at most. */
export async function run(program: string, ...args: string[]): Promise<Outcome> {
  const child = new Deno.Command(program, {
    args,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(300_000),
    env: { PATH: `${Deno.env.get("PATH")}:/usr/sbin` },
  });
  const { code, stdout, stderr } = await child.output();
  return {
    code,
    stdout: new TextDecoder().decode(stdout),
    stderr: new TextDecoder().decode(stderr),
  };
}

/** Returns what curl prints, including the head. */
export async function curl(...args: string[]): Promise<string> {
  return (await run("curl", "-si", ...args)).stdout;
}

/** A program that runs until it is stopped. */
export interface Running extends AsyncDisposable {
  /** Resolves with the first line of its output that matches. */
  line(pattern: RegExp): Promise<RegExpExecArray>;
  /** Its output so far. */
  lines(): readonly string[];
  /** Sends the program a signal. */
  kill(signal: Deno.Signal): void;
  readonly status: Promise<Deno.CommandStatus>;
}

/** Starts a program that ends with the scope. */
export function launch(program: string, ...args: string[]): Running {
  const child = new Deno.Command(program, {
    args,
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  })
    .spawn();
  const seen: string[] = [];
  const waiting = new Set<() => void>();
  let ended = false;
  const status = child.status.finally(() => ended = true);
  const reading = (async () => {
    let rest = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      seen.push(...lines);
      for (const wake of waiting) wake();
    }
    await status; // `line` must see that no more will come
    for (const wake of waiting) wake();
  })();
  return {
    status,
    kill: (signal) => child.kill(signal),
    lines: () => seen,
    async line(pattern) {
      for (;;) {
        for (const line of seen) {
          const match = pattern.exec(line);
          if (match) return match;
        }
        if (ended) {
          throw new Error(`${program} ended without printing ${pattern}:\n${seen.join("\n")}`);
        }
        await new Promise<void>((wake) => waiting.add(wake));
      }
    },
    async [Symbol.asyncDispose]() {
      if (!ended) child.kill("SIGKILL");
      await status;
      await reading;
    },
  };
}

/** Starts an example on a free port; resolves when it listens. */
export async function launchExample(
  name: string,
  ...args: string[]
): Promise<{ example: Running; origin: string }> {
  const path = fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));
  const example = launch(Deno.execPath(), "run", "--allow-net", path, "0", ...args);
  const [, port] = await example.line(/^.*Listening on http:\/\/[^:]+:(\d+)\//);
  return { example, origin: `http://127.0.0.1:${port}` };
}

/** Sends bytes over a new connection, half-closes it, and reads to the end. */
export async function exchangeBytes(port: number, sent: string): Promise<string> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await writeText(conn, sent);
  await conn.closeWrite().catch(() => {});
  return await readText(conn);
}

/** Connects until that is refused: a server in another process has closed its listener. */
export async function untilClosed(port: number): Promise<void> {
  for (;;) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    } catch {
      return;
    }
  }
}

/** Writes a text, one byte a character. */
export async function writeText(conn: Deno.Conn, text: string): Promise<void> {
  await writeAll(conn, bytesOf(text));
}

/** Reads to the end, one character a byte. */
export async function readText(conn: Deno.Conn): Promise<string> {
  return textOf(await readAll(conn));
}

/** Reads until `enough` accepts the text, or to the end. */
export async function readUntil(
  conn: Deno.Conn,
  enough: (text: string) => boolean,
): Promise<string> {
  const buffer = new Uint8Array(16_384);
  let text = "";
  while (!enough(text)) {
    const count = await conn.read(buffer);
    if (count === null) break;
    text += textOf(buffer.subarray(0, count));
  }
  return text;
}

/** The number of sockets of this process; other descriptors come and go with the runtime's own work. */
export function countSockets(): number {
  let count = 0;
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      if (Deno.readLinkSync(`/proc/self/fd/${name}`).startsWith("socket:")) count++;
    } catch {
      // The descriptor of the listing itself.
    }
  }
  return count;
}

/** Accepts connections of a listener until the scope ends. */
export async function accepting(
  listener: Deno.Listener,
  handler: Handler,
  use: (server: AsyncHttpServer) => Promise<void>,
): Promise<void> {
  await using server = new AsyncHttpServer();
  server.listenOn(listener);
  const loop = (async () => {
    try {
      for (;;) await server.acceptRequest(handler);
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  })();
  await use(server);
  server.close();
  await loop;
}

/** Creates a certificate for localhost. */
export async function withCertificate(
  use: (cert: string, key: string) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    const [cert, key] = [`${folder}/cert.pem`, `${folder}/key.pem`];
    const { code, stderr } = await run(
      "openssl",
      ...["req", "-x509", "-nodes", "-days", "1", "-subj", "/CN=localhost"],
      // A handshake with RSA takes five times as long.
      ...["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
      ...["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", cert],
      ...["-addext", "basicConstraints=critical,CA:FALSE"],
    );
    assertEquals(code, 0, stderr);
    await use(cert, key);
  });
}

/** Returns a port of the loopback interface that is free at the moment, for a program that takes no port 0. */
export function freePort(): number {
  using listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  return (listener.addr as Deno.NetAddr).port;
}

/** Resolves when the port accepts connections. */
export async function listening(port: number): Promise<void> {
  for (let i = 0; i < 500; i++) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch {
      await delay(10);
    }
  }
  assert(false, `Nothing listens on port ${port}`);
}
