/** This server with its defaults. */
import { AsyncHttpServer } from "@asynchttp/server";
import { ASYNCHTTP_HANDLERS } from "./asynchttp_handlers.ts";
import { chosen } from "./routes.ts";

const server = new AsyncHttpServer();
const serving = server.serve(0, chosen(ASYNCHTTP_HANDLERS), { address: "127.0.0.1" });
console.log(`port ${server.getPort()}`);
await serving;
