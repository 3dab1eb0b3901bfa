/** `record` and `replay`: the archive against the schema of HAR 1.2, a browser's, and itself. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { fetchHandler } from "@asynchttp/server";
import type { FetchHandler } from "@asynchttp/server";
import { record, replay, serveInMemory } from "@asynchttp/server/testing";
import type { Har, RecordOptions } from "@asynchttp/server/testing";
// @ts-types="npm:ajv@6.12.6"
import Ajv from "npm:ajv@6.12.6";
import draft06 from "npm:ajv@6.12.6/lib/refs/json-schema-draft-06.json" with { type: "json" };
import * as har from "npm:har-schema@2.0.0";
import { streamOf } from "../fixtures.ts";
import { withBrowser } from "../server/browser.ts";
import { servingFetchWell } from "../server/fetch_tools.ts";
import { testWith, withFolder } from "../server/tools.ts";

const ajv = new Ajv({ schemaId: "auto", meta: false });
ajv.addMetaSchema(draft06);
for (const schema of Object.values(har.default ?? har)) ajv.addSchema(schema as object);

function assertIsHar(archive: Har): void {
  const isValid = ajv.validate("har.json#", JSON.parse(JSON.stringify(archive)));
  assert(isValid, ajv.errorsText());
}

Deno.test("record: the schema of HAR 1.2 is applied", async () => {
  const { log } = await recorded();
  const { timings: _, ...incomplete } = log.entries[0]!;
  assertThrows(
    () => assertIsHar({ log: { ...log, entries: [incomplete] } } as unknown as Har),
    Error,
    "should have required property 'timings'",
  );
});

const ADDR: Deno.NetAddr = { transport: "tcp", hostname: "127.0.0.1", port: 0 };
const INFO = { localAddr: ADDR, remoteAddr: ADDR, peerAddr: ADDR };
const BINARY = Uint8Array.of(0xff, 0, 0xfe);

/** An application with content of every kind. */
const app: FetchHandler = async (request) => {
  const { pathname } = new URL(request.url);
  switch (pathname) {
    case "/text":
      return new Response("\ufeffGrüße", { headers: { "Content-Type": "text/plain", "X-A": "1" } });
    case "/binary":
      return new Response(BINARY, { headers: { "Content-Type": "image/png" } });
    case "/echo":
      return new Response(`${request.method} ${await request.text()}`, { status: 201 });
    case "/stream":
      return new Response(streamOf("a", "b", "c"));
    case "/moved":
      return Response.redirect("http://x/text", 302);
    case "/login":
      return new Response("in", { headers: { "Set-Cookie": "id=secret" } });
    default:
      return new Response(null, { status: 204 });
  }
};

/** Records a visit of all paths. */
async function recorded(options: RecordOptions = {}): Promise<Har> {
  const { handler, archive } = record(app, options);
  const ask = async (path: string, init?: RequestInit) => {
    const response = await handler(new Request(`http://x${path}`, init), INFO);
    await response.bytes();
  };
  await ask("/text?a=1&b=%20&a=2#fragment");
  await ask("/binary");
  await ask("/echo", { method: "POST", body: "Grüße" });
  await ask("/stream", { headers: { Authorization: "Basic YTpi" } });
  await ask("/moved");
  await ask("/login", { headers: { Cookie: "id=secret" } });
  await ask("/empty");
  return archive();
}

Deno.test("record: the archive is valid HAR 1.2, and says what was exchanged", async () => {
  const archive = await recorded();
  assertIsHar(archive);
  const [text, binary, echo, stream, moved, , empty] = archive.log.entries;
  assertEquals(text!.request.url, "http://x/text?a=1&b=%20&a=2");
  assertEquals(text!.request.queryString, [
    { name: "a", value: "1" },
    { name: "b", value: " " },
    { name: "a", value: "2" },
  ]);
  assertEquals(text!.response.content, {
    size: 10,
    mimeType: "text/plain",
    text: "\ufeffGrüße",
  });
  assertEquals(binary!.response.content.text, "/wD+");
  assertEquals(binary!.response.content.encoding, "base64");
  assertEquals(echo!.request.postData!.text, "Grüße");
  assertEquals([echo!.request.bodySize, echo!.response.status], [7, 201]);
  assertEquals(echo!.response.content.text, "POST Grüße");
  assertEquals(stream!.response.content.text, "abc");
  assertEquals(moved!.response.redirectURL, "http://x/text");
  assertEquals([empty!.response.status, empty!.response.content.size], [204, 0]);
});

