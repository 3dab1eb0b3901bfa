/** What a parser makes of a byte stream, in words that both parsers share. */
import type { FieldPair } from "../../src/wire/fields.ts";

/** One request. */
export interface Message {
  readonly method: string;
  readonly target: string;
  /** Such as `"1.1"`. */
  readonly version: string;
  readonly fields: readonly FieldPair[];
  readonly trailers: readonly FieldPair[];
  /** As much of the body as was handed out. */
  readonly body: Uint8Array;
  /** The place behind its last byte; null when it has not been reached. */
  readonly end: number | null;
  /** May another request follow? Meaningless before the end, as is the next. */
  readonly persistent: boolean;
  /** Do the bytes behind it belong to another protocol (CONNECT, Upgrade)? */
  readonly handedOver: boolean;
}

/** How the reading ended: between two messages, within one, or with a refusal. */
export type Outcome = "ok" | "incomplete" | "refused";

/** Everything that a parser said about one input. */
export interface Verdict {
  /** The last one may be incomplete. One whose head was not complete is not among them. */
  readonly messages: readonly Message[];
  readonly outcome: Outcome;
  /** Why it was refused; empty when it was not. */
  readonly reason: string;
  /** How many bytes were used up: no less than this was accepted. For a refusal by llhttp, the byte that it did not like. */
  readonly at: number;
}

/** Room for the bodies of one verdict after another: it grows, and is never given back. */
export class BodyStore {
  #bytes = new Uint8Array(65_536);
  #length = 0;

  /** Where the next body begins. */
  get length(): number {
    return this.#length;
  }

  /** Forgets everything; views that were given out die. */
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
