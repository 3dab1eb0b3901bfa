/**
 * The chunked transfer coding (RFC 9112, 7.1), both ways.
 *
 * ```abnf
 * chunked-body = *chunk last-chunk trailer-section CRLF
 * chunk        = chunk-size [ chunk-ext ] CRLF chunk-data CRLF
 * chunk-size   = 1*HEXDIG
 * ```
 *
 * The grammar leaves room that has been used to hide requests: this reader takes 1
 * to 13 digits and no sign, prefix or space; lines end with CRLF only, also behind
 * an extension (CVE-2025-55315); both bytes behind the data are checked
 * (CVE-2025-43859). Extensions are bounded and dropped, trailers are bounded.
 */
import { HttpError } from "../errors.ts";
import { perLimits } from "../limits.ts";
import type { Limits } from "../limits.ts";
import { FieldSection } from "./section_reader.ts";
import type { FieldPair, Fields } from "./fields.ts";
import type { ReadBuffer } from "./read_buffer.ts";
import { headArena } from "./head_arena.ts";
import { LineReader } from "./section_reader.ts";
import type { WriteBuffer } from "./write_buffer.ts";
import { CR, HEX_VALUE, LF, SEMICOLON, TEXT } from "./syntax.ts";

/** 13 digits are 2^52: no sum of sizes loses a bit before the limits end the body. */
const MOST_DIGITS = 13;

/** Where in the body the decoder stands. */
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
  const breach = () => trailersTooLarge(limits);
  return {
    total: limits.trailers,
    totalBreach: breach,
    line: limits.line,
    lineBreach: breach,
    count: limits.trailerFields,
    countBreach: breach,
  };
});

/** Takes a chunked body apart; resumable at any byte. One decoder reads one body. */
export class ChunkedDecoder {
  readonly #limits: Readonly<Limits>;
  readonly #lines: LineReader;
  readonly #section: FieldSection;
  #state: ChunkState = "size";
  #digits = 0;
  /** Of the chunk: first its size, then what is still to come of its data. */
  #remaining = 0;
  #lineLength = 0;
  #extensionBytes = 0;
  /** Data of all chunks so far, with all that the current one has announced. */
  #announced = 0;
  #trailers: Fields | null = null;
  /** What was found behind data that was handed out before it. */
  #fault: unknown = null;

  constructor(limits: Readonly<Limits>) {
    this.#limits = limits;
    const rules = trailerRules(limits);
    this.#lines = new LineReader(rules);
    this.#section = new FieldSection(rules);
  }

  /** The trailer fields, once `read` has said "end". */
  get trailers(): Fields | null {
    return this.#trailers;
  }

