/**
 * Collects the pieces of a body.
 *
 * Memory grows with the bytes that have arrived, not with the announced length: a head
 * that announces 8 MiB costs its sender 200 bytes.
 */
export class BodyBuffer {
  readonly #announced: number;
  #bytes: Uint8Array = EMPTY;
  #length = 0;

  /** `announced` is the Content-Length, or 0 if there is none. */
  constructor(announced: number) {
    this.#announced = announced;
  }

  /** Appends a copy of a piece. */
  add(piece: Uint8Array): void {
    const length = this.#length + piece.length;
    if (length > this.#bytes.length) this.#grow(length);
    this.#bytes.set(piece, this.#length);
    this.#length = length;
  }

  /** Returns everything that was added. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #grow(needed: number): void {
    const doubled = Math.max(needed, this.#bytes.length * 2);
    const exact = this.#announced >= needed && this.#announced < doubled * 4;
    const larger = new Uint8Array(exact ? this.#announced : doubled);
    larger.set(this.bytes());
    this.#bytes = larger;
  }
}

const EMPTY = new Uint8Array(0);
