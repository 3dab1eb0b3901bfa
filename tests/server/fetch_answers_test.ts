/** Web handlers: the bytes that are sent for each returned Response. */
import { assertEquals, assertMatch } from "@std/assert";
import { fetchHandler } from "@asynchttp/server";
import type { FetchHandler } from "@asynchttp/server";
import { converse } from "../connection/harness.ts";
import { GET, soon, streamOf, utf8 } from "../fixtures.ts";
import { dateless, PLAIN, post, servingFetchWell, TEXT } from "./fetch_tools.ts";
import { exchangeBytes, readText, readUntil, writeText } from "./tools.ts";

/** The returned Response, the request, and the response without its Date, byte for byte. */
const ANSWERS: [title: string, handler: FetchHandler, sent: string, answer: string][] = [
  [
    "a text",
    () => new Response("hi"),
    GET,
    `HTTP/1.1 200 OK\r\n${TEXT}Content-Length: 2\r\n\r\nhi`,
  ],
  [
    "a promise of one",
    () => Promise.resolve(new Response("hi")),
    GET,
    `HTTP/1.1 200 OK\r\n${TEXT}Content-Length: 2\r\n\r\nhi`,
  ],
  [
    "a status and a reason of its own",
    () => new Response("hi", { status: 418, statusText: "Short and stout" }),
    GET,
    `HTTP/1.1 418 Short and stout\r\n${TEXT}Content-Length: 2\r\n\r\nhi`,
  ],
  [
    "the empty string",
    () => new Response(""),
    GET,
    `HTTP/1.1 200 OK\r\n${TEXT}Content-Length: 0\r\n\r\n`,
  ],
  ["no body", () => new Response(), GET, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"],
  [
    "no body, to a POST that nobody has read",
    () => new Response(),
    post("unread"),
    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
  ],
  [
    "204",
    () => new Response(null, { status: 204 }),
    GET,
    "HTTP/1.1 204 No Content\r\n\r\n",
  ],
  [
    "205",
    () => new Response(null, { status: 205 }),
    GET,
    "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n",
  ],
  [
    "304, with its validator",
    () => new Response(null, { status: 304, headers: { ETag: '"a"' } }),
    GET,
    'HTTP/1.1 304 Not Modified\r\netag: "a"\r\n\r\n',
  ],
  [
    "several Set-Cookie, each a line",
    () => new Response("", { headers: [["Set-Cookie", "a=1, b"], ["Set-Cookie", "c=2; Path=/"]] }),
    GET,
    `HTTP/1.1 200 OK\r\n${TEXT}set-cookie: a=1, b\r\nset-cookie: c=2; Path=/\r\n` +
    "Content-Length: 0\r\n\r\n",
  ],
  [
    "Response.redirect",
    () => Response.redirect("http://x/elsewhere", 303),
    GET,
    "HTTP/1.1 303 See Other\r\nlocation: http://x/elsewhere\r\nContent-Length: 0\r\n\r\n",
  ],
  [
    "Response.json",
    () => Response.json({ a: "é" }),
    GET,
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nContent-Length: 10\r\n\r\n" +
    '{"a":"\xc3\xa9"}',
  ],
  [
    "a Uint8Array",
    () => new Response(new Uint8Array([0, 255, 13, 10])),
    GET,
    "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\0\xff\r\n",
  ],
  [
    "an ArrayBuffer",
    () => new Response(utf8("hi").buffer),
    GET,
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
  ],
  [
    "URLSearchParams",
    () => new Response(new URLSearchParams({ a: "1 2" })),
    GET,
    "HTTP/1.1 200 OK\r\ncontent-type: application/x-www-form-urlencoded;charset=UTF-8\r\n" +
    "Content-Length: 5\r\n\r\na=1+2",
  ],
  [
    "a stream, in chunks as they come",
    () => new Response(streamOf("a", "", "bc")),
    GET,
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
  ],
  [
    "a stream with a length of its own",
    () => new Response(streamOf("a", "bc"), { headers: { "Content-Length": "3" } }),
    GET,
    "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc",
  ],
  [
    "fields of the connection that somebody else's response has brought along",
    () =>
      new Response("hi", {
        headers: { "Transfer-Encoding": "chunked", "Keep-Alive": "timeout=5" },
      }),
    GET,
    `HTTP/1.1 200 OK\r\n${TEXT}Content-Length: 2\r\n\r\nhi`,
  ],
  [
    "HEAD of a text: its length only",
    () => new Response("hi"),
    GET.replace("GET", "HEAD"),
    `HTTP/1.1 200 OK\r\n${TEXT}Content-Length: 2\r\n\r\n`,
  ],
  [
    "HEAD of a stream",
    () => new Response(streamOf("a", "b")),
    GET.replace("GET", "HEAD"),
    "HTTP/1.1 200 OK\r\n\r\n",
  ],
  [
    "HEAD that is answered without a body, but with its length",
    () => new Response(null, { headers: { "Content-Length": "5" } }),
    GET.replace("GET", "HEAD"),
    "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n",
  ],
  [
    "HTTP/1.0 that asks for keep-alive",
    () => new Response("hi"),
    "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    `HTTP/1.1 200 OK\r\n${TEXT}Connection: keep-alive\r\nContent-Length: 2\r\n\r\nhi`,
  ],
  [
    "the body of the request, whole",
    async (request) => new Response(await request.arrayBuffer()),
    post("ping"),
    "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nping",
  ],
  [
    "an upload in chunks",
    async (request) => new Response(await request.bytes()),
    "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\npi\r\n2\r\nng\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nping",
  ],
  [
    "TRACE, which the Web's type cannot hold",
    () => new Response("hi"),
    GET.replace("GET", "TRACE"),
    `HTTP/1.1 501 Not Implemented\r\n${PLAIN}Content-Length: 34\r\n\r\n` +
    "The method TRACE is not supported\n",
  ],
  [
    "TRACK in any case",
    () => new Response("hi"),
    GET.replace("GET", "track"),
    `HTTP/1.1 501 Not Implemented\r\n${PLAIN}Content-Length: 34\r\n\r\n` +
    "The method track is not supported\n",
  ],
  [
    "GET with a body, which the Web's type cannot hold",
    () => new Response("hi"),
    post("body").replace("POST", "GET"),
    `HTTP/1.1 400 Bad Request\r\n${PLAIN}Content-Length: 40\r\n\r\n` +
    "A GET request must not have a body here\n",
  ],
  [
    "HEAD with a body",
    () => new Response("hi"),
    post("body").replace("POST", "HEAD"),
    `HTTP/1.1 400 Bad Request\r\n${PLAIN}Content-Length: 41\r\n\r\n`,
  ],
  [
    "GET with a body of length 0, which is none",
    () => new Response("hi"),
    post("").replace("POST", "GET"),
    `HTTP/1.1 200 OK\r\n${TEXT}Content-Length: 2\r\n\r\nhi`,
  ],
];

for (const [title, handler, sent, answer] of ANSWERS) {
  Deno.test(`fetchHandler: ${title}: twice on one connection, and pipelined`, async () => {
    await servingFetchWell(handler, async (port) => {
      using conn = await Deno.connect({ hostname: "127.0.0.1", port });
      for (let i = 0; i < 2; i++) {
        await writeText(conn, sent);
        const enough = (text: string) => dateless(text).length >= answer.length;
        assertEquals(dateless(await readUntil(conn, enough)), answer);
      }
      await conn.closeWrite();
      assertEquals(await readText(conn), "");
      assertEquals(dateless(await exchangeBytes(port, sent.repeat(3))), answer.repeat(3));
    });
  });
}

Deno.test("fetchHandler: CONNECT is rejected", async () => {
  await servingFetchWell(() => new Response("hi"), async (port) => {
    const answer = await exchangeBytes(port, "CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n");
    assertMatch(answer, /^HTTP\/1\.1 501 Not Implemented\r\n[^]*CONNECT is not supported\n$/);
  });
});

Deno.test("fetchHandler: a response to HTTP/1.0 has a length or is delimited by the close", async () => {
  const answers = {
    "/text": () => new Response("hi"),
    "/stream": () => new Response(streamOf("a", "b")),
  } as Record<string, () => Response>;
  await servingFetchWell((request) => answers[new URL(request.url).pathname]!(), async (port) => {
    assertEquals(
      dateless(await exchangeBytes(port, "GET /text HTTP/1.0\r\n\r\n")),
      `HTTP/1.1 200 OK\r\n${TEXT}Connection: close\r\nContent-Length: 2\r\n\r\nhi`,
    );
    for (const field of ["", "Connection: keep-alive\r\n"]) {
      assertEquals(
        dateless(await exchangeBytes(port, `GET /stream HTTP/1.0\r\n${field}\r\n`)),
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nab",
      );
    }
  });
});

Deno.test("fetchHandler: pipelined requests get their responses in order", async () => {
  const handler: FetchHandler = async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/slow") await soon();
    return pathname === "/stream" ? new Response(streamOf("s", "t")) : new Response(pathname);
  };
  const paths = ["/slow", "/quick", "/stream", "/slow", "/last"];
  await servingFetchWell(handler, async (port) => {
    const sent = paths.map((path) => GET.replace("/", path)).join("");
    const found = dateless(await exchangeBytes(port, sent)).matchAll(/\r\n\r\n(\/[a-z]+|1\r\ns)/g);
    assertEquals(Array.from(found, ([, content]) => content), [
      "/slow",
      "/quick",
      "1\r\ns",
      "/slow",
      "/last",
    ]);
  });
});

