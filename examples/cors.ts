/**
 * Lets pages of certain other origins read responses (CORS).
 *
 * ```sh
 * deno run --allow-net examples/cors.ts 8080 http://localhost:3000
 * curl -i http://localhost:8080/ -H 'Origin: http://localhost:3000'
 * curl -i -X OPTIONS http://localhost:8080/ -H 'Origin: http://localhost:3000' -H 'Access-Control-Request-Method: PUT'
 * ```
 *
 * Arguments: the port, and the origins. CORS keeps no request away: it tells browsers what a page
 * may read, so a request that changes something needs a check of its own.
 */
import { AsyncHttpServer, type Request } from "@asynchttp/server";

/** Compared whole: a pattern such as "ends with example.com" also allows evilexample.com. */
const ORIGINS = new Set(Deno.args.length > 1 ? Deno.args.slice(1) : ["http://localhost:3000"]);

/** Caches must not give the response for one origin to another, so `Vary` is always there. */
function corsHeaders({ headers }: Request): Record<string, string> {
  const origin = headers.get("origin");
  const isAllowed = origin !== null && ORIGINS.has(origin);
  return { "Vary": "Origin", ...(isAllowed && { "Access-Control-Allow-Origin": origin }) };
}

/** A browser asks before it sends what a form could not: another method, other fields. */
function isPreflight({ method, headers }: Request): boolean {
  return method === "OPTIONS" && headers.has("access-control-request-method");
}

async function handler(request: Request): Promise<void> {
  const headers = corsHeaders(request);
  if (isPreflight(request)) {
    return await request.respond(204, null, {
      ...headers,
      "Access-Control-Allow-Methods": "GET, PUT",
      "Access-Control-Allow-Headers": "Content-Type",
      "Access-Control-Max-Age": "600",
    });
  }
  await request.respond(200, JSON.stringify({ method: request.method }) + "\n", {
    ...headers,
    "Content-Type": "application/json",
  });
}

const server = new AsyncHttpServer();
const serving = server.serve(Number(Deno.args[0] ?? 8080), handler, { address: "127.0.0.1" });
console.log(`Listening on http://127.0.0.1:${server.getPort()}/`);
await serving;
