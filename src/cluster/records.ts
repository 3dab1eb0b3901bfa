/**
 * What a worker and its master tell each other, over the pipes of the worker's stdin and stdout.
 *
 * Pipes need no permission, no client reaches them, and they end with either process, however it
 * dies. The program prints to stdout, too. So a record is a line that begins with a byte that text
 * does not have and a secret of the worker (RFC 7464 frames JSON with the same byte): a client
 * whose bytes the program logs cannot forge one.
 */
import type { ServerStats } from "../stats.ts";

/** The first line to a worker. */
export interface Hello {
  readonly secret: string;
  readonly number: number;
  readonly port: number;
  /** Milliseconds between two beats. */
  readonly beat: number;
  readonly grace: number;
  readonly idle: number;
}

/** A line to a worker that has been greeted. */
export type Order =
  | { readonly type: "end"; readonly grace: number; readonly idle: number }
  | { readonly type: "stats"; readonly stats: unknown };

/** A record of a worker. */
export type WorkerRecord =
  | { readonly type: "listening"; readonly port: number; readonly stats: ServerStats }
  | { readonly type: "beat"; readonly stats: ServerStats }
  | { readonly type: "ask"; readonly stats: ServerStats };

const RECORD_SEPARATOR = 0x1e;
const NEWLINE = 0x0a;

/** A longer line without an end is no record, and is forwarded in pieces. */
const MAX_LINE = 65_536;

/** Encodes a record. It is one write, so that no text of the program comes in between. */
export function encodeRecord(secret: string, record: WorkerRecord): Uint8Array {
  return new TextEncoder().encode(`\x1e${secret}${JSON.stringify(record)}\n`);
}

/** Encodes a line to a worker. JSON has no Infinity: so many milliseconds are as good. */
export function encodeOrder(order: Hello | Order): Uint8Array {
  const text = JSON.stringify(
    order,
    (_, value) => value === Infinity ? Number.MAX_SAFE_INTEGER : value,
  );
  return new TextEncoder().encode(`${text}\n`);
}

/** Splits the output of a worker into its records and the text of the program. */
export class OutputSplitter {
  readonly #mark: Uint8Array;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(secret: string) {
    this.#mark = new TextEncoder().encode(`\x1e${secret}`);
  }

  /** Takes bytes; returns the records that are complete, and the text, in whole lines. */
  push(chunk: Uint8Array): { records: WorkerRecord[]; text: Uint8Array } {
    let bytes = concat(this.#rest, chunk);
    const records: WorkerRecord[] = [];
    let from = 0;
    for (;;) {
      const at = this.#nextMark(bytes, from);
      const end = at === -1 ? -1 : bytes.indexOf(NEWLINE, at);
      if (end === -1) break;
      records.push(JSON.parse(textOf(bytes.subarray(at + this.#mark.length, end))));
      bytes = concat(bytes.subarray(0, at), bytes.subarray(end + 1));
      from = at;
    }
    const whole = bytes.length > MAX_LINE ? bytes.length : bytes.lastIndexOf(NEWLINE) + 1;
    const open = this.#nextMark(bytes, 0);
    const cut = open === -1 ? whole : Math.min(whole, open);
    this.#rest = bytes.slice(cut);
    return { records, text: bytes.subarray(0, cut) };
  }

  /** Returns the text that was kept for the end of its line; the worker has ended. */
  flush(): Uint8Array {
    const at = this.#nextMark(this.#rest, 0);
    return at === -1 ? this.#rest : this.#rest.subarray(0, at);
  }

  /** The next mark, or what of it has arrived; -1 if there is none. */
  #nextMark(bytes: Uint8Array, from: number): number {
    let at = bytes.indexOf(RECORD_SEPARATOR, from);
    while (at !== -1 && !this.#isMark(bytes, at)) at = bytes.indexOf(RECORD_SEPARATOR, at + 1);
    return at;
  }

  #isMark(bytes: Uint8Array, at: number): boolean {
    const length = Math.min(this.#mark.length, bytes.length - at);
    for (let i = 0; i < length; i++) if (bytes[at + i] !== this.#mark[i]) return false;
    return true;
  }
}

/** Reads lines of JSON until the stream ends. */
export async function* jsonLines<T>(bytes: ReadableStream<Uint8Array>): AsyncGenerator<T> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of bytes) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    for (const line of lines) yield JSON.parse(line);
  }
}

function concat(one: Uint8Array, other: Uint8Array): Uint8Array {
  if (one.length === 0) return other;
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
