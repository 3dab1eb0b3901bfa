/** Responses that stream: back-pressure, trailers, and sources that fail. */
import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { streaming } from "@asynchttp/server";
import { ConnectionLost } from "../../src/errors.ts";
import { GET, streamOf, utf8 } from "../fixtures.ts";
import { CHUNKED, failing } from "./bodies.ts";
import { conversations } from "./conversations.ts";
import { converse, DATE, response, settle, start } from "./harness.ts";
import { EOF, RESET, STALL } from "./scripted_conn.ts";

conversations([
  {
    title: "respond: a stream is sent chunked",
    sent: [GET + GET],
    handler: (request) => request.respond(200, streamOf("abc", "", "0123456789abcdef")),
    got:
      `HTTP/1.1 200 OK\r\n${DATE}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n`
        .repeat(2),
  },
  {
    title: "respond: a stream to HTTP/1.0 is delimited by the close",
    sent: ["GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + GET],
    handler: (request) => request.respond(200, streamOf("abc", "def")),
    got: `HTTP/1.1 200 OK\r\n${DATE}Connection: close\r\n\r\nabcdef`,
  },
  {
    title: "respond: a stream with a Content-Length is sent as it is",
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
    title: "respond: a stream that is not awaited",
    sent: [GET + GET],
    handler: (request) => void request.respond(200, streamOf("abc")),
    got: `HTTP/1.1 200 OK\r\n${DATE}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`.repeat(
      2,
    ),
  },
  {
    title: "RFC 9110, 6.5: trailers after a stream",
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
    title: "RFC 9110, 6.5: trailers after bytes, but not to HTTP/1.0",
    sent: [GET + "GET / HTTP/1.0\r\n\r\n"],
    handler: (request) => request.respond(200, "abc", {}, { trailers: () => ({ "X-Sum": "6" }) }),
    got:
      `HTTP/1.1 200 OK\r\n${DATE}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 6\r\n\r\n` +
      response("200 OK", "abc", "close"),
  },
  {
    title: "RFC 9110, 15.2: interim responses before the final one, but not to HTTP/1.0",
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
]);

/** Sources that fail: what the client receives, and what onError receives. */
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
    title: "a source that yields something else than bytes",
    source: () => ReadableStream.from(["abc"]),
    got: /\r\n\r\n$/,
    error:
      "A chunk of the content must be a Uint8Array: got a string; pipe text through a TextEncoderStream",
  },
];

for (const { title, source, got, error } of SOURCES) {
  for (const waits of [true, false]) {
    Deno.test(`the connection is destroyed: ${title}${waits ? "" : ", not awaited"}`, async () => {
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
  Deno.test(`the connection is destroyed: a Content-Length of ${length} for 3 bytes`, async () => {
    let cancelled: unknown;
    const { errors, conn } = await converse([GET + GET, STALL], (request) => {
      const source = new ReadableStream({
        start: (controller) => controller.enqueue(utf8("abc")),
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

Deno.test("a source that fails destroys the connection even if the handler catches the error", async () => {
  const { errors, conn } = await converse([GET + GET, STALL], async (request) => {
    await request.respond(200, failing("a")).catch(() => {});
  });
  assertEquals(errors.length, 1);
  assert(conn.closed);
});

Deno.test("a stream with an invalid head is rejected before anything is written", async () => {
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

Deno.test("respond and inform throw while a stream is being sent", async () => {
  const { output } = await converse([GET], async (request) => {
    const sent = request.respond(200, streamOf("a"));
    await assertRejects(() => request.respond(200), TypeError, "is already being answered");
    await assertRejects(() => request.inform(103), TypeError, "is already being answered");
    await sent;
  });
  assert(output.endsWith("1\r\na\r\n0\r\n\r\n"));
});

Deno.test("invalid trailers destroy the connection", async () => {
  for (const name of ["Content-Length", "a b"]) {
    const { errors, conn } = await converse(
      [GET, STALL],
      (request) => request.respond(200, streamOf("a"), {}, { trailers: () => ({ [name]: "1" }) }),
    );
    assertInstanceOf(errors[0], TypeError);
    assert(conn.closed);
  }
});

Deno.test("inform: rejects invalid statuses and fields, and a call after the response", async () => {
  await converse([GET], async (request) => {
    for (const code of [100, 101, 200, 99, 102.5]) {
      await assertRejects(() => request.inform(code), RangeError, "from 102 to 199");
    }
    await assertRejects(() => request.inform(103, { Link: "\n" }), TypeError);
    await request.respond(200);
    await assertRejects(() => request.inform(103), TypeError, "already been answered");
  });
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

Deno.test("the source is cancelled with the reason when the client disconnects", async () => {
  for (const fault of ["reset", "write"]) {
    let reason: unknown;
    const going = Promise.withResolvers<void>();
    const source = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(utf8("first")),
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

Deno.test("a connection keeps no listener of the requests that it has served", async () => {
  let count = 0;
  const run = start(Array(100).fill(GET), async (request) => {
    void request.signal;
    count++;
    await request.respond(200, streamOf("a"));
  });
  const kept = new Set<unknown>();
  const { onLost } = run.connection.transport;
  run.connection.transport.onLost = function (then) {
    kept.add(then);
    const forget = onLost.call(this, then);
    return () => {
      kept.delete(then);
      forget();
    };
  };
  await run.done;
  assertEquals([count, kept.size], [100, 0]);
});

Deno.test("a request body that is rejected within the response counts as a rejection, not an error", async () => {
  const { errors, counters, conn } = await converse(
    [CHUNKED + "1\r\na\r\n", "x\r\n"],
    streaming((request) => request.respond(200, request.stream)),
  );
  assertEquals(errors, []);
  assertEquals(counters.rejections, { "bad-chunk": 1 });
  assert(conn.closed && !conn.writeClosed);
});

Deno.test("a large chunk is written without a copy, in order", async () => {
  const large = "L".repeat(100_000);
  const { output } = await converse(
    [GET],
    (request) => request.respond(200, streamOf("a", large, "b")),
  );
  assert(output.endsWith(`\r\n\r\n1\r\na\r\n186a0\r\n${large}\r\n1\r\nb\r\n0\r\n\r\n`));
});

Deno.test("respond: a stream that fails cuts the connection, whatever its handler waits for", async () => {
  const { promise: never } = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<unknown>();
  for (const waits of [() => never, () => aborted.promise]) {
    const { conn } = start([GET, STALL], async (request) => {
      request.signal.addEventListener("abort", aborted.resolve);
      void request.respond(200, failing("part"));
      await waits();
    });
    await settle();
    assert(conn.closed);
    assert(conn.output.endsWith("\r\n\r\n4\r\npart\r\n"), conn.output);
  }
  await aborted.promise;
});
