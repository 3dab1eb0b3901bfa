/**
 * The byte classes and numbers of RFC 9110 and RFC 9112.
 *
 * Everything is decided on bytes, through tables: text functions know too much.
 * `String.prototype.trim` removes U+00A0 and U+0085, `\d` and `toLowerCase` know
 * other alphabets, `parseInt` takes `0x`, signs and trailing garbage; each of them
 * has been a request smuggling bug somewhere.
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

/** `tchar = "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "." / "^" / "_" / "`" / "|" / "~" / DIGIT / ALPHA` (RFC 9110, 5.6.2). */
export const TOKEN: ByteClass = byteClass("!#$%&'*+-.^_`|~", DIGIT, ALPHA);

/** `HTAB / SP / VCHAR / obs-text` (RFC 9110, 5.5): what may stand in a line. No CR, LF, NUL, DEL or other control. */
export const TEXT: ByteClass = byteClass("\t", [0x20, 0x7e], [0x80, 0xff]);

/**
 * What may stand in the path of a request-target: `pchar / "/"` of RFC 3986 and
 * the characters outside it that browsers send unencoded. Not `"`, `<`, `>`, nor
 * `\`, which the URL parser turns into `/`: `/public\..\admin` is two paths.
 */
export const PATH: ByteClass = byteClass("-._~!$&'()*+,;=:@/%[]^`{|}", DIGIT, ALPHA);

/** The same for the query, where browsers send `\` as it is and it means nothing. */
export const QUERY: ByteClass = byteClass("-._~!$&'()*+,;=:@/%[]^`{|}?\\", DIGIT, ALPHA);

/**
 * `reg-name = *( unreserved / pct-encoded / sub-delims )` (RFC 3986, 3.2.2), but for
 * the comma, by which a proxy may have joined two Hosts to `a,b`, and percent-encoding,
 * which a URL decodes and a front that compares names does not.
 */
export const REG_NAME: ByteClass = byteClass("-._~!$&'()*+;=", DIGIT, ALPHA);

/** What may stand between the brackets of an IPv6 address. */
export const IP_LITERAL: ByteClass = byteClass(":.ABCDEFabcdef", DIGIT);

/** The value of a hexadecimal digit; 255 for every other byte. */
export const HEX_VALUE: ByteClass = new Uint8Array(256).fill(255);
for (let i = 0; i < 16; i++) {
  HEX_VALUE[i.toString(16).charCodeAt(0)] = i;
  HEX_VALUE[i.toString(16).toUpperCase().charCodeAt(0)] = i;
}

export function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/** `OWS = *( SP / HTAB )` (RFC 9110, 5.6.3): what may surround a value. */
export function isOws(byte: number): boolean {
  return byte === SP || byte === HTAB;
}

/**
 * The number that `text` is, or -1.
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

/** Does every character of `text` belong to the class? */
export function consistsOf(text: string, of: ByteClass): boolean {
  for (let i = 0; i < text.length; i++) {
    // Beyond 0xff there is no entry: undefined is not 1.
    if (of[text.charCodeAt(i)] !== 1) return false;
  }
  return true;
}

/** `token = 1*tchar` (RFC 9110, 5.6.2). */
export function isToken(text: string): boolean {
  return text.length > 0 && consistsOf(text, TOKEN);
}

/**
 * Bytes as text, one character a byte.
 *
 * Not `TextDecoder("latin1")`: that is windows-1252, which moves 0x80 to 0x9f.
 */
export function latin1(bytes: Uint8Array, start: number, end: number): string {
  if (end - start <= MOST_ARGUMENTS) return fromBytes(bytes.subarray(start, end));
  let text = "";
  for (let i = start; i < end; i += MOST_ARGUMENTS) {
    text += fromBytes(bytes.subarray(i, Math.min(end, i + MOST_ARGUMENTS)));
  }
  return text;
}

/** Each argument takes room on the stack: an 8 KiB line is decoded in parts. */
const MOST_ARGUMENTS = 1024;

const fromBytes = String.fromCharCode.apply.bind(String.fromCharCode, null) as unknown as (
  codes: Uint8Array,
) => string;

/** Do the bytes at `start` spell `text`, one byte a character? */
export function spells(bytes: Uint8Array, start: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (bytes[start + i] !== text.charCodeAt(i)) return false;
  }
  return true;
}

/**
 * Do these bytes spell `lower`, in any case? `lower` is lower-case ASCII.
 *
 * Setting 0x20 makes a letter lower-case; in the names and values that are
 * compared here it maps no other tchar onto one of theirs: `-` and digits have it
 * already, and 0x0d, 0x10 to 0x19 are no tchars.
 */
export function equalsIgnoreCase(
  bytes: Uint8Array,
  start: number,
  end: number,
  lower: string,
): boolean {
  if (end - start !== lower.length) return false;
  for (let i = 0; i < lower.length; i++) {
    if ((bytes[start + i]! | 0x20) !== lower.charCodeAt(i)) return false;
  }
  return true;
}
