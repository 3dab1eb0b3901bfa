/** Error responses: the statuses of both profiles, and `onReject`. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { BAD_REQUEST, BAD_RESPONSE, converse, echo } from "./harness.ts";

Deno.test("profile rfc: the RFC's statuses, and a POST without a length has no body", async () => {
  const options = { profile: "rfc", limits: { line: 60, headers: 2 } } as const;
  const statusOf = async (sent: string) =>
    (await converse([sent], echo, options)).output.slice(9, 12);
  assertEquals(await statusOf(`GET /${"x".repeat(60)} HTTP/1.1\r\n\r\n`), "414");
  assertEquals(await statusOf(`${"M".repeat(61)} / HTTP/1.1\r\n\r\n`), "400");
  assertEquals(await statusOf(`GET / HTTP/1.1\r\nHost: ${"x".repeat(60)}\r\n\r\n`), "431");
  assertEquals(await statusOf("GET / HTTP/1.1\r\nHost: x\r\na: b\r\nc: d\r\n\r\n"), "431");
  assertEquals(await statusOf("POST / HTTP/1.1\r\nHost: x\r\n\r\n"), "200");
});

Deno.test("profile original: the statuses of Nim's server", async () => {
  const options = { limits: { line: 60, headers: 2 } } as const;
  const statusOf = async (sent: string) =>
    (await converse([sent], echo, options)).output.slice(9, 12);
  assertEquals(await statusOf(`GET /${"x".repeat(60)} HTTP/1.1\r\n\r\n`), "413");
  assertEquals(await statusOf(`${"M".repeat(61)} / HTTP/1.1\r\n\r\n`), "413");
  assertEquals(await statusOf(`GET / HTTP/1.1\r\nHost: ${"x".repeat(60)}\r\n\r\n`), "413");
  assertEquals(await statusOf("GET / HTTP/1.1\r\nHost: x\r\na: b\r\nc: d\r\n\r\n"), "400");
  assertEquals(await statusOf("POST / HTTP/1.1\r\nHost: x\r\n\r\n"), "411");
});

Deno.test("onReject: replaces each part of the response, and receives the address", async () => {
  const { output, counters } = await converse([BAD_REQUEST], echo, {
    onReject: (error, { remoteAddr }) => {
      assertEquals(error.code, "bad-host");
      assertEquals(remoteAddr.transport, "tcp");
      return {
        status: 421,
        statusText: "Elsewhere",
        headers: { X: "y" },
        body: new Uint8Array([33]),
      };
    },
  });
  assertStringIncludes(output, "HTTP/1.1 421 Elsewhere\r\nX: y\r\n");
  assertStringIncludes(output, "Connection: close\r\nContent-Length: 1\r\n\r\n!");
  assertEquals(counters.rejections, { "bad-host": 1 });
});

Deno.test("onReject: a response that cannot be sent is replaced by the standard one", async () => {
  const { output, errors } = await converse([BAD_REQUEST], echo, {
    onReject: () => ({ headers: { "a b": "" } }),
  });
  assertEquals(output, BAD_RESPONSE);
  assertEquals(errors.length, 1);
});

Deno.test("onReject: no byte of an invalid response is written", async () => {
  const { output } = await converse([BAD_REQUEST], echo, {
    onReject: () => ({ body: 5 as unknown as string }),
  });
  assertEquals(output, BAD_RESPONSE);
});

Deno.test("onReject: an error that it throws is reported, and the standard response is sent", async () => {
  const { output, errors } = await converse([BAD_REQUEST], echo, {
    onReject: () => {
      throw new Error("hook");
    },
  });
  assertEquals(output, BAD_RESPONSE);
  assertEquals(errors.length, 1);
});
