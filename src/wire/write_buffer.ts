/** Bytes on their way out: grows as needed, starts small. */
export class WriteBuffer {
  #bytes: Uint8Array = EMPTY;
  #length = 0;
  #view: Uint8Array = EMPTY;

  get length(): number {
    return this.#length;
  }

  /** What was written so far: a view, good until the next write. */
  view(): Uint8Array {
    const { buffer } = this.#bytes;
    // Answers are often as long as the one before: a view costs more than the look.
    if (this.#view.length !== this.#length || this.#view.buffer !== buffer) {
      this.#view = this.#bytes.subarray(0, this.#length);
    }
    return this.#view;
  }

  /** A copy of what was written since it was `start` bytes long. */
  since(start: number): Uint8Array {
    return this.#bytes.slice(start, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  /** What was written, for good: the buffer goes on with new memory. */
  take(): Uint8Array {
    const taken = this.view();
    this.#length = 0;
    this.#bytes = this.#view = EMPTY;
    return taken;
  }

  /**
   * One byte a character. The caller has made sure that there is none above 0xff:
   * such a character would lose its upper byte, and U+010A would become a line end.
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

  /** Gives the memory back, where nothing is in it. */
  releaseMemory(): void {
    if (this.#length === 0) this.#bytes = this.#view = EMPTY;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2, SMALLEST));
    larger.set(this.view());
    this.#bytes = larger;
  }
}

const EMPTY = new Uint8Array(0);
/** Holds the answer that most requests get. */
const SMALLEST = 512;
