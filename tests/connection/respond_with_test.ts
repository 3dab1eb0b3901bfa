/** `request.respondWith()`: responses given as a Web `Response`. */
import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { fetchHandler } from "@asynchttp/server";
import { GET, soon, streamOf, utf8 } from "../fixtures.ts";
import { failing } from "./bodies.ts";
import { converse, DATE, NOW, refused, settle, start } from "./harness.ts";
import { EOF, STALL } from "./scripted_conn.ts";

Deno.test("respondWith: accepts objects that look like a Response", async () => {
  const looks = [
    { status: 200, headers: { a: "b" }, body: "abc" },
    { status: 200, headers: [["a", "b"]], body: utf8("abc") },
    { status: 200, headers: new Map([["a", "b"]]), body: streamOf("abc") },
  ];
  for (const look of looks) {
    const { output } = await converse(
      [GET],
      (request) => request.respondWith(look as unknown as Response),
    );
    assertEquals(output.startsWith(`HTTP/1.1 200 OK\r\na: b\r\n`), true);
    assert(output.endsWith("abc") || output.endsWith("\r\n3\r\nabc\r\n0\r\n\r\n"));
  }
  const bare = await converse([GET], (request) => request.respondWith({ status: 204 } as Response));
  assertEquals(bare.output, `HTTP/1.1 204 No Content\r\n${DATE}\r\n`);
});

Deno.test("respondWith: a body that fails at once gives 500", async () => {
  const { output, errors } = await converse(
    [GET],
    (request) => request.respondWith(new Response(failing())),
  );
  assertEquals(output, refused("500 Internal Server Error", "Internal Server Error"));
  assertEquals(errors.length, 1);
});

Deno.test("respondWith: sends status, statusText, several cookies, and a body with its length", async () => {
  const headers = new Headers([["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"], [
    "Transfer-Encoding",
    "chunked",
  ]]);
  const { output } = await converse(
    [GET + GET],
    (request) =>
      request.respondWith(new Response(utf8("abc"), { status: 201, statusText: "Fine", headers })),
  );
  assertEquals(
    output,
    `HTTP/1.1 201 Fine\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n${DATE}Content-Length: 3\r\n\r\nabc`
      .repeat(2),
  );
});

Deno.test("respondWith: a body that pauses is sent chunk by chunk", async () => {
  async function* slow(...parts: string[]) {
    for (const part of parts) {
      await soon();
      yield utf8(part);
    }
  }
  async function* halting() {
    yield utf8("abc");
    await soon();
    yield utf8("def");
  }
  const head = `HTTP/1.1 200 OK\r\n${DATE}Transfer-Encoding: chunked\r\n\r\n`;
  for (const source of [slow("abc", "def"), halting()]) {
    const { output } = await converse(
      [GET],
      (request) => request.respondWith(new Response(ReadableStream.from(source))),
    );
    assertEquals(output, head + "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n");
  }
});

Deno.test("respondWith: no body, an empty body, and values that are not a usable Response", async () => {
  const bodies = [null, "", new ReadableStream({ start: (controller) => controller.close() })];
  for (const body of bodies) {
    const { output } = await converse([GET], (request) => request.respondWith(new Response(body)));
    assertEquals(output.split("\r\n\r\n")[1], "");
    assert(output.includes("Content-Length: 0\r\n"));
  }
  const used = new Response("a");
  await used.text();
  const locked = new Response("a");
  locked.body!.getReader();
  for (const bad of [undefined, null, "text", {}, used, locked]) {
    const { output, errors } = await converse(
      [GET],
      (request) => request.respondWith(bad as Response),
    );
    assertEquals(output, refused("500 Internal Server Error", "Internal Server Error"));
    assertInstanceOf(errors[0], TypeError);
  }
});

Deno.test("respondWith: a Response whose headers throw is not sent, and its source is cancelled", async () => {
  let cancelled: unknown;
  const response = {
    status: 200,
    get headers(): Headers {
      throw new Error("no fields");
    },
    body: new ReadableStream({ cancel: (reason) => void (cancelled = reason) }),
  } as unknown as Response;
  const options = { onError: () => {} };
  const run = start([GET, STALL], (request) => request.respondWith(response), options);
  await settle();
  assert(run.conn.output.startsWith("HTTP/1.1 500 "));
  assertEquals(String(cancelled), "Error: no fields");
  run.connection.destroy();
  await run.done;
});

Deno.test("fetchHandler: the body of a Response that comes too late is cancelled", async () => {
  const reasons: unknown[] = [];
  const late = Promise.withResolvers<Response>();
  const run = start([GET, STALL], fetchHandler(() => late.promise), {
    timeouts: { handler: 1000 },
  });
  await settle();
  run.clock.tick(NOW + 1000);
  await settle();
  late.resolve(new Response(new ReadableStream({ cancel: (reason) => void reasons.push(reason) })));
  await settle();
  assertEquals(reasons.length, 1);
  assertInstanceOf(reasons[0], TypeError);
  run.clock.tick(NOW + 3000);
  await run.done;
  assertEquals(run.errors, []);
});

Deno.test("respondWith: the body of a second Response is cancelled", async () => {
  let cancelled = 0;
  const { output } = await converse([GET, EOF], async (request) => {
    await request.respondWith(new Response("first"));
    const body = new ReadableStream({ cancel: () => void cancelled++ });
    await assertRejects(() => request.respondWith(new Response(body)), TypeError);
  });
  assert(output.endsWith("first"));
  assertEquals(cancelled, 1);
});
