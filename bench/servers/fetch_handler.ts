/** This server, with its defaults, through a handler of Web requests. */
import { AsyncHttpServer, fetchHandler } from "@asynchttp/server";

const server = new AsyncHttpServer();
const handler = fetchHandler(() => new Response("Hello, World!"));
const serving = server.serve(0, handler, { address: "127.0.0.1" });
console.log(`port ${server.getPort()}`);
await serving;
