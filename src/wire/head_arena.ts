/**
 * Where the bytes of a head stay while the buffer that they came in goes on.
 *
 * A handler may ask for a field at any time, however late, and gets the one that was
 * sent. A `slice` for each head would cost 0.7 µs, more than the parse; to leave it in
 * the buffer costs a new buffer every few requests (a fifth of the time went to the
 * collector). So memory is taken in slabs that a few heads share, and nothing in a slab
 * is ever written twice. A slab lives as long as one of its heads: small ones, because a
 * client may have a thousand requests wait, each in a slab of its own.
 */
export class HeadArena {
  /** What was kept last is in here. */
  bytes: Uint8Array = new Uint8Array(0);
  #used = 0;

  /** Copies `from[start..end)`; the place in `bytes` where the copy begins. */
  keep(from: Uint8Array, start: number, end: number): number {
    const length = end - start;
    if (this.bytes.length - this.#used < length) {
      this.bytes = new Uint8Array(Math.max(SLAB, length));
      this.#used = 0;
    }
    const at = this.#used;
    this.#used += length;
    copy(from, start, end, this.bytes, at);
    return at;
  }
}

/** Below a hundred bytes a loop is faster than the view that `set` needs. */
function copy(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): void {
  if (end - start > 100) return to.set(from.subarray(start, end), at);
  for (let i = start; i < end; i++) to[at++] = from[i]!;
}

const SLAB = 8192;

/** Those of the process: heads of different connections share a slab. */
export const headArena: HeadArena = new HeadArena();
