/** This server with its defaults, through `fetchHandler`. */
import { AsyncHttpServer, fetchHandler } from "@asynchttp/server";
import { chosen } from "./routes.ts";
import { WEB_HANDLERS } from "./web_handlers.ts";

const server = new AsyncHttpServer();
const handler = fetchHandler(chosen(WEB_HANDLERS));
const serving = server.serve(0, handler, { address: "127.0.0.1" });
console.log(`port ${server.getPort()}`);
await serving;
