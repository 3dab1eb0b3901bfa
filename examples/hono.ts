/**
 * A Hono app: routes, a middleware, cookies, JSON, streams and server-sent events.
 *
 * ```sh
 * deno run --allow-net examples/hono.ts [port]
 * curl -i http://127.0.0.1:8080/
 * curl -i http://127.0.0.1:8080/hello/Ada
 * curl -i http://127.0.0.1:8080/notes -H 'Content-Type: application/json' -d '{"text":"milk"}'
 * curl -N http://127.0.0.1:8080/countdown
 * curl -N http://127.0.0.1:8080/events
 * ```
 *
 * Any app that has a `fetch` method is served in the same way.
 */
import { AsyncHttpServer, fetchHandler, type FetchInfo } from "@asynchttp/server";
import { Hono } from "npm:hono@4";
import { getCookie, setCookie } from "npm:hono@4/cookie";
import { getConnInfo } from "npm:hono@4/deno";
import { HTTPException } from "npm:hono@4/http-exception";
import { streamSSE, streamText } from "npm:hono@4/streaming";

const COUNT = 3;
const PAUSE_MS = 100;
const MAX_NOTE_BYTES = 10_000;

const notes: string[] = [];
/** `c.env` is the second argument of a fetch handler: addresses, and bounds for the request. */
const app = new Hono<{ Bindings: FetchInfo }>();

app.use(async (c, next) => {
  const before = performance.now();
  await next();
  c.header("Server-Timing", `app;dur=${(performance.now() - before).toFixed(1)}`);
});

app.get("/", (c) => {
  const visits = Number(getCookie(c, "visits") ?? 0) + 1;
  setCookie(c, "visits", String(visits), { path: "/", httpOnly: true, sameSite: "Lax" });
  return c.text(`Visit ${visits}\n`);
});

app.get("/hello/:name", (c) => c.json({ hello: c.req.param("name") }));

app.get("/address", (c) => c.json(getConnInfo(c).remote));

app.get("/notes", (c) => c.json(notes));

app.post("/notes", async (c) => {
  c.env.maxBody = MAX_NOTE_BYTES;
  const note = await c.req.json().catch((error) => {
    // A body that is too large is the server's to answer, with 413.
    if (!(error instanceof SyntaxError)) throw error;
  });
  if (typeof note?.text !== "string") {
    throw new HTTPException(400, { message: 'A note is an object such as {"text": "milk"}' });
  }
  notes.push(note.text);
  return c.json(note, 201, { Location: `/notes/${notes.length}` });
});

app.get("/notes/:number{[0-9]+}", (c) => {
  const text = notes[Number(c.req.param("number")) - 1];
  return text === undefined ? c.notFound() : c.json({ text });
});

app.get("/countdown", (c) =>
  streamText(c, async (stream) => {
    for (let i = COUNT; i > 0; i--) {
      await stream.writeln(String(i));
      await stream.sleep(PAUSE_MS);
    }
    await stream.writeln("Lift-off");
  }));

app.get("/events", (c) =>
  streamSSE(c, async (stream) => {
    for (let i = 1; i <= COUNT && !stream.aborted; i++) {
      await stream.writeSSE({ id: String(i), event: "tick", data: `event ${i} of ${COUNT}` });
      await stream.sleep(PAUSE_MS);
    }
  }));

app.get("/fail", () => {
  throw new Error("The error page does not show this");
});

app.notFound((c) => c.json({ error: `There is no ${c.req.path}` }, 404));

app.onError((error, c) => {
  if (error instanceof HTTPException) return c.json({ error: error.message }, error.status);
  console.error(`${c.req.method} ${c.req.path} failed:`, error);
  return c.json({ error: "Internal Server Error" }, 500);
});

const server = new AsyncHttpServer({ maxBody: 10_000 });
const serving = server.serve(Number(Deno.args[0] ?? 8080), fetchHandler(app.fetch), {
  address: "127.0.0.1",
});
console.log(`Listening on http://127.0.0.1:${server.getPort()}/`);
await serving;
