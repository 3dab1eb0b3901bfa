/**
 * All cores: a process on each, on one port, among which the kernel spreads the connections.
 *
 * ```sh
 * deno run --allow-net --allow-run examples/cores.ts 8080
 * curl -i http://localhost:8080/
 * curl http://localhost:8080/stats
 * kill -HUP PROCESS   # replaces the workers one after the other, without a lost request
 * ```
 *
 * Arguments: the port, and the number of workers; the last line printed has the process. The master needs `--allow-run` only, for Deno
 * itself; the workers get `--allow-net` from the option `flags`.
 */
import { AsyncHttpServer, type Request } from "@asynchttp/server";
import { cluster, type ClusterWorker } from "@asynchttp/server/cluster";

/** Runs in each worker. */
function main({ number, port, stats }: ClusterWorker): AsyncHttpServer {
  const server = new AsyncHttpServer({ reusePort: true });
  const handler = async (request: Request) => {
    if (request.url.pathname === "/stats") {
      return await request.respond(200, JSON.stringify(await stats(), null, 2) + "\n");
    }
    await request.respond(200, `Hello from worker ${number}\n`);
  };
  server.serve(port, handler, { address: "127.0.0.1" });
  return server;
}

const { port } = await cluster({
  main,
  port: Number(Deno.args[0] ?? 8080),
  workers: Number(Deno.args[1] ?? navigator.hardwareConcurrency),
  flags: ["--allow-net=127.0.0.1"],
});
console.log(`Listening on http://127.0.0.1:${port}/`);
console.log(`Process ${Deno.pid}, to be sent SIGHUP or SIGTERM`);
