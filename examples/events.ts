/**
 * Server-sent events from a stream: a browser that loses the connection continues where
 * it stopped.
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
<meta name="viewport" content="width=device-width">
<title>Events from a stream</title>
<style>
  :root { color-scheme: light dark; --accent: light-dark(#2456c8, #8fb2ff); --line: light-dark(#dde1e8, #363c48); }
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 0 auto; padding: 2rem 1.25rem;
    color: light-dark(#1b2230, #e6e9ef); background: light-dark(#fff, #14171d); accent-color: var(--accent); }
  h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 1.5rem; }
  progress { width: 100%; height: .5rem; }
  ul { list-style: none; padding: 0; font-variant-numeric: tabular-nums; }
  li { padding: .6rem 0; border-bottom: 1px solid var(--line); }
</style>
<h1>Events from a stream</h1>
<p>Responses so far: <output id="responses">0</output></p>
<progress aria-label="Waiting for the next event"></progress>
<ul id="events" role="log" aria-label="Events"></ul>
<script>
  const source = new EventSource("/events");
  source.onopen = () => document.querySelector("#responses").value++;
  source.onmessage = ({ data }) => {
    const item = document.createElement("li");
    item.textContent = data;
    document.querySelector("#events").append(item);
    item.scrollIntoView({ block: "nearest" });
  };
</script>
</html>
`;

/** Events in one response; after it the browser reconnects by itself. */
const EVENTS = 4;
/** Milliseconds that the browser waits before it reconnects. */
const RETRY_MS = 50;
/** Milliseconds between two events. */
const PAUSE_MS = Number(Deno.args[1] ?? 1000);

const encoder = new TextEncoder();

/** Returns a stream that is pulled when the client has taken the previous event: nothing accumulates. */
function eventsAfter(last: number): ReadableStream<Uint8Array> {
  let id = last;
  let timer: ReturnType<typeof setTimeout> | undefined;
  return new ReadableStream({
    start: (controller) => controller.enqueue(encoder.encode(`retry: ${RETRY_MS}\n\n`)),
    async pull(controller) {
      // The first event is sent at once: a client that reconnects has waited already.
      if (id > last) await new Promise((resolve) => timer = setTimeout(resolve, PAUSE_MS));
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

/** Returns the last event that the browser has seen; 0 if the field is missing, or is not an ID of ours. */
function lastEventId({ headers }: Request): number {
  const id = headers.get("last-event-id") ?? "";
  return /^\d{1,15}$/.test(id) ? Number(id) : 0;
}

async function events(request: Request): Promise<void> {
  // A client that has closed its side may still be reading, and the server still serves it. A
  // browser that has closed its side is gone: the signal ends the stream before a write fails.
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
