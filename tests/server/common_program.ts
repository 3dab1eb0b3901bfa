/**
 * A program as many are: some thirty lines, no `onError`, no signal listener. Over TLS where its
 * arguments are a certificate and a key.
 */
import { AsyncHttpServer } from "@asynchttp/server";
import type { Request } from "@asynchttp/server";
import { tlsListener } from "@asynchttp/server/tls";

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

const [cert, key] = Deno.args.map((file) => Deno.readTextFileSync(file));
const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
const server = new AsyncHttpServer();
const serving = server.serve(
  cert && key ? tlsListener(listener, { cert, key }) : listener,
  async (request) => {
    const route = routes[`${request.method} ${request.url.pathname}`];
    if (route === undefined) await request.respond(404, "not found");
    else await route(request);
  },
);
console.log(`Listening on http://127.0.0.1:${server.getPort()}/`);
await serving;