Deno.test("fetchHandler: a body that is available at once is one write with a Content-Length", async () => {
  const table: [title: string, body: () => BodyInit | null][] = [
    ["nothing", () => null],
    ["an empty text", () => ""],
    ["a text", () => "hi"],
    ["bytes", () => utf8("hi")],
    ["a blob", () => new Blob(["hi"], { type: "text/x" })],
    ["a form", () => new URLSearchParams({ a: "1" })],
    ["a stream of one chunk", () => streamOf("hi")],
    ["a closed stream", () => streamOf()],
  ];
  for (const [title, body] of table) {
    const { conn, output } = await converse([GET], fetchHandler(() => new Response(body())));
    assertEquals(conn.writes.length, 1, title);
    assertMatch(output, /\r\nContent-Length: \d\r\n/, title);
  }
});

/** Several frameworks return a Response class of their own, or of another realm. */
class ForeignResponse {
  readonly status: number = 201;
  readonly statusText: string = "Made";
  readonly headers = new Headers([["X-A", "1"], ["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"]]);
  readonly body: ReadableStream<Uint8Array> | null;

  constructor(body: ReadableStream<Uint8Array> | null) {
    this.body = body;
  }
}

Deno.test("fetchHandler: a Response of another class or realm", async () => {
  const head =
    "HTTP/1.1 201 Made\r\nset-cookie: a=1\r\nset-cookie: b=2\r\nx-a: 1\r\nContent-Length: ";
  const table: [body: () => ReadableStream<Uint8Array> | null, rest: string][] = [
    [() => null, "0\r\n\r\n"],
    [() => streamOf("hi"), "2\r\n\r\nhi"],
  ];
  for (const [body, rest] of table) {
    const handler: FetchHandler = () => new ForeignResponse(body()) as unknown as Response;
    await servingFetchWell(handler, async (port) => {
      assertEquals(dateless(await exchangeBytes(port, GET)), head + rest);
    });
  }
});
