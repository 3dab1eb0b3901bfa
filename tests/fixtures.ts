/** Small values and conversions that the tests of every folder use. */
import { assert } from "@std/assert";
import { delay } from "@std/async";

/** The smallest request that leaves the connection open. */
export const GET = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

/** Resolves in a later turn of the event loop: what is ready has happened by then. */
export function soon(): Promise<void> {
  return delay(1);
}

/** Encodes a text as UTF-8. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** Converts a byte case to bytes, one byte a character. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (char) => {
    const code = char.charCodeAt(0);
    assert(code <= 0xff, `A byte case must not contain ${char}`);
    return code;
  });
}

/** Converts bytes to a text, one character a byte; the inverse of {@linkcode bytesOf}. */
export function textOf(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/** Returns a stream that yields the texts one by one and ends. */
export function streamOf(...texts: string[]): ReadableStream<Uint8Array<ArrayBuffer>> {
  return ReadableStream.from(texts.map(utf8));
}

/**
 * Returns bytes that reveal a lost, repeated or misplaced piece: their period is prime, so it
 * does not divide the size of any buffer.
 */
export function pattern(length: number, from = 0): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => (from + i) % 251);
}
