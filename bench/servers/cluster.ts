/** A cluster that says hello: PORT WORKERS FLAGS… of `deno run` for the workers. */
import { AsyncHttpServer } from "@asynchttp/server";
import { cluster } from "@asynchttp/server/cluster";

const [port, workers, ...flags] = Deno.args;
await cluster({
  port: Number(port),
  workers: Number(workers),
  flags: ["--allow-net", ...flags],
  main: ({ port }) => {
    const server = new AsyncHttpServer({ reusePort: true });
    server.serve(port, (request) => request.respond(200, "Hello, World!"), {
      address: "127.0.0.1",
    });
    return server;
  },
});
