/** Generates inputs: a seed, unchanged or with a few changes. */
import { CORPUS } from "./corpus.ts";
import type { Seed } from "./corpus.ts";
import type { Random } from "../random.ts";
import { bytesOf } from "../fixtures.ts";

/** Bytes that have a meaning in some part of the grammar. */
const TELLING = bytesOf('\r\n\0\t :;,/?#@[]%\\"*0159aAfFgxX+-_.=\x0b\x0c\x1b\x7f\x80\x85\xa0\xff');

/** Pieces that affect framing, routing or persistence. */
const TELLING_PIECES = [
  "\r\n",
  "\r\n\r\n",
  "\n\n",
  "\r",
  "\n",
  "\r\n ",
  "\r\n\t",
  " ",
  "0\r\n\r\n",
  "1\r\na\r\n",
  ";a=b",
  "Host: h\r\n",
  "Content-Length: 0\r\n",
  "Content-Length: 5\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Transfer-Encoding: gzip\r\n",
  "Connection: close\r\n",
  "Connection: keep-alive\r\n",
  "Connection: upgrade\r\nUpgrade: a\r\n",
  "Expect: 100-continue\r\n",
  "A: b\r\n",
  "chunked",
  "close",
  "keep-alive",
  ", ",
  "HTTP/1.0",
  "HTTP/1.1",
  "HTTP/1.2",
  "HTTP/2.0",
  "http://a",
  "CONNECT a:1",
  "GET / HTTP/1.1\r\n",
  "GET /n HTTP/1.0\r\n\r\n",
].map(bytesOf);

/** Half of the seeds are valid requests: most others are rejected at once, and reveal little. */
const VALID = seedsOf((seed) => seed.line === 0);
const COMMON = seedsOf((seed) => seed.line > 0 && !seed.rare);
const RARE = seedsOf((seed) => seed.rare);

/** A seed as bytes. */
interface ByteSeed {
  readonly line: number;
  readonly bytes: Uint8Array;
}

const MAX_INPUT_BYTES = 65_536;
const LF = 0x0a;

/** Generates inputs in the same memory: each is valid until the next one. */
export class Mutator {
  readonly #random: Random;
  readonly #bytes = new Uint8Array(MAX_INPUT_BYTES);
  readonly #copied = new Uint8Array(MAX_INPUT_BYTES);
  #length = 0;
  #line = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** The line of the hardening checklist that the seed of the last input belongs to. */
  get line(): number {
    return this.#line;
  }

  next(): Uint8Array {
    const seed = this.#seed();
    this.#line = seed.line;
    this.#length = 0;
    this.#splice(0, 0, seed.bytes);
    // Few changes: an input far from the grammar is rejected at once, and reveals nothing.
    for (let left = this.#random.pick([0, 1, 1, 1, 1, 2, 2, 4]); left > 0; left--) this.#change();
    return this.#bytes.subarray(0, this.#length);
  }

  #seed(): ByteSeed {
    const thrown = this.#random.below(100);
    return this.#random.pick(thrown === 0 ? RARE : thrown < 50 ? VALID : COMMON);
  }

  #change(): void {
    const random = this.#random;
    const at = random.below(this.#length + 1);
    const end = Math.min(this.#length, at + random.integer(1, random.pick([1, 4, 20])));
    switch (random.below(12)) {
      case 0:
        return this.#flip(at);
      case 1:
        return this.#splice(at, at, this.#tellingByte());
      case 2:
        return this.#splice(at, Math.min(at + 1, this.#length), this.#tellingByte());
      case 3:
        return this.#splice(at, end, EMPTY);
      case 4:
        return this.#splice(end, end, this.#copyOf(at, end));
      case 5:
        return this.#splice(at, this.#length, tail(random, this.#seed().bytes));
      case 6:
        return this.#splice(this.#length, this.#length, this.#seed().bytes);
      case 7:
        return this.#splice(at, at, random.pick(TELLING_PIECES));
      case 8:
        return this.#swapLines();
      case 9:
        return this.#doubleLine();
      case 10:
        return this.#digit(at);
      default: {
        const line = this.#lineAt(at);
        return this.#splice(line, line, random.pick(TELLING_PIECES));
      }
    }
  }

  /** Replaces `bytes[start..end)` by `piece`; does nothing if there is no room. */
  #splice(start: number, end: number, piece: Uint8Array): void {
    const length = this.#length - (end - start) + piece.length;
    if (length > MAX_INPUT_BYTES) return;
    this.#bytes.copyWithin(start + piece.length, end, this.#length);
    this.#bytes.set(piece, start);
    this.#length = length;
  }

  #copyOf(start: number, end: number): Uint8Array {
    this.#copied.set(this.#bytes.subarray(start, end));
    return this.#copied.subarray(0, end - start);
  }

  #flip(at: number): void {
    if (at < this.#length) this.#bytes[at]! ^= 1 << this.#random.below(8);
  }

  #tellingByte(): Uint8Array {
    const at = this.#random.below(TELLING.length);
    return TELLING.subarray(at, at + 1);
  }

  /** Replaces the next digit from `at` on: lengths and versions are digits. */
  #digit(at: number): void {
    while (at < this.#length && (this.#bytes[at]! < 0x30 || this.#bytes[at]! > 0x39)) at++;
    if (at < this.#length) this.#bytes[at] = 0x30 + this.#random.below(10);
  }

  /** Returns the offset at which the line around `at` begins. */
  #lineAt(at: number): number {
    return at === 0 ? 0 : this.#bytes.lastIndexOf(LF, at - 1) + 1;
  }

  #lineEnd(start: number): number {
    const end = this.#bytes.indexOf(LF, start);
    return end === -1 || end >= this.#length ? this.#length : end + 1;
  }

  /** Swaps a line with the next one. */
  #swapLines(): void {
    const start = this.#lineAt(this.#random.below(this.#length + 1));
    const end = this.#lineEnd(start);
    const line = this.#copyOf(start, end);
    const nextEnd = this.#lineEnd(end);
    this.#bytes.copyWithin(start, end, nextEnd);
    this.#bytes.set(line, start + nextEnd - end);
  }

  #doubleLine(): void {
    const start = this.#lineAt(this.#random.below(this.#length + 1));
    const line = this.#copyOf(start, this.#lineEnd(start));
    const to = this.#lineAt(this.#random.below(this.#length + 1));
    this.#splice(to, to, line);
  }
}

const EMPTY = new Uint8Array(0);

function tail(random: Random, bytes: Uint8Array): Uint8Array {
  return bytes.subarray(random.below(bytes.length + 1));
}

function seedsOf(which: (seed: Seed) => boolean): ByteSeed[] {
  return CORPUS.filter(which).map(({ line, bytes }) => ({ line, bytes: bytesOf(bytes) }));
}
