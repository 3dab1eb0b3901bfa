/** Hono on this server with its defaults, through `fetchHandler`. */
import { AsyncHttpServer, fetchHandler } from "@asynchttp/server";
import { HONO_APP } from "./hono_app.ts";

const server = new AsyncHttpServer();
const serving = server.serve(0, fetchHandler(HONO_APP.fetch), { address: "127.0.0.1" });
console.log(`port ${server.getPort()}`);
await serving;
