/** Web-standard frameworks, each served as its users would do it. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { FetchHandler, FetchInfo } from "@asynchttp/server";
import { Hono } from "npm:hono@4.13.19";
import { getCookie, setCookie } from "npm:hono@4.13.19/cookie";
import { getConnInfo } from "npm:hono@4.13.19/deno";
import { HTTPException } from "npm:hono@4.13.19/http-exception";
import { streamSSE, streamText } from "npm:hono@4.13.19/streaming";
import { AutoRouter, error, type IRequest, json, withCookies } from "npm:itty-router@5.0.24";
import * as h3 from "npm:h3@2.0.8";
import { servingFetchWell } from "./fetch_tools.ts";
import { curl, launchExample, testWith } from "./tools.ts";

/** Fetches a path of the server. */
type Ask = (path: string, init?: RequestInit) => Promise<Response>;

/** Serves an app while `use` runs; none of its errors reaches the server. */
function servingApp(handler: FetchHandler, use: (ask: Ask) => Promise<void>): Promise<void> {
  return servingFetchWell(
    handler,
    (port) => use((path, init) => fetch(`http://127.0.0.1:${port}${path}`, init)),
  );
}

function postJson(value: unknown): RequestInit {
  return {
    method: "POST",
    body: JSON.stringify(value),
    headers: { "Content-Type": "application/json" },
  };
}

/** The requests that every app below must answer alike. */
async function holdsToTheContract(ask: Ask): Promise<void> {
  const user = await ask("/users/42?full=yes");
  assertEquals(user.headers.get("x-middleware"), "seen");
  assertEquals(await user.json(), { id: "42", full: "yes" });

  const cookies = await ask("/cookies", { headers: { Cookie: "a=1; b=two" } });
  assertEquals(cookies.headers.getSetCookie(), ["c=3; Path=/; HttpOnly", "d=4"]);
  assertEquals(await cookies.json(), { a: "1", b: "two" });

  const made = await ask("/users", postJson({ name: "Grätel" }));
  assertEquals([made.status, await made.json()], [201, { name: "Grätel", id: 1 }]);

  const stream = await ask("/stream");
  assertEquals(stream.headers.get("content-length"), null);
  assertEquals(await stream.text(), "one\ntwo\nthree\n");

  const events = await ask("/events");
  assertMatch(events.headers.get("content-type")!, /^text\/event-stream/);
  assertEquals(
    (await events.text()).split("\n\n").slice(0, 2).map((event) => event.split("\n").toSorted()),
    [["data: first", "event: tick", "id: 1"], ["data: second", "event: tick", "id: 2"]],
  );

  await refuses(ask, "/elsewhere", 404);
  await refuses(ask, "/teapot", 418);
  await refuses(ask, "/fail", 500);

  const head = await ask("/users/42", { method: "HEAD" });
  assertEquals(await head.text(), "");
}

async function refuses(ask: Ask, path: string, status: number): Promise<void> {
  const response = await ask(path);
  await response.body?.cancel();
  assertEquals(response.status, status, path);
}

function hono(): Hono {
  const app = new Hono();
  app.use(async (c, next) => {
    await next();
    c.header("X-Middleware", "seen");
  });
  app.get("/users/:id", (c) => c.json({ id: c.req.param("id"), full: c.req.query("full") }));
  app.post("/users", async (c) => c.json({ ...await c.req.json(), id: 1 }, 201));
  app.get("/cookies", (c) => {
    setCookie(c, "c", "3", { httpOnly: true });
    c.header("Set-Cookie", "d=4", { append: true });
    return c.json(getCookie(c));
  });
  app.get("/stream", (c) =>
    streamText(c, async (stream) => {
      for (const text of ["one", "two", "three"]) {
        await stream.writeln(text);
        await stream.sleep(1);
      }
    }));
  app.get("/events", (c) =>
    streamSSE(c, async (stream) => {
      await stream.writeSSE({ data: "first", event: "tick", id: "1" });
      await stream.writeSSE({ data: "second", event: "tick", id: "2" });
    }));
  app.get("/teapot", () => {
    throw new HTTPException(418);
  });
  app.get("/fail", () => {
    throw new Error("failed");
  });
  app.onError((error, c) =>
    error instanceof HTTPException ? error.getResponse() : c.text(error.message, 500)
  );
  return app;
}

Deno.test("Hono: routes, middleware, cookies, JSON, streams, events, errors", async () => {
  await servingApp(hono().fetch, holdsToTheContract);
});