  /**
   * Reads on in `input`: a piece of data, "need-data" when `input` is used up as far as
   * possible, or "end".
   *
   * The data of all chunks that are there comes as one piece, moved together where it
   * stands: a flood of one-byte chunks must not cost its reader a turn for each byte.
   *
   * @throws {HttpError} What is not chunked, or has more than `most` bytes of data: what a chunk announces counts, it need not be waited for.
   */
  read(input: ReadBuffer, most: number): Uint8Array | "need-data" | "end" {
    if (this.#fault !== null) throw this.#fault;
    let from = input.start;
    let to = from;
    try {
      while (this.#findData(input, most)) {
        if (to === from) from = to = input.start;
        to = this.#gather(input, to);
      }
    } catch (error) {
      if (to === from) throw error;
      this.#fault = error;
    }
    if (to > from) return input.bytes.subarray(from, to);
    return this.#state === "end" ? "end" : "need-data";
  }

  /** Moves what is there of the current chunk's data to `to`; returns where it ends. */
  #gather(input: ReadBuffer, to: number): number {
    const { bytes, start } = input;
    const count = Math.min(this.#remaining, input.length);
    if (to < start) bytes.copyWithin(to, start, start + count);
    input.consume(count);
    this.#remaining -= count;
    if (this.#remaining === 0) this.#state = "data carriage return";
    return to + count;
  }

  /** Reads what stands between data; true when data is next, and some of it is there. */
  #findData(input: ReadBuffer, most: number): boolean {
    while (input.length > 0) {
      switch (this.#state) {
        case "data":
          return true;
        case "end":
          return false;
        case "trailers":
          if (!this.#readTrailers(input)) return false;
          break;
        default:
          this.#step(input.bytes[input.start]!, most);
          input.consume(1);
      }
    }
    return false;
  }

  #step(byte: number, most: number): void {
    switch (this.#state) {
      case "size":
        this.#countLine();
        return this.#size(byte);
      case "extension":
        this.#countLine();
        return this.#extension(byte);
      case "line feed":
        if (byte !== LF) throw badChunk("The line of a chunk must end with CRLF");
        return this.#beginData(most);
      case "data carriage return":
        if (byte !== CR) throw badChunk("The data of a chunk must be followed by CRLF");
        this.#state = "data line feed";
        return;
      case "data line feed":
        if (byte !== LF) throw badChunk("The data of a chunk must be followed by CRLF");
        this.#state = "size";
        return;
    }
  }

  #beginData(most: number): void {
    this.#announced += this.#remaining;
    if (this.#announced > most) throw bodyTooLarge(most);
    this.#state = this.#remaining === 0 ? "trailers" : "data";
    this.#digits = this.#lineLength = 0;
  }

  #size(byte: number): void {
    const digit = HEX_VALUE[byte]!;
    if (digit < 16) {
      if (++this.#digits > MOST_DIGITS) throw badChunk("A chunk size must have at most 13 digits");
      this.#remaining = this.#remaining * 16 + digit;
    } else if (this.#digits === 0 || (byte !== CR && byte !== SEMICOLON)) {
      throw badChunk("A chunk must begin with its size in hexadecimal digits");
    } else if (byte === CR) {
      this.#state = "line feed";
    } else {
      this.#state = "extension";
      this.#countExtension();
    }
  }

  #extension(byte: number): void {
    if (byte === CR) {
      this.#state = "line feed";
    } else if (TEXT[byte] !== 1) {
      throw badChunk("A chunk extension must not contain control characters");
    } else {
      this.#countExtension();
    }
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
    // The CR is counted where it ends the line: one more than the line has.
    if (++this.#lineLength > this.#limits.chunkLine + 1) {
      throw new HttpError(
        400,
        "chunk-line-too-long",
        `The line of a chunk must be at most ${this.#limits.chunkLine} bytes long`,
      );
    }
  }

  #readTrailers(input: ReadBuffer): boolean {
    const { bytes, start, end } = input;
    if (!this.#section.read(this.#lines, bytes, start, end)) return false;
    const kept = headArena.keep(bytes, start, start + this.#lines.start);
    this.#trailers = this.#section.take(headArena.bytes, kept);
    input.consume(this.#lines.start);
    this.#state = "end";
    return true;
  }
}

/** The refusal of a body that is too long, in whatever coding it comes. */
export function bodyTooLarge(most: number): HttpError {
  return new HttpError(413, "body-too-large", `The body must be at most ${most} bytes long`);
}

function badChunk(message: string): HttpError {
  return new HttpError(400, "bad-chunk", `${message} (RFC 9112, 7.1)`);
}

function trailersTooLarge(limits: Readonly<Limits>): HttpError {
  return new HttpError(
    431,
    "trailers-too-large",
    `The trailer section must be at most ${limits.trailerFields} fields and ${limits.trailers} bytes long`,
  );
}

/** The line before a chunk's data. The data itself must not be empty: that would be the last chunk. */
export function encodeChunkSize(out: WriteBuffer, size: number): void {
  out.latin1(size.toString(16));
  out.latin1("\r\n");
}

/** What follows a chunk's data. */
export function encodeChunkEnd(out: WriteBuffer): void {
  out.latin1("\r\n");
}

/** The last chunk, with the trailer fields. */
export function encodeLastChunk(out: WriteBuffer, trailers: readonly FieldPair[]): void {
  out.latin1("0\r\n");
  for (const [name, value] of trailers) out.latin1(`${name}: ${value}\r\n`);
  out.latin1("\r\n");
}
