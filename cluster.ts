/**
 * All cores: worker processes of one program on one port.
 *
 * @example
 * ```ts ignore
 * import { AsyncHttpServer } from "@asynchttp/server";
 * import { cluster } from "@asynchttp/server/cluster";
 *
 * const { port } = await cluster({
 *   port: 8080,
 *   flags: ["--allow-net"],
 *   main({ number, port }) {
 *     const server = new AsyncHttpServer({ reusePort: true });
 *     server.serve(port, (request) => request.respond(200, `Hello from worker ${number}\n`));
 *     return server;
 *   },
 * });
 * console.log(`Listening on http://localhost:${port}/`);
 * ```
 *
 * @module
 */
export {
  type Cluster,
  cluster,
  type ClusterOptions,
  type ClusterStats,
  type ClusterWorker,
  type WorkerMain,
  type WorkerServer,
  type WorkerState,
  type WorkerStats,
} from "./src/cluster/cluster.ts";
