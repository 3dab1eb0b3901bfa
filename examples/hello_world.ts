/**
 * The smallest server.
 *
 * ```sh
 * deno run --allow-net examples/hello_world.ts
 * curl -i http://localhost:8080/
 * ```
 */
import { AsyncHttpServer } from "@asynchttp/server";

const server = new AsyncHttpServer();

const serving = server.serve(Number(Deno.args[0] ?? 8080), async (request) => {
  await request.respond(200, "Hello, World!\n", { "Content-Type": "text/plain; charset=utf-8" });
});

console.log(`Listening on http://localhost:${server.getPort()}/`);
await serving;
