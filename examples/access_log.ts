/**
 * A log of every request, one line each: those that were answered, and those that were refused
 * before a handler saw them. goaccess, fail2ban and log shippers read "combined".
 *
 * ```sh
 * deno run --allow-net examples/access_log.ts
 * curl -i http://localhost:8080/
 * curl -i http://localhost:8080/ -H 'Host: a/b'
 * ```
 *
 * Arguments: the port, the format (combined or json).
 */
import { accessLog, AsyncHttpServer, type Request } from "@asynchttp/server";

async function app(request: Request): Promise<void> {
  if (request.url.pathname === "/") await request.respond(200, "Hello, World!\n");
  else await request.respond(404, "Not found\n");
}

const format = Deno.args[1] === "json" ? "json" : "combined";
const server = new AsyncHttpServer({ onResponse: accessLog({ format }) });
const serving = server.serve(Number(Deno.args[0] ?? 8080), app, { address: "127.0.0.1" });
console.log(`Listening on http://127.0.0.1:${server.getPort()}/`);
await serving;
