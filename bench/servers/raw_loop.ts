/** A server that only reads and writes. */
import { serveRaw } from "./raw_connection.ts";

const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
console.log(`port ${(listener.addr as Deno.NetAddr).port}`);
for await (const conn of listener) serveRaw(conn);
