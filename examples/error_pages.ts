/**
 * Error pages of your own: for what is missing, for what fails, and for requests that the server
 * refuses before a handler sees them.
 *
 * ```sh
 * deno run --allow-net examples/error_pages.ts
 * curl -i http://localhost:8080/missing
 * curl -i http://localhost:8080/fail
 * curl -i http://localhost:8080/ -H 'Host: a/b'
 * ```
 *
 * Arguments: the port.
 */
import { AsyncHttpServer, type Request } from "@asynchttp/server";

const HTML = { "Content-Type": "text/html; charset=utf-8" };

function page(status: number, text: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>${status}</title>
<h1>${status}</h1>
<p>${escaped(text)}</p>
</html>
`;
}

/** What a client has sent must not become markup of ours. */
function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

async function handler(request: Request): Promise<void> {
  const { pathname } = request.url;
  if (pathname === "/") return await request.respond(200, "<h1>Hello, World!</h1>\n", HTML);
  if (pathname === "/fail") throw new Error("The page does not show this");
  await request.respond(404, page(404, `There is no ${pathname}`), HTML);
}

const server = new AsyncHttpServer({
  // A failed handler comes here, too, with the code "handler-failed"; `onError` gets the error.
  onReject: ({ status, code }) => ({
    headers: HTML,
    body: page(
      status,
      status < 500 ? `The request was refused: ${code}` : "Please try again later",
    ),
  }),
  onError: (error, request) => console.log(`${request?.target} failed:`, error),
});
const serving = server.serve(Number(Deno.args[0] ?? 8080), handler, { address: "127.0.0.1" });
console.log(`Listening on http://127.0.0.1:${server.getPort()}/`);
await serving;
