/** The floor of a connection for each request: one accept, one read, one write, one close. */
import { RAW_CLOSING_RESPONSE } from "./raw_connection.ts";

async function serve(conn: Deno.Conn): Promise<void> {
  try {
    await conn.read(new Uint8Array(1024));
    await conn.write(RAW_CLOSING_RESPONSE);
  } catch {
    // The load generator has ended.
  }
  conn.close();
}

const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
console.log(`port ${(listener.addr as Deno.NetAddr).port}`);
for await (const conn of listener) serve(conn);
