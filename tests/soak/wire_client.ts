/**
 * A client on raw bytes: it must also send what a library would refuse to send. It reads by the
 * parser of the entry `./wire`, so that a response that two clients could read in two ways is an
 * error.
 */
import { ResponseParser } from "@asynchttp/server/wire";
import type { BodyData, ResponseEvent, ResponseHead } from "@asynchttp/server/wire";

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

/** The client decides what becomes of 101. */
const ANY = "any protocol";

/** One connection. */
export class WireClient implements Disposable {
  readonly conn: Deno.TcpConn;
  readonly #parser = new ResponseParser();
  /** Whether the final response to the last request is still to come. */
  #isAwaited = false;
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

  /** Reads the next head, interim responses included; the content before it must have been read. */
  async head(method = "GET"): Promise<AnswerHead> {
    if (!this.#isAwaited) this.#parser.expect({ method, upgrade: ANY });
    const { status, fields, type } = await this.#event() as ResponseHead;
    this.#isAwaited = type === "interim";
    const values = fields.pairs().map(([name, value]) => [name.toLowerCase(), value] as const);
    return { status, fields: new Map(values) };
  }

  /** Reads the next response to its end; skips interim ones. */
  async answer(method = "GET"): Promise<Answer> {
    let head = await this.head(method);
    while (head.status < 200) head = await this.head(method);
    return await this.content(head);
  }

  /** Reads the content that follows a head. */
  async content(head: AnswerHead): Promise<Answer> {
    const content = new Content();
    for (;;) {
      const event = await this.#event();
      if (event.type === "end") break;
      content.add((event as BodyData).bytes);
    }
    return { ...head, length: content.length, sum: content.sum, text: content.text };
  }

  /** Reads `count` bytes of another protocol, behind a 101. */
  async bytes(count: number): Promise<Answer["text"]> {
    const content = new Content();
    const { input } = this.#parser;
    while (content.length < count) {
      if (input.length === 0 && !await this.#fill()) throw new Error("Connection ended early");
      content.add(input.take(Math.min(count - content.length, input.length)));
    }
    return content.text;
  }

  /** Rejects if the server sends anything further. */
  async end(): Promise<void> {
    if (this.#parser.input.length > 0 || await this.#fill()) {
      throw new Error("Bytes follow the end");
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.conn.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #event(): Promise<Exclude<ResponseEvent, { readonly type: "need-data" }>> {
    for (;;) {
      const event = this.#parser.next();
      if (event.type !== "need-data") return event;
      if (!await this.#fill()) this.#parser.finish();
    }
  }

  async #fill(): Promise<boolean> {
    const { input } = this.#parser;
    const count = await this.conn.read(input.space());
    if (count === null) return false;
    input.filled(count);
    return true;
  }
}

/** Encodes one byte per character. */
export function latin1(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}
