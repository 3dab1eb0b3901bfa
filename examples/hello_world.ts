/**
 * The smallest server. Ctrl+C ends it when the requests in progress have ended.
 *
 * ```sh
 * deno run --allow-net examples/hello_world.ts
 * curl -i http://127.0.0.1:8080/
 * ```
 */
import { AsyncHttpServer, type Request } from "@asynchttp/server";

async function hello(request: Request): Promise<void> {
  await request.respond(200, "Hello, World!\n", { "Content-Type": "text/plain; charset=utf-8" });
}

const server = new AsyncHttpServer();

await server.serve(Number(Deno.args[0] ?? 8080), hello, {
  address: "127.0.0.1",
  onListen: () => console.log(`Listening on http://127.0.0.1:${server.getPort()}/`),
  handleSignals: true,
});
