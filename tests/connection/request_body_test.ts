/** Request bodies: streaming, back-pressure, limits, and bodies that are not read. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { HttpError, streaming } from "@asynchttp/server";
import type { Request } from "@asynchttp/server";
import { GET, soon, textOf } from "../fixtures.ts";
import { CHUNKED, put } from "./bodies.ts";
import { conversations } from "./conversations.ts";
import { converse, DATE, NOW, refused, response, settle, start } from "./harness.ts";
import { EOF, STALL } from "./scripted_conn.ts";

const EXPECT = "Expect: 100-continue\r\n";

async function gathered(stream: ReadableStream<Uint8Array>): Promise<string> {
  let all = "";
  for await (const chunk of stream) all += textOf(chunk);
  return all;
}

/** Responds with the chunks that it reads, each in brackets. */
const chunks = streaming(async (request) => {
  let all = "";
  for await (const chunk of request.stream) all += `[${textOf(chunk)}]`;
  await request.respond(200, all);
});

conversations([
  {
    title: "streaming: a body arrives chunk by chunk",
    sent: [put(6), "abc", "de", "f" + GET],
    handler: chunks,
    got: response("200 OK", "[abc][de][f]") + response("200 OK", ""),
  },
  {
    title: "streaming: a chunked body is decoded",
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
    title: "a buffered handler has request.stream too",
    sent: [put(3) + "abc" + GET],
    handler: async (request) => {
      const all = await gathered(request.stream);
      await request.respond(200, all + await request.text() + request.bytes.length);
    },
    got: response("200 OK", "abcabc3") + response("200 OK", "0"),
  },
  {
    title: "RFC 9110, 10.1.1: the first read sends 100 Continue",
    sent: [put(3, EXPECT), "abc", GET],
    handler: streaming(async (request) => {
      await request.inform(102);
      await request.respond(200, await request.text());
    }),
    got: "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" +
      response("200 OK", "abc") + "HTTP/1.1 102 Processing\r\n\r\n" + response("200 OK", ""),
  },
  {
    title: "hardening 20: a response without a read declines the upload and closes",
    sent: [put(3, EXPECT), "abc" + GET],
    handler: streaming((request) => request.respond(401)),
    got: response("401 Unauthorized", "", "close"),
  },
  {
    title: "hardening 20: an echo sends 100 Continue before its head",
    sent: [put(3, EXPECT), "abc" + GET],
    handler: streaming((request) => request.respond(200, request.stream)),
    got:
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n${DATE}Transfer-Encoding: chunked\r\n\r\n` +
      `3\r\nabc\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n${DATE}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  },
  {
    title: "an unread body is drained, and the next request is served",
    sent: [put(10) + "0123", "456789" + GET],
    handler: streaming((request) => request.respond(200, request.method)),
    got: response("200 OK", "PUT") + response("200 OK", "GET"),
  },
  {
    title:
      "an unread body that is too long to drain closes the connection, and the response says so",
    sent: [put(300_000) + "0123" + GET],
    handler: streaming((request) => request.respond(200)),
    got: response("200 OK", "", "close"),
  },
  {
    title: "an unread chunked body that turns out too long to drain closes the connection",
    sent: [CHUNKED + ("5000\r\n" + "x".repeat(0x5000) + "\r\n").repeat(20) + "0\r\n\r\n" + GET],
    handler: streaming((request) => request.respond(200)),
    got: response("200 OK", ""),
  },
  {
    title: "an unread body that is malformed does not cause a second response",
    sent: [CHUNKED + "x\r\n" + GET],
    handler: streaming((request) => request.respond(200)),
    got: response("200 OK", ""),
  },
  {
    title: "a body over maxBody that the handler reads: the client gets 413",
    sent: [put(8_388_609)],
    handler: chunks,
    got: refused("413 Content Too Large", "The body must be at most 8388608 bytes long"),
  },
  {
    title: "a chunked body that is malformed midway: the client gets 400",
    sent: [CHUNKED + "3\r\nabc\r\n", "x\r\n"],
    handler: chunks,
    got: refused(
      "400 Bad Request",
      "A chunk must begin with its size in hexadecimal digits (RFC 9112, 7.1)",
    ),
  },
  {
    title: "a handler may respond to a rejected body itself, and the connection ends",
    sent: [CHUNKED + "x\r\n" + GET],
    handler: streaming(async (request) => {
      await request.text().catch(() => {});
      await request.respond(422);
    }),
    got: response("422 Unprocessable Content", "", "close"),
  },
  {
    title:
      "hardening 19: request trailers are separate from the fields, and dangerous ones are dropped",
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
]);

Deno.test("nothing is read from the socket before the handler reads, and no more than it reads", async () => {
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

Deno.test("maxBody: can be raised or lowered before the first read, not after it", async () => {
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

Deno.test("maxBody: setting it on an earlier request does not affect the current body", async () => {
  const tooLong = refused("413 Content Too Large", "The body must be at most 5 bytes long");
  for (
    const [own, late, got] of [[5, Infinity, tooLong], [
      6,
      1,
      response("200 OK", "abcdef"),
    ]] as const
  ) {
    const rest = Promise.withResolvers<void>();
    let first: Request | undefined;
    const { conn, done } = start(
      [GET, CHUNKED + "3\r\nabc\r\n", rest.promise, "3\r\ndef\r\n0\r\n\r\n", EOF],
      (request) => {
        first ??= request;
        return request.respond(200, request.body);
      },
      { maxBody: own },
    );
    await settle();
    first!.maxBody = late;
    rest.resolve();
    await done;
    assertEquals(conn.output, response("200 OK", "") + got);
  }
});

Deno.test("bytes and body throw a TypeError before a streaming handler has read the body", async () => {
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

Deno.test("a late reader gets nothing of the next request", async () => {
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

/** What a streaming handler has done with the stream before it asks for the text. */
const USED: {
  readonly [how: string]: (stream: ReadableStream<Uint8Array>) => Promise<unknown>;
} = {
  "read to its end": gathered,
  "read in part": async (stream) => {
    const reader = stream.getReader();
    await reader.read();
    reader.releaseLock();
  },
  "cancelled": (stream) => stream.cancel(),
};

for (const [how, use] of Object.entries(USED)) {
  for (const body of [put(3) + "abc", CHUNKED + "3\r\nabc\r\n0\r\n\r\n"]) {
    const coding = body.startsWith(CHUNKED) ? "chunked" : "with a length";
    Deno.test(`text: after the stream was ${how}, ${coding}: a TypeError, not an empty text`, async () => {
      const { errors } = await converse(
        [body, EOF],
        streaming(async (request) => {
          await use(request.stream);
          for (const read of [() => request.text(), () => request.json()]) {
            await assertRejects(read, TypeError, "its stream was read or cancelled");
          }
          await request.respond(200);
        }),
      );
      assertEquals(errors, []);
    });
  }
}

Deno.test("text: after the stream was taken and not read, the body", async () => {
  const { output } = await converse(
    [put(3) + "abc"],
    streaming(async (request) => {
      void request.stream;
      const text = await request.text();
      assertEquals(await request.text(), text);
      await request.respond(200, text);
    }),
  );
  assertEquals(output, response("200 OK", "abc"));
});

Deno.test("stream: a BYOB reader gets the bytes in its own buffer", async () => {
  const { output } = await converse(
    [put(10), "01234", "56789" + GET],
    streaming(async (request) => {
      const reader = request.stream.getReader({ mode: "byob" });
      let buffer = new ArrayBuffer(3);
      let all = "";
      for (;;) {
        const { done, value } = await reader.read(new Uint8Array(buffer));
        if (done) break;
        all += `[${textOf(value)}]`;
        buffer = value.buffer;
      }
      await request.respond(200, all);
    }),
  );
  assertEquals(output, response("200 OK", "[012][34][567][89]") + response("200 OK", ""));
});

Deno.test("a read that is pending when the handler returns is awaited", async () => {
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

Deno.test("a read that is pending when the handler returns gets its bytes", async () => {
  const arrives = Promise.withResolvers<void>();
  let got: string | undefined;
  const { conn, connection, done } = start(
    [put(6), arrives.promise, "abc", STALL],
    streaming((request) => {
      request.stream.getReader().read().then(({ value }) => got = textOf(value!), String);
      return request.respond(200);
    }),
  );
  await settle();
  arrives.resolve();
  await soon();
  assertEquals([got, conn.output], ["abc", response("200 OK", "")]);
  connection.destroy();
  await done;
});

Deno.test("an unread body that does not arrive ends the connection after timeouts.drain", async () => {
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
