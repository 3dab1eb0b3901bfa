/** Handlers that throw, and handlers that do not respond. */
import { assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { GET } from "../fixtures.ts";
import type { Handler } from "../../src/connection/request.ts";
import { converse, refused, response } from "./harness.ts";

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

Deno.test("a handler that does not respond: 500, and the error is reported", async () => {
  const { output, errors, counters } = await converse([GET], () => {});
  assertEquals(output, refused("500 Internal Server Error", "Internal Server Error"));
  assertStringIncludes((errors[0] as Error).message, "returned without having answered");
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
