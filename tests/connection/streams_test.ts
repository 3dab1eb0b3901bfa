/** Bodies that stream, both ways: back-pressure, limits, and what is left behind. */
import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { HttpError, streaming } from "@asynchttp/server";
import type { Handler, Request } from "@asynchttp/server";
import { ConnectionLost } from "../../src/errors.ts";
import { converse, DATE, NOW, refused, response, settle, start } from "./harness.ts";
import { EOF, RESET, STALL } from "./scripted_conn.ts";
import type { Step } from "./scripted_conn.ts";

const GET = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const put = (length: number, fields = "") =>
  `PUT / HTTP/1.1\r\nHost: x\r\n${fields}Content-Length: ${length}\r\n\r\n`;
const CHUNKED = "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
const EXPECT = "Expect: 100-continue\r\n";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const raw = (value: string) => new TextEncoder().encode(value);

async function gathered(stream: ReadableStream<Uint8Array>): Promise<string> {
  let all = "";
  for await (const chunk of stream) all += text(chunk);
  return all;
}

/** Answers with what it reads, each chunk in brackets. */
const chunks = streaming(async (request) => {
  let all = "";
  for await (const chunk of request.stream) all += `[${text(chunk)}]`;
  await request.respond(200, all);
});

function streamOf(...parts: string[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(parts.map(raw));
}

interface Row {
  readonly title: string;
  readonly sent: readonly Step[];
  readonly handler: Handler;
  readonly got: string;
}

const ROWS: readonly Row[] = [
  {
    title: "streaming: a body arrives piece by piece",
    sent: [put(6), "abc", "de", "f" + GET],
    handler: chunks,
    got: response("200 OK", "[abc][de][f]") + response("200 OK", ""),
  },
  {
    title: "streaming: a chunked body, its coding taken off",
    sent: [CHUNKED + "3\r\nab", "c\r\n0\r\n\r\n" + GET],
    handler: chunks,
    got: response("200 OK", "[ab][c]") + response("200 OK", ""),
  },
  {
    title: "streaming: text() and json()",
    sent: [put(7) + '{"a":1}' + put(4) + "null"],
    handler: streaming(async (request) => {
      const value = await request.json();
      assertEquals(request.body, await request.text());
      assertEquals(await gathered(request.stream), request.body);
      await request.respond(200, JSON.stringify(value));
    }),
    got: response("200 OK", '{"a":1}') + response("200 OK", "null"),
  },
  {
    title: "a buffered handler has the stream, too",
    sent: [put(3) + "abc" + GET],
    handler: async (request) => {
      const all = await gathered(request.stream);
      await request.respond(200, all + await request.text() + request.bytes.length);
    },
    got: response("200 OK", "abcabc3") + response("200 OK", "0"),
  },
  {
    title: "RFC 9110, 10.1.1: 100 Continue goes out with the first read",
    sent: [put(3, EXPECT), "abc", GET],
    handler: streaming(async (request) => {
      await request.inform(102);
      await request.respond(200, await request.text());
    }),
    got: "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" +
      response("200 OK", "abc") + "HTTP/1.1 102 Processing\r\n\r\n" + response("200 OK", ""),
  },
  {
    title: "hardening 20: an answer without a read refuses the upload, and closes",
    sent: [put(3, EXPECT), "abc" + GET],
    handler: streaming((request) => request.respond(401)),
    got: response("401 Unauthorized", "", "close"),
  },
  {
    title: "hardening 20: an echo under Expect: 100 first, then the head",
    sent: [put(3, EXPECT), "abc" + GET],
    handler: streaming((request) => request.respond(200, request.stream)),
    got:
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n${DATE}Transfer-Encoding: chunked\r\n\r\n` +
      `3\r\nabc\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n${DATE}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  },
  {
    title: "a body left unread is dropped, and the next request served",
    sent: [put(10) + "0123", "456789" + GET],
    handler: streaming((request) => request.respond(200, request.method)),
    got: response("200 OK", "PUT") + response("200 OK", "GET"),
  },
  {
    title: "a body that is too long to be dropped closes the connection, and the answer says so",
    sent: [put(300_000) + "0123" + GET],
    handler: streaming((request) => request.respond(200)),
    got: response("200 OK", "", "close"),
  },
  {
    title: "a chunked body that turns out too long to be dropped closes the connection",
    sent: [CHUNKED + ("5000\r\n" + "x".repeat(0x5000) + "\r\n").repeat(20) + "0\r\n\r\n" + GET],
    handler: streaming((request) => request.respond(200)),
    got: response("200 OK", ""),
  },
  {
    title: "one answer only, where the rest of the body is found to be garbage",
    sent: [CHUNKED + "x\r\n" + GET],
    handler: streaming((request) => request.respond(200)),
    got: response("200 OK", ""),
  },
  {
    title: "a body that is refused while it is read: the client is told",
    sent: [put(8_388_609)],
    handler: chunks,
    got: refused("413 Content Too Large", "The body must be at most 8388608 bytes long"),
  },
  {
    title: "a chunked body that is refused in its middle: the client is told",
    sent: [CHUNKED + "3\r\nabc\r\n", "x\r\n"],
    handler: chunks,
    got: refused(
      "400 Bad Request",
      "A chunk must begin with its size in hexadecimal digits (RFC 9112, 7.1)",
    ),
  },
  {
    title: "a handler may answer a refused body itself, and the connection ends",
    sent: [CHUNKED + "x\r\n" + GET],
    handler: streaming(async (request) => {
      await request.text().catch(() => {});
      await request.respond(422);
    }),
    got: response("422 Unprocessable Content", "", "close"),
  },
  {
    title: "respond: a stream goes out in chunks",
    sent: [GET + GET],
    handler: (request) => request.respond(200, streamOf("abc", "", "0123456789abcdef")),
    got:
      `HTTP/1.1 200 OK\r\n${DATE}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n`
        .repeat(2),
  },
  {
    title: "respond: a stream to HTTP/1.0 goes out until the close",
    sent: ["GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + GET],
    handler: (request) => request.respond(200, streamOf("abc", "def")),
    got: `HTTP/1.1 200 OK\r\n${DATE}Connection: close\r\n\r\nabcdef`,
  },
  {
    title: "respond: a stream with a Content-Length goes out as it is",
    sent: [GET + GET],
    handler: (request) => request.respond(200, streamOf("abc", "def"), { "Content-Length": "6" }),
    got: `HTTP/1.1 200 OK\r\nContent-Length: 6\r\n${DATE}\r\nabcdef`.repeat(2),
  },
  {
    title: "respond: the stream of a HEAD is cancelled",
    sent: [GET.replace("GET", "HEAD").repeat(2)],
    handler: (request) => request.respond(200, streamOf("abc")),
    got: `HTTP/1.1 200 OK\r\n${DATE}\r\n`.repeat(2),
  },
  {
    title: "respond: a stream that nobody waits for",
    sent: [GET + GET],
    handler: (request) => void request.respond(200, streamOf("abc")),
    got: `HTTP/1.1 200 OK\r\n${DATE}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`.repeat(
      2,
    ),
  },
  {
    title: "RFC 9110, 6.5: trailers behind a stream",
    sent: [GET + GET],
    handler: (request) =>
      request.respond(200, streamOf("abc"), { Trailer: "X-Sum" }, {
        trailers: () => ({ "X-Sum": "6" }),
      }),
    got:
      `HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\n${DATE}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 6\r\n\r\n`
        .repeat(2),
  },
  {
    title: "RFC 9110, 6.5: trailers behind bytes, and none to HTTP/1.0",
    sent: [GET + "GET / HTTP/1.0\r\n\r\n"],
    handler: (request) => request.respond(200, "abc", {}, { trailers: () => ({ "X-Sum": "6" }) }),
    got:
      `HTTP/1.1 200 OK\r\n${DATE}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 6\r\n\r\n` +
      response("200 OK", "abc", "close"),
  },
  {
    title: "RFC 9110, 15.2: interim responses before the answer, none to HTTP/1.0",
    sent: [GET + "GET / HTTP/1.0\r\n\r\n"],
    handler: async (request) => {
      await request.inform(103, { Link: "</a.css>; rel=preload" });
      await request.inform(102);
      await request.respond(200);
    },
    got:
      "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" +
      response("200 OK", "") + response("200 OK", "", "close"),
  },
  {
    title: "hardening 19: request trailers are apart, the dangerous ones dropped",
    sent: [
      CHUNKED +
      "1\r\na\r\n0\r\nX-Sum: 1\r\nContent-Length: 5\r\nHost: y\r\nAuthorization: z\r\n\r\n" + GET,
    ],
    handler: async (request) => {
      const trailers = [...await request.trailers];
      await request.respond(200, JSON.stringify(trailers) + request.headers.get("x-sum"));
    },
    got: response("200 OK", '[["x-sum","1"]]null') + response("200 OK", "[]null"),
  },
];

for (const { title, sent, handler, got } of ROWS) {
  Deno.test(title, async () => {
    const { output, errors } = await converse(sent, handler);
    assertEquals(output, got);
    assertEquals(errors, []);
  });
}

/** Faults of a source: what the client gets, and what onError is told. */
const SOURCES: readonly {
  title: string;
  source: () => ReadableStream;
  got: RegExp;
  error: string;
}[] = [
  {
    title: "a source that fails before its first chunk",
    source: () => failing(),
    got: /^HTTP\/1\.1 200 OK[^]*\r\n\r\n$/,
    error: "source",
  },
  {
    title: "a source that fails between two chunks",
    source: () => failing("abc"),
    got: /\r\n\r\n3\r\nabc\r\n$/,
    error: "source",
  },
  {
    title: "a source that gives no bytes",
    source: () => ReadableStream.from(["abc"]),
    got: /\r\n\r\n$/,
    error: "A chunk of the content must be a Uint8Array: got string",
  },
];

function failing(...parts: string[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull(controller) {
      const part = parts.shift();
      if (part === undefined) controller.error(new Error("source"));
      else controller.enqueue(raw(part));
    },
  }, { highWaterMark: 0 });
}

for (const { title, source, got, error } of SOURCES) {
  for (const waits of [true, false]) {
    Deno.test(`the connection is cut: ${title}${waits ? "" : ", and nobody waits"}`, async () => {
      const { output, errors, conn } = await converse([GET + GET, STALL], (request) => {
        const sent = request.respond(200, source());
        return waits ? sent : undefined;
      });
      assert(got.test(output), output);
      assertEquals(errors.map((each) => (each as Error).message), [error]);
      assert(conn.closed && !conn.writeClosed);
    });
  }
}

for (
  const [length, message] of [["2", "is longer than its Content-Length of 2"], [
    "4",
    "ended after 3 bytes",
  ]]
) {
  Deno.test(`the connection is cut: a Content-Length of ${length} for 3 bytes`, async () => {
    let cancelled: unknown;
    const { errors, conn } = await converse([GET + GET, STALL], (request) => {
      const source = new ReadableStream({
        start: (controller) => controller.enqueue(raw("abc")),
        pull: (controller) => length === "4" ? controller.close() : undefined,
        cancel: (reason) => void (cancelled = reason),
      }, { highWaterMark: 1 });
      return request.respond(200, source, { "Content-Length": length! });
    });
    assert((errors[0] as Error).message.includes(message!));
    assert(conn.closed && !conn.writeClosed);
    if (length === "2") assertInstanceOf(cancelled, TypeError);
  });
}

Deno.test("a swallowed failure of a source still cuts the connection", async () => {
  const { errors, conn } = await converse([GET + GET, STALL], async (request) => {
    await request.respond(200, failing("a")).catch(() => {});
  });
  assertEquals(errors.length, 1);
  assert(conn.closed);
});

Deno.test("what a stream cannot be sent with is refused before anything is written", async () => {
  const cancelled: unknown[] = [];
  const source = () => new ReadableStream({ cancel: (reason) => void cancelled.push(reason) });
  const locked = source();
  locked.getReader();
  const { output } = await converse([GET + GET], async (request) => {
    await assertRejects(() => request.respond(200, locked), TypeError);
    await assertRejects(() => request.respond(200, source(), { "a b": "" }), TypeError);
    await assertRejects(() => request.respond(99, source()), RangeError);
    await assertRejects(() => request.respond(200, source(), { "Content-Length": "x" }), TypeError);
    await request.respond(200, "fine");
  });
  assertEquals(output, response("200 OK", "fine").repeat(2));
  assertEquals(cancelled.length, 6);
});

Deno.test("a stream that is being sent is the answer: there is no other", async () => {
  const { output } = await converse([GET], async (request) => {
    const sent = request.respond(200, streamOf("a"));
    await assertRejects(() => request.respond(200), TypeError, "is already being answered");
    await assertRejects(() => request.inform(103), TypeError, "is already being answered");
    await sent;
  });
  assert(output.endsWith("1\r\na\r\n0\r\n\r\n"));
});

Deno.test("bad trailers cut the connection", async () => {
  for (const name of ["Content-Length", "a b"]) {
    const { errors, conn } = await converse(
      [GET, STALL],
      (request) => request.respond(200, streamOf("a"), {}, { trailers: () => ({ [name]: "1" }) }),
    );
    assertInstanceOf(errors[0], TypeError);
    assert(conn.closed);
  }
});

Deno.test("inform: what it refuses", async () => {
  await converse([GET], async (request) => {
    for (const code of [100, 101, 200, 99, 102.5]) {
      await assertRejects(() => request.inform(code), RangeError, "from 102 to 199");
    }
    await assertRejects(() => request.inform(103, { Link: "\n" }), TypeError);
    await request.respond(200);
    await assertRejects(() => request.inform(103), TypeError, "already been answered");
  });
});

Deno.test("nothing is read from the socket before the handler reads, nor more than it reads", async () => {
  const gate = Promise.withResolvers<void>();
  const pieces = Array.from({ length: 10 }, () => "x".repeat(1000));
  const { conn, done } = start(
    [put(10_000), ...pieces],
    streaming(async (request) => {
      await gate.promise;
      const reader = request.stream.getReader();
      await reader.read();
      await settle();
      assertEquals(conn.bytesRead, put(10_000).length + 1000);
      reader.releaseLock();
      await request.respond(200, await request.text());
    }),
  );
  await settle();
  assertEquals(conn.bytesRead, put(10_000).length);
  gate.resolve();
  await done;
});

Deno.test("a source is read no faster than the client reads", async () => {
  let pulled = 0;
  let writable = Promise.withResolvers<void>();
  const { conn, done } = start(
    [GET, EOF],
    (request) =>
      request.respond(
        200,
        new ReadableStream({
          pull(controller) {
            if (++pulled > 100) controller.close();
            else controller.enqueue(new Uint8Array(10_000));
          },
        }, { highWaterMark: 0 }),
      ),
    {},
    { writeGate: () => writable.promise },
  );
  await settle();
  assert(pulled <= 2, `${pulled} chunks were made for a client that reads nothing`);
  writable.resolve();
  writable = Promise.withResolvers();
  writable.resolve();
  await done;
  assertEquals(pulled, 101);
  assert(conn.output.length > 1_000_000);
});

Deno.test("the source is cancelled, with the reason, when the client goes", async () => {
  for (const fault of ["reset", "write"]) {
    let reason: unknown;
    const going = Promise.withResolvers<void>();
    const source = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(raw("first")),
      cancel: (why) => void (reason = why),
    });
    const { errors, conn } = await converse(
      fault === "reset" ? [GET, going.promise, RESET] : [GET, STALL],
      (request) => {
        going.resolve();
        return request.respond(200, source);
      },
      {},
      fault === "write" ? { failAfter: 50 } : {},
    );
    assertInstanceOf(reason, ConnectionLost);
    assertEquals(errors, []);
    assert(conn.closed);
  }
});

