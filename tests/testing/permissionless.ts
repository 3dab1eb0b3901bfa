/** Serves a request in memory; run without any permission by in_memory_server_test.ts. */
import { serveInMemory } from "@asynchttp/server/testing";

await using server = serveInMemory((request) => request.respond(200, "hello"));
console.log(await (await server.fetch("/")).text());
