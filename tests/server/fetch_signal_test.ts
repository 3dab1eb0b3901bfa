/** Web handlers: `request.signal`. */
import { assert, assertEquals } from "@std/assert";
import type { FetchHandler } from "@asynchttp/server";
import { GET, soon, streamOf, utf8 } from "../fixtures.ts";
import { servingFetch, servingFetchWell } from "./fetch_tools.ts";
import { readText, readUntil, writeText } from "./tools.ts";

Deno.test("request.signal: aborts when the client disconnects while the handler waits", async () => {
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
  await servingFetchWell(handler, async (port) => {
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
  await servingFetchWell(upstream, async (upstreamPort) => {
    const handler: FetchHandler = (request) =>
      fetch(new Request(`http://127.0.0.1:${upstreamPort}/`, request));
    const errors = await servingFetch(handler, async (port) => {
      const conn = await Deno.connect({ hostname: "127.0.0.1", port });
      await writeText(conn, GET);
      await reached.promise;
      conn.close();
      await upstreamAborted.promise;
    });
    assert(errors.length <= 1);
  });
});

Deno.test("request.signal: aborts when the client disconnects within a streamed response, whose source is cancelled", async () => {
  const cancelled = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<void>();
  const handler: FetchHandler = (request) => {
    request.signal.addEventListener("abort", () => aborted.resolve());
    return new Response(
      new ReadableStream({
        async pull(controller) {
          await soon();
          controller.enqueue(utf8("tick"));
        },
        cancel: () => cancelled.resolve(),
      }, { highWaterMark: 0 }),
    );
  };
  await servingFetchWell(handler, async (port) => {
    const response = await fetch(`http://127.0.0.1:${port}/`);
    const reader = response.body!.getReader();
    await reader.read();
    await reader.cancel();
    await aborted.promise;
    await cancelled.promise;
  });
});

Deno.test("request.signal: aborts within a stream that waits when the client half-closes", async () => {
  const aborted = Promise.withResolvers<void>();
  const handler: FetchHandler = (request) => {
    let last: ReadableStreamDefaultController;
    request.signal.addEventListener("abort", () => {
      last.enqueue(utf8("bye"));
      last.close();
      aborted.resolve();
    });
    return new Response(
      new ReadableStream({
        start(controller) {
          last = controller;
          controller.enqueue(utf8("hello"));
        },
      }),
    );
  };
  await servingFetchWell(handler, async (port) => {
    using conn = await Deno.connect({ hostname: "127.0.0.1", port });
    await writeText(conn, GET);
    await readUntil(conn, (text) => text.endsWith("5\r\nhello\r\n"));
    await conn.closeWrite();
    await aborted.promise;
    // Its read side may be open: it receives the rest.
    assertEquals(await readText(conn), "3\r\nbye\r\n0\r\n\r\n");
  });
});

Deno.test("request.signal: never aborts after the request is served", async () => {
  const signals: AbortSignal[] = [];
  const handler: FetchHandler = async (request) => {
    signals.push(request.signal, new Request(request).signal);
    if (request.method === "POST") await request.text();
    return request.url.endsWith("stream") ? new Response(streamOf("a", "b")) : new Response("hi");
  };
  await servingFetchWell(handler, async (port) => {
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

Deno.test("request.signal: does not abort if it is first accessed after the request is served", async () => {
  const kept: Request[] = [];
  const handler: FetchHandler = (request) => {
    kept.push(request);
    return new Response("hi");
  };
  await servingFetchWell(handler, async (port) => {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    await writeText(conn, GET);
    await readUntil(conn, (text) => text.endsWith("hi"));
    assertEquals(kept[0]!.signal.aborted, false);
    conn.close();
  });
  await soon();
  assertEquals(kept[0]!.signal.aborted, false);
});
