/** The answers on a connection, one after another: the status and length of each. */

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const ZERO = 0x30;

/** An answer, as far as it is checked. */
export interface Answer {
  readonly status: number;
  /** Bytes of the content, without its coding. */
  readonly length: number;
}

/** Reads answers, also those that come in one piece with others or in many pieces. */
export class AnswerReader {
  readonly #conn: Deno.Conn;
  readonly #onContent: (bytes: Uint8Array) => void;
  readonly #bytes = new Uint8Array(131_072);
  #start = 0;
  #end = 0;

  /** `onContent` gets the content in pieces: views that die at the next read. */
  constructor(conn: Deno.Conn, onContent: (bytes: Uint8Array) => void = () => {}) {
    this.#conn = conn;
    this.#onContent = onContent;
  }

  /** The next answer. */
  async next(): Promise<Answer> {
    let head = readHead(this.#bytes, this.#start, this.#end);
    while (head === null) {
      await this.#more();
      head = readHead(this.#bytes, this.#start, this.#end);
    }
    this.#start = head.end;
    if (head.length === null) return { status: head.status, length: await this.#chunks() };
    await this.#content(head.length);
    return { status: head.status, length: head.length };
  }

  /** Waits for the server to close. */
  async closed(): Promise<void> {
    if (this.#end > this.#start || await this.#conn.read(this.#bytes) !== null) {
      throw new Error("More came than was asked for");
    }
  }

  async #chunks(): Promise<number> {
    for (let length = 0;;) {
      const size = parseInt(await this.#line(), 16);
      if (Number.isNaN(size)) throw new Error("A chunk without a size");
      await this.#content(size);
      if (await this.#line() !== "") throw new Error("A chunk that is longer than its size");
      if (size === 0) return length;
      length += size;
    }
  }

  async #line(): Promise<string> {
    let at = this.#bytes.subarray(0, this.#end).indexOf(LF, this.#start);
    while (at < 0) {
      await this.#more();
      at = this.#bytes.subarray(0, this.#end).indexOf(LF, this.#start);
    }
    const text = String.fromCharCode(...this.#bytes.subarray(this.#start, at - 1));
    this.#start = at + 1;
    return text;
  }

  async #content(length: number): Promise<void> {
    for (let left = length;;) {
      const count = Math.min(left, this.#end - this.#start);
      this.#onContent(this.#bytes.subarray(this.#start, this.#start + count));
      this.#start += count;
      left -= count;
      if (left === 0) return;
      await this.#more();
    }
  }

  async #more(): Promise<void> {
    if (this.#start === this.#end) this.#start = this.#end = 0;
    if (this.#end === this.#bytes.length) {
      if (this.#start === 0) throw new Error("A line or a head that does not end");
      this.#bytes.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    const count = await this.#conn.read(this.#bytes.subarray(this.#end));
    if (count === null) throw new Error("The server closed before it had answered");
    this.#end += count;
  }
}

/** What a head says; `length` is null when the content comes in chunks. */
interface Head {
  readonly end: number;
  readonly status: number;
  readonly length: number | null;
}

/** Null while the head is not complete. Makes no strings: it must not be the bottleneck. */
function readHead(bytes: Uint8Array, start: number, end: number): Head | null {
  const text = bytes.subarray(0, end);
  let length: number | null = null;
  for (let line = start;;) {
    const lineEnd = text.indexOf(LF, line);
    if (lineEnd < 0) return null;
    if (bytes[line] === CR) return { end: lineEnd + 1, status: number(bytes, start + 9), length };
    if (isContentLength(bytes, line)) length = number(bytes, line + "content-length: ".length);
    line = lineEnd + 1;
  }
}

function isContentLength(bytes: Uint8Array, at: number): boolean {
  if (bytes[at + "content-length".length] !== COLON) return false;
  for (let i = 0; i < "content-length".length; i++) {
    if ((bytes[at + i]! | 0x20) !== ("content-length".charCodeAt(i) | 0x20)) return false;
  }
  return true;
}

function number(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let digit = bytes[at]! - ZERO; digit >= 0 && digit <= 9; digit = bytes[++at]! - ZERO) {
    value = value * 10 + digit;
  }
  return value;
}
