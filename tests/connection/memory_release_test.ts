/** Memory that is released: the garbage collector can reclaim what is no longer needed. */
import { assert, assertEquals } from "@std/assert";
import { streaming } from "@asynchttp/server";
import type { Handler, Request } from "@asynchttp/server";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { WriteBuffer } from "../../src/wire/write_buffer.ts";
import { soon } from "../fixtures.ts";
import { put } from "./bodies.ts";
import { NOW, start } from "./harness.ts";
import { STALL } from "./scripted_conn.ts";

/** Only a context that is created after the flag has `gc`. */
setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

/**
 * Counts the references that are still alive. A target lives to the end of the turn in which
 * its `WeakRef` was made or read.
 */
async function countAlive(refs: readonly WeakRef<WeakKey>[]): Promise<number> {
  for (let i = 0; i < 3; i++) {
    await soon();
    collectGarbage();
  }
  return refs.filter((ref) => ref.deref() !== undefined).length;
}

const SIZE = 100_000;
const refs: WeakRef<WeakKey>[] = [];

/**
 * Remembers what an idle connection must not keep: the request, its head and body, and the
 * content of the response, which it returns.
 */
function remember(request: Request): Uint8Array {
  const content = new Uint8Array(SIZE);
  refs.push(new WeakRef(request), new WeakRef(request.rawHeaders));
  refs.push(new WeakRef(request.bytes.buffer), new WeakRef(content.buffer));
  return content;
}

const HANDLERS: readonly (readonly [kind: string, handler: Handler])[] = [
  ["a handler", (request) => {
    return request.respond(200, remember(request));
  }],
  ["a handler that waits", async (request) => {
    const content = remember(request);
    await soon();
    await request.respond(200, content);
  }],
  [
    "a streaming handler",
    streaming(async (request) => {
      await request.text();
      await request.respond(200, remember(request));
    }),
  ],
];

/** Counts what an idle connection keeps of its last request. */
async function countKept(handler: Handler): Promise<number> {
  refs.length = 0;
  const { clock, connection, done } = start([put(SIZE) + "a".repeat(SIZE), STALL], handler);
  for (let i = 0; i < 1000 && !(refs.length === 4 && connection.isIdle); i++) await soon();
  // The next request may have the same head, until the clock ticks.
  clock.tick(NOW + 500);
  const count = await countAlive(refs);
  assert(connection.isIdle);
  assertEquals(refs.length, 4);
  connection.destroy();
  await done;
  return count;
}

for (const [kind, handler] of HANDLERS) {
  Deno.test(`an idle connection does not keep its last request: ${kind}`, async () => {
    // The engine keeps the first frozen array of a process.
    await countKept(handler);
    assertEquals(await countKept(handler), 0);
  });
}

/** A function of its own, so that no variable of the test keeps the memory. */
function filled(out: WriteBuffer): WeakRef<WeakKey> {
  out.copy(new Uint8Array(SIZE));
  return new WeakRef(out.view().buffer);
}

Deno.test("WriteBuffer: releaseMemory frees the memory, also after view()", async () => {
  const out = new WriteBuffer();
  const memory = filled(out);
  out.clear();
  assertEquals(await countAlive([memory]), 1);
  out.releaseMemory();
  assertEquals(await countAlive([memory]), 0);
  assertEquals(out.length, 0);
});

Deno.test("WriteBuffer: take() leaves the memory to its caller alone", async () => {
  const out = new WriteBuffer();
  const memory = filled(out);
  out.take();
  assertEquals(await countAlive([memory]), 0);
  assertEquals(out.length, 0);
});
