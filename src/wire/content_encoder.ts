/**
 * The content of one message as it is sent: counted against its length, or framed in chunks
 * (RFC 9112, 6 and 7.1).
 */
import type { FieldsInit } from "../fields_init.ts";
import { encodeChunkSize, encodeLastChunk } from "./chunked.ts";
import { fieldsToSend, isTrailerName } from "./fields.ts";
import type { FieldPair } from "./fields.ts";
import type { WriteBuffer } from "./write_buffer.ts";

/** Counts and frames the content of one message. */
export class ContentEncoder {
  readonly #length: number | null;
  readonly #chunked: boolean;
  #sent = 0;

  /** `length` is the Content-Length; null if there is none, or if it need not be held. */
  constructor(length: number | null, chunked: boolean) {
    this.#length = length;
    this.#chunked = chunked;
  }

  /** The bytes of content so far. */
  get sent(): number {
    return this.#sent;
  }

  /**
   * Counts a piece of `size` bytes, which must not be 0, and writes what precedes it. A chunk also
   * needs `encodeChunkEnd` behind it.
   *
   * @throws {TypeError} The content is longer than its Content-Length.
   */
  begin(out: WriteBuffer, size: number): void {
    this.#sent += size;
    if (this.#length !== null && this.#sent > this.#length) {
      throw new TypeError(`The content is longer than its Content-Length of ${this.#length}`);
    }
    if (this.#chunked) encodeChunkSize(out, size);
  }

  /**
   * Writes what follows the content; `trailers` are left out where it has no chunks.
   *
   * @throws {TypeError} The content is shorter than its Content-Length, or a trailer is invalid.
   */
  end(out: WriteBuffer, trailers: () => FieldsInit | null | undefined): void {
    if (this.#length !== null && this.#sent < this.#length) {
      throw new TypeError(
        `The content ended after ${this.#sent} bytes of its Content-Length of ${this.#length}`,
      );
    }
    if (this.#chunked) encodeLastChunk(out, trailersToSend(trailers()));
  }
}

/** Validates trailer fields to send as `fieldsToSend` does, and that each may be a trailer. */
function trailersToSend(trailers: FieldsInit | null | undefined): readonly FieldPair[] {
  const fields = fieldsToSend(trailers);
  for (const [name] of fields) {
    if (!isTrailerName(name)) {
      throw new TypeError(`Field "${name}" must not be sent as a trailer (RFC 9110, 6.5.1)`);
    }
  }
  return fields;
}
