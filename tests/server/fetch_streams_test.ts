/** Web handlers: bodies that stream in both directions, and bodies that are passed on. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fetchHandler } from "@asynchttp/server";
import type { FetchHandler } from "@asynchttp/server";
import { converse, DATE, start } from "../connection/harness.ts";
import { EOF } from "../connection/scripted_conn.ts";
import { GET, soon, utf8 } from "../fixtures.ts";
import { dateless, post, servingFetchWell, TEXT } from "./fetch_tools.ts";
import { exchangeBytes, readText, readUntil, writeText } from "./tools.ts";

Deno.test("fetchHandler: the head of a stream does not wait for its first chunk", async () => {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array<ArrayBuffer>>();
  const writer = writable.getWriter();
  await servingFetchWell(() => new Response(readable), async (port) => {
    using conn = await Deno.connect({ hostname: "127.0.0.1", port });
    await writeText(conn, GET);
    const head = await readUntil(conn, (text) => text.endsWith("\r\n\r\n"));
    assertEquals(
      dateless(head),
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    await writer.write(utf8("late"));
    assertEquals(await readUntil(conn, (text) => text.endsWith("late\r\n")), "4\r\nlate\r\n");
    await writer.close();
    assertEquals(await readUntil(conn, (text) => text.endsWith("\r\n\r\n")), "0\r\n\r\n");
  });
});

Deno.test("fetchHandler: bodies stream in both directions at once, chunk by chunk", async () => {
  const upper = () =>
    new TransformStream<string, string>({
      transform: (text, controller) => controller.enqueue(text.toUpperCase()),
    });
  const through = (body: ReadableStream<Uint8Array<ArrayBuffer>>) =>
    body.pipeThrough(new TextDecoderStream()).pipeThrough(upper())
      .pipeThrough(new TextEncoderStream());
  const table: [handler: FetchHandler, answered: (text: string) => string][] = [
    [(request) => new Response(request.body), (text) => text],
    [(request) => new Response(through(request.body!)), (text) => text.toUpperCase()],
  ];
  for (const [handler, answered] of table) {
    await servingFetchWell(handler, async (port) => {
      using conn = await Deno.connect({ hostname: "127.0.0.1", port });
      await writeText(conn, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
      await readUntil(conn, (text) => text.endsWith("\r\n\r\n"));
      for (const chunk of ["3\r\none\r\n", "3\r\ntwo\r\n", "5\r\nthree\r\n", "0\r\n\r\n"]) {
        await writeText(conn, chunk);
        const echo = await readUntil(conn, (text) => text.length >= chunk.length);
        assertEquals(echo, answered(chunk));
      }
      await writeText(conn, post("again", "Connection: close"));
      assertStringIncludes(await readText(conn), answered("again"));
    });
  }
});

Deno.test("fetchHandler: a megabyte in both directions", async () => {
  const sent = new Uint8Array(1_000_000).map((_, i) => i * 7);
  await servingFetchWell((request) => new Response(request.body), async (port) => {
    const response = await fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: sent });
    assertEquals(await response.bytes(), sent);
  });
});

Deno.test("fetchHandler: a response from FormData, and from a Blob of several parts", async () => {
  const form = new FormData();
  form.set("text", "é");
  form.set("file", new File(["content"], "a.txt"));
  const handler: FetchHandler = (request) =>
    new Response(request.url.endsWith("form") ? form : new Blob(["one ", "two"]));
  await servingFetchWell(handler, async (port) => {
    const response = await fetch(`http://127.0.0.1:${port}/form`);
    const got = await response.formData();
    assertEquals([got.get("text"), await (got.get("file") as File).text()], ["é", "content"]);
    const blob = await fetch(`http://127.0.0.1:${port}/blob`);
    assertEquals(await blob.text(), "one two");
  });
});

Deno.test("fetchHandler: a response from an open file, which is closed at its end and when it is not sent", async () => {
  const path = new URL(import.meta.url);
  const handler: FetchHandler = async () => new Response((await Deno.open(path)).readable);
  await servingFetchWell(handler, async (port) => {
    const response = await fetch(`http://127.0.0.1:${port}/`);
    assertEquals(await response.text(), await Deno.readTextFile(path));
    const head = GET.replace("GET", "HEAD");
    assertMatch(await exchangeBytes(port, head), /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n$/);
  });
});

Deno.test("fetchHandler: a response without content cancels its stream", async () => {
  const cancelled: string[] = [];
  const handler: FetchHandler = (request) =>
    new Response(
      new ReadableStream({
        pull: (controller) => controller.enqueue(utf8("endless")),
        cancel: () => void cancelled.push(request.method),
      }),
    );
  await servingFetchWell(handler, async (port) => {
    const answer = await exchangeBytes(port, GET.replace("GET", "HEAD"));
    assertEquals(dateless(answer), "HTTP/1.1 200 OK\r\n\r\n");
  });
  assertEquals(cancelled, ["HEAD"]);
});

Deno.test("fetchHandler: a proxy that returns fetch(request)", async () => {
  const upstream: FetchHandler = async (request) =>
    new Response(`${request.method} ${new URL(request.url).pathname} ${await request.text()}`, {
      status: 202,
      headers: [["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"], ["X-Via", request.headers.get("x")!]],
    });
  const cookies = "set-cookie: a=1\r\nset-cookie: b=2\r\n";
  await servingFetchWell(upstream, async (upstreamPort) => {
    const origin = `http://127.0.0.1:${upstreamPort}`;
    await servingFetchWell((request) => fetch(request), async (port) => {
      using conn = await Deno.connect({ hostname: "127.0.0.1", port });
      for (const [method, body] of [["POST", "ping"], ["GET", ""], ["PUT", "pong"]]) {
        // Absolute-form, as a client sends to a proxy: the URL is that of the other server.
        const sent = post(body!, "X: y").replace("POST /", `${method} ${origin}/a`);
        await writeText(conn, sent);
        const content = `${method} /a ${body}`;
        const answer = await readUntil(conn, (text) => text.includes(content));
        assertMatch(answer, /^HTTP\/1\.1 202 Accepted\r\n/);
        assertStringIncludes(answer, `${cookies}`);
        assertStringIncludes(answer, "x-via: y\r\n");
        assertEquals(answer.match(/date:/gi)?.length, 1);
      }
      await writeText(conn, `HEAD ${origin}/h HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      const head = await readText(conn);
      assertMatch(head, /^HTTP\/1\.1 202 Accepted\r\n[^]*content-length: 8\r\n[^]*\r\n\r\n$/i);
    });
  });
});

Deno.test("fetchHandler: 100 Continue is sent when the handler reads, not before", async () => {
  const sent = post("ping", "Expect: 100-continue");
  const [head] = sent.split("ping");
  const reading: FetchHandler = async (request) => new Response(await request.text());
  const run = start([head!, soon(), "ping", EOF], fetchHandler(reading));
  await run.done;
  assertEquals(
    run.conn.writes,
    [
      "HTTP/1.1 100 Continue\r\n\r\n",
      `HTTP/1.1 200 OK\r\n${TEXT}${DATE}Content-Length: 4\r\n\r\nping`,
    ],
  );
  const refusing: FetchHandler = () => new Response(null, { status: 401 });
  const { output } = await converse([head!], fetchHandler(refusing));
  assertMatch(output, /^HTTP\/1\.1 401 Unauthorized\r\n[^]*Connection: close\r\n/);
});
