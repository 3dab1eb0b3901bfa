/** Web handlers: their mistakes, and faults of clients and sources. */
import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import type { FetchHandler, HttpError } from "@asynchttp/server";
import { Hono } from "npm:hono@4.13.19";
import { GET, soon, utf8 } from "../fixtures.ts";
import {
  dateless,
  post,
  SERVER_ERROR,
  servingFetch,
  servingFetchWell,
  TEXT,
} from "./fetch_tools.ts";
import { exchangeBytes } from "./tools.ts";

/** A handler's mistake, and the error that `onError` receives; no byte of its response is sent. */
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
    'TypeError: A Response is wanted: got "hi", a string',
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
    "TypeError: Cannot send Response.error()",
  ],
  [
    "returns a length that is wrong",
    () => new Response("hi", { headers: { "Content-Length": "3" } }),
    "TypeError: ",
  ],
];

for (const [title, handler, expected] of FAULTS) {
  Deno.test(`fetchHandler: a handler that ${title} gives 500`, async () => {
    const errors = await servingFetch(handler, async (port) => {
      assertEquals(dateless(await exchangeBytes(port, post("no json"))), SERVER_ERROR);
    });
    assertEquals(errors.length, 1);
    assertStringIncludes(String(errors[0]), expected);
  });
}

/** Reads the body as frameworks do, and makes a Response of its failure. */
function answering(status: number): FetchHandler {
  return async (request) => {
    try {
      return new Response(await request.text());
    } catch {
      return new Response("caught", { status });
    }
  };
}

const hono = new Hono();
hono.post("/", async (c) => c.text(await c.req.text()));
hono.onError((_error, c) => c.text("Internal Server Error", 500));

/** Functions that read a body over `maxBody`, and the status that the client gets. */
const OVERSIZED: readonly (readonly [title: string, handler: FetchHandler, status: number])[] = [
  ["makes a 500 of the error", answering(500), 413],
  ["makes a 503 of the error", answering(503), 413],
  ["answers the error with its own 4xx", answering(422), 422],
  ["answers the error with 200", answering(200), 200],
  ["lets the error pass", async (request) => new Response(await request.text()), 413],
  ["is a Hono app", (request) => hono.fetch(request), 413],
];

for (const [title, handler, status] of OVERSIZED) {
  for (const fields of [["Content-Length: 9"], ["Transfer-Encoding: chunked"]]) {
    Deno.test(`fetchHandler: a body over maxBody, ${fields[0]}, and a function that ${title}: ${status}`, async () => {
      const codes: string[] = [];
      const onReject = ({ code }: HttpError) => void codes.push(code);
      const body = fields[0]!.startsWith("C") ? "too long!" : "9\r\ntoo long!\r\n0\r\n\r\n";
      const sent = ["POST / HTTP/1.1", "Host: x", ...fields].join("\r\n") + `\r\n\r\n${body}`;
      await servingFetchWell(handler, async (port) => {
        assertMatch(await exchangeBytes(port, sent), new RegExp(`^HTTP/1\\.1 ${status} `));
      }, { maxBody: 8, onReject });
      assertEquals(codes, status === 413 ? ["body-too-large"] : []);
    });
  }
}

Deno.test("fetchHandler: a 500 of the function's own is sent as it is", async () => {
  const handler: FetchHandler = async (request) => {
    await request.text();
    return new Response("mine", { status: 500 });
  };
  await servingFetchWell(handler, async (port) => {
    assertMatch(await exchangeBytes(port, post("short")), /^HTTP\/1\.1 500 [^]*mine$/);
  }, { maxBody: 8 });
});

Deno.test("fetchHandler: a Response that is returned twice is sent once, then gives 500", async () => {
  const response = new Response("once");
  const errors = await servingFetch(() => response, async (port) => {
    assertEquals(
      dateless(await exchangeBytes(port, GET.repeat(2))),
      `HTTP/1.1 200 OK\r\n${TEXT}Content-Length: 4\r\n\r\nonce${SERVER_ERROR}`,
    );
  });
  assertEquals(errors.length, 1);
});

Deno.test("fetchHandler: a body that fails midway is truncated, which its framing shows", async () => {
  const handler: FetchHandler = () => {
    const chunks = ["one", "two"];
    return new Response(
      new ReadableStream({
        async pull(controller) {
          await soon();
          const chunk = chunks.shift();
          if (chunk === undefined) controller.error(new Error("midway"));
          else controller.enqueue(utf8(chunk));
        },
      }, { highWaterMark: 0 }),
    );
  };
  const errors = await servingFetch(handler, async (port) => {
    assertEquals(
      dateless(await exchangeBytes(port, GET.repeat(2))),
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n",
    );
    const response = await fetch(`http://127.0.0.1:${port}/`);
    await assertRejects(() => response.text());
  });
  assertEquals(errors.map(String), ["Error: midway", "Error: midway"]);
});

Deno.test("fetchHandler: a request body that is rejected while the handler reads it counts as a rejection", async () => {
  const handler: FetchHandler = async (request) => new Response(await request.text());
  await servingFetchWell(handler, async (port) => {
    const chunked = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    assertMatch(await exchangeBytes(port, `${chunked}zz\r\n`), /^HTTP\/1\.1 400 /);
    assertMatch(
      await exchangeBytes(port, post("short").replace("5\r\n", "6\r\n")),
      /^HTTP\/1\.1 400 /,
    );
  });
  const errors = await servingFetch(handler, async (port) => {
    assertMatch(await exchangeBytes(port, post("too long")), /^HTTP\/1\.1 413 /);
  }, { maxBody: 7 });
  assertEquals(errors, []);
});
