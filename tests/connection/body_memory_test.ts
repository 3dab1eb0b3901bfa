/** hardening 44: the memory of all bodies together has a bound, and a fair order. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fetchHandler, streaming } from "@asynchttp/server";
import type { Handler, Request } from "@asynchttp/server";
import { BodyMemory } from "../../src/connection/body_memory.ts";
import { fuzzSeed, Random } from "../random.ts";
import { converse, echo, NOW, settle, start } from "./harness.ts";
import type { Run } from "./harness.ts";
import { STALL } from "./scripted_conn.ts";

const share = () => ({ bytes: 0 });

Deno.test("take: what fits is there at once", () => {
  const memory = new BodyMemory(100);
  assertEquals([memory.take(share(), 60), memory.take(share(), 40)], [null, null]);
  assertEquals(memory.used, 100);
});

Deno.test("take: what does not fit waits in order, large and small alike", async () => {
  const memory = new BodyMemory(100);
  const [first, large, small] = [share(), share(), share()];
  memory.take(first, 100);
  // One body may exceed the budget, so that those which grow do not all wait for each other.
  assertEquals(await memory.take(share(), 10), undefined);
  const order: string[] = [];
  const waits = [
    memory.take(large, 85)!.then(() => order.push("large")),
    memory.take(small, 1)!.then(() => order.push("small")),
  ];
  await settle();
  assertEquals(order, []);
  memory.release(first);
  await Promise.all(waits);
  assertEquals(order, ["large", "small"]);
});

Deno.test("release: a body that is given up leaves the queue", async () => {
  const memory = new BodyMemory(10);
  const [first, gone, last] = [share(), share(), share()];
  memory.take(first, 10);
  await memory.take(share(), 1);
  memory.take(gone, 5);
  const waiting = memory.take(last, 5)!;
  memory.release(gone);
  memory.release(first);
  await waiting;
  assertEquals(memory.used, 6);
});

Deno.test("random bodies: the bound holds, all are completed, and nothing is left", async () => {
  const random = new Random(fuzzSeed());
  for (let round = 0; round < 50; round++) {
    const memory = new BodyMemory(1000);
    let peak = 0;
    const upload = async () => {
      const body = share();
      const pieces = Array.from({ length: random.below(20) }, () => 1 + random.below(50));
      for (const piece of pieces) {
        await memory.take(body, piece);
        peak = Math.max(peak, memory.used);
        if (random.below(2) === 0) await Promise.resolve();
      }
      memory.release(body);
    };
    await Promise.all(Array.from({ length: 30 }, upload));
    assertEquals(memory.used, 0);
    assert(peak <= 1000 + 20 * 50, `${peak} bytes`);
  }
});

const HEAD = "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n";
const OPTIONS = { maxBodyMemory: 1000 };

/** Starts a connection that shares the memory of another. */
function join(script: Parameters<typeof start>[0], handler: Handler, other: Run): Run {
  return start(script, handler, OPTIONS, {}, undefined, other.bodyMemory);
}

Deno.test("a body that does not fit stays unread until there is room", async () => {
  const gate = Promise.withResolvers<void>();
  const slow = async (request: Request) => {
    await gate.promise;
    await request.respond(200, "x");
  };
  const first = start([HEAD + "a".repeat(2000), STALL], slow, OPTIONS);
  await settle();
  const second = join([HEAD, "b".repeat(2000), "more", STALL], echo, first);
  await settle();
  assertEquals(second.conn.output, "");
  gate.resolve();
  await settle();
  assertStringIncludes(second.conn.output, "200 OK");
  for (const { connection, done } of [first, second]) {
    connection.destroy();
    await done;
  }
  assertEquals(first.bodyMemory.used, 0);
});

Deno.test("a body that has found no room for timeouts.body is answered with 503", async () => {
  const first = start([HEAD + "a".repeat(2000), STALL], () => new Promise(() => {}), OPTIONS);
  await settle();
  const second = join([HEAD, "b".repeat(2000), STALL], echo, first);
  await settle();
  second.clock.tick(NOW + 29_999);
  await settle();
  assertEquals(second.conn.output, "");
  second.clock.tick(NOW + 30_000);
  await settle();
  assertStringIncludes(second.conn.output, "HTTP/1.1 503 Service Unavailable\r\n");
  second.connection.destroy();
  await second.done;
  first.connection.destroy();
});

