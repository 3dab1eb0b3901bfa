/**
 * A connection as a stream of Node's, which is what `ws` reads and writes.
 *
 * It is the one owner of the connection: it closes it when it is destroyed, which happens after
 * an end in both directions, or an error.
 */
import { Duplex } from "node:stream";

/**
 * Bytes of the buffer of a read. Each read has a buffer of its own, because `ws` keeps views of
 * it; an idle connection holds one, so it is small until a client fills it.
 */
const MIN_READ_BYTES = 1024;
const MAX_READ_BYTES = 16_384;

/** A `Deno.Conn` as a `Duplex`. */
export class ConnDuplex extends Duplex {
  readonly #conn: Deno.Conn;
  #readBytes = MIN_READ_BYTES;
  /** How many bytes have arrived. */
  bytesIn = 0;

  constructor(conn: Deno.Conn) {
    // `ws` writes the head of its response as text: its characters are bytes (RFC 9110, 5.5).
    super({ decodeStrings: true, defaultEncoding: "latin1" });
    this.#conn = conn;
  }

  override _read(): void {
    this.#receive().catch((error) => this.destroy(error));
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error) => void): void {
    this.#send(chunk).then(() => done(), done);
  }

  /** Joins the header of a frame and its payload, which `ws` writes one after the other. */
  override _writev(chunks: { chunk: Uint8Array }[], done: (error?: Error) => void): void {
    this.#send(joined(chunks.map(({ chunk }) => chunk))).then(() => done(), done);
  }

  override _final(done: (error?: Error) => void): void {
    this.#conn.closeWrite().then(() => done(), done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#conn.close();
    done(error);
  }

  async #receive(): Promise<void> {
    const buffer = new Uint8Array(this.#readBytes);
    const count = await this.#conn.read(buffer);
    if (count === null) return void this.push(null);
    this.#readBytes = nextReadBytes(buffer.length, count);
    this.bytesIn += count;
    this.push(buffer.subarray(0, count));
  }

  async #send(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#conn.write(bytes.subarray(at));
  }
}

/** Returns the size of the next read, after one of `size` that has brought `count` bytes. */
function nextReadBytes(size: number, count: number): number {
  if (count === size) return Math.min(size * 4, MAX_READ_BYTES);
  return count * 4 < size ? Math.max(size / 4, MIN_READ_BYTES) : size;
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
