/** A client on raw bytes: it must also send what a library would refuse to send. */

/** A response, of whose content only the beginning is kept. */
export interface Answer {
  readonly status: number;
  readonly fields: ReadonlyMap<string, string>;
  readonly length: number;
  /** The sum of all bytes of the content. */
  readonly sum: number;
  /** The beginning of the content. */
  readonly text: string;
}

/** The head of a response. */
export interface AnswerHead {
  readonly status: number;
  readonly fields: ReadonlyMap<string, string>;
}

/** The number of bytes kept of a content. */
const KEPT = 64;

/** Collects the figures of a content. */
class Content {
  length = 0;
  sum = 0;
  text = "";

  add(bytes: Uint8Array): void {
    if (this.text.length < KEPT) {
      this.text += String.fromCharCode(...bytes.subarray(0, KEPT - this.text.length));
    }
    this.sum = sumOf(bytes, this.sum);
    this.length += bytes.length;
  }
}

/** The sum of bytes, continued from an earlier one. */
export function sumOf(bytes: Uint8Array, before = 0): number {
  let sum = before;
  for (let at = 0; at < bytes.length; at++) sum = (sum + bytes[at]!) >>> 0;
  return sum;
}

/** One connection. */
export class WireClient implements Disposable {
  readonly conn: Deno.TcpConn;
  #buffer = new Uint8Array(65_536);
  #start = 0;
  #end = 0;
  #closed = false;

  constructor(conn: Deno.TcpConn) {
    this.conn = conn;
    conn.setNoDelay(true);
  }

  /** Connects to a port on the loopback interface. */
  static async connect(port: number): Promise<WireClient> {
    return new WireClient(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  /** Writes all bytes. */
  async send(what: string | Uint8Array): Promise<void> {
    const bytes = typeof what === "string" ? latin1(what) : what;
    for (let at = 0; at < bytes.length;) at += await this.conn.write(bytes.subarray(at));
  }

  /** Reads the next head, interim responses included. */
  async head(): Promise<AnswerHead> {
    let searched = this.#start;
    for (;;) {
      const end = this.#endOfHead(searched);
      if (end >= 0) return parseHead(this.#take(end));
      searched = Math.max(this.#start, this.#end - 3);
      const before = this.#start;
      if (!await this.#fill()) throw new Error("Connection ended before a response");
      searched -= before - this.#start;
    }
  }

  /** Reads the next response to its end; skips interim ones. */
  async answer(method = "GET"): Promise<Answer> {
    let head = await this.head();
    while (head.status < 200) head = await this.head();
    return await this.content(head, method);
  }

  /** Reads the content that follows a head. */
  async content(head: AnswerHead, method = "GET"): Promise<Answer> {
    const content = new Content();
    const length = head.fields.get("content-length");
    const empty = method === "HEAD" || head.status === 204 || head.status === 304;
    if (!empty && head.fields.has("transfer-encoding")) await this.#chunks(content);
    else if (!empty && length !== undefined) await this.#exactly(Number(length), content);
    else if (!empty) await this.#toTheEnd(content);
    return { ...head, length: content.length, sum: content.sum, text: content.text };
  }

  /** Reads `count` bytes. */
  async bytes(count: number): Promise<Answer["text"]> {
    const content = new Content();
    await this.#exactly(count, content);
    return content.text;
  }

  /** Rejects if the server sends anything further. */
  async end(): Promise<void> {
    if (this.#start < this.#end || await this.#fill()) throw new Error("Bytes follow the end");
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.conn.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #endOfHead(from: number): number {
    const bytes = this.#buffer;
    for (let at = bytes.indexOf(13, from); at >= 0 && at + 3 < this.#end;) {
      if (bytes[at + 1] === 10 && bytes[at + 2] === 13 && bytes[at + 3] === 10) return at + 4;
      at = bytes.indexOf(13, at + 1);
    }
    return -1;
  }

  /** Takes the text up to a position. */
  #take(end: number): string {
    const text = String.fromCharCode(...this.#buffer.subarray(this.#start, end));
    this.#start = end;
    return text;
  }

  async #line(): Promise<string> {
    for (;;) {
      const end = this.#buffer.subarray(0, this.#end).indexOf(10, this.#start);
      if (end >= 0) return this.#take(end + 1).slice(0, -2);
      if (!await this.#fill()) throw new Error("Connection ended within a line");
    }
  }

  async #exactly(count: number, content: Content): Promise<void> {
    let left = count;
    while (left > 0) {
      if (this.#start === this.#end && !await this.#fill()) {
        throw new Error(`Connection ended ${left} bytes early`);
      }
      left -= this.#give(left, content);
    }
  }

  async #toTheEnd(content: Content): Promise<void> {
    do this.#give(Infinity, content); while (await this.#fill());
  }

  async #chunks(content: Content): Promise<void> {
    for (;;) {
      const size = parseInt(await this.#line(), 16);
      if (size === 0) break;
      await this.#exactly(size, content);
      if (await this.#line() !== "") throw new Error("Chunk is longer than its size");
    }
    while (await this.#line() !== "");
  }

  #give(most: number, content: Content): number {
    const count = Math.min(most, this.#end - this.#start);
    content.add(this.#buffer.subarray(this.#start, this.#start + count));
    this.#start += count;
    return count;
  }

  async #fill(): Promise<boolean> {
    if (this.#start > 0) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    if (this.#end === this.#buffer.length) throw new Error("Line or head is too long");
    const count = await this.conn.read(this.#buffer.subarray(this.#end));
    if (count === null) return false;
    this.#end += count;
    return true;
  }
}

/** Encodes one byte per character. */
export function latin1(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

function parseHead(text: string): AnswerHead {
  const [first, ...lines] = text.slice(0, -4).split("\r\n");
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first!)?.[1]);
  if (Number.isNaN(status)) throw new Error(`Status line is missing: got ${JSON.stringify(first)}`);
  const fields = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    fields.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  return { status, fields };
}
