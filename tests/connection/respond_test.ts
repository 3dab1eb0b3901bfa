/** `request.respond()`: the bytes that it sends, and what it rejects. */
import { assertEquals, assertRejects } from "@std/assert";
import type { FieldsInit, Request } from "@asynchttp/server";
import { GET, streamOf, utf8 } from "../fixtures.ts";
import { conversations } from "./conversations.ts";
import { converse, DATE, refused, response } from "./harness.ts";

conversations([
  {
    title: "respond: no content",
    sent: GET,
    handler: (request) => request.respond(200),
    got: response("200 OK", ""),
  },
  {
    title: "respond: bytes",
    sent: GET,
    handler: (request) => request.respond(201, utf8("made")),
    got: response("201 Created", "made"),
  },
  {
    title: "respond: text is UTF-8, its length counted in bytes",
    sent: GET,
    handler: (request) => request.respond(200, "ü"),
    got: response("200 OK", "\xc3\xbc"),
  },
  {
    title: "respond: a record keeps case and order",
    sent: GET,
    handler: (request) => request.respond(200, "", { "x-B": "1", "X-a": "2" }),
    got: `HTTP/1.1 200 OK\r\nx-B: 1\r\nX-a: 2\r\n${DATE}Content-Length: 0\r\n\r\n`,
  },
  {
    title: "respond: pairs keep duplicates",
    sent: GET,
    handler: (request) => request.respond(200, "", [["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"]]),
    got:
      `HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n${DATE}Content-Length: 0\r\n\r\n`,
  },
  {
    title: "respond: Headers",
    sent: GET,
    handler: (request) => request.respond(200, "", new Headers({ "X-A": "1" })),
    got: `HTTP/1.1 200 OK\r\nx-a: 1\r\n${DATE}Content-Length: 0\r\n\r\n`,
  },
  {
    title: "respond: the caller's Date and Content-Length stay in place",
    sent: GET,
    handler: (request) =>
      request.respond(200, "abc", { "content-length": "3", date: "now", x: "y" }),
    got: "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ndate: now\r\nx: y\r\n\r\nabc",
  },
  {
    title: "respond: statusText",
    sent: GET,
    handler: (request) => request.respond(200, "", undefined, { statusText: "Fine" }),
    got: response("200 Fine", ""),
  },
  {
    title: "RFC 9112, 4: a status without a reason phrase keeps the space before it",
    sent: GET,
    handler: (request) => request.respond(299, ""),
    got: response("299 ", ""),
  },
  {
    title: "RFC 9110, 15.3.5: 204 has no content and no length",
    sent: GET + GET,
    handler: (request) => request.respond(204, "dropped", { "Content-Length": "7" }),
    got: `HTTP/1.1 204 No Content\r\n${DATE}\r\n`.repeat(2),
  },
  {
    title: "RFC 9110, 15.3.6: 205 has a length of 0",
    sent: GET,
    handler: (request) => request.respond(205, "dropped"),
    got: response("205 Reset Content", ""),
  },
  {
    title: "RFC 9110, 15.4.5: 304 has no content, and keeps the caller's Content-Length",
    sent: GET + GET,
    handler: (request) => request.respond(304, "dropped", { "Content-Length": "9" }),
    got: `HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n${DATE}\r\n`.repeat(2),
  },
  {
    title: "respond: the caller's Connection: close ends the connection",
    sent: GET + GET,
    handler: (request) => request.respond(200, "bye", { Connection: "close" }),
    got: response("200 OK", "bye", "close"),
  },
  {
    title: "respond: the handler need not await it",
    sent: GET + GET,
    handler: (request) => void request.respond(200, "later"),
    got: response("200 OK", "later").repeat(2),
  },
]);

