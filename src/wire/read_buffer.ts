/**
 * The received, not yet consumed bytes of one connection.
 *
 * The socket reads straight into `space()`; a caller that already holds bytes adds them
 * with `push()`. The parser consumes them from `start` on.
 *
 * Consumed bytes are overwritten: all views become invalid at the next `space()`.
 *
 * @example Read a connection straight into a parser
 * ```ts
 * import { serveInMemory } from "@asynchttp/server/testing";
 * import { type ReadBuffer, ResponseParser } from "@asynchttp/server/wire";
 *
 * async function fill(input: ReadBuffer, conn: Deno.Conn): Promise<void> {
 *   input.filled(await conn.read(input.space()) ?? 0);
 * }
 *
 * await using server = serveInMemory((request) => request.respond(200, "hello"));
 * using conn = server.connect();
 * await conn.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
 * const parser = new ResponseParser();
 * parser.expect({ method: "GET" });
 * await fill(parser.input, conn);
 * const head = parser.next();
 * if (head.type === "head") console.log(head.status); // 200
 * ```
 */
export class ReadBuffer {
  /** The unconsumed bytes are `bytes[start..end)`. */
  bytes: Uint8Array<ArrayBuffer> = EMPTY;
  /** The memory of `bytes`, for reading several bytes as one number. */
  view: DataView = EMPTY_VIEW;
  /** Where the unconsumed bytes begin. */
  start = 0;
  /** Where they end. */
  end = 0;
  #size = INITIAL_BUFFER_BYTES;
  /** How often bytes were written into this memory. */
  #fills = 0;

  /** The number of unconsumed bytes. */
  get length(): number {
    return this.end - this.start;
  }

  /**
   * Consumes bytes.
   *
   * @param count How many, `length` at most.
   *
   * @example
   * ```ts
   * import { RequestParser } from "@asynchttp/server/wire";
   *
   * const { input } = new RequestParser();
   * input.push(new Uint8Array([1, 2, 3]));
   * input.consume(2);
   * console.log(input.length); // 1
   * ```
   */
  consume(count: number): void {
    this.start += count;
  }

  /**
   * Consumes bytes, and returns a view of them.
   *
   * @param count How many, `length` at most.
   * @returns The bytes, valid until the next `space()`.
   *
   * @example
   * ```ts
   * import { RequestParser } from "@asynchttp/server/wire";
   *
   * const { input } = new RequestParser();
   * input.push(new Uint8Array([1, 2, 3]));
   * console.log(input.take(2)); // Uint8Array(2) [ 1, 2 ]
   * ```
   */
  take(count: number): Uint8Array {
    const { bytes, start } = this;
    this.start += count;
    return bytes.subarray(start, start + count);
  }

  /**
   * Makes room for the next bytes.
   *
   * @returns The room, 512 bytes at least; valid until the next `filled()`.
   *
   * @example
   * ```ts
   * import { RequestParser } from "@asynchttp/server/wire";
   *
   * const { input } = new RequestParser();
   * const { written } = new TextEncoder().encodeInto("GET / HTTP/1.1\r\n", input.space());
   * input.filled(written);
   * console.log(input.length); // 16
   * ```
   */
  space(): Uint8Array {
    this.#makeSpace();
    return this.end === 0 ? this.bytes : this.bytes.subarray(this.end);
  }

  /**
   * Records that bytes were written into the room that `space()` has returned.
   *
   * @param count How many, from its beginning.
   *
   * @example
   * ```ts
   * import { RequestParser } from "@asynchttp/server/wire";
   *
   * const { input } = new RequestParser();
   * input.space().set([1, 2, 3]);
   * input.filled(3);
   * console.log(input.takeAll()); // Uint8Array(3) [ 1, 2, 3 ]
   * ```
   */
  filled(count: number): void {
    this.end += count;
    this.#fills++;
    // The peer has sent at least as much as fits: read in larger pieces from now on.
    if (this.end === this.bytes.length) {
      this.#size = Math.min(this.#size * GROWTH, MAX_BUFFER_BYTES);
    }
  }

