/**
 * The decoder and the encoder of the chunked transfer coding (RFC 9112, 7.1).
 *
 * ```abnf
 * chunked-body = *chunk last-chunk trailer-section CRLF
 * chunk        = chunk-size [ chunk-ext ] CRLF chunk-data CRLF
 * chunk-size   = 1*HEXDIG
 * ```
 *
 * Lenient readings of this grammar have been used to hide requests. The decoder accepts
 * 1 to 13 digits and no sign, prefix or space; lines end with CRLF only, also after an
 * extension (CVE-2025-55315); both bytes after the data are checked (CVE-2025-43859).
 * Extensions are checked, bounded and discarded; trailers are bounded.
 */
import { HttpError } from "../errors.ts";
import { perLimits } from "../limits.ts";
import type { Limits } from "../limits.ts";
import { extensionPlaceAfter, mayEndExtension } from "./chunk_extension.ts";
import type { ExtensionPlace } from "./chunk_extension.ts";
import { FieldSection } from "./section_reader.ts";
import type { FieldPair, Fields } from "./fields.ts";
import type { ReadBuffer } from "./read_buffer.ts";
import { latin1 } from "./latin1.ts";
import { LineReader } from "./section_reader.ts";
import { bodyTooLarge } from "./message_framing.ts";
import type { WriteBuffer } from "./write_buffer.ts";
import { CR, HEX_VALUE, LF, SEMICOLON } from "./syntax.ts";

/** 13 digits are below 2^52: no sum of sizes loses a bit before the limits end the body. */
const MAX_SIZE_DIGITS = 13;

/** What the decoder reads next. */
type ChunkState =
  | "size"
  | "extension"
  | "line feed"
  | "data"
  | "data carriage return"
  | "data line feed"
  | "trailers"
  | "end";

const trailerRules = perLimits((limits) => {
  const tooLarge = () => trailersTooLarge(limits);
  return {
    maxBytes: limits.trailers,
    tooLarge,
    maxLineBytes: limits.line,
    lineTooLong: tooLarge,
    maxFields: limits.trailerFields,
    tooManyFields: tooLarge,
  };
});

/** Decodes one chunked body; resumable at any byte. */
export class ChunkedDecoder {
  readonly #limits: Readonly<Limits>;
  /** The most bytes of a line that is nothing but a size. */
  readonly #maxPlainLine: number;
  readonly #lines: LineReader;
  readonly #section: FieldSection;
  #state: ChunkState = "size";
  #extension: ExtensionPlace = "semicolon";
  #digits = 0;
  /** The size of the current chunk while it is read, then the bytes of its data still to come. */
  #remaining = 0;
  #lineLength = 0;
  #extensionBytes = 0;
  /** Sum of the chunk sizes so far, including that of the current chunk. */
  #announced = 0;
  #trailers: Fields | null = null;
  /** Error found after data that must be returned first; the next read throws it. */
  #deferredError: unknown = null;

  constructor(limits: Readonly<Limits>) {
    this.#limits = limits;
    this.#maxPlainLine = Math.min(MAX_SIZE_DIGITS, limits.chunkLine);
    const rules = trailerRules(limits);
    this.#lines = new LineReader(rules);
    this.#section = new FieldSection(rules);
  }

  /** The trailer fields, once `read` has returned "end". */
  get trailers(): Fields | null {
    return this.#trailers;
  }

