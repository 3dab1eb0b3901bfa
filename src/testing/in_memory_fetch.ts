/** A `fetch` over a connection that is there already. */
import { ignoreRejection } from "../ignore_rejection.ts";
import { encodeChunkEnd, encodeChunkSize, encodeLastChunk } from "../wire/chunked.ts";
import { WriteBuffer } from "../wire/write_buffer.ts";
import type { InMemoryConn } from "./memory_conn.ts";
import type { ReceivedResponse } from "./response_reader.ts";
import { ResponseReader } from "./response_reader.ts";

/**
 * What to fetch, as `fetch` takes it; a path is one of `http://localhost`.
 *
 * @example
 * ```ts
 * import { type FetchInput, serveInMemory } from "@asynchttp/server/testing";
 *
 * await using server = serveInMemory((request) => request.respond(200, request.url.href));
 * const inputs: FetchInput[] = ["/a", new URL("http://example.com/b")];
 * for (const input of inputs) console.log(await (await server.fetch(input)).text());
 * // http://localhost/a
 * // http://example.com/b
 * ```
 */
export type FetchInput = string | URL | globalThis.Request;

/** Sends one request over `conn`, and closes it when the response was read, cancelled or aborted. */
export async function fetchOver(
  conn: InMemoryConn,
  input: FetchInput,
  init?: RequestInit,
): Promise<Response> {
  const request = new Request(typeof input === "string" ? new URL(input, ORIGIN) : input, init);
  const { signal } = request;
  signal.throwIfAborted();
  const abort = () => conn.reset();
  signal.addEventListener("abort", abort);
  const close = () => {
    signal.removeEventListener("abort", abort);
    conn.close();
  };
  try {
    // The server may respond before it has read the body.
    ignoreRejection(send(conn, request, init?.body instanceof ReadableStream));
    return responseOf(request, await finalResponse(conn, request.method), close);
  } catch (error) {
    close();
    signal.throwIfAborted();
    throw error;
  }
}

const ORIGIN = "http://localhost";

async function send(conn: Deno.Conn, request: globalThis.Request, streams: boolean): Promise<void> {
  const { body } = request;
  if (streams && body !== null) {
    await conn.write(encodedHead(request, "Transfer-Encoding: chunked\r\n"));
    for await (const chunk of body) await writeChunk(conn, chunk);
    await conn.write(lastChunk());
    return;
  }
  const content = await request.bytes();
  const hasLength = body !== null || HAS_BODY.test(request.method);
  await conn.write(
    encodedHead(request, hasLength ? `Content-Length: ${content.length}\r\n` : ""),
  );
  await conn.write(content);
}

/** Methods whose request says that its body is empty (RFC 9110, 8.6). */
const HAS_BODY = /^(?:POST|PUT|PATCH)$/;

function encodedHead({ method, url, headers }: globalThis.Request, framing: string): Uint8Array {
  const { host, pathname, search } = new URL(url);
  const fields = [...headers].map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const hostField = headers.has("host") ? "" : `Host: ${host}\r\n`;
  const out = new WriteBuffer();
  // The values of `Headers` are bytes, one a character.
  out.latin1(`${method} ${pathname}${search} HTTP/1.1\r\n${hostField}${fields}${framing}\r\n`);
  return out.take();
}

async function writeChunk(conn: Deno.Conn, chunk: Uint8Array): Promise<void> {
  if (chunk.length === 0) return;
  const out = new WriteBuffer();
  encodeChunkSize(out, chunk.length);
  out.copy(chunk);
  encodeChunkEnd(out);
  await conn.write(out.take());
}

function lastChunk(): Uint8Array {
  const out = new WriteBuffer();
  encodeLastChunk(out, []);
  return out.take();
}

/** Skips interim responses (RFC 9110, 15.2). */
async function finalResponse(conn: Deno.Conn, method: string): Promise<ReceivedResponse> {
  const reader = new ResponseReader(conn);
  for (;;) {
    const response = await reader.next(method);
    if (response.status === 101) {
      throw new TypeError("The response is 101: use connect() to speak another protocol");
    }
    if (response.status >= 200) return response;
  }
}

function responseOf(
  { url, signal }: globalThis.Request,
  { status, statusText, fields, content }: ReceivedResponse,
  close: () => void,
): Response {
  const headers = new Headers();
  for (const [name, value] of fields) headers.append(name, value);
  if (content === null) close();
  const body = content === null ? null : endingWith(content, close, signal);
  // A Response takes a body with these statuses only if it is null.
  const response = new Response(NULL_BODY.has(status) ? null : body, {
    status,
    statusText,
    headers,
  });
  Object.defineProperty(response, "url", { value: url });
  return response;
}

const NULL_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/** The same content, with `close` called at its end, however it ends. */
function endingWith(
  content: ReadableStream<Uint8Array<ArrayBuffer>>,
  close: () => void,
  signal: AbortSignal,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = content.getReader();
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (!done) return controller.enqueue(value);
        close();
        controller.close();
      } catch (error) {
        close();
        throw signal.aborted ? signal.reason : error;
      }
    },
    cancel(reason) {
      close();
      return reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
}
