/**
 * A Hono app with eight of its middlewares: request IDs, a log, security headers, CORS, gzip,
 * ETags, a limit for bodies, and a timeout.
 *
 * ```sh
 * deno run --allow-net examples/hono_middlewares.ts
 * curl -i --compressed http://localhost:8080/
 * curl -i http://localhost:8080/echo -d 'hello'
 * curl -i http://localhost:8080/slow
 * ```
 *
 * Arguments: the port.
 */
import { setTimeout as delay } from "node:timers/promises";
import { AsyncHttpServer, fetchHandler } from "@asynchttp/server";
import { Hono } from "npm:hono@4";
import { bodyLimit } from "npm:hono@4/body-limit";
import { compress } from "npm:hono@4/compress";
import { cors } from "npm:hono@4/cors";
import { etag } from "npm:hono@4/etag";
import { logger } from "npm:hono@4/logger";
import { requestId } from "npm:hono@4/request-id";
import { secureHeaders } from "npm:hono@4/secure-headers";
import { timeout } from "npm:hono@4/timeout";

const MAX_BODY = 10_000;
/** Milliseconds. */
const TIMEOUT_MS = 1000;

const app = new Hono();
app.use(requestId());
app.use(logger());
app.use(secureHeaders());
app.use(cors({ origin: "http://localhost:3000" }));
app.use(compress());
app.use(etag());
// The server's own `maxBody` bounds every body; this one answers in the app's own words.
app.use(bodyLimit({ maxSize: MAX_BODY, onError: (c) => c.json({ error: "Too large" }, 413) }));
app.use(timeout(TIMEOUT_MS));

app.get("/", (c) => c.text("Hello, World!\n".repeat(200)));
app.post("/echo", async (c) => c.text(await c.req.text()));
app.get("/slow", async (c) => {
  await delay(2 * TIMEOUT_MS);
  return c.text("Nobody gets this\n");
});

const server = new AsyncHttpServer();
const serving = server.serve(Number(Deno.args[0] ?? 8080), fetchHandler(app.fetch), {
  address: "127.0.0.1",
});
console.log(`Listening on http://127.0.0.1:${server.getPort()}/`);
await serving;
