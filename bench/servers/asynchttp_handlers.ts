/** The handlers of this server that are measured. */
import { type Handler, streaming } from "@asynchttp/server";
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

/** The handlers by route. */
export const ASYNCHTTP_HANDLERS: Readonly<Record<Route, Handler>> = {
  hello: (request) => request.respond(200, HELLO),
  browser: (request) => request.respond(200, greeting(request.url.pathname, request.headers)),
  json: async (request) => {
    const answer = JSON.stringify(receipt(await request.json()));
    await request.respond(200, answer, { "Content-Type": "application/json" });
  },
  buffered: (request) => request.respond(200, String(request.bytes.length)),
  streamed: streaming(async (request) => {
    await request.respond(200, String(await sizeOf(request.stream)));
  }),
  bytes: (request) => request.respond(200, PAGE),
  stream: (request) => request.respond(200, pages()),
  echo: (request) => request.respond(200, request.bytes),
  beside: (request) => {
    const [kind, amount] = disturbance(request.url);
    if (kind === "chunks") return request.respond(200, endless(amount));
    if (kind === "work") work(amount);
    return request.respond(200, HELLO);
  },
};
