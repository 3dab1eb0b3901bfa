/** Hono on Node's server: runs where `npm install hono @hono/node-server` was run. */
import process from "node:process";
// @ts-ignore: only Node runs this, and finds the packages.
import { serve } from "@hono/node-server";
// @ts-ignore: the same.
import { Hono } from "hono";

const app = new Hono();
if (process.argv[2] === "echo") {
  app.all("*", async (context) => context.body(await context.req.arrayBuffer()));
} else {
  app.all("*", (context) => context.text("Hello, World!"));
}
serve(
  { fetch: app.fetch, port: 0, hostname: "127.0.0.1" },
  ({ port }) => console.log(`port ${port}`),
);
