/**
 * A server on a Unix socket, for a proxy on the same machine.
 *
 * ```sh
 * deno run --allow-net --allow-read --allow-write examples/unix_socket.ts hello.sock
 * curl -i --unix-socket hello.sock http://localhost/
 * ```
 *
 * Only processes that may write to the socket can connect: put it into a folder that others
 * cannot enter. Arguments: the path.
 */
import { AsyncHttpServer, type Request } from "@asynchttp/server";

const PATH = Deno.args[0] ?? "hello.sock";

async function handler(request: Request): Promise<void> {
  await request.respond(200, "Hello over a Unix socket\n", {
    "Content-Type": "text/plain; charset=utf-8",
  });
}

/** Removes the socket of a process that was killed; that of a running one fails the start. */
async function removeStale(): Promise<void> {
  try {
    (await Deno.connect({ transport: "unix", path: PATH })).close();
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) await Deno.remove(PATH);
  }
}

await removeStale();
await using server = new AsyncHttpServer();
const listener = Deno.listen({ transport: "unix", path: PATH });
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => server.close());
}
console.log(`Listening on ${PATH}`);
await server.serve(listener, handler);
await server.shutdown();
// The runtime removes the socket with its listener, or leaves it.
await Deno.remove(PATH).catch(() => {});
Deno.exit();