Deno.test("maxBody: raised or lowered before the first read, and not after it", async () => {
  const { output } = await converse(
    [put(5) + "abcde"],
    streaming(async (request) => {
      assertEquals(request.maxBody, 3);
      assertThrows(() => request.maxBody = -1, RangeError);
      request.maxBody = 5;
      const all = await request.text();
      assertThrows(() => request.maxBody = 6, TypeError, "is already being read");
      await request.respond(200, all);
    }),
    { maxBody: 3 },
  );
  assertEquals(output, response("200 OK", "abcde"));
  const none = await converse(
    [GET],
    streaming(async (request) => {
      request.maxBody = Infinity;
      await request.respond(200);
    }),
  );
  assertEquals(none.output, response("200 OK", ""));
  const lowered = await converse(
    [CHUNKED + "5\r\nabcde\r\n0\r\n\r\n"],
    streaming(async (request) => {
      request.maxBody = 4;
      const error = await assertRejects(() => request.text(), HttpError);
      assertEquals(error.status, 413);
      throw error;
    }),
  );
  assertEquals(
    lowered.output,
    refused("413 Content Too Large", "The body must be at most 4 bytes long"),
  );
});

Deno.test("bytes and body are a TypeError before a streaming handler has read them", async () => {
  await converse(
    [put(3) + "abc" + GET],
    streaming(async (request) => {
      if (request.hasBody) {
        assertThrows(() => request.bytes, TypeError, "The body has not been read");
        assertThrows(() => request.body, TypeError, "The body has not been read");
      } else assertEquals(request.body, "");
      await request.text();
      assertEquals(request.bytes.length, request.hasBody ? 3 : 0);
      await request.respond(200);
    }),
  );
});

