import { assertEquals } from "@std/assert";
import { takeStaticBody } from "../../src/web/static_body.ts";

function looked(response: Response): Response {
  response.body!.getReader();
  return response;
}

/** Expected on the Deno that runs the tests; on others null is correct, only slower. */
const ROWS: readonly (readonly [what: string, response: Response, body: unknown])[] = [
  ["text", new Response("x"), "x"],
  ["text with fields", new Response("x", { headers: { a: "b" } }), "x"],
  ["JSON", Response.json({}), "{}"],
  ["a form", new Response(new URLSearchParams("a=b")), "a=b"],
  ["bytes", new Response(new Uint8Array(3)), new Uint8Array(3)],
  [
    "bytes with fields",
    new Response(new Uint8Array(3), { headers: { a: "b" } }),
    new Uint8Array(3),
  ],
  ["a clone of text", new Response("x").clone(), "x"],
  ["nothing", new Response(null), null],
  ["a stream", new Response(new ReadableStream()), null],
  ["text whose stream was accessed", looked(new Response("x")), null],
  ["a file", new Response(new Blob(["x"])), null],
  ["a byte order mark, which text() would remove", new Response("\uFEFFx"), "\uFEFFx"],
  ["a duck", { status: 200 } as Response, null],
];

for (const [what, response, body] of ROWS) {
  Deno.test(`static body: ${what}`, () => {
    const wasUsed = response.bodyUsed;
    assertEquals(takeStaticBody(response), body);
    assertEquals(response.bodyUsed, body === null ? wasUsed : true);
  });
}

Deno.test("static body: later changes to the bytes that it was made of do not reach it", () => {
  const bytes = new Uint8Array(3);
  const response = new Response(bytes);
  bytes.fill(1);
  assertEquals(takeStaticBody(response), new Uint8Array(3));
});
