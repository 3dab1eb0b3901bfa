/** One request and its response, as the client sees them: bytes against bytes. */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { GET, textOf, utf8 } from "../fixtures.ts";
import type { Handler, Request } from "../../src/connection/request.ts";
import { converse, DATE, echo, echoed, refused, response } from "./harness.ts";
import { EOF, RESET, STALL } from "./scripted_conn.ts";
import type { Step } from "./scripted_conn.ts";

/** A conversation: what the client sends, what the handler does, what the client gets. */
interface Row {
  readonly title: string;
  readonly sent: string | readonly Step[];
  readonly handler?: Handler;
  readonly got: string;
}

/** Each row is run whole, byte by byte, and in two parts where it is sent at once. */
function conversations(rows: readonly Row[]): void {
  for (const { title, sent, handler = echo, got } of rows) {
    Deno.test(title, async () => {
      for (const script of typeof sent === "string" ? splits(sent) : [sent]) {
        const { output } = await converse(script, handler);
        assertEquals(output, got);
      }
    });
  }
}

function splits(sent: string): Step[][] {
  const half = sent.length >> 1;
  return [[sent], [...sent], [sent.slice(0, half), sent.slice(half)]];
}

conversations([
  {
    title: "RFC 9112, 9.3: HTTP/1.1 persists, answers come in order",
    sent: GET + "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi" + GET,
    got: echoed("GET / ") + echoed("POST /a hi") + echoed("GET / "),
  },
  {
    title: "RFC 9112, 9.6: close is answered with close, and nothing after it is served",
    sent: "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" + GET,
    got: echoed("GET / ", "close"),
  },
  {
    title: "RFC 9112, 9.3: HTTP/1.0 closes",
    sent: "GET / HTTP/1.0\r\n\r\n" + GET,
    got: echoed("GET / ", "close"),
  },
  {
    title: "RFC 9112, 9.3: HTTP/1.0 with keep-alive persists and says so",
    sent: "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n" + GET,
    got: echoed("GET / ", "keep-alive") + echoed("GET / "),
  },
  {
    title: "RFC 9112, 2.2: one empty line before the request is skipped",
    sent: GET + "\r\n" + GET,
    got: echoed("GET / ") + echoed("GET / "),
  },
  {
    title: "RFC 9112, 7.1: a chunked body, for any method",
    sent:
      "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nX: y\r\n\r\n" +
      GET,
    got: echoed("GET / abcde") + echoed("GET / "),
  },
  {
    title: "RFC 9110, 9.3.2: HEAD gets the length that GET would have, and no content",
    sent: "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n" + GET,
    got: `HTTP/1.1 200 OK\r\n${DATE}Content-Length: 7\r\n\r\n` + echoed("GET / "),
  },
  {
    title: "RFC 9110, 10.1.1: 100 Continue is sent, also where the body is there already",
    sent: "PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi" + GET,
    got: "HTTP/1.1 100 Continue\r\n\r\n" + echoed("PUT / hi") + echoed("GET / "),
  },
  {
    title: "RFC 9110, 10.1.1: no 100 Continue to HTTP/1.0, nor without a body",
    sent:
      "PUT / HTTP/1.0\r\nConnection: keep-alive\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi" +
      "GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n",
    got: echoed("PUT / hi", "keep-alive") + echoed("GET / "),
  },
  {
    title: "RFC 9110, 10.1.1: another expectation is refused, and nothing after it is served",
    sent: "PUT / HTTP/1.1\r\nHost: x\r\nExpect: 200-ok\r\nContent-Length: 2\r\n\r\nhi" + GET,
    got: refused(
      "417 Expectation Failed",
      'The only expectation that can be met is 100-continue: got "200-ok" (RFC 9110, 10.1.1)',
    ),
  },
  {
    title: "hardening 20: who will be told 413 is not told 100",
    sent: "PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 8388609\r\n\r\n",
    got: refused("413 Content Too Large", "The body must be at most 8388608 bytes long"),
  },
  {
    title: "hardening 21: a refused upgrade closes",
    sent: "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + GET,
    got: echoed("GET / ", "close"),
  },
  {
    title: "hardening 21: h2c is ignored",
    sent:
      "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n" +
      GET,
    got: echoed("GET / ") + echoed("GET / "),
  },
  {
    title:
      "RFC 9110, 9.3.6: a 2xx to CONNECT has no length and no content, and ends the connection",
    sent: "CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n" + GET,
    got: `HTTP/1.1 200 OK\r\n${DATE}Connection: close\r\n\r\n`,
  },
  {
    title: "hardening 34: one answer to a bad request, and nothing after it is served",
    sent: "GET / HTTP/1.1\r\n\r\n" + GET,
    got: refused("400 Bad Request", "An HTTP/1.1 request needs a Host (RFC 9112, 3.2)"),
  },
  {
    title: "hardening 34: a refusal stands behind the answers before it",
    sent: GET + "BAD\r\n\r\n",
    got: echoed("GET / ") +
      refused(
        "400 Bad Request",
        "The request line must begin with a method and one space (RFC 9112, 3)",
      ),
  },
  {
    title: "hardening 30: a refused HEAD gets no content either",
    sent: "HEAD / HTTP/1.1\r\nHost: a b\r\n\r\n",
    got: refused(
      "400 Bad Request",
      'Host must be a host with an optional port: got "a b" (RFC 9110, 7.2)',
    ).replace(/\n[^\n]*\n$/, "\n"),
  },
  {
    title: "hardening 30: what is refused behind a HEAD is no HEAD",
    sent: "HEAD / HTTP/1.1\r\nHost: x\r\n\r\nGET\r\n\r\n",
    got: `HTTP/1.1 200 OK\r\n${DATE}Content-Length: 7\r\n\r\n` +
      refused(
        "400 Bad Request",
        "The request line must begin with a method and one space (RFC 9112, 3)",
      ),
  },
  {
    title: "RFC 9112, 8: a request that ends too early is refused",
    sent: "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nhi",
    got: refused("400 Bad Request", "The request ended before it was complete (RFC 9112, 8)"),
  },
  { title: "a client that connects and goes hears nothing", sent: [EOF], got: "" },
  { title: "a client that resets hears nothing", sent: ["GET / HT", RESET], got: "" },
  {
    title: "a client that half-closes after its request gets its answer",
    sent: [GET, EOF],
    got: echoed("GET / "),
  },
]);

