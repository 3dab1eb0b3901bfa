/** Bodies, for the tests of those that stream. */
import { assertEquals } from "@std/assert";
import type { Handler } from "@asynchttp/server";
import { utf8 } from "../fixtures.ts";
import { converse } from "./harness.ts";
import type { Step } from "./scripted_conn.ts";

/** Head of a request whose body comes in chunks. */
export const CHUNKED = "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";

/** Head of a request with a body of that length. */
export function put(length: number, fields = ""): string {
  return `PUT / HTTP/1.1\r\nHost: x\r\n${fields}Content-Length: ${length}\r\n\r\n`;
}

/** A source that gives the texts one by one, and fails. */
export function failing(...texts: string[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull(controller) {
      const text = texts.shift();
      if (text === undefined) controller.error(new Error("source"));
      else controller.enqueue(utf8(text));
    },
  }, { highWaterMark: 0 });
}

/** A conversation: what the client sends, what the handler does, what the client gets. */
interface Row {
  readonly title: string;
  readonly sent: readonly Step[];
  readonly handler: Handler;
  readonly got: string;
}

/** Each row is a test, in which `onError` must hear of nothing. */
export function conversations(rows: readonly Row[]): void {
  for (const { title, sent, handler, got } of rows) {
    Deno.test(title, async () => {
      const { output, errors } = await converse(sent, handler);
      assertEquals(output, got);
      assertEquals(errors, []);
    });
  }
}
