/**
 * A chat over WebSocket: the server hands the connection over, `ws` speaks the protocol.
 *
 * ```sh
 * deno run --allow-net --allow-env=WS_NO_BUFFER_UTIL,WS_NO_UTF_8_VALIDATE examples/websocket.ts
 * ```
 *
 * Open http://localhost:8080/ in two browsers. The two variables are those that `ws`
 * looks at. Arguments: the port.
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
 * A connection as a stream of Node's. It has one owner: whoever destroys the stream, and
 * an end in both directions or a fault does, closes the connection.
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

/** A guest may say so many bytes at once, and leave so many unread. */
const LONGEST = 4096;
const MOST_UNREAD = 1_000_000;

const sockets = new WebSocketServer({ noServer: true, maxPayload: LONGEST });
let guests = 0;

function tellAll(text: string): void {
  for (const guest of sockets.clients) {
    if (guest.readyState !== guest.OPEN) continue;
    // What a guest does not read is kept in our memory.
    if (guest.bufferedAmount > MOST_UNREAD) guest.terminate();
    else guest.send(text);
  }
}

function join(guest: WebSocket): void {
  const name = `Guest ${++guests}`;
  tellAll(`${name} has come`);
  guest.on("message", (message) => tellAll(`${name}: ${message}`));
  guest.on("close", () => tellAll(`${name} has gone`));
  // Without a listener a frame that is none would end the process.
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
  // No head: what the client has sent too early are the first bytes of the connection.
  const head = new Uint8Array() as Buffer;
  sockets.handleUpgrade(message as IncomingMessage, new Socket(request.hijack()), head, join);
}

/** Upgrade counts only where Connection names it, and not at all in HTTP/1.0 (RFC 9110, 7.8). */
function offersWebSocket({ headers, protocol }: Request): boolean {
  const options = (headers.get("connection") ?? "").toLowerCase().split(/[ \t]*,[ \t]*/);
  return protocol.minor > 0 && options.includes("upgrade") &&
    headers.get("upgrade")?.toLowerCase() === "websocket";
}

/** Any page of any site may open a WebSocket to any host, but it must say where it is from. */
function comesFromElsewhere({ headers, url }: Request): boolean {
  const origin = headers.get("origin");
  return origin !== null && origin !== url.origin;
}

async function chat(request: Request): Promise<void> {
  if (!offersWebSocket(request)) {
    return await request.respond(426, "This is a WebSocket\n", {
      "Upgrade": "websocket",
      "Connection": "Upgrade",
    });
  }
  if (comesFromElsewhere(request)) return await request.respond(403, "Not from that page\n");
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
