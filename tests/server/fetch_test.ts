/** Handlers of Web requests, over real sockets. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { AsyncHttpServer, fetchHandler } from "@asynchttp/server";
import type { AsyncHttpServerOptions, FetchHandler } from "@asynchttp/server";
import { converse, DATE, start } from "../connection/harness.ts";
import { EOF } from "../connection/scripted_conn.ts";
import { exchangeBytes, readText, readUntil, writeText } from "./tools.ts";

const GET = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const TEXT = "content-type: text/plain;charset=UTF-8\r\n";
const PLAIN = "Content-Type: text/plain; charset=utf-8\r\n";
const SERVER_ERROR =
  `HTTP/1.1 500 Internal Server Error\r\n${PLAIN}Connection: close\r\nContent-Length: 22\r\n\r\n` +
  "Internal Server Error\n";

/** Runs a server for as long as `use` takes; gives what `onError` was told. */
async function serving(
  handler: FetchHandler,
  use: (port: number) => Promise<void>,
  options: AsyncHttpServerOptions = {},
): Promise<unknown[]> {
  const errors: unknown[] = [];
  const onError = (error: unknown) => void errors.push(error);
  await using server = new AsyncHttpServer({ onError, ...options });
  const ended = server.serve(0, fetchHandler(handler), { address: "127.0.0.1" });
  await use(server.getPort());
  server.close();
  await ended;
  return errors;
}

/** The same, where nothing may fail. */
async function servingWell(
  handler: FetchHandler,
  use: (port: number) => Promise<void>,
): Promise<void> {
  assertEquals(await serving(handler, use), []);
}

function post(body: string, ...fields: string[]): string {
  const lines = ["POST / HTTP/1.1", "Host: x", ...fields, `Content-Length: ${body.length}`];
  return `${lines.join("\r\n")}\r\n\r\n${body}`;
}

function dateless(text: string): string {
  return text.replaceAll(/Date: [^\r]{29}\r\n/g, "");
}

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function streamOf(...chunks: string[]): ReadableStream<Uint8Array<ArrayBuffer>> {
  return ReadableStream.from(chunks.map(bytes));
}

/** A later turn of the event loop: what is ready has happened by then. */
function soon(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}

// The first test: what a process finds out once, it finds out with its first request.
Deno.test("fetchHandler: the first request of a process may have a body", async () => {
  await servingWell(async (request) => new Response(await request.text()), async (port) => {
    assertMatch(await exchangeBytes(port, post("first")), /^HTTP\/1\.1 200 OK\r\n[^]*first$/);
  });
});

