/** Memory that a client can make the server use: bounded by what arrived and what is read. */
import { assert, assertEquals } from "@std/assert";
import { GET } from "../fixtures.ts";
import { converse, echo, refused, settle, start } from "./harness.ts";
import { EOF } from "./scripted_conn.ts";

Deno.test("hardening 22: responses to a client that does not read are bounded", async () => {
  let served = 0;
  const gate = Promise.withResolvers<void>();
  const { conn, done } = start(
    [GET.repeat(1000), EOF],
    (request) => {
      served++;
      return request.respond(200, "x".repeat(10_000));
    },
    {},
    { writeGate: () => gate.promise },
  );
  await settle();
  await settle();
  // 64 KiB may be queued behind the write that hangs.
  assert(served <= 10, `${served} requests were answered into the queue`);
  gate.resolve();
  await done;
  assertEquals(served, 1000);
  assert(conn.closed);
});

Deno.test("hardening 22: nothing is read while a handler runs", async () => {
  const gate = Promise.withResolvers<void>();
  const { conn, done } = start([GET, ...Array(100).fill(GET)], async (request) => {
    await gate.promise;
    await request.respond(200);
  });
  await settle();
  assertEquals(conn.bytesRead, GET.length);
  gate.resolve();
  await done;
});

Deno.test("hardening 24: memory follows the bytes that arrived, not the announced length", async () => {
  const { output } = await converse(
    ["PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 8000000\r\n\r\nabc", EOF],
    echo,
  );
  assertEquals(
    output,
    refused("400 Bad Request", "The request ended before it was complete (RFC 9112, 8)"),
  );
});
