/**
 * A log of every request, one line of JSON each: those that were answered, and those that were
 * refused before a handler saw them.
 *
 * ```sh
 * deno run --allow-net examples/access_log.ts
 * curl -i http://localhost:8080/
 * curl -i http://localhost:8080/ -H 'Host: a/b'
 * ```
 *
 * Arguments: the port.
 */
import {
  AsyncHttpServer,
  type ConnectionInfo,
  type FetchHandler,
  fetchHandler,
} from "@asynchttp/server";

/** JSON, because a field of the client may hold quotes and spaces: no client can forge a line. */
function log({ remoteAddr }: ConnectionInfo, entry: Record<string, unknown>): void {
  const client = remoteAddr.transport === "tcp" ? remoteAddr.hostname : remoteAddr.transport;
  console.log(JSON.stringify({ time: new Date().toISOString(), client, ...entry }));
}

/** Logs when the response is known; its content may still be on its way. */
function logged(handler: FetchHandler): FetchHandler {
  return async (request, info) => {
    const begin = performance.now();
    const { pathname, search } = new URL(request.url);
    const entry = { method: request.method, target: pathname + search };
    const agent = request.headers.get("user-agent");
    const ms = () => Math.round(performance.now() - begin);
    try {
      const response = await handler(request, info);
      log(info, { ...entry, status: response.status, ms: ms(), agent });
      return response;
    } catch (error) {
      log(info, { ...entry, status: 500, ms: ms(), agent });
      throw error;
    }
  };
}

function app(request: Request): Response {
  if (new URL(request.url).pathname !== "/") return new Response("Not found\n", { status: 404 });
  return new Response("Hello, World!\n");
}

const server = new AsyncHttpServer({
  onReject: ({ code, status }, connection) => log(connection, { refused: code, status }),
});
const serving = server.serve(Number(Deno.args[0] ?? 8080), fetchHandler(logged(app)), {
  address: "127.0.0.1",
});
console.log(`Listening on http://127.0.0.1:${server.getPort()}/`);
await serving;
