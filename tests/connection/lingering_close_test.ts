/** The lingering close: the server half-closes and reads on, so that no reset loses its response. */
import { assert, assertEquals } from "@std/assert";
import { LinkedList } from "../../src/net/linked_list.ts";
import { GET } from "../fixtures.ts";
import {
  BAD_REQUEST,
  BAD_RESPONSE,
  converse,
  echo,
  echoed,
  NOW,
  settle,
  start,
} from "./harness.ts";
import { EOF, STALL } from "./scripted_conn.ts";

Deno.test("lingering close: the server half-closes and reads until the client closes", async () => {
  const { conn, output, clock } = await converse([BAD_REQUEST, "x".repeat(10_000), EOF]);
  assertEquals(output, BAD_RESPONSE);
  assert(conn.writeClosed && conn.closed);
  assertEquals(conn.bytesRead, BAD_REQUEST.length + 10_000);
  assertEquals(clock.size, 0);
});

Deno.test("lingering close: no more than limits.linger is read", async () => {
  const { conn } = await converse([BAD_REQUEST, "x".repeat(1_000_000)], echo, {
    limits: { linger: 50_000 },
  });
  assert(conn.closed);
  assert(
    conn.bytesRead >= 50_000 && conn.bytesRead < 50_000 + 20_000,
    `${conn.bytesRead} were read`,
  );
});

Deno.test("lingering close: no longer than timeouts.linger", async () => {
  const { conn, clock, done } = start([BAD_REQUEST, STALL], echo);
  await settle();
  assert(conn.writeClosed);
  clock.tick(NOW + 1999);
  await settle();
  assert(!conn.closed);
  clock.tick(NOW + 2000);
  await done;
  assert(conn.closed);
});

Deno.test("lingering close: a client that goes on sending has timeouts.lingerTotal", async () => {
  const sends = Array.from({ length: 40 }, () => Promise.withResolvers<void>());
  const script = sends.flatMap(({ promise }) => [promise, "x".repeat(10_000)]);
  const { conn, clock, done } = start([BAD_REQUEST, ...script, STALL], echo);
  await settle();
  for (let second = 1; second < 30; second++) {
    sends[second]!.resolve();
    sends[second - 1]!.resolve();
    await settle();
    clock.tick(NOW + second * 1000);
    await settle();
    assert(!conn.closed, `closed after ${second} s`);
  }
  sends.forEach(({ resolve }) => resolve());
  await settle();
  clock.tick(NOW + 30_000);
  await done;
  assert(conn.closed);
  assertEquals(clock.size, 0);
});

Deno.test("lingering close: beyond limits.lingering the one that has lingered longest is closed", async () => {
  const lingering = new LinkedList<{ destroy(): void }>();
  const options = { limits: { lingering: 2 } };
  const runs = [];
  for (let i = 0; i < 3; i++) {
    runs.push(start([BAD_REQUEST, STALL], echo, options, {}, lingering));
    await settle();
  }
  assertEquals(runs.map(({ conn }) => conn.closed), [true, false, false]);
  for (const { clock } of runs) clock.tick(NOW + 2000);
  await Promise.all(runs.map(({ done }) => done));
  assertEquals(lingering.size, 0);
});

const CLOSE = GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");

Deno.test("lingering close: after a response that ends the connection while the client may send on", async () => {
  const close = { Connection: "close" };
  for (const sent of [GET, CLOSE + GET]) {
    const { conn, clock, done } = start(
      [sent, STALL],
      (request) => request.respond(200, "", close),
    );
    await settle();
    assert(conn.writeClosed && !conn.closed);
    clock.tick(NOW + 2000);
    await done;
  }
});

Deno.test("lingering close: skipped if the client asked for the close and sent nothing more", async () => {
  const { conn, done } = start([CLOSE, STALL], echo);
  await done;
  assert(conn.closed);
  assertEquals(conn.output, echoed("GET / ", "close"));
});
