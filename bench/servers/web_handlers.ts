/** The same handlers with Web requests and responses, for `Deno.serve` and `fetchHandler`. */
import {
  disturbance,
  endless,
  greeting,
  HELLO,
  PAGE,
  pages,
  receipt,
  sizeOf,
  work,
} from "./content.ts";
import type { Route } from "./routes.ts";

type WebHandler = (request: Request) => Response | Promise<Response>;

/** The handlers by route. */
export const WEB_HANDLERS: Readonly<Record<Route, WebHandler>> = {
  hello: () => new Response(HELLO),
  browser: (request) => new Response(greeting(new URL(request.url).pathname, request.headers)),
  json: async (request) => Response.json(receipt(await request.json())),
  buffered: async (request) => new Response(String((await request.bytes()).length)),
  streamed: async (request) => new Response(String(await sizeOf(request.body!))),
  bytes: () => new Response(PAGE),
  stream: () => new Response(pages()),
  echo: async (request) => new Response(await request.bytes()),
  beside: (request) => {
    const [kind, amount] = disturbance(new URL(request.url));
    if (kind === "chunks") return new Response(endless(amount));
    if (kind === "work") work(amount);
    return new Response(HELLO);
  },
};