Deno.test("respond: a second call throws a TypeError, and the first response stands", async () => {
  const { output, errors } = await converse([GET + GET], async (request) => {
    await request.respond(200, "first");
    await assertRejects(
      () => request.respond(200, "second"),
      TypeError,
      "has already been answered",
    );
    await assertRejects(
      () => request.sendHeaders({ a: "b" }),
      TypeError,
      "has already been answered",
    );
    await assertRejects(
      () => request.client.write(utf8("x")),
      TypeError,
      "has already been answered",
    );
  });
  assertEquals(output, response("200 OK", "first").repeat(2));
  assertEquals(errors, []);
});

Deno.test("respond: may be called again after a call that failed", async () => {
  const { output } = await converse([GET + GET], async (request) => {
    await assertRejects(() => request.respond(200, "", { "a b": "" }), TypeError);
    await request.respond(200, "second");
  });
  assertEquals(output, response("200 OK", "second").repeat(2));
});

Deno.test("respond: a field inherited from Object.prototype is not sent, even if it was sent before", async () => {
  let sent = 0;
  const { output } = await converse([GET + GET], (request) => {
    if (!sent++) return request.respond(200, "", [["foo", "bar"]]);
    Object.defineProperty(Object.prototype, "foo", {
      value: "bar",
      enumerable: true,
      configurable: true,
    });
    try {
      return request.respond(200, "", {});
    } finally {
      Reflect.deleteProperty(Object.prototype, "foo");
    }
  });
  assertEquals(
    output,
    response("200 OK", "").replace("OK\r\n", "OK\r\nfoo: bar\r\n") + response("200 OK", ""),
  );
});

Deno.test("respond: a statusText that is not a string cannot split the head", async () => {
  const statusText = { toString: () => "OK\r\nX: y" } as unknown as string;
  const { output } = await converse([GET], (r) => r.respond(200, "", {}, { statusText }));
  assertEquals(output, refused("500 Internal Server Error", "Internal Server Error"));
});

/** Fields whose value is made by an object that does `act` the first time. */
function actingFields(act: () => void): Record<string, string> {
  let acted = false;
  const value = {
    toString() {
      if (!acted) act();
      acted = true;
      return "v";
    },
  };
  return { "X-A": value as unknown as string };
}

for (
  const [title, attempt] of Object.entries<(r: Request, fields: FieldsInit) => Promise<void>>({
    "text": (request, fields) => request.respond(200, "second", fields),
    "bytes": (request, fields) => request.respond(200, utf8("second"), fields),
    "an interim response": (request, fields) => request.inform(103, fields),
  })
) {
  Deno.test(`hardening 55: a field that responds itself is the response, and ${title} is refused`, async () => {
    const { output, errors } = await converse([GET + GET], async (request) => {
      const fields = actingFields(() => void request.respond(200, "first"));
      await assertRejects(() => attempt(request, fields), TypeError, "already been answered");
    });
    assertEquals(output, response("200 OK", "first").repeat(2));
    assertEquals(errors, []);
  });
}

Deno.test("respond: a field that begins a stream is the response, and what it is a field of is refused", async () => {
  const { output, errors } = await converse([GET + GET], async (request) => {
    const first = { "Content-Length": "5" };
    const fields = actingFields(() => void request.respond(200, streamOf("first"), first));
    await assertRejects(() => request.respond(200, "second", fields), TypeError, "being answered");
  });
  const streamed = `HTTP/1.1 200 OK\r\nContent-Length: 5\r\n${DATE}\r\nfirst`;
  assertEquals(output, streamed.repeat(2));
  assertEquals(errors, []);
});

Deno.test("respond: a field that takes the connection over ends the response before its first byte", async () => {
  const { output } = await converse([GET], async (request) => {
    let conn: Deno.Conn | undefined;
    const fields = actingFields(() => conn = request.hijack());
    await assertRejects(() => request.respond(200, "second", fields), TypeError, "handed over");
    await conn!.write(utf8("raw"));
    conn!.close();
  });
  assertEquals(output, "raw");
});
