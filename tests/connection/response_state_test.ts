/** What has become of a response: the table of its transitions, and the moves that it refuses. */
import { assertEquals, assertRejects } from "@std/assert";
import { streaming } from "@asynchttp/server";
import type { Request } from "@asynchttp/server";
import { DATE, NOW, refused, settle, start } from "./harness.ts";
import { STALL } from "./scripted_conn.ts";

const EXPECTING = "PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n";
const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";
const TIMED_OUT = refused("503 Service Unavailable", "The request took too long to serve");
const WAITED = new Date(NOW + 1000).toUTCString();

/** A source that is asked for its first chunk and waits until it is told what to give. */
function waitingSource() {
  const { promise: chunk, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const cancelled: unknown[] = [];
  const stream = new ReadableStream<Uint8Array>({
    pull: async (controller) => controller.enqueue(await chunk),
    cancel: (reason) => void cancelled.push(reason),
  }, { highWaterMark: 0 });
  return { stream, resolve, reject, cancelled };
}

Deno.test("starting: timeouts.handler gives 503 while the first chunk is awaited", async () => {
  const source = waitingSource();
  const handler = streaming((request) => request.respond(200, source.stream));
  const run = start([EXPECTING, STALL], handler, { timeouts: { handler: 1000 } });
  await settle();
  assertEquals(run.conn.output, "");
  run.clock.tick(NOW + 1000);
  await settle();
  assertEquals(run.conn.output, TIMED_OUT.replace(DATE, `Date: ${WAITED}\r\n`));
  assertEquals(source.cancelled.length, 1);
  run.clock.tick(NOW + 4000);
  await run.done;
});

Deno.test("starting: a source that fails gives the request back, and it can be answered", async () => {
  const source = waitingSource();
  const handler = streaming(async (request) => {
    const responded = request.respond(200, source.stream);
    source.reject(new Error("source"));
    await assertRejects(() => responded, Error, "source");
    await request.respond(500, "sorry");
  });
  const run = start([EXPECTING, STALL], handler);
  await settle();
  assertEquals(
    run.conn.output,
    `HTTP/1.1 500 Internal Server Error\r\n${DATE}Connection: close\r\nContent-Length: 5\r\n\r\nsorry`,
  );
  run.connection.destroy();
  await run.done;
});

Deno.test("sealed: a source that fails late does not give the request back", async () => {
  const source = waitingSource();
  let kept: Request | undefined;
  const handler = streaming((request) => {
    kept = request;
    return request.respond(200, source.stream);
  });
  const run = start([EXPECTING, STALL], handler, { timeouts: { handler: 1000 } });
  await settle();
  run.clock.tick(NOW + 1000);
  await settle();
  const before = run.conn.output;
  source.reject(new Error("late"));
  await settle();
  await assertRejects(() => kept!.respond(200, "late"), TypeError, "The request is over");
  await assertRejects(() => kept!.client.write(new Uint8Array(1)), TypeError, "is over");
  assertEquals(run.conn.output, before);
  run.clock.tick(NOW + 4000);
  await run.done;
});

Deno.test("starting: a first chunk made of the body is sent behind 100 Continue", async () => {
  const handler = streaming((request) => request.respond(200, request.stream));
  const run = start([EXPECTING, "123456789", STALL], handler);
  await settle();
  assertEquals(
    run.conn.output,
    `${CONTINUE}HTTP/1.1 200 OK\r\n${DATE}Transfer-Encoding: chunked\r\n\r\n9\r\n123456789\r\n0\r\n\r\n`,
  );
  run.connection.destroy();
  await run.done;
});

Deno.test("starting: a client that goes while the first chunk is awaited cancels the source", async () => {
  const source = waitingSource();
  const handler = streaming((request) => request.respond(200, source.stream));
  const run = start([EXPECTING, STALL], handler);
  await settle();
  run.connection.destroy();
  await run.done;
  assertEquals(source.cancelled.length, 1);
});
