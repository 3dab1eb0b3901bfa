/**
 * Reads responses strictly (RFC 9112): what two clients could read in two ways is an error.
 *
 * The client's half of the protocol, as far as tests need it. Nothing else of this folder knows
 * how a response is read, so that another parser can take its place.
 */
import { DEFAULT_LIMITS } from "../limits.ts";
import { ChunkedDecoder } from "../wire/chunked.ts";
import type { FieldPair } from "../wire/fields.ts";
import { ReadBuffer } from "../wire/read_buffer.ts";
import { latin1 } from "../wire/latin1.ts";
import { CR, decimal, isToken, LF } from "../wire/syntax.ts";

/** A source of bytes. */
export interface ByteSource {
  /** Reads into `into`; resolves to the number of bytes, null at the end. */
  read(into: Uint8Array): Promise<number | null>;
}

/** A response whose head was read. */
export interface ReceivedResponse {
  readonly status: number;
  readonly statusText: string;
  readonly fields: readonly FieldPair[];
  /** Null where the response has none (RFC 9112, 6.3). */
  readonly content: ReadableStream<Uint8Array<ArrayBuffer>> | null;
}

/** How the end of the content is found; a number is a length. */
type Framing = "none" | "chunked" | "until close" | number;

const MAX_HEAD_BYTES = 65_536;
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d) ([\t\x20-\x7e\x80-\xff]*)$/;
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Reads one response after another. */
export class ResponseReader {
  readonly #source: ByteSource;
  readonly #buffer = new ReadBuffer();

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /**
   * Reads the head of the next response to a request with this method; interim responses count.
   * The content of the one before must have been read.
   *
   * @throws {TypeError} The response is malformed, or ends within its head.
   */
  async next(method: string): Promise<ReceivedResponse> {
    const [line = "", ...fieldLines] = (await this.#head()).split("\r\n");
    const [, minor, code, statusText = ""] = STATUS_LINE.exec(line) ?? [];
    if (code === undefined) throw malformed(`its status line is ${JSON.stringify(line)}`);
    const status = Number(code);
    const fields = fieldLines.map(fieldOf);
    const framing = framingOf(method, status, minor === "1", fields);
    const content = framing === "none" ? null : this.#content(framing);
    return { status, statusText, fields, content };
  }

  async #head(): Promise<string> {
    let end: number;
    while ((end = endOfHead(this.#buffer)) === -1) {
      if (this.#buffer.length > MAX_HEAD_BYTES) throw malformed("its head is too long");
      if (!await this.#fill()) throw malformed("it ends within its head");
    }
    const { bytes, start } = this.#buffer;
    const text = latin1(bytes, start, end);
    this.#buffer.consume(end + 4 - start);
    return text;
  }

  #content(framing: Exclude<Framing, "none">): ReadableStream<Uint8Array<ArrayBuffer>> {
    const pieces = framing === "chunked"
      ? this.#chunked()
      : framing === "until close"
      ? this.#untilClose()
      : this.#sized(framing);
    return new ReadableStream({
      async pull(controller) {
        const { done, value } = await pieces.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: () => void pieces.return(undefined),
    }, { highWaterMark: 0 });
  }

  async *#sized(length: number): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
    for (let left = length; left > 0;) {
      if (this.#buffer.length === 0 && !await this.#fill()) {
        throw malformed(`it ends ${left} bytes before its Content-Length`);
      }
      const count = Math.min(left, this.#buffer.length);
      left -= count;
      yield this.#take(count);
    }
  }

  async *#untilClose(): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
    while (this.#buffer.length > 0 || await this.#fill()) yield this.#take(this.#buffer.length);
  }

  async *#chunked(): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
    const decoder = new ChunkedDecoder(DEFAULT_LIMITS);
    for (;;) {
      const piece = decoder.read(this.#buffer, Infinity);
      if (piece === "end") return;
      if (piece !== "need-data") yield piece.slice();
      else if (!await this.#fill()) throw malformed("it ends within its chunked content");
    }
  }

  #take(count: number): Uint8Array<ArrayBuffer> {
    const { bytes, start } = this.#buffer;
    const piece = bytes.slice(start, start + count);
    this.#buffer.consume(count);
    return piece;
  }

  async #fill(): Promise<boolean> {
    const count = await this.#source.read(this.#buffer.space());
    if (count === null) return false;
    this.#buffer.filled(count);
    return true;
  }
}

/** Returns where the empty line begins, less the CRLF before it; -1 if it has not arrived. */
function endOfHead({ bytes, start, end }: ReadBuffer): number {
  for (let at = start; at + 3 < end; at++) {
    if (bytes[at] === CR && bytes[at + 1] === LF && bytes[at + 2] === CR && bytes[at + 3] === LF) {
      return at;
    }
  }
  return -1;
}

function fieldOf(line: string): FieldPair {
  const colon = line.indexOf(":");
  const name = line.slice(0, Math.max(colon, 0));
  const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, "");
  if (isToken(name) && FIELD_VALUE.test(value)) return [name, value];
  throw malformed(`its header line is ${JSON.stringify(line)}`);
}

function framingOf(
  method: string,
  status: number,
  hasChunks: boolean,
  fields: readonly FieldPair[],
): Framing {
  const codings = valuesOf(fields, "transfer-encoding");
  const lengths = valuesOf(fields, "content-length");
  if (codings.length > 0 && lengths.length > 0) {
    throw malformed("it has Transfer-Encoding and Content-Length");
  }
  if (method === "HEAD" || status < 200 || status === 204 || status === 304) return "none";
  if (codings.length > 0) {
    const isChunked = hasChunks && codings.length === 1 && codings[0]!.toLowerCase() === "chunked";
    if (!isChunked) throw malformed(`its Transfer-Encoding is ${codings}`);
    return "chunked";
  }
  if (lengths.length === 0) return "until close";
  const length = lengths.length === 1 ? decimal(lengths[0]!) : -1;
  if (length < 0) throw malformed(`its Content-Length is ${lengths}`);
  return length;
}

function valuesOf(fields: readonly FieldPair[], lower: string): string[] {
  return fields.filter(([name]) => name.toLowerCase() === lower).map(([, value]) => value);
}

function malformed(what: string): TypeError {
  return new TypeError(`The response is malformed: ${what}`);
}
