/** This server, with its defaults. */
import { AsyncHttpServer } from "@asynchttp/server";

const server = new AsyncHttpServer();
const serving = server.serve(0, (request) => request.respond(200, "Hello, World!"), {
  address: "127.0.0.1",
});
console.log(`port ${server.getPort()}`);
await serving;
