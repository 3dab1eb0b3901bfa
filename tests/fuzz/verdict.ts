/** The result of parsing a byte stream, in terms that both parsers share. */
import type { FieldPair } from "../../src/wire/fields.ts";

/** A parsed request. */
export interface Message {
  readonly method: string;
  readonly target: string;
  /** Such as `"1.1"`. */
  readonly version: string;
  readonly fields: readonly FieldPair[];
  readonly trailers: readonly FieldPair[];
  /** The part of the body that the parser has returned. */
  readonly body: Uint8Array;
  /** The offset after its last byte; null if the parser has not reached it. */
  readonly end: number | null;
  /** Whether another request may follow; meaningless while `end` is null. */
  readonly persistent: boolean;
  /** Whether the bytes after it belong to another protocol (CONNECT, Upgrade); meaningless while `end` is null. */
  readonly handedOver: boolean;
}

/** Where the input ended: between two messages, within one, or at a rejection. */
export type Outcome = "ok" | "incomplete" | "refused";

/** Everything that a parser reports about one input. */
export interface Verdict {
  /** The messages with a complete head; the body of the last one may be incomplete. */
  readonly messages: readonly Message[];
  readonly outcome: Outcome;
  /** The reason of the rejection; empty if there is none. */
  readonly reason: string;
  /** The number of bytes consumed, all of which were accepted. If llhttp rejects the input, the offset of the byte that it rejects. */
  readonly at: number;
}

/** Holds the bodies of one verdict at a time; its memory grows, and is reused. */
export class BodyStore {
  #bytes = new Uint8Array(65_536);
  #length = 0;

  /** The offset at which the next body begins. */
  get length(): number {
    return this.#length;
  }

  /** Removes all bodies; invalidates the views that `from` has returned. */
  clear(): void {
    this.#length = 0;
  }

  add(piece: Uint8Array): void {
    const needed = this.#length + piece.length;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(needed * 2);
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes.set(piece, this.#length);
    this.#length = needed;
  }

  from(start: number): Uint8Array {
    return this.#bytes.subarray(start, this.#length);
  }
}