conversations([
  {
    title: "respond: nothing at all",
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
    title: "respond: a Date and a Content-Length of the caller's stay where they are",
    sent: GET,
    handler: (request) =>
      request.respond(200, "abc", { "content-length": "3", date: "now", x: "y" }),
    got: "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ndate: now\r\nx: y\r\n\r\nabc",
  },
  {
    title: "respond: a reason of the caller's",
    sent: GET,
    handler: (request) => request.respond(200, "", undefined, { statusText: "Fine" }),
    got: response("200 Fine", ""),
  },
  {
    title: "RFC 9112, 4: a status without a name keeps the space before it",
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
    title: "RFC 9110, 15.4.5: 304 has no content, and the length that the caller gives",
    sent: GET + GET,
    handler: (request) => request.respond(304, "dropped", { "Content-Length": "9" }),
    got: `HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n${DATE}\r\n`.repeat(2),
  },
  {
    title: "respond: Connection: close of the caller's ends the connection",
    sent: GET + GET,
    handler: (request) => request.respond(200, "bye", { Connection: "close" }),
    got: response("200 OK", "bye", "close"),
  },
  {
    title: "respond without waiting for it",
    sent: GET + GET,
    handler: (request) => void request.respond(200, "later"),
    got: response("200 OK", "later").repeat(2),
  },
]);

conversations([
  {
    title: "sendHeaders: header lines only, the handler writes around them, the connection ends",
    sent: GET + GET,
    handler: async (request) => {
      await request.client.write(utf8("HTTP/1.1 200 OK\r\n"));
      await request.sendHeaders({ "Content-Type": "text/event-stream" });
      await request.sendHeaders([["X", "y"]]);
      await request.client.write(utf8("\r\ndata: 1\n\n"));
    },
    got: "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX: y\r\n\r\ndata: 1\n\n",
  },
  {
    title: "client: writes queue behind the answers before",
    sent: GET + GET.replace("/", "/raw"),
    handler: async (request) => {
      if (request.target === "/raw") await request.client.write(utf8("raw"));
      else void request.respond(200, "first");
    },
    got: response("200 OK", "first") + "raw",
  },
  {
    title: "client: reads give first what the parser has not used",
    sent: [GET + "abc", "def", EOF],
    handler: async (request) => {
      let text = "";
      const into = new Uint8Array(2);
      for (let n; (n = await request.client.read(into)) !== null;) {
        text += textOf(into.subarray(0, n));
      }
      await request.respond(200, text);
    },
    got: response("200 OK", "abcdef", "close"),
  },
  {
    title: "client: closed by the handler",
    sent: GET + GET,
    handler: (request) => request.client.close(),
    got: "",
  },
  {
    title: "client: closed by the handler behind its answer",
    sent: GET + GET + GET,
    handler: async (request) => {
      await request.respond(200, "last");
      request.client.close();
    },
    got: response("200 OK", "last"),
  },
  {
    title: "client: its write side closed by the handler",
    sent: GET + GET,
    handler: (request) => request.client.closeWrite(),
    got: "",
  },
  {
    title: "client: its streams",
    sent: [GET + "abc", "def", EOF],
    handler: async ({ client }) => {
      await client.readable.pipeTo(client.writable);
    },
    got: "abcdef",
  },
]);

