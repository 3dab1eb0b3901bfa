/**
 * The byte classes and numbers of RFC 9110 and RFC 9112.
 *
 * Everything is decided on bytes, through tables: text functions accept too much.
 * `String.prototype.trim` removes U+00A0 and U+0085, `\d` and `toLowerCase` know other
 * alphabets, `parseInt` accepts `0x`, signs and trailing garbage; each of them has caused a
 * request smuggling bug in some server.
 */

export const HTAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;

/** A table of 256 entries, 1 for each byte that belongs to the class. */
export type ByteClass = Uint8Array;

function byteClass(...parts: (string | [from: number, to: number])[]): ByteClass {
  const table = new Uint8Array(256);
  for (const part of parts) {
    if (typeof part === "string") {
      for (let i = 0; i < part.length; i++) table[part.charCodeAt(i)] = 1;
    } else {
      table.fill(1, part[0], part[1] + 1);
    }
  }
  return table;
}

const ALPHA = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const DIGIT = "0123456789";

const DIGITS: ByteClass = byteClass(DIGIT);

/** `tchar = "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "." / "^" / "_" / "`" / "|" / "~" / DIGIT / ALPHA` (RFC 9110, 5.6.2). */
export const TOKEN: ByteClass = byteClass("!#$%&'*+-.^_`|~", DIGIT, ALPHA);

/** `HTAB / SP / VCHAR / obs-text` (RFC 9110, 5.5): the bytes allowed in a line. No CR, LF, NUL, DEL or other control. */
export const TEXT: ByteClass = byteClass("\t", [0x20, 0x7e], [0x80, 0xff]);

/**
 * Returns the offset of the first byte at `at` or behind it that is not TEXT, or `stop`.
 * `view` is the memory of `bytes`.
 *
 * Looks at four bytes at once, which takes half the time of the table alone. The loop at the
 * end passes HTAB, which is TEXT, and the last three bytes.
 */
export function textEnd(bytes: Uint8Array, view: DataView, at: number, stop: number): number {
  while (at + 4 <= stop) {
    const controls = controlsIn(view.getInt32(at, true));
    if (controls !== 0) {
      at += lowestByte(controls);
      break;
    }
    at += 4;
  }
  while (at < stop && TEXT[bytes[at]!] === 1) at++;
  return at;
}

/**
 * Returns a word whose lowest byte that is not 0 is that of the first control character of
 * `word`, HTAB among them; 0 if there is none.
 *
 * Subtracting 0x20 from a byte below 0x20 borrows, and sets the highest bit, which `~word`
 * has too, but not for a byte from 0x80 on. XOR turns DEL, and no other byte, into 0.
 */
function controlsIn(word: number): number {
  const del = word ^ 0x7f7f7f7f;
  return (((word - 0x20202020) & ~word) | ((del - 0x01010101) & ~del)) & 0x80808080;
}

/** Returns the index, 0 to 3, of the lowest byte of a word that is not 0. */
function lowestByte(word: number): number {
  return (31 - Math.clz32(word & -word)) >> 3;
}

/**
 * The bytes allowed in the path of a request-target: `pchar / "/"` of RFC 3986 and the
 * other characters that browsers send unencoded. Not `"`, `<`, `>`, nor `\`, which the URL
 * parser turns into `/`: `/public\..\admin` would mean two different paths.
 */
export const PATH: ByteClass = byteClass("-._~!$&'()*+,;=:@/%[]^`{|}", DIGIT, ALPHA);

/** The same for the query, where browsers send `\` unencoded and it has no special meaning. */
export const QUERY: ByteClass = byteClass("-._~!$&'()*+,;=:@/%[]^`{|}?\\", DIGIT, ALPHA);

/**
 * `reg-name = *( unreserved / pct-encoded / sub-delims )` (RFC 3986, 3.2.2), without the
 * comma, with which a proxy may have joined two Hosts to `a,b`, and without percent-encoding,
 * which a URL decodes and a proxy that compares names does not.
 */
export const REG_NAME: ByteClass = byteClass("-._~!$&'()*+;=", DIGIT, ALPHA);

/** The bytes of an identifier that hides an address, behind its `_` (RFC 7239, 6.3). */
export const OBFUSCATED: ByteClass = byteClass("._-", DIGIT, ALPHA);

/** The bytes allowed between the brackets of an IPv6 address. */
export const IP_LITERAL: ByteClass = byteClass(":.ABCDEFabcdef", DIGIT);

/** The hexadecimal digits. */
export const HEX_DIGITS: ByteClass = byteClass("ABCDEFabcdef", DIGIT);

/** The value of a hexadecimal digit; 255 for every other byte. */
export const HEX_VALUE: Uint8Array = new Uint8Array(256).fill(255);
for (let i = 0; i < 16; i++) {
  HEX_VALUE[i.toString(16).charCodeAt(0)] = i;
  HEX_VALUE[i.toString(16).toUpperCase().charCodeAt(0)] = i;
}

export function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/** Whether a byte is part of `OWS = *( SP / HTAB )` (RFC 9110, 5.6.3), which may surround a value. */
export function isOws(byte: number): boolean {
  return byte === SP || byte === HTAB;
}

/**
 * Returns the number that `text` spells in decimal digits, or -1 if it does not.
 *
 * `Content-Length = 1*DIGIT`, and at most 2^53-1, so that no two numbers become
 * one (RFC 9110, 8.6: "a recipient MUST anticipate potentially large decimal
 * numerals and prevent parsing errors due to integer conversion overflows").
 */
export function decimal(text: string): number {
  if (text.length === 0) return -1;
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
    if (value > Number.MAX_SAFE_INTEGER) return -1;
  }
  return value;
}

/** Whether every character of `text` belongs to `allowed`. */
export function consistsOf(text: string, allowed: ByteClass): boolean {
  for (let i = 0; i < text.length; i++) {
    // The table has no entry above 0xff: undefined is not 1.
    if (allowed[text.charCodeAt(i)] !== 1) return false;
  }
  return true;
}

/** Whether `text` consists of digits, however many. */
export function isDigits(text: string): boolean {
  return text.length > 0 && consistsOf(text, DIGITS);
}

/** Whether `text` is a `token = 1*tchar` (RFC 9110, 5.6.2). */
export function isToken(text: string): boolean {
  return text.length > 0 && consistsOf(text, TOKEN);
}

/** Whether the bytes at `start` spell `text`, one byte per character. */
export function spells(bytes: Uint8Array, start: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (bytes[start + i] !== text.charCodeAt(i)) return false;
  }
  return true;
}

/** Whether `text[start..end)` is the name `lower`, which is in lower case, in any case (RFC 9110, 5.1). */
export function equalsIgnoreCase(
  text: string,
  start: number,
  end: number,
  lower: string,
): boolean {
  if (end - start !== lower.length) return false;
  for (let i = 0; i < lower.length; i++) {
    const code = text.charCodeAt(start + i);
    if (code !== lower.charCodeAt(i) && lowerCase(code) !== lower.charCodeAt(i)) return false;
  }
  return true;
}

/** `toLowerCase` would also change letters that are no ASCII, such as U+212A into `k`. */
function lowerCase(code: number): number {
  return code >= 0x41 && code <= 0x5a ? code + 0x20 : code;
}
