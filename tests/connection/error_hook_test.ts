/** `onError`: what happens to errors of handlers, of hooks, and of the server itself. */
import { assert, assertEquals } from "@std/assert";
import { GET } from "../fixtures.ts";
import { converse, echo, refused, settle, start } from "./harness.ts";
import { silencedConsole } from "./silenced_console.ts";

Deno.test("onError: an error that it throws is logged, and the response is sent", async () => {
  using silenced = silencedConsole();
  const { output } = await converse([GET], () => {}, {
    onError: () => {
      throw new Error("hook");
    },
  });
  assertEquals(output, refused("500 Internal Server Error", "Internal Server Error"));
  assertEquals(silenced.log.length, 1);
});

Deno.test("onError: a rejection that it returns is logged", async () => {
  using silenced = silencedConsole();
  await converse([GET], () => {}, { onError: () => Promise.reject(new Error("hook")) });
  await settle();
  assertEquals(silenced.log.length, 1);
});

Deno.test("onError: console.error by default", async () => {
  using silenced = silencedConsole();
  await converse([GET], () => {}, { onError: undefined });
  assertEquals(silenced.log.length, 1);
});

Deno.test("onError: a stderr that takes nothing (a full disk) does no harm", async () => {
  const { error } = console;
  console.error = () => {
    throw Object.assign(new Error("No space left on device"), { code: "ENOSPC" });
  };
  try {
    for (const onError of [undefined, () => Promise.reject(new Error("hook"))]) {
      const { output } = await converse([GET], () => {}, { onError });
      await settle();
      assertEquals(output, refused("500 Internal Server Error", "Internal Server Error"));
    }
  } finally {
    console.error = error;
  }
});

Deno.test("an internal error ends the connection and is reported", async () => {
  const run = start([GET], echo);
  Object.defineProperty(run.counters, "requests", {
    set() {
      throw new Error("bug");
    },
  });
  await run.done;
  assertEquals(run.errors.map((error) => (error as Error).message), ["bug"]);
  assert(run.conn.closed);
});
