/** A server whose wall clock is moved from outside. */
import { AsyncHttpServer, streaming } from "@asynchttp/server";

const server = new AsyncHttpServer({ timeouts: { handler: 60_000 } });
const handler = streaming(async (request) => {
  await request.respond(200, await request.text());
});
const serving = server.serve(0, handler, { address: "127.0.0.1" });
console.log(`Listening on http://127.0.0.1:${server.getPort()}/`);
await serving;
