/** Requests with bodies, and sources of responses. */
import { utf8 } from "../fixtures.ts";

/** Head of a request with a chunked body. */
export const CHUNKED = "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";

/** Returns the head of a request with a body of `length` bytes. */
export function put(length: number, fields = ""): string {
  return `PUT / HTTP/1.1\r\nHost: x\r\n${fields}Content-Length: ${length}\r\n\r\n`;
}

/** Returns a source that yields the texts one by one and then fails. */
export function failing(...texts: string[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull(controller) {
      const text = texts.shift();
      if (text === undefined) controller.error(new Error("source"));
      else controller.enqueue(utf8(text));
    },
  }, { highWaterMark: 0 });
}