Deno.test("record: what lets others in is left out, unless it is asked for", async () => {
  const text = JSON.stringify(await recorded());
  assert(!text.includes("secret") && !text.includes("YTpi"), text);
  const all = await recorded({ sensitive: true });
  assertIsHar(all);
  for (const part of ["id=secret", "Basic YTpi"]) assert(JSON.stringify(all).includes(part), part);
});

Deno.test("record: of a body over maxBody only the size is recorded, and it passes whole", async () => {
  const { handler, archive } = record(app, { maxBody: 2 });
  const response = await handler(new Request("http://x/stream"), INFO);
  assertEquals(await response.text(), "abc");
  const posted = await handler(new Request("http://x/echo", { method: "PUT", body: "abc" }), INFO);
  assertEquals(await posted.text(), "PUT abc");
  assertIsHar(archive());
  const [stream, echo] = archive().log.entries;
  assertEquals(stream!.response.content, {
    size: 3,
    mimeType: "",
    comment: "Too large to be recorded",
  });
  assertEquals([echo!.request.bodySize, echo!.request.postData], [3, undefined]);
});

Deno.test("record: streams pass as they come, and are recorded when cancelled or failed", async () => {
  const failing = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode("a")),
    pull: (controller) => controller.error(new Error("failed")),
  });
  const endless = () => new ReadableStream({ pull: (c) => c.enqueue(new Uint8Array(1)) });
  const { handler, archive } = record((request: Request) =>
    new Response(request.url.endsWith("/fail") ? failing : endless())
  );
  const response = await handler(new Request("http://x/endless"));
  const reader = response.body!.getReader();
  await reader.read();
  assertEquals(archive().log.entries, []);
  await reader.cancel();
  const failed = await handler(new Request("http://x/fail"));
  await assertRejects(() => failed.text(), Error, "failed");
  assertIsHar(archive());
  assertEquals(archive().log.entries.map(({ request }) => request.url), [
    "http://x/endless",
    "http://x/fail",
  ]);
});

Deno.test("record: fetch itself, and that of a server in memory", async () => {
  await using server = serveInMemory((request) => request.respond(200, request.body));
  const inMemory = record(server.fetch);
  const request = new Request("http://x/a", { method: "PUT", body: "abc" });
  assertEquals(await (await inMemory.handler(request)).text(), "abc");
  assertEquals(inMemory.archive().log.entries[0]!.request.postData!.text, "abc");
  await servingFetchWell(app, async (port) => {
    const platform = record(fetch);
    const response = await platform.handler(new Request(`http://127.0.0.1:${port}/text`));
    assertEquals(response.url, `http://127.0.0.1:${port}/text`);
    await response.text();
    assertIsHar(platform.archive());
    assertEquals(platform.archive().log.entries[0]!.response.status, 200);
  });
});

/** What a client makes of a response. */
async function seen(response: Response): Promise<unknown[]> {
  const { status, headers } = response;
  return [status, headers.get("content-type"), headers.get("x-a"), await response.bytes()];
}

Deno.test("replay: gives what was recorded, through fetchHandler and a socket", async () => {
  const archive = JSON.parse(JSON.stringify(await recorded({ sensitive: true })));
  await servingFetchWell(replay(archive), async (port) => {
    for (const { request: { method, url } } of (archive as Har).log.entries) {
      const { pathname, search } = new URL(url);
      const init: RequestInit = {
        method,
        redirect: "manual",
        ...method === "POST" ? { body: "Grüße" } : {},
      };
      const genuine = await app(new Request(url, init), INFO);
      const replayed = await fetch(`http://127.0.0.1:${port}${pathname}${search}`, init);
      assertEquals(await seen(replayed), await seen(genuine), url);
    }
    const missing = await fetch(`http://127.0.0.1:${port}/text?a=2`);
    assertEquals([missing.status, await missing.text()], [
      404,
      "The archive has no GET /text?a=2\n",
    ]);
  });
});

