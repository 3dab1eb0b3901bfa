/** Hono on `Deno.serve`. */
import { HONO_APP } from "./hono_app.ts";

Deno.serve(
  { port: 0, hostname: "127.0.0.1", onListen: ({ port }) => console.log(`port ${port}`) },
  HONO_APP.fetch,
);
