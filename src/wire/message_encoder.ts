/**
 * What the encoders of requests and responses have in common: a head, the content in pieces, an
 * end, and then the next message.
 *
 * ```text
 *   ┌────────────────────┐
 *   ▼                    │
 * head ──► content ──────┴──► closed
 *  │ └──► head, behind an interim response
 *  └────► switched
 * ```
 */
import type { FieldsInit } from "../fields_init.ts";
import { moved } from "../transitions.ts";
import type { Transitions } from "../transitions.ts";
import { encodeChunkEnd } from "./chunked.ts";
import { ContentEncoder } from "./content_encoder.ts";
import { fieldsToSend } from "./fields.ts";
import { WriteBuffer } from "./write_buffer.ts";

/**
 * What is encoded next.
 *
 * - "head": the head of the next message.
 * - "content": a piece of the content, or the end of the message.
 * - "closed": nothing: the last message ends the connection.
 * - "switched": nothing: another protocol follows.
 *
 * @example
 * ```ts
 * import { type EncoderState, RequestEncoder } from "@asynchttp/server/wire";
 *
 * const encoder = new RequestEncoder();
 * const states: EncoderState[] = [encoder.state];
 * encoder.head({ method: "GET", target: "/", fields: { Host: "x", Connection: "close" } });
 * states.push(encoder.state);
 * encoder.end();
 * states.push(encoder.state);
 * console.log(states); // [ "head", "content", "closed" ]
 * ```
 */
export type EncoderState = "head" | "content" | "closed" | "switched";

const TRANSITIONS: Transitions<EncoderState> = {
  head: ["content", "head", "switched"],
  content: ["head", "closed"],
  closed: [],
  switched: [],
};

/** How the content of a message is sent. */
export interface SentFraming {
  /** Whether the content is sent at all. */
  readonly sendsContent: boolean;
  /** The Content-Length; null if there is none. */
  readonly length: number | null;
  /** Whether it is sent in chunks. */
  readonly chunked: boolean;
  /** Whether another message may follow. */
  readonly persistent: boolean;
}

/** A head as bytes. */
export interface EncodedHead {
  /** The bytes. */
  readonly bytes: Uint8Array;
  /** How its content is sent. */
  readonly framing: SentFraming;
}

/**
 * Encodes the content and the end of one message after another.
 *
 * @example The content of a message in either direction
 * ```ts
 * import { type MessageEncoder, RequestEncoder } from "@asynchttp/server/wire";
 *
 * function* content(encoder: MessageEncoder, pieces: Iterable<string>): Iterable<Uint8Array> {
 *   for (const piece of pieces) yield encoder.data(new TextEncoder().encode(piece));
 *   yield encoder.end();
 * }
 *
 * const encoder = new RequestEncoder();
 * encoder.head({ method: "PUT", target: "/", fields: { Host: "x" }, size: null });
 * const bytes = [...content(encoder, ["hello", "world"])];
 * console.log(bytes.map((piece) => new TextDecoder().decode(piece)));
 * // [ "5\r\nhello\r\n", "5\r\nworld\r\n", "0\r\n\r\n" ]
 * ```
 */
export class MessageEncoder {
  readonly #out = new WriteBuffer();
  #state: EncoderState = "head";
  #framing: SentFraming = NO_CONTENT;
  #content = new ContentEncoder(null, false);

  /** What is encoded next. */
  get state(): EncoderState {
    return this.#state;
  }

  /** Whether the content of the current message is sent at all; it is not in a response to HEAD. */
  get sendsContent(): boolean {
    return this.#framing.sendsContent;
  }

  /**
   * Encodes a piece of the content. Returns no bytes where the message has no content, as in a
   * response to HEAD. Where there are no chunks the bytes are the piece itself.
   *
   * @param piece The bytes of the content; an empty piece is nothing.
   * @returns The bytes to send.
   * @throws {TypeError} No head was encoded, the message has ended, or the content is longer than its Content-Length.
   *
   * @example
   * ```ts
   * import { RequestEncoder } from "@asynchttp/server/wire";
   *
   * const encoder = new RequestEncoder();
   * encoder.head({ method: "PUT", target: "/", fields: { Host: "x" }, size: null });
   * const bytes = encoder.data(new TextEncoder().encode("hello"));
   * console.log(new TextDecoder().decode(bytes).split("\r\n")); // [ "5", "hello", "" ]
   * ```
   */
  data(piece: Uint8Array): Uint8Array {
    this.#mustBe("content", "content");
    if (!this.#framing.sendsContent || piece.length === 0) return NOTHING;
    this.#content.begin(this.#out, piece.length);
    if (!this.#framing.chunked) return piece;
    this.#out.copy(piece);
    encodeChunkEnd(this.#out);
    return this.#out.take();
  }

  /**
   * Encodes the end of the message.
   *
   * @param trailers Fields behind the last chunk; they are left out where there are no chunks.
   * @returns The bytes to send.
   * @throws {TypeError} No head was encoded, the message has ended, the content is shorter than its Content-Length, or a trailer is invalid or must not be one (RFC 9110, 6.5.1).
   *
   * @example
   * ```ts
   * import { RequestEncoder } from "@asynchttp/server/wire";
   *
   * const encoder = new RequestEncoder();
   * encoder.head({ method: "PUT", target: "/", fields: { Host: "x" }, size: null });
   * const bytes = encoder.end({ Digest: "abc" });
   * console.log(new TextDecoder().decode(bytes).split("\r\n")); // [ "0", "Digest: abc", "", "" ]
   * ```
   */
  end(trailers?: FieldsInit | null): Uint8Array {
    const { sendsContent, chunked } = this.#framing;
    const fields = chunked ? fieldsToSend(trailers) as [string, string][] : null;
    // Behind the fields, as in `bare`.
    this.#mustBe("content", "an end");
    if (sendsContent) this.#content.end(this.#out, () => fields);
    this.#move(this.#framing.persistent ? "head" : "closed");
    return this.#out.take();
  }

  /**
   * Encodes a head, behind which its content is encoded.
   *
   * @ignore Only the encoders of this entry call it.
   */
  protected begin(encode: () => EncodedHead): Uint8Array {
    this.#mustBe("head", "a head");
    const { bytes, framing } = encode();
    this.#framing = framing;
    this.#content = new ContentEncoder(framing.length, framing.chunked);
    this.#move("content");
    return bytes;
  }

  /**
   * Encodes a head without content or end, behind which `next` is encoded.
   *
   * @ignore Only the encoders of this entry call it.
   */
  protected bare(next: "head" | "switched", encode: () => Uint8Array): Uint8Array {
    const bytes = encode();
    // Behind the fields: their getters may have encoded another head.
    this.#mustBe("head", "a head");
    this.#move(next);
    return bytes;
  }

  #mustBe(state: EncoderState, what: string): void {
    if (this.#state === state) return;
    throw new TypeError(`Cannot encode ${what} ${REASONS[this.#state]}`);
  }

  /** The only assignment of the state. */
  #move(to: EncoderState): void {
    this.#state = moved(TRANSITIONS, this.#state, to);
  }
}

const REASONS: { readonly [state in EncoderState]: string } = {
  head: "before the head of its message",
  content: "before the end of the message before it",
  closed: "behind a message that ends the connection",
  switched: "behind a head that switches protocols",
};

const NO_CONTENT: SentFraming = {
  sendsContent: false,
  length: null,
  chunked: false,
  persistent: true,
};
const NOTHING = new Uint8Array(0);
