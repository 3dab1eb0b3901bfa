/** Error responses: the statuses of both profiles, and `onReject`. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import type { AsyncHttpServerOptions } from "@asynchttp/server";
import { BAD_REQUEST, BAD_RESPONSE, converse, echo } from "./harness.ts";

/** What the client sends, and the status in each profile under {@linkcode LIMITS}. */
const STATUSES: readonly (readonly [sent: string, original: string, rfc: string])[] = [
  [`GET /${"x".repeat(60)} HTTP/1.1\r\n\r\n`, "413", "414"],
  [`${"M".repeat(61)} / HTTP/1.1\r\n\r\n`, "413", "400"],
  [`GET / HTTP/1.1\r\nHost: ${"x".repeat(60)}\r\n\r\n`, "413", "431"],
  ["GET / HTTP/1.1\r\nHost: x\r\na: b\r\nc: d\r\n\r\n", "400", "431"],
  ["POST / HTTP/1.1\r\nHost: x\r\n\r\n", "411", "200"],
];
const LIMITS = { line: 60, headers: 2 };

async function statusesIn(options: AsyncHttpServerOptions): Promise<string[]> {
  const statuses: string[] = [];
  for (const [sent] of STATUSES) {
    statuses.push(
      (await converse([sent], echo, { ...options, limits: LIMITS })).output.slice(9, 12),
    );
  }
  return statuses;
}

Deno.test("profile rfc: the RFC's statuses, and a POST without a length has no body", async () => {
  assertEquals(await statusesIn({ profile: "rfc" }), STATUSES.map(([, , rfc]) => rfc));
});

Deno.test("profile original, the default: the statuses of Nim's server", async () => {
  assertEquals(await statusesIn({}), STATUSES.map(([, original]) => original));
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
