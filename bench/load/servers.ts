/** The servers that are compared and the commands that start them. */
import type { Route } from "../servers/routes.ts";

/** How each program besides Deno is asked for its version. */
export const VERSION_FLAGS = {
  go: "version",
  nginx: "-v",
  nim: "--version",
  node: "--version",
  npm: "--version",
  taskset: "--version",
  wrk: "--version",
} as const;

/** A program that is used where it is installed. */
export type Program = keyof typeof VERSION_FLAGS;

/** A server that can be started. */
export interface Server {
  readonly title: string;
  /** A program it needs besides Deno. */
  readonly needs?: Program;
  /** Idle connections that are open while it is measured. */
  readonly idle?: number;
  /** Whether it gets the same request again and again where the others get varied ones. */
  readonly repeats?: boolean;
  /** The command that starts it; `directory` is for what it compiles. */
  command(route: Route, directory: string): readonly string[];
}

const CHECKOUT = new URL("../..", import.meta.url).pathname;

function onDeno(file: string) {
  return (title: string, checkout = CHECKOUT): Server => {
    const flags = ["--allow-net", "--no-lock", `--config=${checkout}/deno.json`];
    const path = `${checkout}/bench/servers/${file}`;
    return { title, command: (route) => [Deno.execPath(), "run", ...flags, path, route] };
  };
}

/** This server with its defaults, from any checkout of the repository. */
export const asynchttp = onDeno("asynchttp.ts");
/** The same through `fetchHandler`. */
export const asynchttpFetch = onDeno("fetch_handler.ts");

export const DENO_SERVE: Server = onDeno("deno_serve.ts")("Deno.serve");

/** A loop that only reads and writes, with the scheduler of this server. */
export const FAIR_LOOP: Server = onDeno("fair_loop.ts")("fair raw loop");

/** What Deno's public interface costs a server that parses nothing: a connection for each request, … */
export const RAW_CLOSING: Server = onDeno("raw_closing.ts")("raw loop");

/** … a Web `Response` for each, … */
export const RAW_FETCH: Server = onDeno("raw_fetch.ts")("raw loop with Response");

/** … bodies that are streams. */
export const RAW_BODIES: Server = onDeno("raw_bodies.ts")("raw loop with ReadableStream");

/** The same parser and encoder as streams, without the server's direct lane. */
export const STREAMS: Server = onDeno("streams.ts")("streams");

/** The shell becomes the server, so that its process id stays the server's. */
const COMPILE_AND_EXEC = 'nim compile -d:release --hints:off --nimcache:"$1/nim" ' +
  '--out:"$1/server" "$2" >&2 && exec "$1/server"';
const BUILD_AND_EXEC = 'go build -o "$1/go_server" "$2" >&2 && exec "$1/go_server"';

/** Node finds packages beside the program only. */
const INSTALL_AND_EXEC = "npm install --silent --no-audit --no-fund " +
  '--prefix "$1/hono" hono@4.13.19 @hono/node-server@2.1.9 >&2 && ' +
  'cp "$2" "$1/hono/server.mjs" && exec node "$1/hono/server.mjs"';

function inShell(script: string, file: string): Server["command"] {
  const path = `${CHECKOUT}/bench/servers/${file}`;
  return (_route, directory) => ["sh", "-c", script, "sh", directory, path];
}

/** A port that is free now, for a server that cannot ask for one. */
function freePort(): string {
  using listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  return String(listener.addr.port);
}

/** The peers of the hello scenario. */
export const PEERS: readonly Server[] = [
  DENO_SERVE,
  onDeno("raw_loop.ts")("raw loop"),
  {
    title: "node:http on Node",
    needs: "node",
    command: () => ["node", `${CHECKOUT}/bench/servers/node_http.mjs`],
  },
  onDeno("node_http.mjs")("node:http on Deno"),
  {
    title: "Go net/http",
    needs: "go",
    command: inShell(BUILD_AND_EXEC, "go_net_http.go"),
  },
  {
    title: "nginx",
    needs: "nginx",
    command(_route, directory) {
      return ["sh", `${CHECKOUT}/bench/servers/nginx.sh`, `${directory}/nginx`, freePort()];
    },
  },
  onDeno("hono_deno_serve.ts")("Hono on Deno.serve"),
  onDeno("hono_fetch_handler.ts")("Hono on asynchttp"),
  {
    title: "Hono on Node",
    needs: "npm",
    command: inShell(INSTALL_AND_EXEC, "hono_node.mjs"),
  },
  {
    title: "Nim asynchttpserver",
    needs: "nim",
    command: inShell(COMPILE_AND_EXEC, "nim_asynchttpserver.nim"),
  },
];
