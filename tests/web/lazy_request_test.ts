/** Web requests lead back to what they were made of, also where the platform accepts no lazy one. */
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { lazyRequest, sourceOf } from "../../src/web/lazy_request.ts";
import type { RequestSource } from "../../src/web/lazy_request.ts";

function source(): RequestSource {
  return {
    method: "GET",
    url: new URL("http://localhost/a"),
    headers: new Headers({ "X-A": "1" }),
    hasBody: false,
    stream: new ReadableStream(),
    trailers: Promise.resolve(new Headers()),
    signal: new AbortController().signal,
  };
}

Deno.test("lazyRequest: a request leads back to its source, a copy of it does not", () => {
  const one = source();
  const request = lazyRequest(one, () => {});
  assertStrictEquals(sourceOf(request), one);
  assertStrictEquals(sourceOf(new Request(request)), undefined);
  assertStrictEquals(sourceOf(request.clone()), undefined);
});

/** A platform that knows its own requests only. */
class StrictRequest extends Request {
  constructor(input: RequestInfo | URL, init?: RequestInit) {
    if (input instanceof Request && Object.getPrototypeOf(input) !== StrictRequest.prototype) {
      throw new TypeError("This is no genuine Request");
    }
    super(input, init);
  }
}

Deno.test("lazyRequest: if the platform accepts no lazy requests, genuine ones are created, and lead back too", async () => {
  const genuine = globalThis.Request;
  globalThis.Request = StrictRequest;
  try {
    // A module of its own, which meets the other platform when it is evaluated.
    const strict: typeof import("../../src/web/lazy_request.ts") = await import(
      new URL("../../src/web/lazy_request.ts?strict", import.meta.url).href
    );
    const one = source();
    const request = strict.lazyRequest(one, () => {});
    assertEquals(Object.getPrototypeOf(request), StrictRequest.prototype);
    assertEquals([request.url, request.headers.get("x-a")], ["http://localhost/a", "1"]);
    assertStrictEquals(strict.sourceOf(request), one);
  } finally {
    globalThis.Request = genuine;
  }
});

const WHOLE = ["arrayBuffer", "blob", "bytes", "formData", "json", "text"] as const;

Deno.test("lazyRequest: what is read whole is announced, by each request that leads back", async () => {
  const genuine = globalThis.Request;
  globalThis.Request = StrictRequest;
  const strict: typeof import("../../src/web/lazy_request.ts") = await import(
    new URL("../../src/web/lazy_request.ts?strict", import.meta.url).href
  ).finally(() => globalThis.Request = genuine);
  for (const make of [lazyRequest, strict.lazyRequest]) {
    for (const method of WHOLE) {
      const kept: RequestSource[] = [];
      const one = source();
      const request = make(one, (source) => kept.push(source));
      assertEquals([request.url, request.body, kept.length], ["http://localhost/a", null, 0]);
      await request[method]().catch(() => {});
      assert(kept.length > 0 && kept.every((source) => source === one), method);
    }
  }
});
