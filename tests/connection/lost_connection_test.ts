/** Reads, writes and closes that fail: they end their own connection, and are not reported. */
import { assert, assertEquals } from "@std/assert";
import { ConnectionLost } from "../../src/errors.ts";
import { GET } from "../fixtures.ts";
import { BAD_REQUEST, converse, echo, start } from "./harness.ts";
import { RESET, STALL } from "./scripted_conn.ts";

Deno.test("a write that fails rejects respond() with ConnectionLost, and is not reported", async () => {
  let failure: unknown;
  const { conn, errors } = await converse(
    [GET, STALL],
    async (request) => {
      try {
        await request.respond(200, "x".repeat(100));
      } catch (error) {
        failure = error;
        throw error;
      }
    },
    {},
    { failAfter: 150 },
  );
  assert(failure instanceof ConnectionLost);
  assertEquals(errors, []);
  assert(conn.closed);
});

Deno.test("a write that fails and is not awaited ends the connection, and is not reported", async () => {
  const { conn, errors } = await converse(
    [GET, GET, STALL],
    (request) => void request.respond(200, "x".repeat(100)),
    {},
    { failAfter: 10 },
  );
  assertEquals(errors, []);
  assert(conn.closed);
});

Deno.test("a socket that throws on a second close is closed once", async () => {
  const { conn, errors } = await converse([GET], (request) => {
    request.client.close();
    request.client.close();
  });
  assert(conn.closed);
  assertEquals(errors, []);
});

Deno.test("a reset within a body ends the connection without a response", async () => {
  const { output, errors } = await converse([
    "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na",
    RESET,
  ]);
  assertEquals(output, "");
  assertEquals(errors, []);
});

Deno.test("a half-close that fails ends the connection without a report", async () => {
  const run = start([BAD_REQUEST, STALL], echo);
  run.conn.closeWrite = () => Promise.reject(new Deno.errors.NotConnected("gone"));
  await run.done;
  assertEquals(run.errors, []);
  assert(run.conn.closed);
});
