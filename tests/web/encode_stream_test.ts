/** `ResponseEncodeStream`: every rule of the server's encoder, back-pressure, failures. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { RequestParseStream, ResponseEncodeStream } from "@asynchttp/server";
import type { AnsweredRequest, EncodableResponse } from "@asynchttp/server";
import { bytesOf, soon, streamOf, textOf } from "../fixtures.ts";

const DATE = /Date: [^\r]+\r\n/g;

/** Encodes the responses as text, without `Date`. */
async function encoded(...responses: EncodableResponse[]): Promise<string> {
  const bytes = ReadableStream.from(responses).pipeThrough(new ResponseEncodeStream());
  return textOf(await new Response(bytes).bytes()).replace(DATE, "");
}

function to(method: string, minor = 1, persistent = minor > 0): AnsweredRequest {
  return { method, protocol: { minor }, framing: { persistent, upgrade: null } };
}

const ROWS: readonly (readonly [title: string, response: EncodableResponse, bytes: string])[] = [
  ["no body", { status: 200 }, "200 OK\r\nContent-Length: 0\r\n\r\n"],
  ["text, as UTF-8", { status: 200, body: "ä" }, "200 OK\r\nContent-Length: 2\r\n\r\n\xc3\xa4"],
  [
    "bytes, a reason and fields",
    { status: 404, statusText: "No", headers: [["A", "b"]], body: bytesOf("\xff") },
    "404 No\r\nA: b\r\nContent-Length: 1\r\n\r\n\xff",
  ],
  [
    "a stream, in chunks",
    { status: 200, body: streamOf("ab", "", "c") },
    "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
  ],
  [
    "a stream with trailers",
    { status: 200, body: streamOf("a"), trailers: () => ({ Sum: "1" }) },
    "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nSum: 1\r\n\r\n",
  ],
  [
    "text with trailers",
    { status: 200, body: "a", trailers: () => ({ Sum: "1" }) },
    "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nSum: 1\r\n\r\n",
  ],
  [
    "a stream of a given length",
    { status: 200, headers: { "Content-Length": "2" }, body: streamOf("a", "b") },
    "200 OK\r\nContent-Length: 2\r\n\r\nab",
  ],
  [
    "a stream to HTTP/1.0",
    { request: to("GET", 0), status: 200, body: streamOf("ab"), trailers: () => ({ A: "b" }) },
    "200 OK\r\nConnection: close\r\n\r\nab",
  ],
  [
    "HTTP/1.0 that persists",
    { request: to("GET", 0, true), status: 200, body: "ab", trailers: () => ({ A: "b" }) },
    "200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nab",
  ],
  ["HEAD", { request: to("HEAD"), status: 200, body: "ab" }, "200 OK\r\nContent-Length: 2\r\n\r\n"],
  ["HEAD, a stream", { request: to("HEAD"), status: 200, body: streamOf("a") }, "200 OK\r\n\r\n"],
  ["204", { status: 204, body: "ab" }, "204 No Content\r\n\r\n"],
  ["205", { status: 205, body: "ab" }, "205 Reset Content\r\nContent-Length: 0\r\n\r\n"],
  ["304", { status: 304, body: streamOf("ab") }, "304 Not Modified\r\n\r\n"],
  [
    "a 2xx to CONNECT",
    { request: to("CONNECT"), status: 200 },
    "200 OK\r\nConnection: close\r\n\r\n",
  ],
  ["1xx", { status: 103, headers: { Link: "a" } }, "103 Early Hints\r\nLink: a\r\n\r\n"],
];

for (const [title, response, bytes] of ROWS) {
  Deno.test(`ResponseEncodeStream: ${title}`, async () => {
    assertEquals(await encoded(response), `HTTP/1.1 ${bytes}`);
  });
}

Deno.test("ResponseEncodeStream: several responses, with Date", async () => {
  const bytes = ReadableStream.from([{ status: 100 }, { status: 200 }, { status: 404, body: "a" }])
    .pipeThrough(new ResponseEncodeStream());
  const text = textOf(await new Response(bytes).bytes());
  assertEquals(text.match(DATE)?.length, 2);
  assert(Math.abs(Date.parse(/Date: ([^\r]+)/.exec(text)![1]!) - Date.now()) < 60_000);
  assertEquals(
    text.replace(DATE, ""),
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" +
      "HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\na",
  );
});

Deno.test("ResponseEncodeStream: interim responses to HTTP/1.0 are left out", async () => {
  const text = await encoded({ request: to("GET", 0), status: 103 }, { status: 204 });
  assertEquals(text, "HTTP/1.1 204 No Content\r\n\r\n");
});