Deno.test("Hono: the client's address, forms, the request itself", async () => {
  const app = new Hono();
  app.get("/address", (c) => c.json(getConnInfo(c).remote));
  app.post("/form", async (c) => {
    const form = await c.req.parseBody();
    const file = form.file as File;
    return c.json([form.text, file.name, await file.text()]);
  });
  app.post("/echo", (c) => c.body(c.req.raw.body!));
  app.post("/twice", async (c) => c.text(await c.req.raw.clone().text() + await c.req.text()));
  app.mount("/mounted", (request: Request) => new Response(new URL(request.url).pathname));
  await servingApp(app.fetch, async (ask) => {
    const { address, port, transport } = await (await ask("/address")).json();
    assertEquals([address, transport], ["127.0.0.1", "tcp"]);
    assert(Number.isInteger(port) && port > 0);

    const form = new FormData();
    form.set("text", "é");
    form.set("file", new File(["content"], "a.txt"));
    const posted = await ask("/form", { method: "POST", body: form });
    assertEquals(await posted.json(), ["é", "a.txt", "content"]);

    const echo = await ask("/echo", { method: "POST", body: "ping" });
    assertEquals(await echo.text(), "ping");
    const twice = await ask("/twice", { method: "POST", body: "ping" });
    assertEquals(await twice.text(), "pingping");
    assertEquals(await (await ask("/mounted/a")).text(), "/a");
  });
});

Deno.test("Hono: a stream is cancelled when its client disconnects", async () => {
  const gone = Promise.withResolvers<void>();
  const app = new Hono();
  app.get("/", (c) =>
    streamSSE(c, async (stream) => {
      stream.onAbort(() => gone.resolve());
      while (!stream.aborted) {
        await stream.writeSSE({ data: "tick" });
        await stream.sleep(1);
      }
    }));
  await servingApp(app.fetch, async (ask) => {
    const reader = (await ask("/")).body!.getReader();
    await reader.read();
    await reader.cancel();
    await gone.promise;
  });
});

function itty(): FetchHandler {
  const router = AutoRouter({
    before: [withCookies],
    finally: [(response: Response) => {
      response.headers.set("X-Middleware", "seen");
    }],
  });
  const user = ({ params, query }: IRequest) => ({ id: params.id, full: query.full });
  // itty-router has no HEAD of its own.
  router.get("/users/:id", user).head("/users/:id", user);
  router.post(
    "/users",
    async (request) => json({ ...await request.json(), id: 1 }, { status: 201 }),
  );
  router.get(
    "/cookies",
    ({ cookies }) =>
      json(cookies, { headers: [["Set-Cookie", "c=3; Path=/; HttpOnly"], ["Set-Cookie", "d=4"]] }),
  );
  // itty-router has no helpers for streams: these are the platform's.
  router.get("/stream", () => new Response(encoded(["one\n", "two\n", "three\n"])));
  router.get("/events", () =>
    new Response(
      encoded(["first", "second"].map((data, i) => `id: ${i + 1}\nevent: tick\ndata: ${data}\n\n`)),
      { headers: { "Content-Type": "text/event-stream" } },
    ));
  router.get("/teapot", () => error(418, "Short and stout"));
  router.get("/fail", () => {
    throw new Error("failed");
  });
  return router.fetch;
}