Deno.test("a body has one reader at a time", async () => {
  const { output } = await converse(
    [put(3), "abc"],
    streaming(async (request) => {
      const first = request.text();
      await assertRejects(() => request.text(), TypeError, "is already being read");
      await request.respond(200, await first);
    }),
  );
  assertEquals(output, response("200 OK", "abc"));
  await converse(
    [put(3), "abc"],
    streaming(async (request) => {
      request.stream.getReader();
      await assertRejects(() => request.text(), TypeError);
      await request.respond(200);
    }),
  );
});

Deno.test("a reader that is late gets nothing of the next request", async () => {
  let late: ReadableStreamDefaultReader<Uint8Array> | undefined;
  const { output } = await converse(
    [put(3), "abc" + GET],
    streaming(async (request) => {
      if (request.hasBody) late = request.stream.getReader();
      else await assertRejects(() => late!.read(), TypeError, "the request is over");
      await request.respond(200);
    }),
  );
  assertEquals(output, response("200 OK", "").repeat(2));
});

Deno.test("stream: a reader with a buffer of its own gets the bytes into it", async () => {
  const { output } = await converse(
    [put(10), "01234", "56789" + GET],
    streaming(async (request) => {
      const reader = request.stream.getReader({ mode: "byob" });
      let buffer = new ArrayBuffer(3);
      let all = "";
      for (;;) {
        const { done, value } = await reader.read(new Uint8Array(buffer));
        if (done) break;
        all += `[${text(value)}]`;
        buffer = value.buffer;
      }
      await request.respond(200, all);
    }),
  );
  assertEquals(output, response("200 OK", "[012][34][567][89]") + response("200 OK", ""));
});

