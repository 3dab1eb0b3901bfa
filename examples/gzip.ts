/**
 * Compresses text for clients that accept gzip.
 *
 * ```sh
 * deno run --allow-net examples/gzip.ts
 * curl -i --compressed http://localhost:8080/
 * ```
 *
 * Do not compress pages that repeat what a client has sent beside a secret: the length of the
 * result tells the secret (BREACH). Arguments: the port.
 */
import { AsyncHttpServer, type FetchHandler, fetchHandler } from "@asynchttp/server";

/** Images and archives are compressed already, and events must not wait for a full block. */
const COMPRESSIBLE = /^(?:text\/(?!event-stream)|application\/json|image\/svg)/;

/** Whether the client lists gzip, or anything, with a weight other than 0 (RFC 9110, 12.5.3). */
function acceptsGzip(headers: Headers): boolean {
  const weights = new Map(
    (headers.get("accept-encoding") ?? "").toLowerCase().split(",").map((item) => {
      const [coding, ...parameters] = item.split(";").map((part) => part.trim());
      const weight = parameters.find((parameter) => parameter.startsWith("q="));
      return [coding!, Number(weight?.slice(2) ?? 1)];
    }),
  );
  return (weights.get("gzip") ?? weights.get("*") ?? 0) > 0;
}

function compressed(handler: FetchHandler): FetchHandler {
  return async (request, info) => {
    const response = await handler(request, info);
    const { body, status, headers } = response;
    const isCompressible = COMPRESSIBLE.test(headers.get("content-type") ?? "") &&
      body !== null && status !== 206 && !headers.has("content-encoding");
    if (!isCompressible) return response;
    const changed = new Headers(headers);
    changed.append("vary", "accept-encoding"); // for caches, also where this response is not encoded
    if (!acceptsGzip(request.headers)) return new Response(body, { status, headers: changed });
    changed.delete("content-length");
    changed.set("content-encoding", "gzip");
    const etag = headers.get("etag");
    // Other bytes need another tag, and a weak one says that the meaning is the same.
    if (etag?.startsWith('"')) changed.set("etag", `W/${etag}`);
    return new Response(body.pipeThrough(new CompressionStream("gzip")), {
      status,
      headers: changed,
    });
  };
}

function app(): Response {
  return new Response("Hello, World!\n".repeat(1000), {
    headers: { "content-type": "text/plain; charset=utf-8", "etag": '"hello"' },
  });
}

const server = new AsyncHttpServer();
const serving = server.serve(Number(Deno.args[0] ?? 8080), fetchHandler(compressed(app)), {
  address: "127.0.0.1",
});
console.log(`Listening on http://127.0.0.1:${server.getPort()}/`);
await serving;
