import { assertEquals } from "@std/assert";
import { staticBody } from "../../src/web/static_body.ts";

function looked(response: Response): Response {
  response.body!.getReader();
  return response;
}

/** Expected on the Deno that runs the tests; on others null is correct, only slower. */
const ROWS: readonly (readonly [what: string, response: Response, kind: string | null])[] = [
  ["text", new Response("x"), "text"],
  ["text with fields", new Response("x", { headers: { a: "b" } }), "text"],
  ["JSON", Response.json({}), "text"],
  ["bytes", new Response(new Uint8Array(3)), "bytes"],
  ["bytes with fields", new Response(new Uint8Array(3), { headers: { a: "b" } }), "bytes"],
  ["nothing", new Response(null), null],
  ["a stream", new Response(new ReadableStream()), null],
  ["text whose stream was accessed", looked(new Response("x")), null],
  ["a file", new Response(new Blob(["x"])), null],
  ["a byte order mark, which text() would remove", new Response("\uFEFFx"), null],
  ["a duck", { status: 200 } as Response, null],
];

for (const [what, response, kind] of ROWS) {
  Deno.test(`static body: ${what}`, () => assertEquals(staticBody(response), kind));
}
