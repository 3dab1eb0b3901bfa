/** Sealed requests: a late call of their handler cannot affect the connection. */
import { assertEquals, assertRejects } from "@std/assert";
import { streaming } from "@asynchttp/server";
import { GET, utf8 } from "../fixtures.ts";
import { put } from "./bodies.ts";
import type { Request } from "../../src/connection/request.ts";
import { converse, echo, echoed, refused, settle, start } from "./harness.ts";
import { STALL } from "./scripted_conn.ts";

Deno.test("hardening 34: a late response throws, and none of its bytes are sent", async () => {
  const late: Promise<unknown>[] = [];
  const respondLater = (request: Request) =>
    void Promise.resolve().then(() => {
      late.push(
        assertRejects(() => request.respond(200, "late"), TypeError, "The request is over"),
      );
      late.push(assertRejects(() => request.sendHeaders({ a: "b" }), TypeError, "is over"));
      late.push(assertRejects(() => request.client.write(utf8("late")), TypeError, "is over"));
    });
  const { output } = await converse([GET], respondLater);
  assertEquals(output, refused("500 Internal Server Error", "Internal Server Error"));
  await converse([GET], (request) => {
    respondLater(request);
    throw new Error("first");
  });
  assertEquals(late.length, 6);
  await Promise.all(late);
});

Deno.test("hardening 36: a sealed request's client cannot read, write or close the connection", async () => {
  const kept: Request[] = [];
  const { output } = await converse([GET, GET.replace("/", "/2")], async (request) => {
    for (const { client } of kept) {
      await assertRejects(() => client.read(new Uint8Array(10)), TypeError, "is over");
      await assertRejects(() => client.closeWrite(), TypeError, "is over");
      client.close();
    }
    kept.push(request);
    await echo(request);
  });
  assertEquals(output, echoed("GET / ") + echoed("GET /2 "));
});

Deno.test("hardening 36: a sealed request's body is dropped, and not read in parts by its handler", async () => {
  const { promise: sealed, resolve: seal } = Promise.withResolvers<Request>();
  const { promise: rest, resolve: sendRest } = Promise.withResolvers<void>();
  const run = start(
    [put(10) + "ab", rest, "cd", STALL],
    streaming(async (request) => {
      await request.respond(200, "", { Connection: "close" });
      seal(request);
    }),
  );
  const request = await sealed;
  await settle();
  const reading = request.text();
  sendRest();
  await assertRejects(() => reading, TypeError, "the request is over");
  run.connection.destroy();
  await run.done;
});
