/** `RequestParseStream` with bodies as streams: order, bounds, cancelling, errors with their place. */
import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { ParseStreamError, RequestParseStream } from "@asynchttp/server";
import type { ParsedRequest, RequestParseStreamOptions } from "@asynchttp/server";
import { bytesOf, pattern, soon, textOf } from "../fixtures.ts";

const GET = "GET /get HTTP/1.1\r\nHost: h\r\n\r\n";
const SIZED = "PUT /sized HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nabcdef";
const CHUNKED = "PUT /chunked HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" +
  "3\r\nabc\r\n3\r\ndef\r\n0\r\nA: b\r\n\r\n";

/** The text in pieces of `size` bytes. */
function source(text: string, size = 65_536): ReadableStream<Uint8Array> {
  const bytes = bytesOf(text);
  const count = Math.ceil(bytes.length / size);
  const pieces = Array.from({ length: count }, (_, i) => bytes.slice(i * size, (i + 1) * size));
  return ReadableStream.from(pieces);
}

function parse(
  text: string,
  options?: RequestParseStreamOptions<"stream">,
  size?: number,
): ReadableStreamDefaultReader<ParsedRequest> {
  return source(text, size).pipeThrough(new RequestParseStream(options)).getReader();
}

async function next(reader: ReadableStreamDefaultReader<ParsedRequest>): Promise<ParsedRequest> {
  const { value } = await reader.read();
  assert(value !== undefined, "There must be another request");
  return value;
}

async function bodyOf({ body }: ParsedRequest): Promise<string> {
  return textOf(await new Response(body).bytes());
}

for (const size of [1, 2, 7, 64, 65_536]) {
  Deno.test(`RequestParseStream: bodies and trailers, ${size} bytes at a time`, async () => {
    const reader = parse(GET + SIZED + CHUNKED + GET, undefined, size);
    const seen: unknown[] = [];
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      seen.push([value.target, await bodyOf(value), await value.trailers]);
    }
    assertEquals(seen, [
      ["/get", "", []],
      ["/sized", "abcdef", []],
      ["/chunked", "abcdef", [["A", "b"]]],
      ["/get", "", []],
    ]);
  });

  Deno.test(`RequestParseStream: a reader with its own buffer, ${size} bytes at a time`, async () => {
    const reader = parse(SIZED + CHUNKED + GET, undefined, size);
    for (const target of ["/sized", "/chunked", "/get"]) {
      const request = await next(reader);
      assertEquals(request.target, target);
      const bytes = request.body.getReader({ mode: "byob" });
      let text = "";
      for (;;) {
        const { done, value } = await bytes.read(new Uint8Array(2));
        if (done) break;
        assert(value.length <= 2);
        text += textOf(value);
      }
      assertEquals(text, target === "/get" ? "" : "abcdef");
    }
  });

  Deno.test(`RequestParseStream: a cancelled body is skipped, ${size} bytes at a time`, async () => {
    const reader = parse(SIZED + CHUNKED + CHUNKED + GET, undefined, size);
    await (await next(reader)).body.cancel();
    const chunked = await next(reader);
    const bytes = chunked.body.getReader();
    assertEquals(textOf((await bytes.read()).value!)[0], "a");
    await bytes.cancel();
    const last = await next(reader);
    assertEquals([last.target, await chunked.trailers], ["/chunked", [["A", "b"]]]);
    await last.body.cancel();
    assertEquals((await next(reader)).target, "/get");
    assertEquals((await reader.read()).done, true);
  });
}

Deno.test("RequestParseStream: a request comes with its head, the next one behind its body", async () => {
  const { readable, writable } = new RequestParseStream();
  const writer = writable.getWriter();
  const reader = readable.getReader();
  const written = writer.write(bytesOf(SIZED.slice(0, -6)));
  const request = await next(reader);
  assertEquals(request.target, "/sized");
  let hasNext = false;
  const following = next(reader).then((request) => {
    hasNext = true;
    return request;
  });
  const body = bodyOf(request);
  await written;
  const rest = writer.write(bytesOf("abc"));
  await rest;
  assertEquals(hasNext, false);
  const last = writer.write(bytesOf("def" + GET));
  assertEquals([await body, (await following).target], ["abcdef", "/get"]);
  const closed = writer.close();
  assertEquals((await reader.read()).done, true);
  await Promise.all([last, closed]);
});

