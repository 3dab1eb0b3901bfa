import { inspected } from "../validate.ts";

/**
 * Content of a response that is sent as a whole.
 *
 * @example
 * ```ts
 * import type { Content } from "@asynchttp/server";
 * import { serveInMemory } from "@asynchttp/server/testing";
 *
 * const content: Content = new TextEncoder().encode("bytes");
 * await using server = serveInMemory((request) => request.respond(200, content));
 * console.log(await (await server.fetch("/")).text()); // bytes
 * ```
 */
export type Content = string | Uint8Array | null;

const NOTHING = new Uint8Array(0);
const encoder = new TextEncoder();

/** Returns content as bytes; text is encoded as UTF-8. */
export function contentBytes(content: Content | undefined): Uint8Array {
  if (content === undefined || content === null) return NOTHING;
  if (typeof content === "string") return encoder.encode(content);
  if (content instanceof Uint8Array) return content;
  throw new TypeError(
    `Content must be a string, a Uint8Array, a ReadableStream or null: got ${inspected(content)}${
      remedyFor(content)
    }`,
  );
}

/** What to write instead, for the values that are given most often. */
function remedyFor(content: unknown): string {
  if (content instanceof Blob) return "; send blob.stream(), and blob.type as Content-Type";
  if (content instanceof ArrayBuffer) return "; send new Uint8Array(buffer)";
  if (content instanceof Promise) return "; await it";
  if (content instanceof Response) return "; call request.respondWith(response)";
  if (Array.isArray(content)) return "; send JSON.stringify(array)";
  if (typeof content !== "object" || content === null) return "; send String(value)";
  if (Object.getPrototypeOf(content) === Object.prototype) return "; send JSON.stringify(object)";
  if ("readable" in content) return "; send its property readable";
  if (Symbol.asyncIterator in content) return "; send ReadableStream.from(iterable)";
  return "";
}

/** Returns a chunk of streamed content, which must be bytes. */
export function contentChunk(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  const got = typeof value === "string"
    ? "a string; pipe text through a TextEncoderStream"
    : inspected(value);
  throw new TypeError(`A chunk of the content must be a Uint8Array: got ${got}`);
}

/** Whether `text` is ASCII, one byte per character, and so short that checking it costs less than a `TextEncoder`. */
export function isShortAscii(text: string): boolean {
  if (text.length > MAX_SHORT_LENGTH) return false;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

const MAX_SHORT_LENGTH = 256;

/** Returns a stream of one chunk, a copy of `bytes`; supports readers that bring their own buffers. */
export function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let isSent = bytes.length === 0;
  return new ReadableStream({
    type: "bytes",
    pull(controller) {
      if (!isSent) {
        isSent = true;
        return controller.enqueue(bytes.slice());
      }
      controller.close();
      controller.byobRequest?.respond(0);
    },
  }, { highWaterMark: 0 });
}
