/** A server made of `RequestParseStream` and `ResponseEncodeStream`, as in `examples/streams_server.ts`. */
import { RequestParseStream, ResponseEncodeStream } from "@asynchttp/server";
import type { EncodableResponse, ParsedRequest } from "@asynchttp/server";
import { HELLO } from "./content.ts";

async function* responses(
  requests: ReadableStream<ParsedRequest>,
): AsyncGenerator<EncodableResponse> {
  for await (const request of requests) yield { request, status: 200, body: HELLO };
}

async function* chunksOf(conn: Deno.Conn): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(16_384);
  for (let n; (n = await conn.read(buffer)) !== null;) yield buffer.subarray(0, n);
}

async function serve(conn: Deno.Conn): Promise<void> {
  const requests = ReadableStream.from(chunksOf(conn)).pipeThrough(new RequestParseStream());
  const sent = ReadableStream.from(responses(requests)).pipeThrough(new ResponseEncodeStream());
  try {
    await sent.pipeTo(conn.writable, { preventClose: true, preventAbort: true });
  } catch {
    // The load generator has ended.
  }
  conn.close();
}

const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
console.log(`port ${(listener.addr as Deno.NetAddr).port}`);
for await (const conn of listener) serve(conn);