Deno.test("replay: equal requests in turn, the last repeated; otherwise for the rest", async () => {
  let count = 0;
  const { handler, archive } = record((_: Request) => new Response(`${++count}`));
  for (let i = 0; i < 3; i++) await (await handler(new Request("http://x/"))).text();
  const again = replay(archive(), { otherwise: () => new Response("other", { status: 410 }) });
  const ask = async (path: string) =>
    await (await again(new Request(`http://y${path}`), INFO)).text();
  assertEquals([await ask("/"), await ask("/"), await ask("/"), await ask("/")], [
    "1",
    "2",
    "3",
    "3",
  ]);
  assertEquals(await ask("/x"), "other");
  // Each replay begins anew.
  assertEquals(await (await replay(archive())(new Request("http://y/"), INFO)).text(), "1");
});

Deno.test("replay: rejects what is no archive, and unknown options", () => {
  for (const bad of [null, {}, { log: {} }]) {
    assertThrows(() => replay(bad as Har), TypeError, "An archive is wanted");
  }
  const empty: Har = { log: { version: "1.2", creator: { name: "", version: "" }, entries: [] } };
  assertThrows(() => replay(empty, { x: 1 } as never), TypeError, "Unknown option x");
});

const PAGE =
  `<!doctype html><title>Page</title><img src="/pixel.png"><p id="text"></p><script type="module">
  document.querySelector("#text").textContent = await (await fetch("/data?x=1")).text();
</script>`;
const PIXEL = Uint8Array.fromBase64(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==",
);

const site: FetchHandler = (request) => {
  const { pathname } = new URL(request.url);
  if (pathname === "/data") return new Response("Grüße");
  if (pathname === "/pixel.png") {
    return new Response(PIXEL, { headers: { "Content-Type": "image/png" } });
  }
  return new Response(PAGE, { headers: { "Content-Type": "text/html; charset=utf-8" } });
};

testWith("chromium", "record: a browser plays our archive back, without a server", async () => {
  const { handler, archive } = record(site);
  for (const path of ["/", "/pixel.png", "/data?x=1"]) {
    await (await handler(new Request(`http://recorded.example${path}`), INFO)).bytes();
  }
  await withFolder(async (folder) => {
    const file = `${folder}/archive.har`;
    await Deno.writeTextFile(file, JSON.stringify(archive()));
    await withBrowser(async (browser) => {
      const page = await browser.newPage();
      await page.routeFromHAR(file, { notFound: "abort" });
      await page.goto("http://recorded.example/");
      await page.getByText("Grüße").waitFor();
      assertEquals(await page.evaluate("document.images[0].naturalWidth"), 1);
    });
  });
});

testWith("chromium", "replay: the archive that a browser has recorded", async () => {
  await withFolder(async (folder) => {
    const file = `${folder}/archive.har`;
    await servingFetchWell(site, async (port) => {
      await withBrowser(async (browser) => {
        const context = await browser.newContext({ recordHar: { path: file, content: "embed" } });
        const page = await context.newPage();
        await page.goto(`http://127.0.0.1:${port}/`);
        await page.getByText("Grüße").waitFor();
        await context.close();
      });
    });
    const archive: Har = JSON.parse(await Deno.readTextFile(file));
    await using server = serveInMemory(fetchHandler(replay(archive)));
    assertEquals(await (await server.fetch("/")).text(), PAGE);
    assertEquals(await (await server.fetch("/data?x=1")).text(), "Grüße");
    assertEquals(await (await server.fetch("/pixel.png")).bytes(), PIXEL);
  });
});
