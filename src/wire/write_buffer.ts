/** Collects bytes to be sent; starts small and grows as needed. */
export class WriteBuffer {
  #bytes: Uint8Array = EMPTY;
  #length = 0;
  #view: Uint8Array = EMPTY;

  get length(): number {
    return this.#length;
  }

  /** Returns a view of the bytes written so far, valid until the next write. */
  view(): Uint8Array {
    const { buffer } = this.#bytes;
    // Responses are often as long as the previous one: a new view costs more than this check.
    if (this.#view.length !== this.#length || this.#view.buffer !== buffer) {
      this.#view = this.#bytes.subarray(0, this.#length);
    }
    return this.#view;
  }

  /** Returns a copy of the bytes from `start` on. */
  since(start: number): Uint8Array {
    return this.#bytes.slice(start, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  /** Returns the bytes written so far for good: the buffer continues with new memory. */
  take(): Uint8Array {
    const taken = this.view();
    this.#length = 0;
    this.#bytes = this.#view = EMPTY;
    return taken;
  }

  /**
   * Writes one byte per character. The caller ensures that no character is above U+00FF:
   * it would lose its upper byte, and U+010A would become a line ending.
   */
  latin1(text: string): void {
    this.#reserve(text.length);
    const bytes = this.#bytes;
    let at = this.#length;
    for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
    this.#length = at;
  }

  copy(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Releases the memory if the buffer is empty. */
  releaseMemory(): void {
    if (this.#length === 0) this.#bytes = this.#view = EMPTY;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2, MIN_CAPACITY_BYTES));
    larger.set(this.view());
    this.#bytes = larger;
  }
}

const EMPTY = new Uint8Array(0);
/** Enough for most small responses. */
const MIN_CAPACITY_BYTES = 512;
