/** A program as many are: some thirty lines, no `onError`, no signal listener. */
import { AsyncHttpServer } from "@asynchttp/server";
import type { Request } from "@asynchttp/server";

interface Note {
  readonly id: number;
  readonly text: string;
}

const notes = new Map<number, Note>();
let last = 0;

async function list(request: Request): Promise<void> {
  const query = request.url.searchParams.get("q") ?? "";
  const found = [...notes.values()].filter(({ text }) => text.includes(query));
  await request.respond(200, JSON.stringify(found), { "Content-Type": "application/json" });
}

async function add(request: Request): Promise<void> {
  const { text } = await request.json() as { text?: string };
  if (typeof text !== "string") return await request.respond(422, "text is missing");
  const note = { id: ++last, text };
  notes.set(note.id, note);
  await request.respond(201, JSON.stringify(note), { "Content-Type": "application/json" });
}

const routes: { readonly [route: string]: (request: Request) => Promise<void> } = {
  "GET /notes": list,
  "POST /notes": add,
  "GET /": async (request) => {
    await Deno.readTextFile("/etc/hostname").catch(() => "");
    await request.respond(200, "hello");
  },
};

const server = new AsyncHttpServer();
const serving = server.serve(0, async (request) => {
  const route = routes[`${request.method} ${request.url.pathname}`];
  if (route === undefined) await request.respond(404, "not found");
  else await route(request);
}, { address: "127.0.0.1" });
console.log(`Listening on http://127.0.0.1:${server.getPort()}/`);
await serving;