Deno.test("a read under way when the handler returns is waited for", async () => {
  const arrives = Promise.withResolvers<void>();
  const { conn, done } = start(
    [put(3), arrives.promise, "abc" + GET, EOF],
    streaming((request) => {
      void request.text().catch(() => {});
      return request.respond(200);
    }),
  );
  await settle();
  arrives.resolve();
  await done;
  assertEquals(conn.output, response("200 OK", "").repeat(2));
});

Deno.test("a body that is left unread and does not come ends the connection after timeouts.drain", async () => {
  const { conn, clock, done } = start(
    [put(3), STALL],
    streaming((request) => request.respond(200)),
  );
  await settle();
  assertEquals(conn.output, response("200 OK", ""));
  clock.tick(NOW + 4999);
  await settle();
  assert(!conn.closed);
  clock.tick(NOW + 5000);
  await done;
  assert(conn.closed);
});

Deno.test("signal: aborts when the client goes, and the handler may say so to others", async () => {
  for (const [step, gets] of [[RESET, ""], [EOF, response("200 OK", "late")]] as const) {
    const waiting = Promise.withResolvers<void>();
    const { output, errors } = await converse([GET, waiting.promise, step], async (request) => {
      const { signal } = request;
      assert(signal === request.signal && !signal.aborted);
      waiting.resolve();
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      assertInstanceOf(signal.reason, ConnectionLost);
      await request.respond(200, "late");
    });
    assertEquals(output, gets);
    assertEquals(errors, []);
  }
});

