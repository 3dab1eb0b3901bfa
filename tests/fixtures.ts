/** What tests of every layer need. */

/** The smallest request, which leaves the connection open. */
export const GET = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

/** A later turn of the event loop: what is ready has happened by then. */
export function soon(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}

/** The bytes of a text. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** A stream that gives the texts one by one, and ends. */
export function streamOf(...texts: string[]): ReadableStream<Uint8Array<ArrayBuffer>> {
  return ReadableStream.from(texts.map(utf8));
}
