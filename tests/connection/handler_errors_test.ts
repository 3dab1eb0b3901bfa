/** Handlers that throw, and handlers that do not respond. */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { fetchHandler, HttpError, streaming } from "@asynchttp/server";
import { GET, soon } from "../fixtures.ts";
import type { Handler, Request } from "../../src/connection/request.ts";
import { put } from "./bodies.ts";
import { converse, refused, response } from "./harness.ts";
import { silencedConsole } from "./silenced_console.ts";

/** A handler's mistake, and the error that `onError` receives. */
const MISTAKES: readonly { title: string; handler: Handler; error: string }[] = [
  {
    title: "a field name that is not a token",
    handler: (request) => request.respond(200, "", { "a b": "c" }),
    error: 'Invalid field name "a b"',
  },
  {
    title: "hardening 17: a line end in a value",
    handler: (request) => request.respond(200, "", { a: "b\r\nSet-Cookie: c" }),
    error: 'Invalid value of field "a"',
  },
  {
    title: "a statusText with a line end",
    handler: (request) => request.respond(200, "", {}, { statusText: "OK\r\n" }),
    error: "Invalid statusText",
  },
  {
    title: "a status out of range",
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
  ...Object.entries({
    "a number": [1, "got 1; send String(value)"],
    "a file": [{ __proto__: { readable: 1 } }, "got an object; send its property readable"],
    "a generator": [(async function* () {})(), "got an object; send ReadableStream.from(iterable)"],
    "a Blob": [new Blob(["a"]), "got a Blob; send blob.stream(), and blob.type as Content-Type"],
    "an ArrayBuffer": [new ArrayBuffer(1), "got an ArrayBuffer; send new Uint8Array(buffer)"],
    "a promise": [Promise.resolve("a"), "got a Promise; await it"],
    "a Response": [new Response("a"), "got a Response; call request.respondWith(response)"],
    "an object": [{ a: 1 }, "got an object; send JSON.stringify(object)"],
    "an array": [[1], "got an Array; send JSON.stringify(array)"],
    "a record without a prototype": [Object.create(null), "got an object"],
  }).map(([title, [content, got]]) => ({
    title: `content that is ${title}`,
    handler: (request: Request) => request.respond(200, content as string),
    error: `Content must be a string, a Uint8Array, a ReadableStream or null: ${got}`,
  })),
  {
    title: "a status given as a string",
    handler: (request) => request.respond("200" as unknown as number),
    error: 'Status must be an integer from 200 to 599: got "200", a string',
  },
  {
    title: "Response.error()",
    handler: (request) => request.respondWith(Response.error()),
    error: "Cannot send Response.error(): it stands for a network error and has no status",
  },
  {
    title: "a Response with 101",
    handler: (request) => request.respondWith({ status: 101 } as Response),
    error: "it switches protocols, call request.upgrade(), or upgradeWebSocket",
  },
  {
    title: "a Response that is returned",
    handler: (() => new Response("a")) as unknown as Handler,
    error: "it returned a Response, wrap it in fetchHandler",
  },
  {
    title: "a promise of a Response",
    handler: (() => Promise.resolve(new Response("a"))) as unknown as Handler,
    error: "it returned a Response, wrap it in fetchHandler",
  },
  {
    title: "work that is not awaited",
    handler: (request) => void soon().then(() => void request.respond(200)),
    error: "call request.respond(), and await whatever comes before it",
  },
  {
    title: "sendHeaders with a bad value",
    handler: (request) => request.sendHeaders({ a: "\0" }),
    error: 'Invalid value of field "a"',
  },
  {
    title: "an error that the handler throws",
    handler: () => {
      throw new Error("Oops");
    },
    error: "Oops",
  },
];

for (const { title, handler, error } of MISTAKES) {
  Deno.test(`a handler's mistake gives 500: ${title}`, async () => {
    const { output, errors } = await converse([GET + GET], handler);
    assertEquals(output, refused("500 Internal Server Error", "Internal Server Error"));
    assertEquals(errors.length, 1);
    assertStringIncludes((errors[0] as Error).message, error);
  });
}

Deno.test("a handler that throws an HttpError: its status and message, onReject, and no error", async () => {
  const seen: string[] = [];
  const { output, errors, counters } = await converse([GET + GET], () => {
    throw new HttpError(422, "bad-json", "count must be a number");
  }, { onReject: ({ status, code }) => void seen.push(`${status} ${code}`) });
  assertEquals(output, refused("422 Unprocessable Content", "count must be a number"));
  assertEquals([errors, seen, counters.rejections], [[], ["422 bad-json"], { "bad-json": 1 }]);
});

Deno.test("a handler that does not respond: 500, and the error is reported", async () => {
  const { output, errors, counters } = await converse([GET], () => {});
  assertEquals(output, refused("500 Internal Server Error", "Internal Server Error"));
  assertStringIncludes((errors[0] as Error).message, "returned without having answered");
  assert(!("cause" in (errors[0] as Error)), "a log would print [cause]: undefined");
  assertEquals(counters.rejections, { "not-answered": 1 });
});

Deno.test("a handler that ignores its failed response: the reported error has the reason as its cause", async () => {
  const { errors } = await converse([GET], (request) => void request.respond(1000));
  const error = errors[0];
  assertInstanceOf(error, Error);
  assertInstanceOf(error.cause, RangeError);
});

Deno.test("a handler that throws after its response: the error is reported, and the connection persists", async () => {
  const { output, errors } = await converse([GET + GET], async (request) => {
    await request.respond(200, "fine");
    throw new Error("too late");
  });
  assertEquals(output, response("200 OK", "fine").repeat(2));
  assertEquals(errors.length, 2);
});

const BAD_JSON = refused("400 Bad Request", "The body must be JSON (RFC 8259)");

/** How a handler reads a body as JSON, and lets the error pass. */
const JSON_READERS: { readonly [kind: string]: Handler } = {
  "a plain handler": async (request) => request.respond(200, String(await request.json())),
  "a streaming handler": streaming(async (request) => void await request.json()),
  "fetchHandler": fetchHandler(async (request) => Response.json(await request.json())),
};

for (const [kind, handler] of Object.entries(JSON_READERS)) {
  for (const body of ["", "{", "no json", "\xff"]) {
    Deno.test(`bad-json: ${kind} that lets ${JSON.stringify(body)} pass: 400, and onReject hears`, async () => {
      const codes: string[] = [];
      const onReject = (error: HttpError) => void codes.push(error.code);
      const { output, errors } = await converse([put(body.length) + body], handler, { onReject });
      assertEquals([output, errors, codes], [BAD_JSON, [], ["bad-json"]]);
    });
  }
}

Deno.test("bad-json: the handler gets a SyntaxError that it can answer itself", async () => {
  const { output, errors } = await converse([put(1) + "{"], async (request) => {
    await assertRejects(() => request.json(), SyntaxError);
    await request.respond(422, "sorry");
  });
  assertEquals([output, errors], [response("422 Unprocessable Content", "sorry"), []]);
});

Deno.test("bad-json: a SyntaxError of the handler's own is 500", async () => {
  const { output, errors } = await converse([put(1) + "1"], async (request) => {
    await request.json();
    JSON.parse("{");
  });
  assertEquals(output, refused("500 Internal Server Error", "Internal Server Error"));
  assertInstanceOf(errors[0], SyntaxError);
});

/** A handler that fails, and what the default `onError` says before the error. */
const LOGGED: readonly (readonly [handler: Handler, line: string])[] = [
  [() => {
    throw new Error("Oops");
  }, "before its response, so the client gets 500"],
  [() => {}, "before its response, so the client gets 500"],
  [async (request) => {
    await request.respond(200);
    throw new Error("Oops");
  }, "after its response"],
  [
    (request) => request.respond(200, ReadableStream.from([1 as unknown as Uint8Array])),
    "within its response, which ends here",
  ],
  [async (request) => {
    void request.respond(99);
    await request.client.write(new Uint8Array(1));
  }, "within its response, which ends here"],
];

for (const [handler, line] of LOGGED) {
  Deno.test(`onError: by default prints method, target and where the response stood: ${line}`, async () => {
    using silenced = silencedConsole();
    await converse([GET.replace("/", "/a?b=1")], handler, { onError: undefined });
    assertEquals(silenced.log.map(([about]) => about), [
      `The handler of GET "/a?b=1" failed ${line}:`,
    ]);
    assertInstanceOf(silenced.log[0]![1], Error);
  });
}
