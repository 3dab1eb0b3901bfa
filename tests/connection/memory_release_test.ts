/** What is let go of: memory that nobody needs any more can be collected. */
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

/** Only a realm that is made behind the flag has it. */
setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

/** How many of them there still are. What a `WeakRef` was made of or gave stays for the rest of a turn. */
async function left(refs: readonly WeakRef<WeakKey>[]): Promise<number> {
  for (let i = 0; i < 3; i++) {
    await soon();
    collectGarbage();
  }
  return refs.filter((ref) => ref.deref() !== undefined).length;
}

const SIZE = 100_000;
const refs: WeakRef<WeakKey>[] = [];

/** What an idle connection must not keep: the request, its head and body, and the answer, which is returned. */
function remember(request: Request): Uint8Array {
  const answer = new Uint8Array(SIZE);
  refs.push(new WeakRef(request), new WeakRef(request.rawHeaders));
  refs.push(new WeakRef(request.bytes.buffer), new WeakRef(answer.buffer));
  return answer;
}

const HANDLERS: readonly (readonly [kind: string, handler: Handler])[] = [
  ["a handler", (request) => {
    return request.respond(200, remember(request));
  }],
  ["a handler that waits", async (request) => {
    const answer = remember(request);
    await soon();
    await request.respond(200, answer);
  }],
  [
    "a streaming handler",
    streaming(async (request) => {
      await request.text();
      await request.respond(200, remember(request));
    }),
  ],
];

/** What is left of the last request of an idle connection. */
async function leftOfLast(handler: Handler): Promise<number> {
  refs.length = 0;
  const { clock, connection, done } = start([put(SIZE) + "a".repeat(SIZE), STALL], handler);
  for (let i = 0; i < 1000 && !(refs.length === 4 && connection.isIdle); i++) await soon();
  // The next request may have the same head, until the clock ticks.
  clock.tick(NOW + 500);
  const count = await left(refs);
  assert(connection.isIdle);
  assertEquals(refs.length, 4);
  connection.destroy();
  await done;
  return count;
}

for (const [kind, handler] of HANDLERS) {
  Deno.test(`an idle connection does not keep its last request: ${kind}`, async () => {
    // The engine keeps the first frozen array of a process.
    await leftOfLast(handler);
    assertEquals(await leftOfLast(handler), 0);
  });
}

/** In a function of its own, which keeps no variable of it. */
function filled(out: WriteBuffer): WeakRef<WeakKey> {
  out.copy(new Uint8Array(SIZE));
  return new WeakRef(out.view().buffer);
}

Deno.test("WriteBuffer: releaseMemory frees the memory, also after view()", async () => {
  const out = new WriteBuffer();
  const memory = filled(out);
  out.clear();
  assertEquals(await left([memory]), 1);
  out.releaseMemory();
  assertEquals(await left([memory]), 0);
  assertEquals(out.length, 0);
});

Deno.test("WriteBuffer: take() leaves the memory to its caller alone", async () => {
  const out = new WriteBuffer();
  const memory = filled(out);
  out.take();
  assertEquals(await left([memory]), 0);
  assertEquals(out.length, 0);
});