  /**
   * Appends a copy of bytes.
   *
   * @param chunk The bytes, whose owner may reuse them.
   *
   * @example
   * ```ts
   * import { RequestParser } from "@asynchttp/server/wire";
   *
   * const { input } = new RequestParser();
   * input.push(new Uint8Array([1, 2]));
   * input.push(new Uint8Array([3]));
   * console.log(input.length); // 3
   * ```
   */
  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length;) {
      this.#makeSpace();
      const count = Math.min(chunk.length - at, this.bytes.length - this.end);
      copy(chunk, at, at + count, this.bytes, this.end);
      this.filled(count);
      at += count;
    }
  }

  /**
   * Gives away a consumed piece, for the caller to keep: the memory itself if the piece is
   * the only content and at least half of it, else a copy. Memory that held other bytes is
   * not given away, but is not reused either.
   *
   * @param piece What `take` has returned, or an event of a parser has.
   * @returns The same bytes.
   *
   * @example
   * ```ts
   * import { RequestParser } from "@asynchttp/server/wire";
   *
   * const { input } = new RequestParser();
   * input.push(new Uint8Array([1, 2, 3]));
   * const kept = input.give(input.take(3));
   * input.push(new Uint8Array([4, 5, 6]));
   * console.log(kept); // Uint8Array(3) [ 1, 2, 3 ]
   * ```
   */
  give(piece: Uint8Array): Uint8Array<ArrayBuffer> {
    const { bytes } = this;
    const isLarge = piece.buffer === bytes.buffer && piece.length * 2 >= bytes.length;
    if (!isLarge || this.length > 0) return piece.slice();
    const isAll = this.#fills === 1 && piece.length === this.end;
    this.#replace(EMPTY);
    return isAll ? bytes.subarray(0, piece.length) : piece.slice();
  }

  /**
   * Consumes all bytes, such as those of another protocol behind an upgrade.
   *
   * @returns A copy of them.
   *
   * @example
   * ```ts
   * import { RequestParser } from "@asynchttp/server/wire";
   *
   * const { input } = new RequestParser();
   * input.push(new Uint8Array([1, 2, 3]));
   * input.consume(1);
   * console.log(input.takeAll(), input.length); // Uint8Array(2) [ 2, 3 ] 0
   * ```
   */
  takeAll(): Uint8Array {
    const rest = this.bytes.slice(this.start, this.end);
    this.start = this.end;
    return rest;
  }

  /**
   * Releases the memory of an idle connection: 10,000 idle connections are 10,000 buffers.
   *
   * @example
   * ```ts
   * import { RequestParser } from "@asynchttp/server/wire";
   *
   * const { input } = new RequestParser();
   * input.push(new Uint8Array(10_000));
   * input.consume(10_000);
   * input.releaseMemory();
   * console.log(input.bytes.length); // 0
   * ```
   */
  releaseMemory(): void {
    this.#size = INITIAL_BUFFER_BYTES;
    if (this.start === this.end && this.bytes.length > INITIAL_BUFFER_BYTES) this.#replace(EMPTY);
  }

  #makeSpace(): void {
    if (this.start === this.end) this.start = this.end = 0;
    const tooSmall = this.start === this.end && this.bytes.length < this.#size;
    if (tooSmall || this.bytes.length - this.end < MIN_SPACE_BYTES) this.#move();
  }

  #move(): void {
    const unconsumed = this.bytes.subarray(this.start, this.end);
    this.#replace(new Uint8Array(Math.max(this.#size, unconsumed.length * 2)));
    this.bytes.set(unconsumed);
    this.end = unconsumed.length;
  }

  #replace(bytes: Uint8Array<ArrayBuffer>): void {
    this.bytes = bytes;
    this.view = bytes === EMPTY ? EMPTY_VIEW : new DataView(bytes.buffer);
    this.start = this.end = this.#fills = 0;
  }
}

/** A few bytes are copied faster by a loop than by `set`, which needs a view of them. */
function copy(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): void {
  if (end - start > 32) return to.set(from.subarray(start, end), at);
  for (let i = start; i < end; i++) to[at++] = from[i]!;
}

const EMPTY = new Uint8Array(0);
const EMPTY_VIEW = new DataView(EMPTY.buffer);
/** Holds two heads of a browser; 10,000 idle connections take 20 MB. */
const INITIAL_BUFFER_BYTES = 2048;
/** A body of 1 MiB takes twice as long in pieces of 16 KiB as in pieces of 64 KiB. */
const MAX_BUFFER_BYTES = 65_536;
/** From the smallest to the largest in two reads: doubling takes five, and 7 % more of the processor for 1 MiB. */
const GROWTH = 8;
/** Reads into less space cost more in system calls than a new buffer does. */
const MIN_SPACE_BYTES = 512;