Deno.test("signal: never on success, and what was read ahead is the next request", async () => {
  const signals: AbortSignal[] = [];
  const last = Promise.withResolvers<void>();
  const { output } = await converse([GET, GET, GET, last.promise, EOF], async (request) => {
    signals.push(request.signal);
    await settle();
    await request.respond(200);
    if (signals.length === 3) last.resolve();
  });
  assertEquals(output, response("200 OK", "").repeat(3));
  assertEquals(signals.map(({ aborted }) => aborted), [false, false, false]);
});

Deno.test("hardening 22: the signal's look ahead is bounded", async () => {
  const gate = Promise.withResolvers<void>();
  const { conn, done } = start([GET.repeat(100_000)], async (request) => {
    void request.signal;
    await gate.promise;
    await request.respond(200, "", { Connection: "close" });
  }, { limits: { linger: 0 } });
  for (let i = 0; i < 50; i++) await settle();
  assert(conn.bytesRead <= 40_000, `${conn.bytesRead} were read ahead`);
  gate.resolve();
  await done;
});

Deno.test("signal: in a streaming handler it is watched once the body is in", async () => {
  let aborted = false;
  await converse(
    [put(3), "abc", RESET],
    streaming(async (request) => {
      const { signal } = request;
      signal.addEventListener("abort", () => aborted = true);
      await request.text();
      await settle();
      await request.respond(200).catch(() => {});
    }),
  );
  assert(aborted);
});

