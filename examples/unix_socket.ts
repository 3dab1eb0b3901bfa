/**
 * A server on a Unix socket, for a proxy on the same machine.
 *
 * ```sh
 * deno run --allow-net --allow-read --allow-write examples/unix_socket.ts hello.sock
 * curl -i --unix-socket hello.sock http://localhost/
 * ```
 *
 * nginx in front of it (`nginx -c`, or its parts in the files of your system):
 *
 * ```text
 * pid nginx.pid;
 * error_log stderr;
 * events {}
 * http {
 *   access_log off;
 *   upstream app {
 *     server unix:hello.sock;
 *     keepalive 16;                        # connections that are kept open
 *   }
 *   server {
 *     listen 127.0.0.1:8080;
 *     client_max_body_size 0;              # maxBody of the server decides
 *     location / {
 *       proxy_pass http://app;
 *       proxy_http_version 1.1;
 *       proxy_request_buffering off;       # the server sees a body as it arrives
 *       proxy_set_header Host $host:$server_port;
 *       proxy_set_header Connection "";    # not "close", nginx's default
 *       proxy_set_header X-Forwarded-For $remote_addr;
 *       proxy_set_header X-Forwarded-Proto $scheme;
 *       proxy_set_header X-Forwarded-Host $host:$server_port;
 *     }
 *   }
 * }
 * ```
 *
 * Only processes that may write to the socket can connect: put it into a folder that others
 * cannot enter. Arguments: the path.
 */
import { AsyncHttpServer, type Request } from "@asynchttp/server";

const PATH = Deno.args[0] ?? "hello.sock";

async function handler(request: Request): Promise<void> {
  // A peer on a Unix socket has no address, but nginx names its clients.
  await request.respond(200, `Hello over a Unix socket, ${request.hostname || "you"}\n`, {
    "Content-Type": "text/plain; charset=utf-8",
  });
}

/**
 * Removes the socket of a process that was killed; that of a running one fails the start, and so
 * does a file that is no socket, to which the system refuses connections, too.
 */
async function removeStale(): Promise<void> {
  try {
    (await Deno.connect({ transport: "unix", path: PATH })).close();
  } catch (error) {
    const isRefused = error instanceof Deno.errors.ConnectionRefused;
    if (isRefused && (await Deno.lstat(PATH)).isSocket) await Deno.remove(PATH);
  }
}

if (Deno.build.os === "windows") {
  throw new Deno.errors.NotSupported(
    'Deno has no Unix sockets on Windows: listen on a port of the machine itself, as in serve(8080, handler, { address: "127.0.0.1" })',
  );
}
await removeStale();
// Believes whatever connects to the socket: nginx writes these fields, clients must not reach it.
const server = new AsyncHttpServer({ forwarded: { from: ["unix"], header: "x-forwarded" } });
await server.serve(Deno.listen({ transport: "unix", path: PATH }), handler, {
  onListen: () => console.log(`Listening on ${PATH}`),
  handleSignals: true,
});
// The runtime removes the socket with its listener, or leaves it.
await Deno.remove(PATH).catch(() => {});
