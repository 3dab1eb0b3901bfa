/** The two streams on real sockets: the rows of `tests/wire/`, and a whole server made of them. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { HttpError, RequestParseStream } from "@asynchttp/server";
import type { ParsedRequest } from "@asynchttp/server";
import { once } from "node:events";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { soon, textOf, utf8 } from "../fixtures.ts";
import { parserOptions, ROWS } from "../wire/runners.ts";
import type { Row } from "../wire/runners.ts";
import { launchDocumented } from "./example_commands.ts";
import { curl, exchangeBytes, LAST_GET, run, testWith, withFolder, writeText } from "./tools.ts";

/** Collects the rows of `tests/wire/` without registering their tests here again. */
async function corpus(): Promise<readonly Row[]> {
  const { test } = Deno;
  Object.assign(Deno, { test: () => {} });
  const folder = new URL("../wire/", import.meta.url);
  for (const { name } of Deno.readDirSync(folder)) {
    if (name.endsWith("_test.ts")) await import(new URL(name, folder).href);
  }
  Object.assign(Deno, { test });
  return ROWS;
}

/** The events of the requests, as the rows have them. */
async function eventsOf(requests: ReadableStream<ParsedRequest>): Promise<string[]> {
  const events: string[] = [];
  try {
    for await (const request of requests) await addEvents(events, request);
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    events.push(`${error.status} ${error.code}`);
  }
  return events;
}

async function addEvents(events: string[], request: ParsedRequest): Promise<void> {
  events.push(`${request.method} ${request.target} ${request.protocol.orig}`);
  let isFirst = true;
  for await (const piece of request.body) {
    events.push((isFirst ? "data " : events.pop()) + textOf(piece));
    isFirst = false;
  }
  events.push(["end", ...(await request.trailers).map((pair) => pair.join("="))].join(" "));
}

async function overSocket(row: Row, listener: Deno.TcpListener): Promise<string[]> {
  const { port } = listener.addr;
  const accepted = listener.accept();
  using client = await Deno.connect({ hostname: "127.0.0.1", port });
  const conn = await accepted;
  // The server may close before it has read everything.
  const sending = writeText(client, row.bytes).then(() => client.closeWrite()).catch(() => {});
  const events = await eventsOf(
    conn.readable.pipeThrough(new RequestParseStream(parserOptions(row))),
  );
  await sending;
  try {
    conn.close();
  } catch {
    // The end of its stream has closed it.
  }
  return events;
}

Deno.test({
  name: "RequestParseStream: the rows of tests/wire/ over a socket give the events of the server",
  // Streams of a socket that are cancelled end a turn later.
  sanitizeOps: false,
  async fn() {
    const rows = await corpus();
    assert(rows.length > 1000, `only ${rows.length} rows were found`);
    using listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
    for (const row of rows) assertEquals(await overSocket(row, listener), row.events, row.title);
  },
});

testWith("curl", "examples/streams_server.ts", async () => {
  const { example, origin } = await launchDocumented("streams_server.ts", ["0"]);
  await using _ = example;
  assertMatch(await curl(`${origin}/`), /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nHello, World!\n$/);
  assertMatch(await curl(`${origin}/x`, "-d", "unread"), /^HTTP\/1\.1 404 /);
  assertStringIncludes(await curl(`${origin}/echo`, "-d", "hello"), "\r\n\r\nhello");
  const expecting = await curl(`${origin}/echo`, "-H", "Expect: 100-continue", "-d", "hello");
  assertMatch(expecting, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n[^]*hello$/);
  assertMatch(await curl("-I", `${origin}/`), /^HTTP\/1\.1 200 OK\r\n[^]*Content-Length: 14\r\n/);
  assertMatch(await curl("-0", `${origin}/echo`, "-d", "hello"), /Connection: close\r\n[^]*hello$/);

  const response = await fetch(`${origin}/echo`, { method: "PUT", body: "fetched" });
  assertEquals([response.status, await response.text()], [200, "fetched"]);

  const port = Number(new URL(origin).port);
  const bad = await exchangeBytes(port, "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET  / HTTP/1.1\r\n\r\n");
  assertMatch(
    bad,
    /^HTTP\/1\.1 200 OK\r\n[^]*World!\nHTTP\/1\.1 400 Bad Request\r\n[^]*, at byte 27 of/,
  );
});

testWith(
  "signals",
  "examples/streams_server.ts: clients that reset before they are accepted",
  async () => {
    const { example, origin } = await launchDocumented("streams_server.ts", ["0"]);
    await using _ = example;
    const port = Number(new URL(origin).port);
    example.kill("SIGSTOP");
    for (let i = 0; i < 10; i++) {
      const socket = connect(port, "127.0.0.1");
      await once(socket, "connect");
      socket.resetAndDestroy();
      await once(socket, "close");
    }
    example.kill("SIGCONT");
    assertMatch(await exchangeBytes(port, LAST_GET), /^HTTP\/1\.1 200 /);
  },
);

Deno.test("examples/streams_server.ts: a client that goes without having read", async () => {
  const { example, origin } = await launchDocumented("streams_server.ts", ["0"]);
  await using _ = example;
  const port = Number(new URL(origin).port);
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await writeText(conn, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  let sent = 0;
  const sending = (async () => {
    const chunk = utf8(`10000\r\n${"x".repeat(65_536)}\r\n`);
    for (;;) {
      for (let at = 0; at < chunk.length;) at += await conn.write(chunk.subarray(at));
      sent++;
    }
  })().catch(() => {});
  // Until the buffers of both directions are full, and the server waits within a write.
  for (let before = -1, same = 0; same < 50; before = sent) {
    await soon();
    same = sent === before ? same + 1 : 0;
  }
  conn.close();
  await sending;
  assertMatch(await exchangeBytes(port, LAST_GET), /^HTTP\/1\.1 200 /);
  assertMatch(await exchangeBytes(port, LAST_GET), /^HTTP\/1\.1 200 /);
});

testWith("curl", "examples/streams_server.ts: a large body comes back byte for byte", async () => {
  const { example, origin } = await launchDocumented("streams_server.ts", ["0"]);
  await using _ = example;
  await withFolder(async (folder) => {
    const bytes = new Uint8Array(5_000_000);
    for (let at = 0; at < bytes.length; at += 65_536) {
      crypto.getRandomValues(bytes.subarray(at, at + 65_536));
    }
    await Deno.writeFile(`${folder}/sent`, bytes);
    await run("curl", "-sS", "-T", `${folder}/sent`, "-o", `${folder}/got`, `${origin}/echo`);
    assertEquals(await Deno.readFile(`${folder}/got`), bytes);
  });
});

Deno.test("RequestParseStream: a body of 0.25 GiB in flat memory; the task has 5 GiB", async () => {
  const path = fileURLToPath(new URL("../soak/parse_stream_memory.ts", import.meta.url));
  const flags = ["run", "--v8-flags=--expose-gc", "--allow-sys"];
  const { code, stdout } = await run(Deno.execPath(), ...flags, path, "--gib", "0.25");
  assertEquals(code, 0, stdout);
  assertMatch(stdout, /^0\.25 GiB in /);
});
