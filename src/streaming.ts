/** Handlers that are called before the body is in. */
import type { Handler } from "./request.ts";

const streamingHandlers = new WeakSet<Handler>();

/**
 * Makes a handler that is called as soon as the head of a request is in. It reads the
 * body itself, when and as far as it wants: with `request.stream`, `text()` or `json()`.
 *
 * Until it reads, nothing is taken from the socket, and a client that waits for `100
 * Continue` sends nothing. What it leaves unread is dropped, up to `limits.drain`.
 *
 * @param handler The handler.
 * @returns The same, to be given to `serve` or `acceptRequest`.
 *
 * @example Count the bytes of an upload of any size
 * ```ts
 * import { AsyncHttpServer, streaming } from "@asynchttp/server";
 *
 * const handler = streaming(async (request) => {
 *   request.maxBody = Infinity;
 *   let count = 0;
 *   for await (const chunk of request.stream) count += chunk.length;
 *   await request.respond(200, `${count} bytes\n`);
 * });
 *
 * await using server = new AsyncHttpServer();
 * const serving = server.serve(0, handler, { address: "127.0.0.1" });
 * const url = `http://127.0.0.1:${server.getPort()}/`;
 * const response = await fetch(url, { method: "PUT", body: "x".repeat(1000) });
 * console.log(await response.text()); // 1000 bytes
 * server.close();
 * await serving;
 * ```
 */
export function streaming(handler: Handler): Handler {
  const marked: Handler = (request) => handler(request);
  streamingHandlers.add(marked);
  return marked;
}

/** Was it made by {@linkcode streaming}? */
export function isStreaming(handler: Handler): boolean {
  return streamingHandlers.has(handler);
}