/** Ways in which the function of a `fetchHandler` reads a body whole. */
const WHOLE: { readonly [name: string]: (request: globalThis.Request) => Promise<unknown> } = {
  arrayBuffer: (request) => request.arrayBuffer(),
  blob: (request) => request.blob(),
  bytes: (request) => request.bytes(),
  text: (request) => request.text(),
  json: (request) => request.json(),
  formData: (request) => request.formData(),
};

/** A body for a `fetchHandler`, while another takes all memory; returns what its client gets after `timeouts.body`. */
async function besideFullMemory(read: (request: globalThis.Request) => Promise<unknown>) {
  const first = start([HEAD + "a".repeat(2000), STALL], () => new Promise(() => {}), OPTIONS);
  await settle();
  const handler = fetchHandler(async (request) => {
    await read(request);
    return new Response("read");
  });
  const second = join([HEAD, "1".repeat(2000), STALL], handler, first);
  for (let i = 0; i < 4; i++) await settle();
  second.clock.tick(NOW + 29_999);
  await settle();
  const { output } = second.conn;
  second.clock.tick(NOW + 30_000);
  for (let i = 0; i < 4; i++) await settle();
  second.connection.destroy();
  await second.done;
  first.connection.destroy();
  return { early: output, output: second.conn.output };
}

for (const [name, read] of Object.entries(WHOLE)) {
  Deno.test(`fetchHandler: a body that is read by ${name}() takes memory`, async () => {
    const { early, output } = await besideFullMemory(read);
    assertEquals(early, "");
    assertStringIncludes(output, "HTTP/1.1 503 Service Unavailable\r\n");
  });
}

Deno.test("fetchHandler: a body that is read as a stream takes none", async () => {
  const { early } = await besideFullMemory(async (request) => {
    for await (const _ of request.body!);
  });
  assertStringIncludes(early, "HTTP/1.1 200 OK\r\n");
});

Deno.test("a body within its own limits is not held up by the budget of others that are done", async () => {
  const bodies = HEAD + "a".repeat(2000);
  const { output } = await converse(
    [bodies.repeat(5), "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"],
    echo,
    OPTIONS,
  );
  assertEquals(output.match(/200 OK/g)?.length, 6);
});

Deno.test("a body that waits for memory is being read: nothing else takes its bytes", async () => {
  const gate = Promise.withResolvers<void>();
  const slow = async (request: Request) => {
    await gate.promise;
    await request.respond(200, "x");
  };
  const first = start([HEAD + "a".repeat(2000), STALL], slow, OPTIONS);
  await settle();
  let outcomes: PromiseSettledResult<string>[] = [];
  const handler = streaming(async (request: Request) => {
    const texts = [request.text()];
    await settle();
    texts.push(request.text());
    outcomes = await Promise.allSettled(texts);
    await request.respond(200, "x");
  });
  const second = join([HEAD, "b".repeat(1000), "c".repeat(1000), STALL], handler, first);
  for (let i = 0; i < 4; i++) await settle();
  gate.resolve();
  for (let i = 0; i < 4; i++) await settle();
  const [whole, refused] = outcomes;
  assertEquals(whole, { status: "fulfilled", value: "b".repeat(1000) + "c".repeat(1000) });
  assertEquals(refused?.status, "rejected");
  for (const { connection, done } of [first, second]) {
    connection.destroy();
    await done;
  }
});

Deno.test("a body that is read on after its request is over takes no memory", async () => {
  let text: Promise<string> | undefined;
  const handler = streaming(async (request: Request) => {
    text = request.text();
    await settle();
    await request.respond(200, "x", { Connection: "close" });
  });
  const gate = Promise.withResolvers<void>();
  const run = start([HEAD, "b".repeat(500), gate.promise, "c".repeat(500), STALL], handler);
  for (let i = 0; i < 4; i++) await settle();
  gate.resolve();
  for (let i = 0; i < 4; i++) await settle();
  assertEquals(run.bodyMemory.used, 0);
  run.connection.destroy();
  await run.done;
  await text?.catch(() => {});
  assertEquals(run.bodyMemory.used, 0);
});

Deno.test("release: a body whose request is over waits no longer", async () => {
  const memory = new BodyMemory(10);
  const gone = share();
  memory.take(share(), 10);
  memory.take(share(), 10);
  const waiting = memory.take(gone, 5)!;
  memory.release(gone);
  await waiting;
  assertEquals(memory.used, 20);
});
