/**
 * Server-sent events from a stream: a browser that loses the connection goes on where
 * it was.
 *
 * ```sh
 * deno run --allow-net examples/events.ts
 * curl -N http://localhost:8080/events
 * curl -N http://localhost:8080/events -H 'Last-Event-ID: 41'
 * ```
 *
 * Or open http://localhost:8080/ in a browser. Arguments: the port, and the pause
 * between two events in milliseconds.
 */
import { AsyncHttpServer, type Request } from "@asynchttp/server";

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Events from a stream</title>
<h1>Events from a stream</h1>
<p>Responses: <output id="responses">0</output></p>
<ul id="events"></ul>
<script>
  const source = new EventSource("/events");
  source.onopen = () => document.querySelector("#responses").value++;
  source.onmessage = ({ data }) => {
    const item = document.createElement("li");
    item.textContent = data;
    document.querySelector("#events").append(item);
  };
</script>
</html>
`;

/** So many in one response; then the browser comes again by itself. */
const EVENTS = 4;
/** How long it waits before that, in milliseconds. */
const RETRY = 50;
const PAUSE = Number(Deno.args[1] ?? 1000);

const encoder = new TextEncoder();

/** A stream is pulled when the client has taken what came before: nothing piles up here. */
function eventsAfter(last: number): ReadableStream<Uint8Array> {
  let id = last;
  let timer: ReturnType<typeof setTimeout> | undefined;
  return new ReadableStream({
    start: (controller) => controller.enqueue(encoder.encode(`retry: ${RETRY}\n\n`)),
    async pull(controller) {
      // The first one goes out at once: who comes again has waited already.
      if (id > last) await new Promise((resolve) => timer = setTimeout(resolve, PAUSE));
      id++;
      controller.enqueue(encoder.encode(`id: ${id}\ndata: ${id}, asked for after ${last}\n\n`));
      if (id === last + EVENTS) controller.close();
    },
    cancel() {
      clearTimeout(timer);
      console.log(`The client has gone after event ${id}`);
    },
  });
}

/** What the browser has seen last; anything else than a number of ours is as good as nothing. */
function lastEventId({ headers }: Request): number {
  const id = headers.get("last-event-id") ?? "";
  return /^\d{1,15}$/.test(id) ? Number(id) : 0;
}

async function events(request: Request): Promise<void> {
  // Who has closed one side may still be reading an answer, and is given it; a browser
  // that does so has left, and need not be waited for until a write fails.
  const events = eventsAfter(lastEventId(request))
    .pipeThrough(new TransformStream(), { signal: request.signal });
  await request.respond(200, events, {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
  });
}

async function handler(request: Request): Promise<void> {
  if (request.url.pathname === "/events") return await events(request);
  if (request.url.pathname !== "/") return await request.respond(404, "Not found\n");
  await request.respond(200, PAGE, { "Content-Type": "text/html; charset=utf-8" });
}

const server = new AsyncHttpServer();
const serving = server.serve(Number(Deno.args[0] ?? 8080), handler, { address: "127.0.0.1" });
console.log(`Listening on http://127.0.0.1:${server.getPort()}/`);
await serving;