function encoded(texts: string[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(texts).pipeThrough(new TextEncoderStream());
}

Deno.test("itty-router: routes, middleware, cookies, JSON, streams, events, errors", async () => {
  await servingApp(itty(), async (ask) => {
    await holdsToTheContract(ask);
    const response = await ask("/teapot");
    assertEquals(await response.json(), { status: 418, error: "Short and stout" });
  });
});

function h3App(): h3.H3 {
  const app = new h3.H3({ silent: true });
  app.use((event) => {
    event.res.headers.set("X-Middleware", "seen");
  });
  app.get("/users/:id", (event) => ({
    id: h3.getRouterParam(event, "id"),
    full: h3.getQuery(event).full,
  }));
  app.post("/users", async (event) => {
    event.res.status = 201;
    return { ...await h3.readBody<{ name: string }>(event), id: 1 };
  });
  app.get("/cookies", (event) => {
    h3.setCookie(event, "c", "3", { httpOnly: true });
    event.res.headers.append("Set-Cookie", "d=4");
    // h3 does not serialize an object without a prototype, which is what it returns here.
    return { ...h3.parseCookies(event) };
  });
  app.get("/stream", () => h3.iterable(["one\n", "two\n", "three\n"]));
  app.get("/events", (event) => {
    const stream = h3.createEventStream(event);
    queueMicrotask(async () => {
      await stream.push({ id: "1", event: "tick", data: "first" });
      await stream.push({ id: "2", event: "tick", data: "second" });
      await stream.close();
    });
    return stream.send();
  });
  app.get("/teapot", () => {
    throw new h3.HTTPError({ status: 418, message: "Short and stout" });
  });
  app.get("/fail", () => {
    throw new Error("failed");
  });
  return app;
}

Deno.test("h3: routes, middleware, cookies, JSON, streams, events, errors", async () => {
  const app = h3App();
  await servingApp((request) => app.fetch(request), async (ask) => {
    await holdsToTheContract(ask);
    const { status, message } = await (await ask("/teapot")).json();
    assertEquals([status, message], [418, "Short and stout"]);
  });
});

testWith("curl", "examples/hono.ts", async () => {
  const { example, origin } = await launchExample("hono.ts");
  await using _ = example;

  const first = await curl(`${origin}/`);
  assertMatch(first, /\r\nset-cookie: visits=1; Path=\/; HttpOnly; SameSite=Lax\r\n/);
  assertMatch(first, /\r\nserver-timing: app;dur=[\d.]+\r\n[^]*\r\n\r\nVisit 1\n$/);
  assertMatch(await curl("-b", "visits=6", `${origin}/`), /visits=7;[^]*\r\n\r\nVisit 7\n$/);

  assertStringIncludes(await curl(`${origin}/hello/Ada`), '{"hello":"Ada"}');
  assertMatch(
    await curl(`${origin}/address`),
    /\{"address":"127\.0\.0\.1","port":\d+,"transport":"tcp"\}$/,
  );

  const asJson = ["-H", "Content-Type: application/json", "-d"];
  const created = await curl(...asJson, '{"text":"milk"}', `${origin}/notes`);
  assertMatch(created, /^HTTP\/1\.1 201 Created\r\n[^]*location: \/notes\/1\r\n[^]*"milk"\}$/);
  assertMatch(await curl(`${origin}/notes`), /\r\n\r\n\["milk"\]$/);
  const long = JSON.stringify({ text: "x".repeat(10_000) });
  assertMatch(await curl(...asJson, long, `${origin}/notes`), /^HTTP\/1\.1 413 /);
  assertMatch(await curl(`${origin}/notes/1`), /\r\n\r\n\{"text":"milk"\}$/);
  assertMatch(await curl(`${origin}/notes/2`), /^HTTP\/1\.1 404 [^]*There is no \/notes\/2/);
  for (const bad of ["", "nonsense", "null", "{}", '{"text":1}']) {
    assertMatch(await curl(...asJson, bad, `${origin}/notes`), /^HTTP\/1\.1 400 [^]*A note is/);
  }

  assertMatch(
    await curl("-N", `${origin}/countdown`),
    /\r\nTransfer-Encoding: chunked\r\n\r\n3\n2\n1\nLift-off\n$/,
  );
  const events = [1, 2, 3].map((i) => `event: tick\ndata: event ${i} of 3\nid: ${i}\n\n`).join("");
  const stream = await curl("-N", `${origin}/events`);
  assertStringIncludes(stream, "content-type: text/event-stream\r\n");
  assertEquals(stream.split("\r\n\r\n")[1], events);
  assertEquals(stream.match(/transfer-encoding/gi)?.length, 1);

  assertMatch(await curl(`${origin}/elsewhere`), /^HTTP\/1\.1 404 [^]*There is no \/elsewhere"\}$/);
  assertMatch(
    await curl(`${origin}/fail`),
    /^HTTP\/1\.1 500 [^]*\{"error":"Internal Server Error"\}$/,
  );
  assertMatch(await curl("-I", `${origin}/hello/Ada`), /^HTTP\/1\.1 200 OK\r\n/);
});

Deno.test("Hono: a route has a body limit and a time of its own, through c.env", async () => {
  const app = new Hono<{ Bindings: FetchInfo }>();
  app.use(async (_c, next) => {
    await Promise.resolve(); // what an authentication does
    await next();
  });
  app.post("/avatar", async (c) => {
    c.env.maxBody = 20;
    return c.text(`${(await c.req.arrayBuffer()).byteLength} bytes`);
  });
  app.post("/echo", async (c) => c.text(await c.req.text()));
  app.post("/form", async (c) => {
    const { name } = await c.req.parseBody();
    return c.text(`Hello, ${name}`);
  });
  app.get("/slow", (c) => {
    c.env.handlerTimeout = 1;
    return new Promise<Response>(() => {});
  });
  const options = { maxBody: 10, timeouts: { handler: 600_000 } };
  await servingFetchWell(app.fetch, async (port) => {
    const ask = async (path: string, body?: string | FormData) => {
      const method = body === undefined ? "GET" : "POST";
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, body });
      return [response.status, await response.text()];
    };
    assertEquals(await ask("/avatar", "x".repeat(20)), [200, "20 bytes"]);
    assertEquals((await ask("/avatar", "x".repeat(21)))[0], 413);
    assertEquals(await ask("/echo", "x".repeat(10)), [200, "x".repeat(10)]);
    assertEquals((await ask("/echo", "x".repeat(11)))[0], 413);
    assertEquals((await ask("/slow"))[0], 503);
    const headers = { "Content-Type": "application/x-www-form-urlencoded" };
    const init = { method: "POST", body: "name=Ada", headers };
    assertEquals(await (await fetch(`http://127.0.0.1:${port}/form`, init)).text(), "Hello, Ada");
  }, options);
});
