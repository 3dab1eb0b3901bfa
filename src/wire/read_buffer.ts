/**
 * The bytes of one connection that have arrived and are not used yet.
 *
 * The socket reads straight into `space()`; whoever has bytes already puts them in
 * with `push()`. The parser takes them from `start` on.
 *
 * What has been used is overwritten: all views die at the next `space()`.
 */
export class ReadBuffer {
  /** What has arrived is in `bytes[start..end)`. */
  bytes: Uint8Array<ArrayBuffer> = EMPTY;
  start = 0;
  end = 0;
  #size = SMALLEST;
  /** How often bytes were put into this memory. */
  #fills = 0;

  /** How many bytes have arrived and are not used yet. */
  get length(): number {
    return this.end - this.start;
  }

  /** `count` more bytes have been used. */
  consume(count: number): void {
    this.start += count;
  }

  /** Room for the next bytes; ask again after each `filled()`. */
  space(): Uint8Array {
    if (this.start === this.end) this.start = this.end = 0;
    const tooSmall = this.start === this.end && this.bytes.length < this.#size;
    if (tooSmall || this.bytes.length - this.end < LEAST_ROOM) this.#move();
    return this.end === 0 ? this.bytes : this.bytes.subarray(this.end);
  }

  /** `count` bytes were put into the room that `space()` gave. */
  filled(count: number): void {
    this.end += count;
    this.#fills++;
    // The peer has more than fits: read in larger pieces from now on.
    if (this.end === this.bytes.length && this.#size < LARGEST) this.#size *= 2;
  }

  /** Copies `chunk` in: its owner may reuse it. */
  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length;) {
      const room = this.space();
      const part = chunk.subarray(at, at + room.length);
      room.set(part);
      this.filled(part.length);
      at += part.length;
    }
  }

  /**
   * A piece of what was used, for good: the memory itself where the piece is most of it,
   * else a copy. Memory with other bytes in it is not given away, but is not used on either.
   */
  give(piece: Uint8Array): Uint8Array<ArrayBuffer> {
    const { bytes } = this;
    const isMost = piece.buffer === bytes.buffer && piece.length * 2 >= bytes.length;
    if (!isMost || this.length > 0) return piece.slice();
    const isAll = this.#fills === 1 && piece.length === this.end;
    this.#replace(EMPTY);
    return isAll ? bytes.subarray(0, piece.length) : piece.slice();
  }

  /** Takes everything that is left, as a copy. */
  takeAll(): Uint8Array {
    const rest = this.bytes.slice(this.start, this.end);
    this.start = this.end;
    return rest;
  }

  /**
   * Gives the memory back while the connection has nothing to say: 10,000 idle
   * connections are 10,000 buffers.
   */
  releaseMemory(): void {
    this.#size = SMALLEST;
    if (this.start === this.end && this.bytes.length > SMALLEST) this.#replace(EMPTY);
  }

  #move(): void {
    const unused = this.bytes.subarray(this.start, this.end);
    this.#replace(new Uint8Array(Math.max(this.#size, unused.length * 2)));
    this.bytes.set(unused);
    this.end = unused.length;
  }

  #replace(bytes: Uint8Array<ArrayBuffer>): void {
    this.bytes = bytes;
    this.start = this.end = this.#fills = 0;
  }
}

const EMPTY = new Uint8Array(0);
/** Holds the head of a browser and its next one; 10,000 idle connections are 20 MB. */
const SMALLEST = 2048;
/** A body of 1 MiB in pieces of 16 KiB takes twice as long as in those of 64 KiB. */
const LARGEST = 65_536;
/** A read of less costs more in system calls than a new buffer does. */
const LEAST_ROOM = 512;