Deno.test("signal: asked for late, it still hears; asked for too late, it never aborts", async () => {
  const closing = Promise.withResolvers<void>();
  let late: Request | undefined;
  await converse([GET, closing.promise, EOF], async (request) => {
    const source = new ReadableStream<Uint8Array>({ start: (c) => c.enqueue(raw("a")) });
    const sent = request.respond(200, source);
    closing.resolve();
    await settle();
    assert(request.signal.aborted === false);
    await settle();
    assert(request.signal.aborted);
    late = request;
    request.client.close();
    await sent.catch(() => {});
  });
  assert(!late!.signal.aborted);
});

Deno.test("a connection keeps nothing of the requests that it has served", async () => {
  let count = 0;
  const run = start(Array(100).fill(GET), async (request) => {
    void request.signal;
    count++;
    await request.respond(200, streamOf("a"));
  });
  const kept = new Set<unknown>();
  const { whenLost } = run.connection.transport;
  run.connection.transport.whenLost = function (then) {
    kept.add(then);
    const forget = whenLost.call(this, then);
    return () => {
      kept.delete(then);
      forget();
    };
  };
  await run.done;
  assertEquals([count, kept.size], [100, 0]);
});

Deno.test("hand-over: a close of its new owner's does not wait for a peer that does not read", async () => {
  const run = start(
    [GET, STALL],
    (request) => {
      const conn = request.hijack();
      void conn.write(raw("abc"));
      conn.close();
    },
    {},
    { writeGate: () => new Promise(() => {}) },
  );
  await run.done;
  assert(run.conn.closed);
});

