import { assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { bytesOf, textOf } from "../fixtures.ts";
import { HttpError } from "../../src/errors.ts";
import { RequestParseStream } from "../../src/web/parse_stream.ts";
import type { RequestParseStreamOptions, WholeRequest } from "../../src/web/parse_stream.ts";

const FIRST = "GET /a?b HTTP/1.1\r\nHost: h\r\nX: 1\r\nx: 2\r\n\r\n";
const SECOND = "POST /c HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nh\xc3\xa4\r\n";
const THIRD = "PUT //d HTTP/1.0\r\nContent-Length: 0\r\n\r\n";
const FOURTH = "PATCH /e HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" +
  "3;x\r\nabc\r\n2\r\nde\r\n0\r\nSum: 1\r\nsum: 2\r\n\r\n";
const CAPTURE = FIRST + SECOND + THIRD + FOURTH;

/** Returns the text in pieces of `size` bytes, from memory that is overwritten after each read. */
async function* lent(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = bytesOf(text);
  const memory = new Uint8Array(size);
  for (let at = 0; at < bytes.length; at += size) {
    const piece = bytes.subarray(at, at + size);
    memory.fill(0xaa);
    memory.set(piece);
    yield memory.subarray(0, piece.length);
  }
}

/** Parses whole requests. */
function parse(
  text: string,
  options?: RequestParseStreamOptions,
  size = 65_536,
): ReadableStream<WholeRequest> {
  return ReadableStream.from(lent(text, size)).pipeThrough(
    new RequestParseStream({ ...options, body: "whole" }),
  );
}

async function all(stream: ReadableStream<WholeRequest>): Promise<WholeRequest[]> {
  return await Array.fromAsync(stream);
}

async function refusal(stream: ReadableStream<WholeRequest>): Promise<string> {
  const error = await assertRejects(() => all(stream), HttpError);
  return `${error.status} ${error.code}`;
}

for (const size of [1, 2, 7, 64, 65_536]) {
  Deno.test(`RequestParseStream: a capture of several requests, ${size} bytes at a time`, async () => {
    const requests = await all(parse(CAPTURE, undefined, size));
    assertEquals(
      requests.map(({ method, target, protocol, rawHeaders, body, rawTrailers }) => [
        method,
        target,
        protocol.orig,
        rawHeaders,
        textOf(body),
        rawTrailers,
      ]),
      [
        ["GET", "/a?b", "HTTP/1.1", [["Host", "h"], ["X", "1"], ["x", "2"]], "", []],
        [
          "POST",
          "/c",
          "HTTP/1.1",
          [["Host", "h"], ["Content-Length", "5"]],
          "h\xc3\xa4\r\n",
          [],
        ],
        ["PUT", "//d", "HTTP/1.0", [["Content-Length", "0"]], "", []],
        [
          "PATCH",
          "/e",
          "HTTP/1.1",
          [["Host", "h"], ["Transfer-Encoding", "chunked"]],
          "abcde",
          [["Sum", "1"], ["sum", "2"]],
        ],
      ],
    );
  });
}

Deno.test("RequestParseStream: headers are Web Headers and do not contain the trailers", async () => {
  const [first, , , fourth] = await all(parse(CAPTURE));
  assertEquals([...first!.headers], [["host", "h"], ["x", "1, 2"]]);
  assertEquals(fourth!.headers.has("sum"), false);
  assertStrictEquals(first!.headers, first!.headers);
  assertEquals([first!.protocol.major, first!.protocol.minor], [1, 1]);
});

Deno.test("RequestParseStream: a body of many pieces belongs to its request", async () => {
  const body = "0123456789".repeat(10_000);
  const one = `PUT /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n${body}`;
  const requests = await all(parse(one + SECOND + one, undefined, 1000));
  assertEquals(requests.map(({ body }) => textOf(body)), [body, "h\xc3\xa4\r\n", body]);
});

Deno.test("RequestParseStream: yields a request as soon as it is complete", async () => {
  const stream = new RequestParseStream({ body: "whole" });
  const writer = stream.writable.getWriter();
  const reader = stream.readable.getReader();
  const first = writer.write(bytesOf(FIRST + SECOND.slice(0, 10)));
  assertEquals((await reader.read()).value?.target, "/a?b");
  const next = reader.read();
  await first;
  const second = writer.write(bytesOf(SECOND.slice(10)));
  assertEquals((await next).value?.target, "/c");
  const closed = writer.close();
  assertEquals((await reader.read()).done, true);
  await Promise.all([second, closed]);
});

Deno.test("RequestParseStream: yields no requests for no bytes", async () => {
  assertEquals(await all(parse("")), []);
  assertEquals(await all(parse("\r\n")), []);
  assertEquals(
    await all(
      ReadableStream.from([new Uint8Array(0)]).pipeThrough(
        new RequestParseStream({ body: "whole" }),
      ),
    ),
    [],
  );
});

/** Captures that are refused, and the options for each. */
const REFUSED: readonly (readonly [
  title: string,
  text: string,
  refusal: string,
  options?: RequestParseStreamOptions,
])[] = [
  ["two spaces", "GET  / HTTP/1.1\r\n\r\n", "400 bad-request-line"],
  ["a bare LF", "GET / HTTP/1.1\n", "400 bad-line-ending"],
  ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505 unsupported-version"],
  ["no Host", "GET / HTTP/1.1\r\n\r\n", "400 bad-host"],
  ["a bad chunk", FOURTH.replace("3;x", "0x3"), "400 bad-chunk"],
  ["a bad request behind a good one", FIRST + "X\r\n\r\n", "400 bad-request-line"],
  ["a request line that is cut", FIRST + "GET /", "400 incomplete-message"],
  ["a head that is cut", FIRST.slice(0, -2), "400 incomplete-message"],
  ["a body that is cut", SECOND.slice(0, -1), "400 incomplete-message"],
  ["a body that is missing", SECOND.slice(0, -5), "400 incomplete-message"],
  ["a chunked body that is cut", FOURTH.slice(0, -1), "400 incomplete-message"],
  ["maxBody", SECOND, "413 body-too-large", { maxBody: 4 }],
  ["maxBody, chunked", FOURTH, "413 body-too-large", { maxBody: 4 }],
  [
    "maxBody by default",
    "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 8388609\r\n\r\n",
    "413 body-too-large",
  ],
  ["limits.line", FIRST, "413 request-line-too-long", { limits: { line: 16 } }],
  ["limits.head", FIRST, "431 head-too-large", { limits: { head: 30 } }],
  ["limits.headers", FIRST, "400 too-many-fields", { limits: { headers: 2 } }],
  [
    "limits.headers by default",
    FIRST.replace("X", "X: 1\r\n".repeat(128) + "X"),
    "400 too-many-fields",
  ],
  ["limits.chunkLine", FOURTH, "400 chunk-line-too-long", { limits: { chunkLine: 2 } }],
  ["limits.chunkExtensions", FOURTH, "400 chunk-extensions-too-large", {
    limits: { chunkExtensions: 0 },
  }],
  ["limits.trailers", FOURTH, "431 trailers-too-large", { limits: { trailers: 10 } }],
  ["limits.trailerFields", FOURTH, "431 trailers-too-large", { limits: { trailerFields: 1 } }],
  ["a POST without a length", "POST / HTTP/1.1\r\nHost: h\r\n\r\n", "411 length-required", {
    profile: "original",
  }],
];

for (const [title, text, refused, options] of REFUSED) {
  Deno.test(`RequestParseStream: ${title}: ${refused}`, async () => {
    assertEquals(await refusal(parse(text, options)), refused);
    assertEquals(await refusal(parse(text, options, 1)), refused);
  });
}

Deno.test("RequestParseStream: inputs exactly at the limits are accepted", async () => {
  const limits = {
    line: 27,
    head: 62,
    headers: 2,
    chunkLine: 3,
    chunkExtensions: 2,
    trailers: 18,
    trailerFields: 2,
  };
  const [request] = await all(parse(FOURTH, { limits, maxBody: 5 }));
  assertEquals(textOf(request!.body), "abcde");
});

Deno.test("RequestParseStream: a POST without a length has no body by default", async () => {
  const [request] = await all(parse("POST / HTTP/1.1\r\nHost: h\r\n\r\n"));
  assertEquals([request!.method, request!.body.length], ["POST", 0]);
});

Deno.test("RequestParseStream: yields the requests before a bad one", async () => {
  const reader = parse(FIRST + SECOND + "X\r\n\r\n", undefined, 1).getReader();
  assertEquals((await reader.read()).value?.target, "/a?b");
  assertEquals((await reader.read()).value?.target, "/c");
  const error = await assertRejects(() => reader.read(), HttpError);
  assertEquals(error.code, "bad-request-line");
});

Deno.test("RequestParseStream: cancelling stops the source", async () => {
  const cancelled = Promise.withResolvers<unknown>();
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(bytesOf(FIRST)),
    cancel: cancelled.resolve,
  });
  const requests = endless.pipeThrough(
    new RequestParseStream(),
  );
  const reader = requests.getReader();
  assertEquals((await reader.read()).value?.target, "/a?b");
  await reader.cancel("enough");
  assertEquals(await cancelled.promise, "enough");
});

