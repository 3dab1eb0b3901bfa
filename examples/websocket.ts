/**
 * A chat over WebSocket: the server hands the connection over, `ws` speaks the protocol.
 *
 * ```sh
 * deno run --allow-net --allow-env=WS_NO_BUFFER_UTIL,WS_NO_UTF_8_VALIDATE examples/websocket.ts
 * ```
 *
 * Open http://localhost:8080/ in two browsers. The two environment variables are those that
 * `ws` reads. Arguments: the port.
 */
import { Duplex } from "node:stream";
import type { IncomingMessage } from "node:http";
import { AsyncHttpServer, type Request } from "@asynchttp/server";
// @ts-types="npm:@types/ws@8"
import { type WebSocket, WebSocketServer } from "npm:ws@8";

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Chat</title>
<h1>Chat</h1>
<ul id="lines"></ul>
<form><input name="text" autocomplete="off" autofocus aria-label="Say"> <button>Say</button></form>
<script>
  const socket = new WebSocket("ws://" + location.host + "/chat");
  const show = (text) => {
    const line = document.createElement("li");
    line.textContent = text;
    document.querySelector("#lines").append(line);
  };
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

/**
 * A connection as a Node stream, its one owner: the connection is closed when the stream is
 * destroyed, which happens after an end in both directions, or an error.
 */
class Socket extends Duplex {
  readonly #conn: Deno.Conn;

  constructor(conn: Deno.Conn) {
    super();
    this.#conn = conn;
  }

  override _read(): void {
    this.#receive().catch((error) => this.destroy(error));
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error) => void): void {
    this.#send(chunk).then(() => done(), done);
  }

  override _final(done: (error?: Error) => void): void {
    this.#conn.closeWrite().then(() => done(), done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#conn.close();
    done(error);
  }

  async #receive(): Promise<void> {
    const chunk = new Uint8Array(16_384);
    const count = await this.#conn.read(chunk);
    this.push(count === null ? null : chunk.subarray(0, count));
  }

  async #send(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length;) at += await this.#conn.write(chunk.subarray(at));
  }
}

/** Bounds for each guest: the size of a message, and the bytes that it has not read yet. */
const MAX_MESSAGE_BYTES = 4096;
const MAX_UNREAD_BYTES = 1_000_000;

const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES });
let guests = 0;

function tellAll(text: string): void {
  for (const guest of sockets.clients) {
    if (guest.readyState !== guest.OPEN) continue;
    // Messages that a guest does not read stay in the server's memory.
    if (guest.bufferedAmount > MAX_UNREAD_BYTES) guest.terminate();
    else guest.send(text);
  }
}

function join(guest: WebSocket): void {
  const name = `Guest ${++guests}`;
  tellAll(`${name} has come`);
  guest.on("message", (message) => tellAll(`${name}: ${message}`));
  guest.on("close", () => tellAll(`${name} has gone`));
  // Without a listener an invalid frame would end the process.
  guest.on("error", (error) => console.log(`${name}: ${error.message}`));
}

function handOver(request: Request): void {
  const { method, target: url, headers, protocol: { major, minor } } = request;
  const message = {
    method,
    url,
    headers: Object.fromEntries(headers),
    httpVersion: `${major}.${minor}`,
  };
  // No head: reads of the connection first return what the client has sent too early.
  const head = new Uint8Array() as Buffer;
  sockets.handleUpgrade(message as IncomingMessage, new Socket(request.hijack()), head, join);
}

/** Upgrade counts only if Connection lists it, and never in HTTP/1.0 (RFC 9110, 7.8). */
function offersWebSocket({ headers, protocol }: Request): boolean {
  const options = (headers.get("connection") ?? "").toLowerCase().split(/[ \t]*,[ \t]*/);
  return protocol.minor > 0 && options.includes("upgrade") &&
    headers.get("upgrade")?.toLowerCase() === "websocket";
}

/** Whether the request comes from a page of another origin: a page may open a WebSocket to any host, but must send its origin. */
function isCrossOrigin({ headers, url }: Request): boolean {
  const origin = headers.get("origin");
  return origin !== null && origin !== url.origin;
}

async function chat(request: Request): Promise<void> {
  if (!offersWebSocket(request)) {
    return await request.respond(426, "This is a WebSocket endpoint\n", {
      "Upgrade": "websocket",
      "Connection": "Upgrade",
    });
  }
  if (isCrossOrigin(request)) {
    return await request.respond(403, "Pages of other origins may not connect\n");
  }
  handOver(request);
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
