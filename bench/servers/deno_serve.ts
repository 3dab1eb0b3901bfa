/** The peer, used as its documentation shows. */
import { chosen } from "./routes.ts";
import { WEB_HANDLERS } from "./web_handlers.ts";

Deno.serve(
  { port: 0, hostname: "127.0.0.1", onListen: ({ port }) => console.log(`port ${port}`) },
  chosen(WEB_HANDLERS),
);
