/** What can be sent as the content of a response that is sent whole. */
export type Content = string | Uint8Array | null;

const NOTHING = new Uint8Array(0);
const encoder = new TextEncoder();

/** Content as bytes; text is UTF-8. */
export function contentBytes(content: Content | undefined): Uint8Array {
  if (content === undefined || content === null) return NOTHING;
  if (typeof content === "string") return encoder.encode(content);
  if (content instanceof Uint8Array) return content;
  throw new TypeError(`Content must be a string, a Uint8Array or null: got ${typeof content}`);
}

/** Is it so short that a look at each character costs less than an encoder, and ASCII, so that each is a byte? */
export function isShortAscii(text: string): boolean {
  if (text.length > SHORT) return false;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

const SHORT = 256;

/** Bytes as a stream of one chunk, a copy; readers may bring buffers of their own. */
export function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let given = bytes.length === 0;
  return new ReadableStream({
    type: "bytes",
    pull(controller) {
      if (!given) {
        given = true;
        return controller.enqueue(bytes.slice());
      }
      controller.close();
      controller.byobRequest?.respond(0);
    },
  }, { highWaterMark: 0 });
}
