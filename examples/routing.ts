/**
 * A JSON API for users: list, get, create.
 *
 * ```sh
 * deno run --allow-net examples/routing.ts
 * curl -i http://localhost:8080/users
 * curl -i http://localhost:8080/users/1
 * curl -i http://localhost:8080/users -d '{"name":"Grace"}'
 * ```
 */
import { AsyncHttpServer, type Request } from "@asynchttp/server";

interface User {
  id: number;
  name: string;
}

const users = new Map<number, User>([[1, { id: 1, name: "Ada" }]]);

function json(request: Request, code: number, value: unknown, headers = {}): Promise<void> {
  return request.respond(code, JSON.stringify(value) + "\n", {
    "Content-Type": "application/json",
    ...headers,
  });
}

function list(request: Request): Promise<void> {
  return json(request, 200, [...users.values()]);
}

function get(request: Request, id: number): Promise<void> {
  const user = users.get(id);
  return user
    ? json(request, 200, user)
    : json(request, 404, { error: `User ${id} does not exist` });
}

function create(request: Request): Promise<void> {
  const name = nameIn(request.body);
  if (name === null) {
    return json(request, 400, { error: 'A user is an object such as {"name": "Ada"}' });
  }
  const user = { id: users.size + 1, name };
  users.set(user.id, user);
  return json(request, 201, user, { Location: `/users/${user.id}` });
}

function nameIn(body: string): string | null {
  try {
    const { name } = JSON.parse(body) as { name?: unknown };
    return typeof name === "string" && name !== "" ? name : null;
  } catch {
    return null;
  }
}

async function route(request: Request): Promise<void> {
  const { pathname } = request.url;
  const id = /^\/users\/(\d+)$/.exec(pathname)?.[1];
  if (id !== undefined && request.method === "GET") return await get(request, Number(id));
  if (pathname !== "/users") return await json(request, 404, { error: "Not found" });
  if (request.method === "GET") return await list(request);
  if (request.method === "POST") return await create(request);
  await json(request, 405, { error: "Method not allowed" }, { Allow: "GET, POST" });
}

const server = new AsyncHttpServer({ maxBody: 10_000 });
const serving = server.serve(Number(Deno.args[0] ?? 8080), route, { address: "127.0.0.1" });
console.log(`Listening on http://127.0.0.1:${server.getPort()}/users`);
await serving;
