/**
 * Server-sent events, every byte by hand: the handler writes the response to the socket
 * itself, as in the example of the original.
 *
 * ```sh
 * deno run --allow-net examples/raw_events.ts
 * curl -N http://localhost:8080/events
 * ```
 *
 * Or open http://localhost:8080/ in a browser. Arguments: the port, and the pause between two
 * events in milliseconds.
 */
import { setTimeout as delay } from "node:timers/promises";
import { AsyncHttpServer, type Request } from "@asynchttp/server";

const PAGE = `<!doctype html>
<meta charset="utf-8">
<title>Events by hand</title>
<h1>Events by hand</h1>
<ol id="events"></ol>
<script>
  const source = new EventSource("/events");
  source.onmessage = ({ data }) => {
    const item = document.createElement("li");
    item.textContent = data;
    document.querySelector("#events").append(item);
  };
  source.addEventListener("end", () => source.close());
</script>
`;

const EVENTS = 5;
const PAUSE_MS = Number(Deno.args[1] ?? 1000);

const encoder = new TextEncoder();

async function events(request: Request): Promise<void> {
  const write = (text: string) => request.client.write(encoder.encode(text));
  await write("HTTP/1.1 200 OK\r\n");
  await request.sendHeaders({
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "Connection": "close",
  });
  await write("\r\n");
  for (let i = 1; i <= EVENTS; i++) {
    await write(`data: event ${i} of ${EVENTS}\n\n`);
    await delay(PAUSE_MS);
  }
  await write("event: end\ndata:\n\n");
}

async function handler(request: Request): Promise<void> {
  if (request.url.pathname === "/events") return await events(request);
  if (request.url.pathname === "/") {
    return await request.respond(200, PAGE, { "Content-Type": "text/html; charset=utf-8" });
  }
  await request.respond(404, "Not found\n");
}

const server = new AsyncHttpServer();
const serving = server.serve(Number(Deno.args[0] ?? 8080), handler, { address: "127.0.0.1" });
console.log(`Listening on http://127.0.0.1:${server.getPort()}/`);
await serving;
