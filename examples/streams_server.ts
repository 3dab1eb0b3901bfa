/**
 * A whole server made of streams: `Deno.listen`, `RequestParseStream`, `ResponseEncodeStream`.
 * `AsyncHttpServer` is faster, and has timeouts, limits on connections, and a lingering close.
 *
 * ```sh
 * deno run --allow-net examples/streams_server.ts
 * curl -d hello http://localhost:8080/echo
 * ```
 */
import { setTimeout as delay } from "node:timers/promises";
import { HttpError, RequestParseStream, ResponseEncodeStream } from "@asynchttp/server";
import type { EncodableResponse, ParsedRequest } from "@asynchttp/server";

/** After an accept that has failed, as all do while descriptors are short, in milliseconds. */
const PAUSE_MS = 10;

function respond({ target, body }: ParsedRequest): EncodableResponse {
  if (target === "/echo") return { status: 200, body };
  if (target === "/") return { status: 200, body: "Hello, World!\n" };
  return { status: 404, body: "Not found\n" };
}

async function* responses(
  requests: ReadableStream<ParsedRequest>,
): AsyncGenerator<EncodableResponse> {
  try {
    for await (const request of requests.values({ preventCancel: true })) {
      if (request.framing.expectsContinue) yield { request, status: 100 };
      yield { request, ...respond(request) };
      if (!request.framing.persistent) return;
    }
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    yield { status: error.status, body: `${error.message}\n`, headers: { Connection: "close" } };
  }
}

/** Neither `conn.readable` nor `conn.writable`: at its end, or with its error, it closes the socket. */
async function* chunksOf(conn: Deno.Conn): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(65_536);
  for (let n; (n = await conn.read(buffer)) !== null;) yield buffer.subarray(0, n);
}

async function serve(conn: Deno.Conn): Promise<void> {
  const requests = ReadableStream.from(chunksOf(conn)).pipeThrough(new RequestParseStream());
  const sent = ReadableStream.from(responses(requests)).pipeThrough(new ResponseEncodeStream());
  try {
    for await (const bytes of sent) {
      for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
    }
  } catch {
    // The client has gone, or a response has failed.
  }
  conn.close();
}

const hostname = "127.0.0.1";
const listener = Deno.listen({ port: Number(Deno.args[0] ?? 8080), hostname });
console.log(`Listening on http://${hostname}:${(listener.addr as Deno.NetAddr).port}/`);
for (;;) {
  // Not `for await`: a client that resets before it is accepted makes the accept fail.
  const conn = await listener.accept().catch(() => null);
  if (conn !== null) serve(conn);
  else await delay(PAUSE_MS);
}