Deno.test("client: is a Deno.Conn", async () => {
  const { conn } = await converse([GET, STALL], (request) => {
    using client = request.client;
    assertEquals(client, request.client);
    assertEquals(client.localAddr, { transport: "tcp", hostname: "127.0.0.1", port: 8080 });
    assertEquals(client.remoteAddr, request.remoteAddr);
    client.ref();
    client.unref();
  });
  assert(conn.closed);
});

Deno.test("request: everything it says", async () => {
  await converse([
    "PoST //a/b?c=d HTTP/1.1\r\nHost: example.com:81\r\nX-A: 1\r\nx-a:  2 \r\nContent-Length: 3\r\n\r\n\xff\xfea",
  ], async (request) => {
    assertEquals(request.reqMethod, "PoST");
    assertEquals(request.method, "PoST");
    assertEquals(request.target, "//a/b?c=d");
    assertEquals(request.url.href, "http://example.com:81//a/b?c=d");
    assert(request.url === request.url);
    assertEquals(request.protocol, { orig: "HTTP/1.1", major: 1, minor: 1 });
    assertEquals(request.headers.get("x-a"), "1, 2");
    assert(request.headers === request.headers);
    assertEquals(request.rawHeaders, [
      ["Host", "example.com:81"],
      ["X-A", "1"],
      ["x-a", "2"],
      ["Content-Length", "3"],
    ]);
    assertEquals(request.hostname, "192.0.2.1");
    assertEquals(request.remoteAddr, { transport: "tcp", hostname: "192.0.2.1", port: 54_321 });
    assertEquals(request.bytes, new Uint8Array([0xff, 0xfe, 0x61]));
    assertEquals(request.body, "\ufffd\ufffda");
    await request.respond(200);
  });
});

Deno.test("request: HTTP/1.0 without a Host is for the local address", async () => {
  let href = "";
  await converse(["GET /a HTTP/1.0\r\n\r\n"], (request) => {
    href = request.url.href;
    return request.respond(200);
  });
  assertEquals(href, "http://127.0.0.1:8080/a");
});

Deno.test("request: its protocol is the same for each, and nobody changes it", async () => {
  for (const minor of [0, 1, 5]) {
    const orig = `HTTP/1.${minor}`;
    for (let i = 0; i < 2; i++) {
      const { errors } = await converse([GET.replace("HTTP/1.1", orig)], (request) => {
        assertEquals(request.protocol, { orig, major: 1, minor });
        assertThrows(() => Object.assign(request.protocol, { minor: 9 }), TypeError);
        return request.respond(200);
      });
      assertEquals(errors, []);
    }
  }
});

Deno.test("request: stays readable after its answer, however much has come since", async () => {
  const kept: Request[] = [];
  const head = (i: number) => `GET /${i} HTTP/1.1\r\nHost: x\r\nX-Number: ${"n".repeat(i)}\r\n\r\n`;
  const script = Array.from({ length: 200 }, (_, i) => head(i));
  await converse(script, (request) => {
    kept.push(request);
    return request.respond(200);
  });
  assertEquals(kept.length, 200);
  kept.forEach((request, i) => {
    assertEquals(request.target, `/${i}`);
    assertEquals(request.headers.get("x-number"), "n".repeat(i));
  });
});

/** What a handler does wrong, and what is said about it. */
const MISTAKES: readonly { title: string; handler: Handler; error: string }[] = [
  {
    title: "a field name that is no token",
    handler: (request) => request.respond(200, "", { "a b": "c" }),
    error: 'Invalid field name "a b"',
  },
  {
    title: "hardening 17: a line end in a value",
    handler: (request) => request.respond(200, "", { a: "b\r\nSet-Cookie: c" }),
    error: 'Invalid value of field "a"',
  },
  {
    title: "a reason with a line end",
    handler: (request) => request.respond(200, "", {}, { statusText: "OK\r\n" }),
    error: "Invalid statusText",
  },
  {
    title: "a status that is none",
    handler: (request) => request.respond(99),
    error: "Status must be an integer from 200 to 599: got 99",
  },
  {
    title: "a Content-Length that does not match",
    handler: (request) => request.respond(200, "abc", { "Content-Length": "4" }),
    error: 'Content-Length "4" does not match the content of 3 bytes',
  },
  {
    title: "hardening 18: a Transfer-Encoding",
    handler: (request) => request.respond(200, "abc", { "Transfer-Encoding": "chunked" }),
    error: "Transfer-Encoding must not be given",
  },
  {
    title: "content of another type",
    handler: (request) => request.respond(200, 1 as unknown as string),
    error: "Content must be a string, a Uint8Array or null: got number",
  },
  {
    title: "sendHeaders with a bad value",
    handler: (request) => request.sendHeaders({ a: "\0" }),
    error: 'Invalid value of field "a"',
  },
  {
    title: "an error of its own",
    handler: () => {
      throw new Error("Oops");
    },
    error: "Oops",
  },
];