Deno.test("hardening 21: a refused CONNECT closes", async () => {
  const { output } = await converse(
    ["CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n" + GET],
    (request) => request.respond(501),
  );
  assertEquals(output, response("501 Not Implemented", "", "close"));
});

Deno.test("a body that is refused within the response to it is the client's fault", async () => {
  const { errors, counters, conn } = await converse(
    [CHUNKED + "1\r\na\r\n", "x\r\n"],
    streaming((request) => request.respond(200, request.stream)),
  );
  assertEquals(errors, []);
  assertEquals(counters.rejections, { "bad-chunk": 1 });
  assert(conn.closed && !conn.writeClosed);
});

Deno.test("respondWith: what looks like a Response", async () => {
  const looks = [
    { status: 200, headers: { a: "b" }, body: "abc" },
    { status: 200, headers: [["a", "b"]], body: raw("abc") },
    { status: 200, headers: new Map([["a", "b"]]), body: streamOf("abc") },
  ];
  for (const look of looks) {
    const { output } = await converse(
      [GET],
      (request) => request.respondWith(look as unknown as Response),
    );
    assertEquals(output.startsWith(`HTTP/1.1 200 OK\r\na: b\r\n`), true);
    assert(output.endsWith("abc") || output.endsWith("\r\n3\r\nabc\r\n0\r\n\r\n"));
  }
  const bare = await converse([GET], (request) => request.respondWith({ status: 204 } as Response));
  assertEquals(bare.output, `HTTP/1.1 204 No Content\r\n${DATE}\r\n`);
});

Deno.test("respondWith: a body that fails at once is answered with 500", async () => {
  const { output, errors } = await converse(
    [GET],
    (request) => request.respondWith(new Response(failing())),
  );
  assertEquals(output, refused("500 Internal Server Error", "Internal Server Error"));
  assertEquals(errors.length, 1);
});

Deno.test("hand-over: unread bytes first, and the server has no more to do with it", async () => {
  let conn: Deno.Conn | undefined;
  const run = start([GET + "first", "second", EOF], (request) => {
    conn = request.hijack();
  });
  await run.done;
  assert(!run.conn.closed);
  assertEquals(run.clock.size, 0);
  run.connection.retire();
  assert(!run.conn.closed);
  const into = new Uint8Array(100);
  assertEquals(await conn!.read(into), 5);
  assertEquals(await conn!.read(into), 6);
  assertEquals(await conn!.read(into), null);
  await conn!.write(raw("abc"));
  assertEquals(run.conn.output, "abc");
  await conn!.closeWrite();
  conn!.close();
  assert(run.conn.closed);
});

