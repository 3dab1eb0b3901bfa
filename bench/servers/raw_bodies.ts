/**
 * The floor of bodies that are streams: they pass a `ReadableStream`, nothing is parsed but the
 * end of a head, and the length of the upload is known beforehand.
 */
import { pages, sizeOf } from "./content.ts";

const UPLOAD_BYTES = 1 << 20;
const READ_BYTES = 65_536;

const encoder = new TextEncoder();
const CRLF = encoder.encode("\r\n");
const CHUNKED_HEAD = encoder.encode("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
const LAST_CHUNK = encoder.encode("0\r\n\r\n");

/** Reads a head, and what follows it in the same read; null when the client has gone. */
async function bodyStart(conn: Deno.Conn): Promise<Uint8Array<ArrayBuffer> | null> {
  const bytes = new Uint8Array(READ_BYTES);
  const count = await conn.read(bytes);
  if (count === null) return null;
  for (let at = 3; at < count; at++) {
    if (bytes[at] === 10 && bytes[at - 2] === 10) return bytes.subarray(at + 1, count);
  }
  throw new Error("The head must come with one read");
}

/** The body of an upload; each piece is new memory, which belongs to the reader of the stream. */
function upload(conn: Deno.Conn, start: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array> {
  let left = UPLOAD_BYTES - start.length;
  return new ReadableStream({
    start: (controller) => controller.enqueue(start),
    async pull(controller) {
      if (left === 0) return controller.close();
      const bytes = new Uint8Array(Math.min(left, READ_BYTES));
      const count = await conn.read(bytes) ?? 0;
      left -= count;
      controller.enqueue(bytes.subarray(0, count));
    },
  }, { highWaterMark: 0 });
}

async function answerUpload(conn: Deno.Conn, start: Uint8Array<ArrayBuffer>): Promise<void> {
  const size = String(await sizeOf(upload(conn, start)));
  const head = `HTTP/1.1 200 OK\r\nContent-Length: ${size.length}\r\n\r\n`;
  await conn.write(encoder.encode(head + size));
}

/** Deno has no write of two buffers, so a chunk is copied between its size line and its end. */
async function answerDownload(conn: Deno.Conn): Promise<void> {
  await writeAll(conn, CHUNKED_HEAD);
  const buffer = new Uint8Array(READ_BYTES + 16);
  for await (const page of pages()) {
    const line = encoder.encode(`${page.length.toString(16)}\r\n`);
    buffer.set(line);
    buffer.set(page, line.length);
    buffer.set(CRLF, line.length + page.length);
    await writeAll(conn, buffer.subarray(0, line.length + page.length + CRLF.length));
  }
  await writeAll(conn, LAST_CHUNK);
}

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

async function serve(conn: Deno.Conn): Promise<void> {
  const answer = Deno.args[0] === "streamed" ? answerUpload : answerDownload;
  try {
    for (let start = await bodyStart(conn); start !== null; start = await bodyStart(conn)) {
      await answer(conn, start);
    }
  } catch {
    // The load generator has ended.
  }
  conn.close();
}

const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
console.log(`port ${(listener.addr as Deno.NetAddr).port}`);
for await (const conn of listener) serve(conn);
