/** A server that only reads and writes, as fairly as this one: with the same scheduler. */
import { scheduler, Ticket } from "../../src/net/scheduler.ts";
import { RAW_RESPONSE } from "./raw_connection.ts";

async function serve(conn: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(16_384);
  const ticket = new Ticket(scheduler);
  scheduler.join();
  try {
    for (;;) {
      const turn = scheduler.beforeRead(ticket);
      if (turn !== null) await turn;
      const count = await conn.read(buffer);
      if (count === null) break;
      scheduler.recordRead(ticket, count);
      await conn.write(RAW_RESPONSE);
    }
  } catch {
    // The load generator has ended.
  }
  scheduler.leave();
  conn.close();
}

const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
console.log(`port ${(listener.addr as Deno.NetAddr).port}`);
const accepts = new Ticket(scheduler);
for (;;) {
  await scheduler.beforeAccept(accepts);
  serve(await listener.accept());
  scheduler.recordAccept();
}
