/**
 * Keeps the bytes of heads after the read buffer has moved on.
 *
 * A handler may read a field at any time, however late, and must get the value that was
 * sent. A `slice` per head costs 0.7 µs, more than the parse; leaving the head in the
 * read buffer costs a new buffer every few requests (a fifth of the time went to garbage
 * collection). Instead a few heads share a slab, and no byte of a slab is written twice.
 * A slab lives as long as any of its heads. Slabs are small, because a client may keep a
 * thousand requests pending, each in a slab of its own.
 */
export class HeadArena {
  /** The slab with the bytes that were kept last. */
  bytes: Uint8Array = new Uint8Array(0);
  #used = 0;

  /** Copies `from[start..end)`; returns the offset of the copy in `bytes`. */
  keep(from: Uint8Array, start: number, end: number): number {
    const length = end - start;
    if (this.bytes.length - this.#used < length) {
      this.bytes = new Uint8Array(Math.max(MIN_SLAB_BYTES, length));
      this.#used = 0;
    }
    const at = this.#used;
    this.#used += length;
    copy(from, start, end, this.bytes, at);
    return at;
  }
}

/** Up to a hundred bytes, a loop is faster than the view that `set` needs. */
function copy(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): void {
  if (end - start > 100) return to.set(from.subarray(start, end), at);
  for (let i = start; i < end; i++) to[at++] = from[i]!;
}

const MIN_SLAB_BYTES = 8192;

/** The arena of the process: heads of different connections share a slab. */
export const headArena: HeadArena = new HeadArena();
