/** A Hono app for each route that is measured with it, used as its documentation shows. */
import { Hono } from "npm:hono@4.13.19";
import { HELLO } from "./content.ts";

const HELLO_APP = new Hono();
HELLO_APP.all("*", (context) => context.text(HELLO));

const ECHO_APP = new Hono();
ECHO_APP.all("*", async (context) => context.body(await context.req.arrayBuffer()));

/** The app that the command line names. */
export const HONO_APP: Hono = Deno.args[0] === "echo" ? ECHO_APP : HELLO_APP;
