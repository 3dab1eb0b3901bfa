/** The records of a worker within its output: found however the output is cut, and not forged. */
import { assertEquals } from "@std/assert";
import { encodeOrder, encodeRecord, jsonLines, OutputSplitter } from "../../src/cluster/records.ts";
import type { WorkerRecord } from "../../src/cluster/records.ts";
import { NO_STATS } from "../../src/cluster/stats.ts";
import { bytesOf, textOf } from "../fixtures.ts";

const SECRET = "c0ffee";
const BEAT: WorkerRecord = { type: "beat", stats: NO_STATS };
const RECORD = textOf(encodeRecord(SECRET, BEAT));

/** The text and the number of records that come of pieces of output. */
function split(...pieces: string[]): { text: string; records: number; rest: string } {
  const splitter = new OutputSplitter(SECRET);
  let text = "";
  let records = 0;
  for (const piece of pieces) {
    const found = splitter.push(bytesOf(piece));
    for (const record of found.records) assertEquals(record, BEAT);
    records += found.records.length;
    text += textOf(found.text);
  }
  return { text, records, rest: textOf(splitter.flush()) };
}

Deno.test("records: are taken out of the text around them, however it is cut", () => {
  const output = `one\ntw${RECORD}${RECORD}o\n${RECORD}rest`;
  for (let at = 0; at <= output.length; at++) {
    const found = split(output.slice(0, at), output.slice(at));
    assertEquals(found, { text: "one\ntwo\n", records: 3, rest: "rest" });
  }
  const bytewise = split(...output);
  assertEquals(bytewise, { text: "one\ntwo\n", records: 3, rest: "rest" });
});

Deno.test("records: text is forwarded in whole lines", () => {
  assertEquals(split("a\nb"), { text: "a\n", records: 0, rest: "b" });
});

Deno.test("records: a line that never ends is forwarded in pieces", () => {
  const { text, rest } = split("x".repeat(70_000), "y\n");
  assertEquals([text.length, rest], [70_002, ""]);
});

Deno.test("records: one that begins in a line that never ends is read, and its secret not printed", () => {
  const line = "x".repeat(70_000);
  for (let at = 1; at < RECORD.length; at++) {
    assertEquals(split(line + RECORD.slice(0, at), RECORD.slice(at)), {
      text: line,
      records: 1,
      rest: "",
    });
  }
});

Deno.test("records: without the secret of the worker they are text", () => {
  const forged = textOf(encodeRecord("c0ffe0", BEAT));
  assertEquals(split(forged), { text: forged, records: 0, rest: "" });
  assertEquals(split("\x1e\n"), { text: "\x1e\n", records: 0, rest: "" });
});

Deno.test("records: one that a killed worker has begun is not printed", () => {
  assertEquals(split(`a\n${RECORD.slice(0, 20)}`), { text: "a\n", records: 0, rest: "" });
});

Deno.test("records: lines of JSON are read however they are cut", async () => {
  const text = '{"a":"é"}\n{"b":2}\n';
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at <= bytes.length; at++) {
    const stream = ReadableStream.from([bytes.slice(0, at), bytes.slice(at)]);
    assertEquals(await Array.fromAsync(jsonLines(stream)), [{ a: "é" }, { b: 2 }]);
  }
});

Deno.test("orders: a time without an end reaches the worker as a long one", async () => {
  const order = encodeOrder({ type: "end", grace: Infinity, idle: 0 });
  const orders = await Array.fromAsync(jsonLines(new Blob([textOf(order)]).stream()));
  assertEquals(orders, [{ type: "end", grace: Number.MAX_SAFE_INTEGER, idle: 0 }]);
});
