/** The servers that are compared and the commands that start them. */
import type { Route } from "../servers/routes.ts";

/** A server that can be started. */
export interface Server {
  readonly title: string;
  /** A program it needs besides Deno. */
  readonly needs?: string;
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
    title: "Nim asynchttpserver",
    needs: "nim",
    command(_route, directory) {
      const source = `${CHECKOUT}/bench/servers/nim_asynchttpserver.nim`;
      return ["sh", "-c", COMPILE_AND_EXEC, "sh", directory, source];
    },
  },
];