/** Options that the constructor refuses. */
const BAD_OPTIONS:
  readonly (readonly [shown: string, options: unknown, error: ErrorConstructor])[] = [
    ["an unknown option", { maxBodies: 5 }, TypeError],
    ["an unknown limit", { limits: { lines: 5 } }, TypeError],
    ["an unknown profile", { profile: "nim" }, TypeError],
    ["a maxBody that is no number", { maxBody: "5" }, TypeError],
    ["a maxBody below 0", { maxBody: -1 }, RangeError],
    ["a maxBody that is NaN", { maxBody: NaN }, RangeError],
    ["a limit below 0", { limits: { line: -1 } }, RangeError],
    ["a limit that is no integer", { limits: { head: 0.5 } }, RangeError],
  ];

for (const [title, options, error] of BAD_OPTIONS) {
  Deno.test(`RequestParseStream: ${title} is refused`, () => {
    assertThrows(() => new RequestParseStream(options as RequestParseStreamOptions), error);
  });
}

Deno.test("RequestParseStream: an undefined option means its default", async () => {
  const options = {
    maxBody: undefined,
    profile: undefined,
    limits: { line: undefined, headers: undefined },
  };
  assertEquals((await all(parse(CAPTURE, options))).length, 4);
  assertEquals((await all(parse(CAPTURE, { limits: undefined }))).length, 4);
  assertEquals((await all(parse(CAPTURE, { limits: { line: Infinity } }))).length, 4);
});