  /**
   * Returns a piece of data, "need-data" if `input` holds nothing more to decode, or "end".
   *
   * The data of all buffered chunks is returned as one piece, joined in place: a flood of
   * one-byte chunks must not cost the reader a turn of the event loop for each byte.
   *
   * @throws {HttpError} The input is not chunked, or the chunk sizes exceed `maxBody` bytes;
   * an announced size counts before its data arrives.
   */
  read(input: ReadBuffer, maxBody: number): Uint8Array | "need-data" | "end" {
    if (this.#deferredError !== null) throw this.#deferredError;
    let from = input.start;
    let to = from;
    try {
      while (this.#findData(input, maxBody)) {
        if (to === from) from = to = input.start;
        to = this.#gather(input, to);
      }
    } catch (error) {
      if (to === from) throw error;
      this.#deferredError = error;
    }
    if (to > from) return input.bytes.subarray(from, to);
    return this.#state === "end" ? "end" : "need-data";
  }

  /** Moves the buffered data of the current chunk to `to`; returns the end of the moved data. */
  #gather(input: ReadBuffer, to: number): number {
    const { bytes, start } = input;
    const count = Math.min(this.#remaining, input.length);
    if (to < start) move(bytes, start, start + count, to);
    input.consume(count);
    this.#remaining -= count;
    if (this.#remaining === 0) this.#endData(input);
    return to + count;
  }

  #endData(input: ReadBuffer): void {
    this.#state = isLineEnd(input, input.start) ? "size" : "data carriage return";
    if (this.#state === "size") input.consume(2);
  }

  /** Reads the syntax between data; returns true if buffered data is next. */
  #findData(input: ReadBuffer, maxBody: number): boolean {
    while (input.length > 0) {
      switch (this.#state) {
        case "data":
          return true;
        case "data carriage return":
          expect(input, CR, "The data of a chunk must be followed by CRLF");
          this.#state = "data line feed";
          break;
        case "data line feed":
          expect(input, LF, "The data of a chunk must be followed by CRLF");
          this.#state = "size";
          break;
        case "size":
          if (this.#digits > 0 || !this.#readPlainLine(input, maxBody)) this.#readSize(input);
          break;
        case "extension":
          this.#readExtension(input);
          break;
        case "line feed":
          expect(input, LF, "The line of a chunk must end with CRLF");
          this.#beginData(maxBody);
          break;
        case "trailers":
          if (!this.#readTrailers(input)) return false;
          break;
        case "end":
          return false;
      }
    }
    return false;
  }

  /**
   * Reads the line of a chunk that has arrived whole and consists of its size, as nearly all do.
   * Leaves any other to the states, which read it from its beginning: they alone refuse. (Byte
   * by byte, a flood of one-byte chunks takes twice as long.)
   */
  #readPlainLine(input: ReadBuffer, maxBody: number): boolean {
    const { bytes, start, end } = input;
    const last = Math.min(end, start + this.#maxPlainLine);
    let size = 0;
    let at = start;
    for (; at < last && HEX_VALUE[bytes[at]!]! <= 15; at++) {
      size = size * 16 + HEX_VALUE[bytes[at]!]!;
    }
    if (at === start || !isLineEnd(input, at)) return false;
    input.consume(at + 2 - start);
    this.#remaining = size;
    this.#beginData(maxBody);
    return true;
  }

  /** Reads digits, and the byte behind them if it has arrived. */
  #readSize(input: ReadBuffer): void {
    const { bytes, end } = input;
    while (input.start < end) {
      const byte = bytes[input.start++]!;
      this.#countLine();
      const digit = HEX_VALUE[byte]!;
      if (digit > 15) return this.#endSize(byte);
      if (++this.#digits > MAX_SIZE_DIGITS) {
        throw badChunk("A chunk size must have at most 13 digits");
      }
      this.#remaining = this.#remaining * 16 + digit;
    }
  }

  #endSize(byte: number): void {
    if (this.#digits === 0 || (byte !== CR && byte !== SEMICOLON)) {
      throw badChunk("A chunk must begin with its size in hexadecimal digits");
    }
    if (byte === CR) {
      this.#state = "line feed";
    } else {
      this.#state = "extension";
      this.#extension = "semicolon";
      this.#countExtension();
    }
  }

  #readExtension(input: ReadBuffer): void {
    const { bytes, end } = input;
    while (input.start < end) {
      const byte = bytes[input.start++]!;
      this.#countLine();
      if (byte === CR && mayEndExtension(this.#extension)) {
        this.#state = "line feed";
        return;
      }
      const place = extensionPlaceAfter(this.#extension, byte);
      if (place === null) throw badExtension();
      this.#extension = place;
      this.#countExtension();
    }
  }

  #beginData(maxBody: number): void {
    this.#announced += this.#remaining;
    if (this.#announced > maxBody) throw bodyTooLarge(maxBody);
    this.#state = this.#remaining === 0 ? "trailers" : "data";
    this.#digits = this.#lineLength = 0;
  }

  #countExtension(): void {
    if (++this.#extensionBytes > this.#limits.chunkExtensions) {
      throw new HttpError(
        400,
        "chunk-extensions-too-large",
        `The chunk extensions of a body must be at most ${this.#limits.chunkExtensions} bytes long`,
      );
    }
  }

  #countLine(): void {
    // The count includes the CR, which is not part of the line.
    if (++this.#lineLength > this.#limits.chunkLine + 1) {
      throw new HttpError(
        400,
        "chunk-line-too-long",
        `The line of a chunk must be at most ${this.#limits.chunkLine} bytes long`,
      );
    }
  }

  #readTrailers(input: ReadBuffer): boolean {
    if (!this.#section.read(this.#lines, input)) return false;
    const { bytes, start } = input;
    this.#trailers = this.#section.take(latin1(bytes, start, start + this.#lines.start));
    input.consume(this.#lines.start);
    this.#state = "end";
    return true;
  }
}

/** A few bytes are moved faster by a loop than by a call into the runtime. */
function move(bytes: Uint8Array, start: number, end: number, to: number): void {
  if (end - start > 32) bytes.copyWithin(to, start, end);
  else for (let at = start; at < end;) bytes[to++] = bytes[at++]!;
}

/** Whether CRLF has arrived at an offset in the buffer. */
function isLineEnd({ bytes, end }: ReadBuffer, at: number): boolean {
  return at + 1 < end && bytes[at] === CR && bytes[at + 1] === LF;
}

function expect(input: ReadBuffer, byte: number, message: string): void {
  if (input.bytes[input.start] !== byte) throw badChunk(message);
  input.consume(1);
}

function badChunk(message: string): HttpError {
  return new HttpError(400, "bad-chunk", `${message} (RFC 9112, 7.1)`);
}

function badExtension(): HttpError {
  return new HttpError(
    400,
    "bad-chunk",
    'A chunk extension must be ;name, ;name=token or ;name="quoted text" (RFC 9112, 7.1.1)',
  );
}

function trailersTooLarge(limits: Readonly<Limits>): HttpError {
  return new HttpError(
    431,
    "trailers-too-large",
    `The trailer section must be at most ${limits.trailerFields} fields and ${limits.trailers} bytes long`,
  );
}

/** Writes the line before a chunk's data; `size` must not be 0, which would end the body. */
export function encodeChunkSize(out: WriteBuffer, size: number): void {
  out.latin1(size.toString(16));
  out.latin1("\r\n");
}

/** Writes the CRLF after a chunk's data. */
export function encodeChunkEnd(out: WriteBuffer): void {
  out.latin1("\r\n");
}

/** Writes the last chunk, with the trailer fields. */
export function encodeLastChunk(out: WriteBuffer, trailers: readonly FieldPair[]): void {
  out.latin1("0\r\n");
  for (const [name, value] of trailers) out.latin1(`${name}: ${value}\r\n`);
  out.latin1("\r\n");
}
