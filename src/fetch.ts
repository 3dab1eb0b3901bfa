/** Handlers of Web requests: what every framework of the Web's standards brings. */
import type { ConnectionInfo } from "./options.ts";
import type { Handler, Request } from "./request.ts";
import { streaming } from "./streaming.ts";
import { webRequest } from "./web_request.ts";

/** A handler of Web requests. Its second argument has the addresses of the connection. */
export type FetchHandler = (
  request: globalThis.Request,
  info: ConnectionInfo,
) => Response | Promise<Response>;

/**
 * Makes a handler of one that takes a Web `Request` and returns a Web `Response`.
 *
 * Bodies stream both ways. `request.signal` aborts when the client goes. A handler that
 * throws, or returns what is no Response, is answered for with 500, and `onError` hears
 * of it.
 *
 * What the Web's type cannot hold is answered here: CONNECT, TRACE and TRACK with 501, a
 * GET or HEAD with a body with 400.
 *
 * @param handler The handler.
 * @returns The same, to be given to `serve` or `acceptRequest`.
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
    const refusal = refusalOf(request);
    if (refusal !== null) return request.respond(refusal.code, refusal.text, TEXT);
    const { localAddr, remoteAddr } = request;
    const response = handler(webRequest(request), { localAddr, remoteAddr });
    // What need not be waited for is not: that alone is 100 ns.
    return response instanceof Response
      ? request.respondWith(response)
      : respondLater(request, response);
  });
}

async function respondLater(request: Request, response: Promise<Response>): Promise<void> {
  await request.respondWith(await response);
}

const TEXT = { "Content-Type": "text/plain; charset=utf-8" };

function refusalOf({ method, hasBody }: Request): { code: number; text: string } | null {
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
