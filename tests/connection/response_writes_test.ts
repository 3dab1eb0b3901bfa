/** How responses reach the transport: order, shared writes, and whose bytes they are. */
import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async";
import type { Handler } from "../../src/connection/request.ts";
import { GET, soon } from "../fixtures.ts";
import { converse, echo, echoed, response, settle, start } from "./harness.ts";
import { EOF, STALL } from "./scripted_conn.ts";

Deno.test("pipelining: responses that are ready in the same turn share a write, even those of async handlers", async () => {
  const { conn } = await converse([GET.repeat(16), EOF], async (request) => {
    await Promise.resolve();
    await request.respond(200, request.target);
  });
  assertEquals(conn.writes, [response("200 OK", "/").repeat(16)]);
});

Deno.test("pipelining: a response does not wait for the handler of the next request", async () => {
  const gate = Promise.withResolvers<void>();
  let count = 0;
  const { conn, done } = start([GET + GET, EOF], async (request) => {
    if (++count === 2) await gate.promise;
    await request.respond(200, String(count));
  });
  await settle();
  assertEquals([count, conn.output], [2, response("200 OK", "1")]);
  gate.resolve();
  await done;
});

Deno.test("pipelining: responses share their writes, in order", async () => {
  const requests = Array.from({ length: 100 }, (_, i) => GET.replace("/", `/${i}`)).join("");
  // A system call ends in a later turn of the event loop.
  const writeGate = () => delay(0);
  const { conn, output } = await converse([requests], echo, {}, { writeGate });
  assertEquals(output, Array.from({ length: 100 }, (_, i) => echoed(`GET /${i} `)).join(""));
  assert(conn.writes.length <= 10, `${conn.writes.length} writes`);
});

Deno.test("a transport that takes one byte a write gets every byte, unchanged", async () => {
  const { output } = await converse([GET.repeat(3)], echo, {}, { writeAtMost: 1 });
  assertEquals(output, echoed("GET / ").repeat(3));
});

const DELAYS: readonly [what: string, requests: string[], length: number, since: number[]][] = [
  ["a single response in a single write does not need setNoDelay", [GET], 1, []],
  ["off before the content of a large response, which is a write of its own", [GET], 40_000, [1]],
  ["off, once, before the second response", [GET, GET, GET], 1, [1]],
];

for (const [what, requests, length, since] of DELAYS) {
  Deno.test(`Nagle's algorithm: ${what}`, async () => {
    const handler: Handler = (request) => request.respond(200, "x".repeat(length));
    const { conn } = await converse(requests, handler);
    assertEquals(conn.noDelaySince, since);
  });
}

Deno.test("large and small responses keep their order and their bytes", async () => {
  const large = "L".repeat(40_000);
  let count = 0;
  const handler: Handler = (request) => request.respond(200, count++ % 2 === 0 ? large : "small");
  const { output } = await converse([GET.repeat(6)], handler, {}, { writeAtMost: 10_000 });
  assertEquals(output, (response("200 OK", large) + response("200 OK", "small")).repeat(3));
});

Deno.test("respond resolves only after the handler's own bytes are written", async () => {
  const bytes = new Uint8Array(20_000);
  let count = 0;
  const { output } = await converse(
    [GET.repeat(3)],
    async (request) => {
      bytes.fill(65 + count++);
      await request.respond(200, bytes);
      bytes.fill(33);
    },
    {},
    { writeGate: () => delay(0) },
  );
  const all = ["A", "B", "C"].map((letter) => response("200 OK", letter.repeat(20_000)));
  assertEquals(output, all.join(""));
});

Deno.test("content whose buffer is detached before or during the write ends the connection", async () => {
  for (const writeAtMost of [Infinity, 10_000]) {
    const bytes = new Uint8Array(50_000);
    const { conn, errors } = await converse(
      [GET, STALL],
      (request) => {
        const answered = request.respond(200, bytes);
        structuredClone(bytes, { transfer: [bytes.buffer] });
        return answered;
      },
      {},
      { writeAtMost },
    );
    assert(conn.closed);
    assertEquals(errors, []);
  }
});

for (const length of [1, 20_000, 100_000]) {
  for (const behind of ["", "\r\n"]) {
    Deno.test(`a client that half-closes gets its responses of ${length} bytes complete, ${behind.length} bytes after its requests`, async () => {
      const { output, errors } = await converse(
        [GET.repeat(3) + behind, EOF],
        (request) => void request.respond(200, "x".repeat(length)),
        {},
        { writeAtMost: 10_000, writeGate: soon },
      );
      assertEquals(errors, []);
      assertEquals(output.length, response("200 OK", "x".repeat(length)).length * 3);
    });
  }
}
