/** A byte case as data: what the client sends, what the handler does, what the client receives. */
import { assertEquals } from "@std/assert";
import type { Handler } from "@asynchttp/server";
import { converse, echo } from "./harness.ts";
import type { Step } from "./scripted_conn.ts";

/** One conversation. */
interface Conversation {
  readonly title: string;
  /** A text is sent in three ways: whole, byte by byte, and in two halves. */
  readonly sent: string | readonly Step[];
  /** By default {@linkcode echo}. */
  readonly handler?: Handler;
  /** All bytes that the client receives. */
  readonly got: string;
}

/** Registers a test for each row; `onError` must not be called. */
export function conversations(rows: readonly Conversation[]): void {
  for (const { title, sent, handler = echo, got } of rows) {
    Deno.test(title, async () => {
      for (const script of typeof sent === "string" ? splits(sent) : [sent]) {
        const { output, errors } = await converse(script, handler);
        assertEquals(output, got);
        assertEquals(errors, []);
      }
    });
  }
}

function splits(sent: string): Step[][] {
  const half = sent.length >> 1;
  return [[sent], [...sent], [sent.slice(0, half), sent.slice(half)]];
}