Deno.test("RFC 9112, 9.6: nothing follows a response that ends its connection", async () => {
  let cancelled = false;
  const responses = new ReadableStream<EncodableResponse>({
    pull: (controller) => controller.enqueue({ status: 200, headers: { Connection: "close" } }),
    cancel: () => {
      cancelled = true;
    },
  });
  const bytes = responses.pipeThrough(new ResponseEncodeStream());
  const text = textOf(await new Response(bytes).bytes()).replace(DATE, "");
  assertEquals(text, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  await soon();
  assertEquals(cancelled, true);
});

/** What fails the stream, before anything of the response was encoded. */
const INVALID: readonly (readonly [response: unknown, error: ErrorConstructor, message: string])[] =
  [
    [{ status: 99 }, RangeError, "from 100 to 199, but not 101"],
    [{ status: 101 }, RangeError, "from 200 to 599"],
    [{ status: 200, headers: { "a b": "" } }, TypeError, "Invalid field name"],
    [{ status: 200, headers: { "Content-Length": "1" }, body: "ab" }, TypeError, "does not match"],
    [{ status: 200, body: { a: 1 } }, TypeError, "send JSON.stringify(object)"],
    [{ status: 200, body: "a", trailers: () => ({ Host: "a" }) }, TypeError, "as a trailer"],
  ];

for (const [response, error, message] of INVALID) {
  Deno.test(`ResponseEncodeStream: fails with ${JSON.stringify(response)}`, async () => {
    await assertRejects(() => encoded(response as EncodableResponse), error, message);
  });
}

Deno.test("ResponseEncodeStream: content that is too long, too short or no bytes fails it", async () => {
  const headers = { "Content-Length": "2" };
  const long = encoded({ status: 200, headers, body: streamOf("abc") });
  await assertRejects(() => long, TypeError, "longer than its Content-Length of 2");
  const short = encoded({ status: 200, headers, body: streamOf("a") });
  await assertRejects(() => short, TypeError, "ended after 1 bytes of its Content-Length of 2");
  const text = ReadableStream.from(["a"]) as never;
  const none = encoded({ status: 200, body: text });
  await assertRejects(() => none, TypeError, "A chunk of the content must be a Uint8Array");
});

Deno.test("ResponseEncodeStream: an error of the content fails both sides, and cancels the rest", async () => {
  const { readable, writable } = new ResponseEncodeStream();
  const reason = new Error("no more");
  const body = new ReadableStream<Uint8Array>({ pull: () => Promise.reject(reason) });
  const writer = writable.getWriter();
  const written = writer.write({ status: 200, body });
  const reader = readable.getReader();
  assert(textOf((await reader.read()).value!).startsWith("HTTP/1.1 200 OK"));
  assertEquals(await reader.read().catch((error) => error), reason);
  await written;
  assertEquals(await writer.closed.catch((error) => error), reason);
});

Deno.test("ResponseEncodeStream: content is read no faster than the bytes", async () => {
  let pulled = 0;
  const body = new ReadableStream({
    pull(controller) {
      pulled++;
      controller.enqueue(bytesOf("a"));
    },
  }, { highWaterMark: 0 });
  const reader = ReadableStream.from([{ status: 200, body }])
    .pipeThrough(new ResponseEncodeStream()).getReader();
  await reader.read();
  await reader.read();
  await soon();
  assertEquals(pulled, 1);
  await reader.cancel();
});

Deno.test("ResponseEncodeStream: cancelling it cancels the content that is awaited", async () => {
  const cancelled = Promise.withResolvers<unknown>();
  const body = new ReadableStream<Uint8Array>({ cancel: cancelled.resolve });
  const reader = ReadableStream.from([{ status: 200, body }])
    .pipeThrough(new ResponseEncodeStream()).getReader();
  await reader.read();
  const pending = reader.read();
  await reader.cancel("gone");
  assertEquals(await cancelled.promise, "gone");
  assertEquals((await pending).done, true);
});

Deno.test("ResponseEncodeStream: a response without content cancels its stream", async () => {
  const cancelled = Promise.withResolvers<unknown>();
  const body = new ReadableStream<Uint8Array>({ cancel: cancelled.resolve });
  assertEquals(await encoded({ status: 204, body }), "HTTP/1.1 204 No Content\r\n\r\n");
  await cancelled.promise;
});

Deno.test("ResponseEncodeStream: what a handler leaves of a body is skipped", async () => {
  const put = "PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc";
  const requests = ReadableStream.from([bytesOf(put + put.replace("/a", "/b"))])
    .pipeThrough(new RequestParseStream());
  async function* responses(): AsyncGenerator<EncodableResponse> {
    for await (const request of requests) yield { request, status: 200, body: request.target };
  }
  const bytes = ReadableStream.from(responses()).pipeThrough(new ResponseEncodeStream());
  const text = textOf(await new Response(bytes).bytes()).replace(DATE, "");
  const response = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
  assertEquals(text, `${response}/a${response}/b`);
});
