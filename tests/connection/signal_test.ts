/** The request's signal: when it aborts, and when it never does. */
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { streaming } from "@asynchttp/server";
import type { Request } from "@asynchttp/server";
import { ConnectionLost } from "../../src/errors.ts";
import { GET, soon, textOf, utf8 } from "../fixtures.ts";
import { put } from "./bodies.ts";
import { converse, response, settle, start } from "./harness.ts";
import { EOF, RESET, STALL } from "./scripted_conn.ts";

Deno.test("signal: aborts when the client disconnects, and the handler may still respond", async () => {
  for (const [step, gets] of [[RESET, ""], [EOF, response("200 OK", "late")]] as const) {
    const waiting = Promise.withResolvers<void>();
    const { output, errors } = await converse([GET, waiting.promise, step], async (request) => {
      const { signal } = request;
      assert(signal === request.signal && !signal.aborted);
      waiting.resolve();
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      assertInstanceOf(signal.reason, ConnectionLost);
      await request.respond(200, "late");
    });
    assertEquals(output, gets);
    assertEquals(errors, []);
  }
});

Deno.test("signal: never aborts on success, and bytes that were read ahead are the next request", async () => {
  const signals: AbortSignal[] = [];
  const last = Promise.withResolvers<void>();
  const { output } = await converse([GET, GET, GET, last.promise, EOF], async (request) => {
    signals.push(request.signal);
    await settle();
    await request.respond(200);
    if (signals.length === 3) last.resolve();
  });
  assertEquals(output, response("200 OK", "").repeat(3));
  assertEquals(signals.map(({ aborted }) => aborted), [false, false, false]);
});

Deno.test("hardening 22: the signal reads a bounded number of bytes ahead", async () => {
  const gate = Promise.withResolvers<void>();
  const { conn, done } = start([GET.repeat(100_000)], async (request) => {
    void request.signal;
    await gate.promise;
    await request.respond(200, "", { Connection: "close" });
  }, { limits: { linger: 0 } });
  for (let i = 0; i < 50; i++) await settle();
  assert(conn.bytesRead <= 40_000, `${conn.bytesRead} were read ahead`);
  gate.resolve();
  await done;
});

Deno.test("signal: a body that was read ahead is complete, and the request after it is served", async () => {
  const first = Promise.withResolvers<void>();
  const third = Promise.withResolvers<void>();
  const body = Array.from({ length: 1100 }, (_, i) => i % 10).join("");
  const run = start(
    [GET, put(1100) + body, third.promise, GET, STALL],
    streaming(async (request) => {
      void request.signal;
      if (!request.hasBody) await first.promise;
      let all = "";
      for await (const chunk of request.stream) all += textOf(chunk);
      await request.respond(200, all);
    }),
  );
  for (const { resolve } of [first, third]) {
    await soon();
    resolve();
  }
  await soon();
  assertEquals(
    run.conn.output,
    response("200 OK", "") + response("200 OK", body) + response("200 OK", ""),
  );
  run.connection.destroy();
  await run.done;
});

Deno.test("signal: aborts in a streaming handler after the body is read", async () => {
  let aborted = false;
  await converse(
    [put(3), "abc", RESET],
    streaming(async (request) => {
      const { signal } = request;
      signal.addEventListener("abort", () => aborted = true);
      await request.text();
      await settle();
      await request.respond(200).catch(() => {});
    }),
  );
  assert(aborted);
});

Deno.test("signal: first accessed after the disconnect, it is already aborted", async () => {
  const closing = Promise.withResolvers<void>();
  await converse([GET, closing.promise, EOF], async (request) => {
    const source = new ReadableStream<Uint8Array>({ start: (c) => c.enqueue(utf8("a")) });
    const sent = request.respond(200, source);
    closing.resolve();
    await settle();
    assert(request.signal.aborted);
    request.client.close();
    await sent.catch(() => {});
  });
});

Deno.test("signal: first accessed after the response, it never aborts", async () => {
  let served: Request | undefined;
  await converse([GET, EOF], async (request) => {
    served = request;
    await request.respond(200);
  });
  assert(!served!.signal.aborted);
});

Deno.test("signal: the signal of a pipelined request aborts although the one before did not", async () => {
  const closing = Promise.withResolvers<void>();
  const aborted: boolean[] = [];
  await converse([GET + GET, closing.promise, EOF], async (request) => {
    const { signal } = request;
    await settle();
    if (aborted.length === 1) {
      closing.resolve();
      await settle();
    }
    aborted.push(signal.aborted);
    await request.respond(200);
  });
  assertEquals(aborted, [false, true]);
});

for (const [title, step] of [["closes its side", EOF], ["resets", RESET]] as const) {
  Deno.test(`signal: aborts when the client ${title} and its body is not read`, async () => {
    const handler = streaming(async (request) => {
      await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
      await request.respond(200, "late");
    });
    const { conn, errors } = await converse([put(9) + "abc", step], handler);
    assertEquals(conn.output.includes("late"), step === EOF);
    assertEquals(errors, []);
  });
}