for (const { title, handler, error } of MISTAKES) {
  Deno.test(`a handler's mistake is answered with 500: ${title}`, async () => {
    const { output, errors } = await converse([GET + GET], handler);
    assertEquals(output, refused("500 Internal Server Error", "Internal Server Error"));
    assertEquals(errors.length, 1);
    assertStringIncludes((errors[0] as Error).message, error);
  });
}

Deno.test("a handler that does not answer: 500, and onError hears of it", async () => {
  const { output, errors, counters } = await converse([GET], () => {});
  assertEquals(output, refused("500 Internal Server Error", "Internal Server Error"));
  assertStringIncludes((errors[0] as Error).message, "returned without having answered");
  assertEquals(counters.rejections, { "not-answered": 1 });
});

Deno.test("a handler that does not look at its failed answer: onError gets the reason", async () => {
  const { errors } = await converse([GET], (request) => void request.respond(1000));
  const error = errors[0];
  assertInstanceOf(error, Error);
  assertInstanceOf(error.cause, RangeError);
});

Deno.test("answering twice is a TypeError, and the first answer stands", async () => {
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

Deno.test("a failed attempt to answer leaves room for another", async () => {
  const { output } = await converse([GET + GET], async (request) => {
    await assertRejects(() => request.respond(200, "", { "a b": "" }), TypeError);
    await request.respond(200, "second");
  });
  assertEquals(output, response("200 OK", "second").repeat(2));
});

Deno.test("a response after raw bytes is a TypeError", async () => {
  const { output } = await converse([GET], async (request) => {
    await request.client.write(utf8("raw"));
    await assertRejects(() => request.respond(200), TypeError, "has written to the socket itself");
  });
  assertEquals(output, "raw");
});

Deno.test("a handler that throws after its answer: onError hears, the connection goes on", async () => {
  const { output, errors } = await converse([GET + GET], async (request) => {
    await request.respond(200, "fine");
    throw new Error("too late");
  });
  assertEquals(output, response("200 OK", "fine").repeat(2));
  assertEquals(errors.length, 2);
});

Deno.test("a handler that throws within raw bytes: the connection is cut", async () => {
  const { output, errors, conn } = await converse([GET + GET], async (request) => {
    await request.client.write(utf8("HTTP/1.1 200 OK\r\n"));
    throw new Error("half-way");
  });
  assertEquals(output, "HTTP/1.1 200 OK\r\n");
  assertEquals(errors.length, 1);
  assert(conn.closed && !conn.writeClosed);
});

Deno.test("hardening 34: an answer that comes too late is refused, and nothing of it is sent", async () => {
  const late: Promise<unknown>[] = [];
  const answerLater = (request: Request) =>
    void Promise.resolve().then(() => {
      late.push(
        assertRejects(() => request.respond(200, "late"), TypeError, "The request is over"),
      );
      late.push(assertRejects(() => request.sendHeaders({ a: "b" }), TypeError, "is over"));
      late.push(assertRejects(() => request.client.write(utf8("late")), TypeError, "is over"));
    });
  const { output } = await converse([GET], answerLater);
  assertEquals(output, refused("500 Internal Server Error", "Internal Server Error"));
  await converse([GET], (request) => {
    answerLater(request);
    throw new Error("first");
  });
  assertEquals(late.length, 6);
  await Promise.all(late);
});

Deno.test("hardening 36: a handler that is over has no hand on the connection", async () => {
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

Deno.test("hardening 32: raw reads and writes that nobody waits for may fail", async () => {
  await converse(
    [GET, RESET],
    (request) => {
      void request.client.read(new Uint8Array(10));
      void request.client.write(utf8("abc"));
      void request.client.closeWrite();
    },
    {},
    { failAfter: 1 },
  );
});

Deno.test("a field that all objects inherit is not sent, also where it was sent before", async () => {
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

Deno.test("a statusText that is no string splits nothing", async () => {
  const statusText = { toString: () => "OK\r\nX: y" } as unknown as string;
  const { output } = await converse([GET], (r) => r.respond(200, "", {}, { statusText }));
  assertEquals(output, refused("500 Internal Server Error", "Internal Server Error"));
});
