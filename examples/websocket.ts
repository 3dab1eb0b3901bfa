/**
 * A chat over WebSocket.
 *
 * ```sh
 * deno run --allow-net --allow-env=WS_NO_BUFFER_UTIL,WS_NO_UTF_8_VALIDATE examples/websocket.ts
 * ```
 *
 * Open http://localhost:8080/ in two browsers. The two environment variables are those that
 * `ws` reads. Arguments: the port.
 */
import { AsyncHttpServer, type Request } from "@asynchttp/server";
import { upgradeWebSocket } from "@asynchttp/server/websocket";

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Chat</title>
<style>
  :root { color-scheme: light dark; --accent: light-dark(#2456c8, #8fb2ff); --line: light-dark(#dde1e8, #363c48); }
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 0 auto; padding: 2rem 1.25rem;
    box-sizing: border-box; height: 100dvh; display: flex; flex-direction: column;
    color: light-dark(#1b2230, #e6e9ef); background: light-dark(#fff, #14171d); accent-color: var(--accent); }
  h1 { font-size: 1.5rem; line-height: 1.25; margin: 0; }
  ul { flex: 1; overflow-y: auto; list-style: none; padding: 0; }
  li { width: fit-content; margin-bottom: .5rem; padding: .4rem .9rem; border-radius: 12px;
    background: light-dark(#eef1f6, #232833); overflow-wrap: anywhere; }
  form { display: flex; gap: .5rem; }
  input, button { font: inherit; padding: .6rem 1rem; border: 1px solid var(--line); border-radius: 10px; }
  input { flex: 1; min-width: 0; color: inherit; background: transparent; }
  button { border: 0; color: light-dark(#fff, #14171d); background: var(--accent); cursor: pointer; }
</style>
<h1>Chat</h1>
<progress aria-label="Connecting"></progress>
<ul id="lines" role="log" aria-label="Messages" tabindex="0"></ul>
<form><input name="text" autocomplete="off" autofocus aria-label="Message" placeholder="Message">
<button>Send</button></form>
<script>
  const socket = new WebSocket("ws://" + location.host + "/chat");
  const show = (text) => {
    const line = document.createElement("li");
    line.textContent = text;
    document.querySelector("#lines").append(line);
    line.scrollIntoView();
  };
  socket.onopen = () => document.querySelector("progress").remove();
  socket.onmessage = ({ data }) => show(data);
  socket.onclose = () => show("The connection has ended");
  document.forms[0].onsubmit = (event) => {
    event.preventDefault();
    socket.send(event.target.text.value);
    event.target.reset();
  };
</script>
</html>
`;

/** Bounds for each guest: the size of a message, and the bytes that it has not read yet. */
const BOUNDS = { maxPayload: 4096, maxBufferedAmount: 1_000_000 };

const guests = new Set<WebSocket>();
let count = 0;

function tellAll(text: string): void {
  for (const guest of guests) guest.send(text);
}

async function chat(request: Request): Promise<void> {
  const { socket, response } = upgradeWebSocket(request, BOUNDS);
  let name: string;
  socket.onopen = () => {
    name = `Guest ${++count}`;
    guests.add(socket);
    tellAll(`${name} has come`);
  };
  socket.onmessage = ({ data }) => tellAll(`${name}: ${data}`);
  socket.onerror = (event) => console.log(`${name}: ${(event as ErrorEvent).message}`);
  // A handshake that was refused closes, too.
  socket.onclose = () => {
    if (guests.delete(socket)) tellAll(`${name} has gone`);
  };
  await request.respondWith(response);
}

async function handler(request: Request): Promise<void> {
  if (request.url.pathname === "/chat") return await chat(request);
  if (request.url.pathname !== "/") return await request.respond(404, "Not found\n");
  await request.respond(200, PAGE, { "Content-Type": "text/html; charset=utf-8" });
}

const server = new AsyncHttpServer();
const serving = server.serve(Number(Deno.args[0] ?? 8080), handler, { address: "127.0.0.1" });
console.log(`Listening on http://127.0.0.1:${server.getPort()}/`);
await serving;
