/**
 * Unit tests of a handler, through the server and without a socket, so that they need no
 * permission.
 *
 * ```sh
 * deno test examples/unit_test.ts
 * ```
 */
import { match } from "node:assert/strict";
import { AsyncHttpServer, type Handler, type Request } from "@asynchttp/server";

/** What is tested; in a program it is imported. */
async function handler(request: Request): Promise<void> {
  const name = request.url.searchParams.get("name");
  if (name === null) return await request.respond(400, "Who are you?\n");
  await request.respond(200, `Hello, ${name}!\n`);
}

/** Sends bytes to a handler over a connection in memory, and returns all that it answers. */
async function answerTo(handler: Handler, sent: string): Promise<string> {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const connection = {
    readable: ReadableStream.from([sent]).pipeThrough(new TextEncoderStream()),
    writable,
  };
  const answer = new Response(readable).text();
  await using server = new AsyncHttpServer();
  await server.serveConnection(connection, handler);
  return await answer;
}

function get(target: string): string {
  return `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
}

Deno.test("greets by name", async () => {
  const answer = await answerTo(handler, get("/?name=Ada"));
  match(answer, /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nHello, Ada!\n$/);
});

Deno.test("asks for a name", async () => {
  match(await answerTo(handler, get("/")), /^HTTP\/1\.1 400 [^]*\r\n\r\nWho are you\?\n$/);
});

Deno.test("never sees a request without a host", async () => {
  const answer = await answerTo(handler, "GET / HTTP/1.1\r\n\r\n");
  match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/);
});
