/** Where the reader of a connection stands, from one request to the next. */
import { assertEquals, assertRejects } from "@std/assert";
import { HttpError, streaming } from "@asynchttp/server";
import { DEFAULT_LIMITS } from "../../src/limits.ts";
import { RequestReader } from "../../src/connection/request_reader.ts";
import { Clock } from "../../src/net/clock.ts";
import { Scheduler, Ticket } from "../../src/net/scheduler.ts";
import { RequestParserSettings } from "../../src/wire/parser_options.ts";
import { utf8 } from "../fixtures.ts";
import { converse, echoed, PollAtOnce } from "./harness.ts";
import { EOF } from "./scripted_conn.ts";

const GET = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const PUT = "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n";

/** A reader of pieces of input, one a read. */
function readerOf(...pieces: string[]): RequestReader {
  const source = {
    ticket: new Ticket(new Scheduler(new PollAtOnce(), () => 0, new Clock())),
    read: (into: Uint8Array) => {
      const piece = pieces.shift();
      if (piece === undefined) return Promise.resolve(null);
      into.set(utf8(piece));
      return Promise.resolve(piece.length);
    },
  };
  return new RequestReader(source, new RequestParserSettings(DEFAULT_LIMITS, "rfc", 100));
}

Deno.test("position: a request without a body is done with its head", async () => {
  const reader = readerOf(GET);
  assertEquals(reader.position, "head");
  assertEquals((await reader.readHead())?.method, "GET");
  assertEquals(reader.position, "done");
});

Deno.test("position: a body is read to its end", async () => {
  const reader = readerOf(PUT, "ab", "cd");
  await reader.readHead();
  assertEquals(reader.position, "body");
  assertEquals(reader.bodyAtHand(), null);
  assertEquals((await reader.readBody()).type, "data");
  assertEquals((await reader.readBody()).type, "data");
  assertEquals(reader.position, "body");
  assertEquals((await reader.readBody()).type, "end");
  assertEquals(reader.position, "done");
});

Deno.test("position: the next head follows a request that is done", async () => {
  const reader = readerOf(GET + GET + "G");
  await reader.readHead();
  assertEquals(reader.headAtHand()?.method, "GET");
  assertEquals(reader.position, "done");
  assertEquals(reader.headAtHand(), null);
  assertEquals(reader.position, "head");
});

Deno.test("hardening 47: reads within a message are behind those between two requests", async () => {
  const reader = readerOf("GET / HTTP", GET.slice("GET / HTTP".length), PUT, "ab", "cd", GET);
  assertEquals(reader.ticket.usesSecondLine, false);
  await reader.more();
  assertEquals(reader.headAtHand(), null);
  await reader.readHead();
  assertEquals(reader.ticket.usesSecondLine, false, "the read has brought the rest");
  const head = reader.readHead();
  assertEquals(reader.ticket.usesSecondLine, true);
  await head;
  const body = reader.readBody();
  assertEquals(reader.ticket.usesSecondLine, true);
  await body;
});

Deno.test("position: the input may end between two requests", async () => {
  const reader = readerOf(GET);
  await reader.readHead();
  reader.headAtHand();
  assertEquals(await reader.readHead(), null);
  assertEquals(reader.position, "head");
});

Deno.test("position: a request that is rejected, or that ends early, has failed", async () => {
  for (const sent of ["GET  / HTTP/1.1\r\n\r\n", "GET / HT"]) {
    const reader = readerOf(sent);
    await assertRejects(() => reader.readHead(), HttpError);
    assertEquals(reader.position, "failed");
  }
  const reader = readerOf(PUT + "ab");
  await reader.readHead();
  await reader.readBody();
  await assertRejects(() => reader.readBody(), HttpError);
  assertEquals(reader.position, "failed");
});

Deno.test("position: an interrupted wait has failed", async () => {
  const reader = new RequestReader(
    {
      ticket: new Ticket(new Scheduler(new PollAtOnce(), () => 0, new Clock())),
      read: () => new Promise(() => {}),
    },
    new RequestParserSettings(DEFAULT_LIMITS, "rfc", 100),
  );
  const head = reader.readHead();
  reader.interrupt(new HttpError(408, "head-timeout", "late"));
  await assertRejects(() => head, HttpError, "late");
  assertEquals(reader.position, "failed");
});

Deno.test("position: input that the handler reads itself is no request", async () => {
  const reader = readerOf(PUT + "abcd" + GET);
  await reader.readHead();
  const into = new Uint8Array(100);
  assertEquals(await reader.readRaw(into), 4 + GET.length);
  assertEquals(reader.position, "raw");
});

Deno.test("a body is not read behind the socket's back", async () => {
  const handler = streaming(async (request) => {
    await request.client.read(new Uint8Array(2));
    await assertRejects(() => request.text(), TypeError, "the handler reads the socket");
    await request.respond(200, "x");
  });
  const { output, errors } = await converse([PUT + "abcd" + GET, EOF], handler);
  assertEquals(output, echoed("x", "close"));
  assertEquals(errors, []);
});

Deno.test("a body that was given up stays given up", async () => {
  const handler = streaming(async (request) => {
    await assertRejects(() => request.text(), HttpError, "before it was complete");
    await assertRejects(() => request.text(), HttpError, "before it was complete");
    await request.respond(200, "x");
  });
  const { output } = await converse([PUT + "ab", EOF], handler);
  assertEquals(output, echoed("x", "close"));
});