Deno.test("upgrade: sends 101 with the protocol that was offered, or the one that is named", async () => {
  const offer = "GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: a/1, b\r\n\r\n";
  for (
    const [headers, named] of [[undefined, "Upgrade: a/1\r\n"], [
      { upgrade: "b" },
      "upgrade: b\r\n",
    ]] as const
  ) {
    const { output } = await converse([offer + "after"], async (request) => {
      const conn = await request.upgrade(headers);
      const into = new Uint8Array(10);
      await conn.write(into.subarray(0, (await conn.read(into))!));
      conn.close();
    });
    assertEquals(
      output,
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n${named}\r\nafter`,
    );
  }
});

Deno.test("upgrade: to CONNECT it says 200", async () => {
  const { output } = await converse(
    ["CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n"],
    async (request) => {
      (await request.upgrade()).close();
    },
  );
  assertEquals(output, "HTTP/1.1 200 OK\r\n\r\n");
});

Deno.test("hardening 21: no hand-over without an offer, before the body was read, or after an answer", async () => {
  const offer = "Connection: upgrade\r\nUpgrade: a\r\n";
  await converse(
    [put(3, offer) + "abc"],
    streaming(async (request) => {
      await assertRejects(
        () => request.upgrade(),
        TypeError,
        "the request has a body, read it first",
      );
      assertThrows(() => request.hijack(), TypeError, "the request has a body, read it first");
      await request.text();
      const conn = await request.upgrade();
      await assertRejects(() => request.respond(200), TypeError, "was handed over");
      assertThrows(() => request.hijack(), TypeError, "was handed over");
      conn.close();
    }),
  );
  await converse([GET], async (request: Request) => {
    await assertRejects(() => request.upgrade(), TypeError, "offers no other protocol");
    await request.respond(200);
    assertThrows(() => request.hijack(), TypeError, "has already been answered");
  });
});

Deno.test("a handler that throws after a hand-over: onError hears, the connection is its new owner's", async () => {
  const run = start([GET, STALL], (request) => {
    request.hijack();
    throw new Error("after");
  });
  await run.done;
  assertEquals(run.errors.length, 1);
  assert(!run.conn.closed);
  run.conn.close();
});

Deno.test("respondWith: status, reason, several cookies, a body with its length", async () => {
  const headers = new Headers([["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"], [
    "Transfer-Encoding",
    "chunked",
  ]]);
  const { output } = await converse(
    [GET + GET],
    (request) =>
      request.respondWith(new Response(raw("abc"), { status: 201, statusText: "Fine", headers })),
  );
  assertEquals(
    output,
    `HTTP/1.1 201 Fine\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n${DATE}Content-Length: 3\r\n\r\nabc`
      .repeat(2),
  );
});

Deno.test("respondWith: a body that makes one wait is sent as it comes", async () => {
  const later = () => new Promise((resolve) => setTimeout(resolve, 0));
  async function* slow(...parts: string[]) {
    for (const part of parts) {
      await later();
      yield raw(part);
    }
  }
  async function* halting() {
    yield raw("abc");
    await later();
    yield raw("def");
  }
  const head = `HTTP/1.1 200 OK\r\n${DATE}Transfer-Encoding: chunked\r\n\r\n`;
  for (const source of [slow("abc", "def"), halting()]) {
    const { output } = await converse(
      [GET],
      (request) => request.respondWith(new Response(ReadableStream.from(source))),
    );
    assertEquals(output, head + "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n");
  }
});

Deno.test("respondWith: no body, an empty one, and what is no Response", async () => {
  const bodies = [null, "", new ReadableStream({ start: (controller) => controller.close() })];
  for (const body of bodies) {
    const { output } = await converse([GET], (request) => request.respondWith(new Response(body)));
    assertEquals(output.split("\r\n\r\n")[1], "");
    assert(output.includes("Content-Length: 0\r\n"));
  }
  const used = new Response("a");
  await used.text();
  const locked = new Response("a");
  locked.body!.getReader();
  for (const bad of [undefined, null, "text", {}, used, locked]) {
    const { output, errors } = await converse(
      [GET],
      (request) => request.respondWith(bad as Response),
    );
    assertEquals(output, refused("500 Internal Server Error", "Internal Server Error"));
    assertInstanceOf(errors[0], TypeError);
  }
});

Deno.test("a large chunk is written without a copy, in order", async () => {
  const large = "L".repeat(100_000);
  const { output } = await converse(
    [GET],
    (request) => request.respond(200, streamOf("a", large, "b")),
  );
  assert(output.endsWith(`\r\n\r\n1\r\na\r\n186a0\r\n${large}\r\n1\r\nb\r\n0\r\n\r\n`));
});