Deno.test("RequestParseStream: a chunk is parsed whole before the next one is taken", async () => {
  let pulled = 0;
  const endless = new ReadableStream({
    pull(controller) {
      controller.enqueue(
        pulled++ === 0 ? bytesOf(SIZED.replace(": 6", ": 60000")) : new Uint8Array(1000),
      );
    },
  }, { highWaterMark: 0 });
  const reader = endless.pipeThrough(new RequestParseStream()).getReader();
  const request = await next(reader);
  const body = request.body.getReader();
  for (let read = 0; read < 10; read++) {
    await body.read();
    await soon();
    assert(pulled <= read + 2, `${pulled} chunks were pulled for ${read + 1} reads`);
  }
  await reader.cancel();
});

Deno.test("RequestParseStream: a body of many chunks, byte for byte", async () => {
  const content = pattern(1_000_000);
  const head = bytesOf("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n");
  async function* pieces() {
    yield head;
    for (let at = 0; at < content.length; at += 30_011) yield content.slice(at, at + 30_011);
  }
  const stream = ReadableStream.from(pieces()).pipeThrough(new RequestParseStream());
  for await (const request of stream) {
    assertEquals(await new Response(request.body).bytes(), content);
  }
});

/** What is rejected, behind good requests in the same chunk, and at which byte. */
const REJECTED: readonly (readonly [
  title: string,
  before: string,
  bad: string,
  code: string,
  at: number,
  options?: RequestParseStreamOptions<"stream">,
])[] = [
  ["a request line", GET + SIZED, "X\r\n\r\n", "bad-request-line", 0],
  ["a header line", GET, "GET / HTTP/1.1\r\nHost: h\r\nA : b\r\n\r\n", "bad-field", 25],
  ["a head as a whole", CHUNKED, "GET / HTTP/1.1\r\nA: b\r\n\r\n", "bad-host", 0],
  ["a head that is cut", GET, "GET / HTTP/1.1\r\nHo", "incomplete-message", 18],
  ["no empty line before a second one", GET, "\r\n\r\n" + GET, "bad-request-line", 2],
];

for (const [title, before, bad, code, at, options] of REJECTED) {
  for (const size of [1, 7, 65_536]) {
    Deno.test(`RequestParseStream: ${title} is rejected in its place, ${size} at a time`, async () => {
      const reader = parse(before + bad, options, size);
      const good = before.split(" HTTP/1.1\r\n").length - 1;
      for (let i = 0; i < good; i++) await bodyOf(await next(reader));
      const error = await assertRejects(() => reader.read(), ParseStreamError);
      assertEquals([error.code, error.offset], [code as typeof error.code, before.length + at]);
      assert(
        error.message.endsWith(`, at byte ${before.length + at} of the stream`),
        error.message,
      );
    });
  }
}

/** What is rejected within a body; the offset is behind the last good byte. */
const REJECTED_BODIES: readonly (readonly [
  title: string,
  text: string,
  code: string,
  at: number,
  options?: RequestParseStreamOptions<"stream">,
])[] = [
  ["a chunk", CHUNKED.replace("def\r\n", "def.."), "bad-chunk", CHUNKED.indexOf("\r\n0\r\n")],
  ["a length over maxBody", SIZED, "body-too-large", SIZED.length - 6, { maxBody: 5 }],
  ["a body that is cut", SIZED.slice(0, -1), "incomplete-message", SIZED.length - 1],
];

for (const [title, text, code, at, options] of REJECTED_BODIES) {
  for (const size of [1, 65_536]) {
    Deno.test(`RequestParseStream: ${title} fails body, trailers and stream, ${size} at a time`, async () => {
      const reader = parse(text, options, size);
      const request = await next(reader);
      const error = await assertRejects(() => bodyOf(request), ParseStreamError);
      assertEquals([error.code, error.offset], [code as typeof error.code, at]);
      assertEquals(await request.trailers.catch((reason) => reason), error);
      assertEquals(await reader.read().catch((reason) => reason), error);
    });
  }
}

Deno.test("RequestParseStream: the rest of a cancelled body is dropped up to limits.drain", async () => {
  for (const [text, drain] of [[SIZED, 6], [CHUNKED, 6]] as const) {
    const good = parse(text + GET, { limits: { drain } });
    await (await next(good)).body.cancel();
    assertEquals((await next(good)).target, "/get");
    const bad = parse(text + GET, { limits: { drain: drain - 1 } });
    const request = await next(bad);
    await request.body.cancel();
    const error = await assertRejects(() => bad.read(), ParseStreamError, "at most 5 bytes long");
    assertEquals(error.code, "body-too-large");
    await assertRejects(() => request.trailers, ParseStreamError);
  }
});

