/**
 * One server on each core: workers that listen on the same port, among which the kernel shares
 * the connections.
 *
 * ```sh
 * deno run --allow-net --allow-read --unstable-net examples/cores.ts
 * curl -i http://localhost:8080/
 * ```
 *
 * Arguments: the port, and the number of workers. The workers share no memory, but the file
 * descriptors of the process, so `maxConnections` is divided among them.
 */
import { AsyncHttpServer, type Request } from "@asynchttp/server";

const MAX_CONNECTIONS = 10_000;

interface Job {
  readonly port: number;
  readonly worker: number;
  readonly workers: number;
}

/** Within a worker, `self` is the other end of its `Worker`; the types are those of a window. */
const owner = self as unknown as Worker;

function serve({ port, worker, workers }: Job): void {
  const server = new AsyncHttpServer({
    reusePort: true,
    maxConnections: Math.ceil(MAX_CONNECTIONS / workers),
  });
  const handler = (request: Request) => request.respond(200, `Hello from worker ${worker}\n`);
  server.serve(port, handler, { address: "127.0.0.1" });
  owner.postMessage(server.getPort());
}

/** Starts a worker; resolves with its port when it listens. A worker that fails ends the process. */
function start(job: Job): Promise<number> {
  const worker = new Worker(import.meta.url, { type: "module" });
  worker.postMessage(job);
  return new Promise((resolve) => worker.onmessage = ({ data }) => resolve(data));
}

if (!("WorkerGlobalScope" in globalThis)) {
  const workers = Number(Deno.args[1] ?? navigator.hardwareConcurrency);
  // The first worker finds the port, if it is 0; the others share it.
  const port = await start({ port: Number(Deno.args[0] ?? 8080), worker: 1, workers });
  await Promise.all(
    Array.from({ length: workers - 1 }, (_, i) => start({ port, worker: i + 2, workers })),
  );
  console.log(`Listening on http://127.0.0.1:${port}/`);
} else {
  owner.onmessage = ({ data }: MessageEvent<Job>) => serve(data);
}