/** What a handler returns, what is sent, and the answer without its Date: byte for byte. */
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
    () => new Response(bytes("hi").buffer),
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
    await servingWell(handler, async (port) => {
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

Deno.test("fetchHandler: CONNECT is refused", async () => {
  await servingWell(() => new Response("hi"), async (port) => {
    const answer = await exchangeBytes(port, "CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n");
    assertMatch(answer, /^HTTP\/1\.1 501 Not Implemented\r\n[^]*CONNECT is not supported\n$/);
  });
});

Deno.test("fetchHandler: HTTP/1.0 gets a length, or the end of the connection", async () => {
  const answers = {
    "/text": () => new Response("hi"),
    "/stream": () => new Response(streamOf("a", "b")),
  } as Record<string, () => Response>;
  await servingWell((request) => answers[new URL(request.url).pathname]!(), async (port) => {
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

Deno.test("fetchHandler: pipelined requests are answered in their order", async () => {
  const handler: FetchHandler = async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/slow") await soon();
    return pathname === "/stream" ? new Response(streamOf("s", "t")) : new Response(pathname);
  };
  const paths = ["/slow", "/quick", "/stream", "/slow", "/last"];
  await servingWell(handler, async (port) => {
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

Deno.test("fetchHandler: what is there at once is one write, with its length", async () => {
  const table: [title: string, body: () => BodyInit | null][] = [
    ["nothing", () => null],
    ["an empty text", () => ""],
    ["a text", () => "hi"],
    ["bytes", () => bytes("hi")],
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

Deno.test("fetchHandler: the head of a stream is not kept waiting for its first chunk", async () => {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array<ArrayBuffer>>();
  const writer = writable.getWriter();
  await servingWell(() => new Response(readable), async (port) => {
    using conn = await Deno.connect({ hostname: "127.0.0.1", port });
    await writeText(conn, GET);
    const head = await readUntil(conn, (text) => text.endsWith("\r\n\r\n"));
    assertEquals(
      dateless(head),
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    await writer.write(bytes("late"));
    assertEquals(await readUntil(conn, (text) => text.endsWith("late\r\n")), "4\r\nlate\r\n");
    await writer.close();
    assertEquals(await readUntil(conn, (text) => text.endsWith("\r\n\r\n")), "0\r\n\r\n");
  });
});

Deno.test("fetchHandler: bodies stream both ways at once, chunk by chunk", async () => {
  const upper = () =>
    new TransformStream<string, string>({
      transform: (text, controller) => controller.enqueue(text.toUpperCase()),
    });
  const through = (body: ReadableStream<Uint8Array<ArrayBuffer>>) =>
    body.pipeThrough(new TextDecoderStream()).pipeThrough(upper())
      .pipeThrough(new TextEncoderStream());
  const table: [handler: FetchHandler, answered: (text: string) => string][] = [
    [(request) => new Response(request.body), (text) => text],
    [(request) => new Response(through(request.body!)), (text) => text.toUpperCase()],
  ];
  for (const [handler, answered] of table) {
    await servingWell(handler, async (port) => {
      using conn = await Deno.connect({ hostname: "127.0.0.1", port });
      await writeText(conn, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
      await readUntil(conn, (text) => text.endsWith("\r\n\r\n"));
      for (const chunk of ["3\r\none\r\n", "3\r\ntwo\r\n", "5\r\nthree\r\n", "0\r\n\r\n"]) {
        await writeText(conn, chunk);
        const echo = await readUntil(conn, (text) => text.length >= chunk.length);
        assertEquals(echo, answered(chunk));
      }
      await writeText(conn, post("again", "Connection: close"));
      assertStringIncludes(await readText(conn), answered("again"));
    });
  }
});

Deno.test("fetchHandler: a megabyte there and back", async () => {
  const sent = new Uint8Array(1_000_000).map((_, i) => i * 7);
  await servingWell((request) => new Response(request.body), async (port) => {
    const response = await fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: sent });
    assertEquals(await response.bytes(), sent);
  });
});

Deno.test("fetchHandler: the second argument has the addresses", async () => {
  const handler: FetchHandler = (_, info) => Response.json(info);
  await servingWell(handler, async (port) => {
    using conn = await Deno.connect({ hostname: "127.0.0.1", port });
    await writeText(conn, GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
    const [, content] = (await readText(conn)).split("\r\n\r\n");
    assertEquals(JSON.parse(content!), { localAddr: conn.remoteAddr, remoteAddr: conn.localAddr });
  });
});

Deno.test("request: a Request in every respect", async () => {
  const seen: Record<string, unknown> = {};
  const handler: FetchHandler = (request) => {
    const { method, url, bodyUsed, redirect } = request;
    Object.assign(seen, { method, url, bodyUsed, redirect });
    seen.instance = request instanceof Request;
    seen.tag = Object.prototype.toString.call(request);
    seen.headers = [...request.headers];
    seen.same = request.headers === request.headers && request.signal === request.signal;
    seen.body = request.body;
    return new Response();
  };
  await servingWell(handler, async (port) => {
    const target = "/%7Ea/./b?q=%20#";
    await exchangeBytes(
      port,
      `get ${target.slice(0, -1)} HTTP/1.1\r\nHost: X:81\r\nAccept: a\r\nACCEPT: b\r\n\r\n`,
    );
    assertEquals(seen, {
      method: "GET",
      url: "http://x:81/%7Ea/b?q=%20",
      bodyUsed: false,
      redirect: "follow",
      instance: true,
      tag: "[object Request]",
      headers: [["accept", "a, b"], ["host", "X:81"]],
      same: true,
      body: null,
    });
  });
});

Deno.test("request.method: upper case for those that the Fetch standard names, and no others", async () => {
  const handler: FetchHandler = (request) =>
    new Response(`${request.method} ${new Request(request).method}`);
  await servingWell(handler, async (port) => {
    for (const method of ["get", "Delete", "options", "pUT", "post"]) {
      const answer = await exchangeBytes(port, post("").replace("POST", method));
      const name = method.toUpperCase();
      assertStringIncludes(answer, `\r\n\r\n${name} ${name}`);
    }
    for (const method of ["patch", "Propfind", "PURGE"]) {
      const answer = await exchangeBytes(port, GET.replace("GET", method));
      assertStringIncludes(answer, `\r\n\r\n${method} ${method}`);
    }
  });
});

Deno.test("request.url: absolute-form, OPTIONS *, HTTP/1.0 without Host", async () => {
  await servingWell((request) => new Response(request.url), async (port) => {
    const table: [sent: string, url: string][] = [
      ["GET http://other:82/a?b HTTP/1.1\r\nHost: x\r\n\r\n", "http://other:82/a?b"],
      ["OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "http://x/"],
      ["GET /a HTTP/1.0\r\n\r\n", `http://127.0.0.1:${port}/a`],
      ["GET //evil/a HTTP/1.1\r\nHost: x\r\n\r\n", "http://x//evil/a"],
    ];
    for (const [sent, url] of table) {
      const answer = await exchangeBytes(port, sent);
      assertEquals(answer.slice(answer.indexOf("\r\n\r\n") + 4), url);
    }
  });
});

Deno.test("request: every way to read a body", async () => {
  const decoder = new TextDecoder();
  const readers: Record<string, (request: Request) => Promise<unknown>> = {
    text: (request) => request.text(),
    json: async (request) => JSON.stringify(await request.json()),
    arrayBuffer: async (request) => decoder.decode(await request.arrayBuffer()),
    bytes: async (request) => decoder.decode(await request.bytes()),
    blob: async (request) => await (await request.blob()).text(),
    stream: async (request) => (await Array.fromAsync(request.body!)).map((c) => decoder.decode(c)),
    "of a clone, too": async (request) => {
      const clone = request.clone();
      assert(clone instanceof Request);
      assertEquals(await clone.text(), '{"a":"é"}');
      return await request.text();
    },
    "of a Request made of it": async (request) => {
      const made = new Request(request, { headers: { "X-Own": "1" } });
      assert(request.bodyUsed);
      assertEquals([made.method, made.url], [request.method, request.url]);
      assertEquals([...made.headers.keys()], ["content-type", "x-own"].slice(1));
      return await made.text();
    },
    "of a Request for another URL": async (request) => {
      const made = new Request("http://other/b", request);
      assertEquals([made.method, made.url], ["POST", "http://other/b"]);
      assertEquals(made.headers.get("content-type"), "application/json");
      return await made.text();
    },
  };
  const handler: FetchHandler = async (request) => {
    const name = decodeURIComponent(new URL(request.url).search.slice(1));
    const read = await readers[name]!(request);
    assert(request.bodyUsed, name);
    await assertRejects(() => request.text(), TypeError);
    return new Response(String(read));
  };
  await servingWell(handler, async (port) => {
    for (const name of Object.keys(readers)) {
      const response = await fetch(`http://127.0.0.1:${port}/?${name}`, {
        method: "POST",
        body: '{"a":"é"}',
        headers: { "Content-Type": "application/json" },
      });
      assertEquals(await response.text(), '{"a":"é"}', name);
    }
  });
});

Deno.test("request: fields that a middleware has set before the body is read stay set", async () => {
  const handler: FetchHandler = async (request) => {
    request.headers.set("X-User", "ada");
    const made = new Request(request);
    return new Response(`${made.headers.get("x-user")} ${await made.text()}`);
  };
  await servingWell(handler, async (port) => {
    assertMatch(await exchangeBytes(port, post("hi")), /\r\n\r\nada hi$/);
  });
});

Deno.test("request: fields that are set after it was read or cloned are there, too", async () => {
  const handler: FetchHandler = async (request) => {
    await request.clone().text();
    request.headers.set("X-User", "ada");
    const made = new Request(request);
    return new Response(`${request.headers.get("x-user")} ${made.headers.get("x-user")}`);
  };
  await servingWell(handler, async (port) => {
    assertMatch(await exchangeBytes(port, GET), /\r\n\r\nada ada$/);
  });
});

Deno.test("request.formData: an upload with a file", async () => {
  const handler: FetchHandler = async (request) => {
    const form = await request.formData();
    const file = form.get("file") as File;
    return Response.json({
      text: form.get("text"),
      all: form.getAll("many"),
      file: [file.name, file.type, file.size, await file.text()],
    });
  };
  await servingWell(handler, async (port) => {
    const form = new FormData();
    form.set("text", "é\r\n");
    form.append("many", "1");
    form.append("many", "2");
    form.set("file", new File(["content\r\n--x"], "naïve.txt", { type: "text/x" }));
    const response = await fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: form });
    assertEquals(await response.json(), {
      text: "é\r\n",
      all: ["1", "2"],
      file: ["naïve.txt", "text/x", 12, "content\r\n--x"],
    });
  });
});

Deno.test("request.formData: of what is no form, it is the handler's fault", async () => {
  const handler: FetchHandler = async (request) => Response.json([...await request.formData()]);
  const errors = await serving(handler, async (port) => {
    const form = post("a=1+2&b=", "Content-Type: application/x-www-form-urlencoded");
    assertStringIncludes(await exchangeBytes(port, form), '[["a","1 2"],["b",""]]');
    assertEquals(dateless(await exchangeBytes(port, post("a=1"))), SERVER_ERROR);
  });
  assertEquals(errors.length, 1);
  assert(errors[0] instanceof TypeError);
});

Deno.test("a response of FormData, of a Blob in parts", async () => {
  const form = new FormData();
  form.set("text", "é");
  form.set("file", new File(["content"], "a.txt"));
  const handler: FetchHandler = (request) =>
    new Response(request.url.endsWith("form") ? form : new Blob(["one ", "two"]));
  await servingWell(handler, async (port) => {
    const response = await fetch(`http://127.0.0.1:${port}/form`);
    const got = await response.formData();
    assertEquals([got.get("text"), await (got.get("file") as File).text()], ["é", "content"]);
    const blob = await fetch(`http://127.0.0.1:${port}/blob`);
    assertEquals(await blob.text(), "one two");
  });
});

Deno.test("a response of an open file, which is closed at its end, and where nobody wants it", async () => {
  const path = new URL(import.meta.url);
  const handler: FetchHandler = async () => new Response((await Deno.open(path)).readable);
  await servingWell(handler, async (port) => {
    const response = await fetch(`http://127.0.0.1:${port}/`);
    assertEquals(await response.text(), await Deno.readTextFile(path));
    const head = GET.replace("GET", "HEAD");
    assertMatch(await exchangeBytes(port, head), /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n$/);
  });
});

Deno.test("a response without content cancels its stream", async () => {
  const cancelled: string[] = [];
  const handler: FetchHandler = (request) =>
    new Response(
      new ReadableStream({
        pull: (controller) => controller.enqueue(bytes("endless")),
        cancel: () => void cancelled.push(request.method),
      }),
    );
  await servingWell(handler, async (port) => {
    const answer = await exchangeBytes(port, GET.replace("GET", "HEAD"));
    assertEquals(dateless(answer), "HTTP/1.1 200 OK\r\n\r\n");
  });
  assertEquals(cancelled, ["HEAD"]);
});

Deno.test("a proxy: fetch(request), and its response passed on", async () => {
  const upstream: FetchHandler = async (request) =>
    new Response(`${request.method} ${new URL(request.url).pathname} ${await request.text()}`, {
      status: 202,
      headers: [["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"], ["X-Via", request.headers.get("x")!]],
    });
  const cookies = "set-cookie: a=1\r\nset-cookie: b=2\r\n";
  await servingWell(upstream, async (upstreamPort) => {
    const origin = `http://127.0.0.1:${upstreamPort}`;
    await servingWell((request) => fetch(request), async (port) => {
      using conn = await Deno.connect({ hostname: "127.0.0.1", port });
      for (const [method, body] of [["POST", "ping"], ["GET", ""], ["PUT", "pong"]]) {
        // In absolute form, as a client asks a proxy: so the URL is that of the other server.
        const sent = post(body!, "X: y").replace("POST /", `${method} ${origin}/a`);
        await writeText(conn, sent);
        const content = `${method} /a ${body}`;
        const answer = await readUntil(conn, (text) => text.includes(content));
        assertMatch(answer, /^HTTP\/1\.1 202 Accepted\r\n/);
        assertStringIncludes(answer, `${cookies}`);
        assertStringIncludes(answer, "x-via: y\r\n");
        assertEquals(answer.match(/date:/gi)?.length, 1);
      }
      await writeText(conn, `HEAD ${origin}/h HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      const head = await readText(conn);
      assertMatch(head, /^HTTP\/1\.1 202 Accepted\r\n[^]*content-length: 8\r\n[^]*\r\n\r\n$/i);
    });
  });
});

Deno.test("request.signal: aborts when the client goes while the handler waits", async () => {
  const called = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<unknown>();
  const handler: FetchHandler = async (request) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    request.signal.addEventListener("abort", () => resolve());
    called.resolve();
    await promise;
    aborted.resolve(request.signal.reason);
    return new Response("too late");
  };
  await servingWell(handler, async (port) => {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    await writeText(conn, GET);
    await called.promise;
    conn.close();
    assert(await aborted.promise instanceof Error);
  });
});

Deno.test("request.signal: aborts a fetch that was made with it", async () => {
  const reached = Promise.withResolvers<void>();
  const upstreamAborted = Promise.withResolvers<void>();
  const upstream: FetchHandler = async (request) => {
    request.signal.addEventListener("abort", () => upstreamAborted.resolve());
    reached.resolve();
    await upstreamAborted.promise;
    return new Response();
  };
  await servingWell(upstream, async (upstreamPort) => {
    const handler: FetchHandler = (request) =>
      fetch(new Request(`http://127.0.0.1:${upstreamPort}/`, request));
    const errors = await serving(handler, async (port) => {
      const conn = await Deno.connect({ hostname: "127.0.0.1", port });
      await writeText(conn, GET);
      await reached.promise;
      conn.close();
      await upstreamAborted.promise;
    });
    assert(errors.length <= 1);
  });
});

Deno.test("request.signal: aborts when the client goes within a streamed response, which is cancelled", async () => {
  const cancelled = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<void>();
  const handler: FetchHandler = (request) => {
    request.signal.addEventListener("abort", () => aborted.resolve());
    return new Response(
      new ReadableStream({
        async pull(controller) {
          await soon();
          controller.enqueue(bytes("tick"));
        },
        cancel: () => cancelled.resolve(),
      }, { highWaterMark: 0 }),
    );
  };
  await servingWell(handler, async (port) => {
    const response = await fetch(`http://127.0.0.1:${port}/`);
    const reader = response.body!.getReader();
    await reader.read();
    await reader.cancel();
    await aborted.promise;
    await cancelled.promise;
  });
});

Deno.test("request.signal: aborts within a stream that waits, when the client closes its side", async () => {
  const aborted = Promise.withResolvers<void>();
  const handler: FetchHandler = (request) => {
    let last: ReadableStreamDefaultController;
    request.signal.addEventListener("abort", () => {
      last.enqueue(bytes("bye"));
      last.close();
      aborted.resolve();
    });
    return new Response(
      new ReadableStream({
        start(controller) {
          last = controller;
          controller.enqueue(bytes("hello"));
        },
      }),
    );
  };
  await servingWell(handler, async (port) => {
    using conn = await Deno.connect({ hostname: "127.0.0.1", port });
    await writeText(conn, GET);
    await readUntil(conn, (text) => text.endsWith("5\r\nhello\r\n"));
    await conn.closeWrite();
    await aborted.promise;
    // Its other side may be open: it gets what is left.
    assertEquals(await readText(conn), "3\r\nbye\r\n0\r\n\r\n");
  });
});

Deno.test("request.signal: never aborts once the request was served", async () => {
  const signals: AbortSignal[] = [];
  const handler: FetchHandler = async (request) => {
    signals.push(request.signal, new Request(request).signal);
    if (request.method === "POST") await request.text();
    return request.url.endsWith("stream") ? new Response(streamOf("a", "b")) : new Response("hi");
  };
  await servingWell(handler, async (port) => {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    for (const path of ["/", "/stream", "/last"]) {
      await writeText(conn, GET.replace("/", path));
      await readUntil(conn, (text) => /hi$|0\r\n\r\n$/.test(text));
    }
    conn.close();
  });
  await soon();
  assertEquals(signals.map(({ aborted }) => aborted), new Array(6).fill(false));
});

Deno.test("request.signal: does not abort either where it is first asked for when all is over", async () => {
  const kept: Request[] = [];
  const handler: FetchHandler = (request) => {
    kept.push(request);
    return new Response("hi");
  };
  await servingWell(handler, async (port) => {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    await writeText(conn, GET);
    await readUntil(conn, (text) => text.endsWith("hi"));
    assertEquals(kept[0]!.signal.aborted, false);
    conn.close();
  });
  await soon();
  assertEquals(kept[0]!.signal.aborted, false);
});

/** What a handler does wrong, and what `onError` is told; nothing of it was sent. */
const FAULTS: [title: string, handler: FetchHandler, error: string][] = [
  [
    "throws",
    () => {
      throw new Error("thrown");
    },
    "Error: thrown",
  ],
  ["rejects", () => Promise.reject(new Error("rejected")), "Error: rejected"],
  [
    "returns nothing",
    (() => {}) as unknown as FetchHandler,
    "TypeError: A Response is wanted: got undefined",
  ],
  [
    "returns a text",
    (() => "hi") as unknown as FetchHandler,
    "TypeError: A Response is wanted: got string",
  ],
  [
    "returns null",
    (() => null) as unknown as FetchHandler,
    "TypeError: A Response is wanted: got",
  ],
  [
    "returns an object that is no Response",
    (() => ({ hello: "world" })) as unknown as FetchHandler,
    "TypeError: A Response is wanted: got",
  ],
  [
    "returns a Response that was read",
    async () => {
      const response = new Response("hi");
      await response.text();
      return response;
    },
    "TypeError: Cannot send the Response: its body has been used, or is locked",
  ],
  [
    "returns a Response whose body somebody else reads",
    () => {
      const response = new Response("hi");
      response.body!.getReader();
      return response;
    },
    "TypeError: Cannot send the Response: its body has been used, or is locked",
  ],
  [
    "returns Response.error()",
    () => Response.error(),
    "RangeError: Status must be an integer from 200 to 599: got 0",
  ],
  [
    "returns a length that is wrong",
    () => new Response("hi", { headers: { "Content-Length": "3" } }),
    "TypeError: ",
  ],
  [
    "lets the fault of a body that is no JSON pass",
    async (request) => Response.json(await request.json()),
    "SyntaxError: ",
  ],
];

for (const [title, handler, expected] of FAULTS) {
  Deno.test(`fetchHandler: a handler that ${title} is answered for with 500`, async () => {
    const errors = await serving(handler, async (port) => {
      assertEquals(dateless(await exchangeBytes(port, post("no json"))), SERVER_ERROR);
    });
    assertEquals(errors.length, 1);
    assertStringIncludes(String(errors[0]), expected);
  });
}

Deno.test("fetchHandler: the same Response a second time is refused, and the first was sent", async () => {
  const response = new Response("once");
  const errors = await serving(() => response, async (port) => {
    assertEquals(
      dateless(await exchangeBytes(port, GET.repeat(2))),
      `HTTP/1.1 200 OK\r\n${TEXT}Content-Length: 4\r\n\r\nonce${SERVER_ERROR}`,
    );
  });
  assertEquals(errors.length, 1);
});

Deno.test("fetchHandler: a body that fails midway is cut off, so that the client can tell", async () => {
  const handler: FetchHandler = () => {
    const chunks = ["one", "two"];
    return new Response(
      new ReadableStream({
        async pull(controller) {
          await soon();
          const chunk = chunks.shift();
          if (chunk === undefined) controller.error(new Error("midway"));
          else controller.enqueue(bytes(chunk));
        },
      }, { highWaterMark: 0 }),
    );
  };
  const errors = await serving(handler, async (port) => {
    assertEquals(
      dateless(await exchangeBytes(port, GET.repeat(2))),
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n",
    );
    const response = await fetch(`http://127.0.0.1:${port}/`);
    await assertRejects(() => response.text());
  });
  assertEquals(errors.map(String), ["Error: midway", "Error: midway"]);
});

Deno.test("fetchHandler: a body that is refused while the handler reads it is the client's fault", async () => {
  const handler: FetchHandler = async (request) => new Response(await request.text());
  await servingWell(handler, async (port) => {
    const chunked = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    assertMatch(await exchangeBytes(port, `${chunked}zz\r\n`), /^HTTP\/1\.1 400 /);
    assertMatch(
      await exchangeBytes(port, post("short").replace("5\r\n", "6\r\n")),
      /^HTTP\/1\.1 400 /,
    );
  });
  const errors = await serving(handler, async (port) => {
    assertMatch(await exchangeBytes(port, post("too long")), /^HTTP\/1\.1 413 /);
  }, { maxBody: 7 });
  assertEquals(errors, []);
});

/** What several frameworks have: a class of their own, or another realm's. */
class ForeignResponse {
  readonly status: number = 201;
  readonly statusText: string = "Made";
  readonly headers = new Headers([["X-A", "1"], ["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"]]);
  readonly body: ReadableStream<Uint8Array> | null;

  constructor(body: ReadableStream<Uint8Array> | null) {
    this.body = body;
  }
}

Deno.test("fetchHandler: a Response of somebody else's make", async () => {
  const head =
    "HTTP/1.1 201 Made\r\nset-cookie: a=1\r\nset-cookie: b=2\r\nx-a: 1\r\nContent-Length: ";
  const table: [body: () => ReadableStream<Uint8Array> | null, rest: string][] = [
    [() => null, "0\r\n\r\n"],
    [() => streamOf("hi"), "2\r\n\r\nhi"],
  ];
  for (const [body, rest] of table) {
    const handler: FetchHandler = () => new ForeignResponse(body()) as unknown as Response;
    await servingWell(handler, async (port) => {
      assertEquals(dateless(await exchangeBytes(port, GET)), head + rest);
    });
  }
});

Deno.test("fetchHandler: 100 Continue goes out when the handler reads, and not before", async () => {
  const sent = post("ping", "Expect: 100-continue");
  const [head] = sent.split("ping");
  const reading: FetchHandler = async (request) => new Response(await request.text());
  const run = start([head!, soon(), "ping", EOF], fetchHandler(reading));
  await run.done;
  assertEquals(
    run.conn.writes,
    [
      "HTTP/1.1 100 Continue\r\n\r\n",
      `HTTP/1.1 200 OK\r\n${TEXT}${DATE}Content-Length: 4\r\n\r\nping`,
    ],
  );
  const refusing: FetchHandler = () => new Response(null, { status: 401 });
  const { output } = await converse([head!], fetchHandler(refusing));
  assertMatch(output, /^HTTP\/1\.1 401 Unauthorized\r\n[^]*Connection: close\r\n/);
});
