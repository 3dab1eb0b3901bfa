/** A program that uses what `cluster` returns, and ends by itself. */
import { AsyncHttpServer } from "@asynchttp/server";
import { cluster } from "@asynchttp/server/cluster";

await using master = await cluster({
  workers: 2,
  flags: ["--allow-net=127.0.0.1"],
  idle: 0,
  main({ port }) {
    const server = new AsyncHttpServer({ reusePort: true });
    server.serve(port, (request) => request.respond(200), { address: "127.0.0.1" });
    return server;
  },
});

function pids(): string {
  return master.stats().workers.map(({ pid }) => pid).join(" ");
}

console.log(`Workers ${pids()}`);
// The second call waits for another round behind the first.
await Promise.all([master.reload(), master.reload()]);
console.log(`Workers ${pids()}`);
await master.shutdown({ grace: -1 }).catch((error) => console.log(error.message));
await master.shutdown({ grace: Infinity });
await master.finished;
console.log(`Rest ${master.stats().workers.length}`);
await master.reload().catch((error) => console.log(error.message));
