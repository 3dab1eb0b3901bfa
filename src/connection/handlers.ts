/** Makes handlers that are called before the body is in, and handlers of Web requests. */
import type { ConnectionInfo } from "./context.ts";
import { bodyRejectionOf, exchangeOf } from "./request.ts";
import type { Handler, Request } from "./request.ts";
import { lazyRequest } from "../web/lazy_request.ts";
import type { RequestSource } from "../web/lazy_request.ts";

const streamingHandlers = new WeakSet<Handler>();

/**
 * Makes a handler that is called as soon as the head of a request is in. It reads the
 * body itself, when and as far as it wants: with `request.stream`, `text()` or `json()`.
 *
 * Until it reads, the server takes at most 16 KiB from the socket, and a client that waits for
 * `100 Continue` (RFC 9110, 10.1.1) sends nothing. The server drops what it leaves
 * unread, up to `limits.drain` bytes.
 *
 * @param handler Called for each request, in the order of its connection.
 * @returns A handler for `serve`, `acceptRequest` or `serveConnection`.
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

/** Whether {@linkcode streaming} made the handler. */
export function isStreaming(handler: Handler): boolean {
  return streamingHandlers.has(handler);
}

/**
 * What a handler of Web requests gets besides the request: the addresses of the connection, and
 * bounds that it may change. A test that calls the handler itself can leave the bounds out.
 *
 * @example
 * ```ts
 * import { type FetchInfo, fetchHandler } from "@asynchttp/server";
 * import { serveInMemory } from "@asynchttp/server/testing";
 *
 * const handler = fetchHandler(async (request: Request, info: FetchInfo) => {
 *   info.maxBody = 3; // of this route
 *   return new Response(await request.text());
 * });
 * await using server = serveInMemory(handler);
 * const send = async (body: string) => (await server.fetch("/", { method: "POST", body })).status;
 * console.log(await send("abc"), await send("abcd")); // 200 413
 * ```
 */
export interface FetchInfo extends ConnectionInfo {
  /** As {@linkcode Request.maxBody}: how many bytes the body may have. Change it before you read. */
  maxBody?: number;
  /**
   * As {@linkcode Request.handlerTimeout}: how many milliseconds the function may take. Set
   * `timeouts.handler`, too, where a middleware may have waited before.
   */
  handlerTimeout?: number;
}

/**
 * A handler of Web requests. The second argument has the addresses of the connection.
 *
 * @example
 * ```ts
 * import { type FetchHandler, fetchHandler } from "@asynchttp/server";
 * import { serveInMemory } from "@asynchttp/server/testing";
 *
 * const handler: FetchHandler = ({ url }, { remoteAddr }) => Response.json([url, remoteAddr.transport]);
 * await using server = serveInMemory(fetchHandler(handler));
 * console.log(await (await server.fetch("/a")).json()); // [ "http://localhost/a", "tcp" ]
 * ```
 */
export type FetchHandler = (
  request: globalThis.Request,
  info: FetchInfo,
) => Response | Promise<Response>;

/** The addresses are its own properties, so that `{ ...info }` has them. */
class RequestInfo implements FetchInfo {
  readonly localAddr: Deno.Addr;
  readonly remoteAddr: Deno.Addr;
  readonly peerAddr: Deno.Addr;
  readonly #request: Request;

  constructor(request: Request) {
    this.localAddr = request.localAddr;
    this.remoteAddr = request.remoteAddr;
    this.peerAddr = request.peerAddr;
    this.#request = request;
  }

  get maxBody(): number {
    return this.#request.maxBody;
  }

  set maxBody(bytes: number) {
    this.#request.maxBody = bytes;
  }

  get handlerTimeout(): number {
    return this.#request.handlerTimeout;
  }

  set handlerTimeout(ms: number) {
    this.#request.handlerTimeout = ms;
  }
}

/**
 * Makes a handler of a function that takes a Web `Request` and returns a Web `Response`.
 *
 * Bodies stream both ways. `request.signal` aborts when the client goes. If the function
 * throws, or returns something that is no Response, the client gets 500 and `onError` the
 * error. A body that is rejected while the function reads it (over `maxBody`, malformed) is
 * answered with its own status if the function throws that error or returns a 5xx, as
 * frameworks do; any other Response is sent.
 *
 * A route can have bounds of its own: `info.maxBody`, before the body is read, and
 * `info.handlerTimeout`. Frameworks hand `info` on; in Hono it is `c.env`.
 *
 * The Fetch standard cannot express some requests; they are answered here: CONNECT, TRACE
 * and TRACK with 501, a GET or HEAD with a body with 400.
 *
 * @param handler Called for each request, in the order of its connection.
 * @returns A handler for `serve`, `acceptRequest` or `serveConnection`.
 *
 * @example
 * ```ts
 * import { AsyncHttpServer, fetchHandler } from "@asynchttp/server";
 *
 * const handler = fetchHandler((request) => Response.json({ url: request.url }));
 *
 * await using server = new AsyncHttpServer();
 * const serving = server.serve(0, handler, { address: "127.0.0.1" });
 * const response = await fetch(`http://127.0.0.1:${server.getPort()}/a`);
 * console.log(response.headers.get("content-type")); // application/json
 * await response.body?.cancel();
 * server.close();
 * await serving;
 * ```
 */
export function fetchHandler(handler: FetchHandler): Handler {
  return streaming((request) => {
    const rejection = rejectionOf(request);
    if (rejection !== null) return request.respond(rejection.code, rejection.text, TEXT);
    const response = handler(lazyRequest(request, keepBody), new RequestInfo(request));
    // A Response that is there is not awaited: an await costs 100 ns.
    return response instanceof Response
      ? respondWith(request, response)
      : respondLater(request, response);
  });
}

/** A body that the function reads whole takes of `maxBodyMemory`. */
function keepBody(source: RequestSource): void {
  exchangeOf(source as Request).body.keep();
}

async function respondLater(request: Request, response: Promise<Response>): Promise<void> {
  await respondWith(request, await response);
}

/**
 * Sends the Response, unless it is a 5xx behind a body that was rejected: frameworks catch
 * the error of a body over `maxBody` and make a 500 of it, which blames the server for the
 * client's fault. Any other status is the function's own word.
 */
function respondWith(request: Request, response: Response): Promise<void> {
  const rejection = bodyRejectionOf(request);
  if (rejection === null || !(response?.status >= 500)) return request.respondWith(response);
  response.body?.cancel(rejection).catch(() => {});
  throw rejection;
}

const TEXT = { "Content-Type": "text/plain; charset=utf-8" };

function rejectionOf({ method, hasBody }: Request): { code: number; text: string } | null {
  if (method === "GET" && !hasBody) return null;
  // The Fetch standard forbids these, in any case.
  if (/^(?:CONNECT|TRACE|TRACK)$/i.test(method)) {
    return { code: 501, text: `The method ${method} is not supported\n` };
  }
  if (hasBody && /^(?:GET|HEAD)$/i.test(method)) {
    return { code: 400, text: `A ${method} request must not have a body here\n` };
  }
  return null;
}
