/** The servers that are compared, and how each is started. */
import type { Route } from "../servers/routes.ts";
import { isInstalled } from "./processes.ts";
import type { Processes, Running } from "./processes.ts";

/** A server that can be started. */
export interface Server {
  readonly title: string;
  /** The program it needs besides Deno. */
  readonly needs: string | null;
  /** The command that starts it; `build` is for what must be compiled before. */
  command(route: Route, build: Build): readonly string[] | Promise<readonly string[]>;
}

/** Where and with what to compile. */
interface Build {
  readonly processes: Processes;
  readonly directory: string;
}

/** Compiling takes Nim some seconds; longer than this something is wrong. */
const PATIENCE = 120_000;

const pathOf = (file: string) => new URL(`../servers/${file}`, import.meta.url).pathname;

function onDeno(title: string, file: string): Server {
  return {
    title,
    needs: null,
    command: (route) => [Deno.execPath(), "run", "--allow-net", pathOf(file), route],
  };
}

/** This one, with its defaults. */
export const ASYNCHTTP: Server = onDeno("asynchttp", "asynchttp.ts");
export const FETCH_HANDLER: Server = onDeno("fetchHandler", "fetch_handler.ts");
export const DENO_SERVE: Server = onDeno("Deno.serve", "deno_serve.ts");
export const RAW_LOOP: Server = onDeno("raw loop", "raw_loop.ts");
export const NODE_HTTP_ON_DENO: Server = onDeno("node:http on Deno", "node_http.mjs");

export const NODE_HTTP: Server = {
  title: "node:http on Node",
  needs: "node",
  command: () => ["node", pathOf("node_http.mjs")],
};

export const NIM: Server = {
  title: "Nim asynchttpserver",
  needs: "nim",
  async command(_route, { processes, directory }) {
    const binary = `${directory}/nim_asynchttpserver`;
    const flags = ["-d:release", "--hints:off", `--nimcache:${directory}/nim`, `--out:${binary}`];
    const source = pathOf("nim_asynchttpserver.nim");
    await processes.run("server", ["nim", "compile", ...flags, source], PATIENCE);
    return [binary];
  },
};

/** A server that runs. */
export interface Started {
  readonly process: Running;
  readonly port: number;
}

/** Starts a server, and waits until it listens. */
export async function start(server: Server, route: Route, build: Build): Promise<Started> {
  const command = await server.command(route, build);
  const [process, line] = await build.processes.startUntilLine("server", command);
  const port = /^port (\d+)$/.exec(line)?.[1];
  if (port === undefined) throw new Error(`${server.title} printed no port: ${line}`);
  return { process, port: Number(port) };
}

/** What a server needs and this machine does not have; null when it has everything. */
export async function missing({ needs }: Server): Promise<string | null> {
  return needs === null || await isInstalled(needs) ? null : needs;
}