Deno.test("RequestParseStream: what is rejected cancels the source", async () => {
  const cancelled = Promise.withResolvers<unknown>();
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(bytesOf("X\r\n\r\n")),
    cancel: cancelled.resolve,
  });
  const reader = endless.pipeThrough(new RequestParseStream()).getReader();
  const error = await assertRejects(() => reader.read(), ParseStreamError);
  assertEquals(await cancelled.promise, error);
});

Deno.test("RequestParseStream: an error of the source fails the body that is read", async () => {
  const { readable, writable } = new RequestParseStream();
  const writer = writable.getWriter();
  const written = writer.write(bytesOf(SIZED.slice(0, -3)));
  const reader = readable.getReader();
  const request = await next(reader);
  const body = request.body.getReader();
  await body.read();
  const pending = body.read();
  await written;
  const reason = new Error("gone");
  await writer.abort(reason);
  for (const promise of [pending, request.trailers, reader.read()]) {
    assertEquals(await promise.catch((error: unknown) => error), reason);
  }
});

Deno.test("RequestParseStream: cancelling the requests fails the body that is not read", async () => {
  const reader = parse(SIZED);
  const request = await next(reader);
  await reader.cancel("enough");
  assertEquals(await request.body.getReader().read().catch((reason) => reason), "enough");
});

Deno.test("RequestParseStream: a body that is first looked at when all is read is closed", async () => {
  const reader = parse(GET);
  const request = await next(reader);
  assertEquals((await reader.read()).done, true);
  assertEquals(await bodyOf(request), "");
});

Deno.test("RequestParseStream: a chunk that is no Uint8Array fails both sides", async () => {
  const { readable, writable } = new RequestParseStream();
  const reader = readable.getReader();
  const read = reader.read();
  const writer = writable.getWriter();
  const message = 'A chunk must be a Uint8Array: got "GET", a string';
  await assertRejects(() => writer.write("GET" as never), TypeError, message);
  await assertRejects(() => read, TypeError, message);
});

Deno.test("RequestParseStream: ignored promises reject no one", async () => {
  const reader = parse(SIZED.slice(0, -1));
  const request = await next(reader);
  await request.body.cancel();
  assertInstanceOf(await reader.read().catch((error) => error), ParseStreamError);
  await soon();
});

Deno.test("RequestParseStream: a read that is in flight when its body is cancelled loses no request", async () => {
  for (const rest of ["def", "d"]) {
    const { readable, writable } = new RequestParseStream();
    const writer = writable.getWriter();
    const reader = readable.getReader();
    const first = writer.write(bytesOf(SIZED.slice(0, -3)));
    const body = (await next(reader)).body.getReader();
    assertEquals(textOf((await body.read()).value!), "abc");
    const pending = body.read();
    await first;
    const second = writer.write(bytesOf(rest + (rest === "def" ? GET : "")));
    const cancelled = body.cancel();
    const following = next(reader);
    assertEquals((await pending).done, true);
    await cancelled;
    const last = rest === "def" ? second : second.then(() => writer.write(bytesOf("ef" + GET)));
    assertEquals((await following).target, "/get");
    const closed = writer.close();
    assertEquals((await reader.read()).done, true);
    await Promise.all([last, closed]);
  }
});

Deno.test("RequestParseStream: the request that is awaited fails with the body before it", async () => {
  const { readable, writable } = new RequestParseStream();
  const writer = writable.getWriter();
  const reader = readable.getReader();
  const written = writer.write(bytesOf(CHUNKED.slice(0, CHUNKED.indexOf("3\r\n")) + "x"));
  const request = await next(reader);
  const following = reader.read();
  const error = await assertRejects(() => bodyOf(request), ParseStreamError);
  assertEquals(error.code, "bad-chunk");
  for (const promise of [following, written, writer.closed]) {
    assertEquals(await promise.catch((reason: unknown) => reason), error);
  }
});

Deno.test("RequestParseStream: fields as they were sent, and the decisions", async () => {
  const reader = parse(GET.replace("Host: h", "Host: h\r\nA: b\r\na: c\r\nConnection: close"));
  const { headers, rawHeaders, framing } = await next(reader);
  assertEquals(headers.get("a"), "b, c");
  assertEquals(rawHeaders, [["Host", "h"], ["A", "b"], ["a", "c"], ["Connection", "close"]]);
  assertEquals([framing.persistent, framing.host, framing.body], [false, "h", 0]);
});
