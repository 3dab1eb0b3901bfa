/**
 * The grammar of chunk extensions (RFC 9112, 7.1.1), one byte after another.
 *
 * ```abnf
 * chunk-ext      = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )
 * chunk-ext-name = token
 * chunk-ext-val  = token / quoted-string
 * quoted-string  = DQUOTE *( qdtext / quoted-pair ) DQUOTE
 * quoted-pair    = "\" ( HTAB / SP / VCHAR / obs-text )
 * ```
 *
 * Extensions have no meaning here and are dropped, but two recipients that do not agree on
 * where one ends do not agree on where the data begins. So no line end is part of an
 * extension, not even in quotes (CVE-2025-55315), and whitespace stands only where the
 * grammar has it, never before the line end. One place of the grammar is refused, as by
 * llhttp: the whitespace between a size and its first semicolon, so that a size has one form.
 */
import { isOws, TEXT, TOKEN } from "./syntax.ts";

const EQUALS = 0x3d;
const SEMICOLON = 0x3b;
const DQUOTE = 0x22;
const BACKSLASH = 0x5c;

/** The place in an extension; each is named for what was read last. */
export type ExtensionPlace =
  | "semicolon"
  | "name"
  | "whitespace after name"
  | "equals sign"
  | "value"
  | "quoted value"
  | "backslash"
  | "closing quote"
  | "whitespace after value";

/** Returns the place after `byte`, or null if the grammar does not have the byte there. */
export function extensionPlaceAfter(place: ExtensionPlace, byte: number): ExtensionPlace | null {
  switch (place) {
    case "semicolon":
      if (isOws(byte)) return place;
      return TOKEN[byte] === 1 ? "name" : null;
    case "name":
      if (TOKEN[byte] === 1) return place;
      return isOws(byte) ? "whitespace after name" : delimiter(byte, true);
    case "whitespace after name":
      return isOws(byte) ? place : delimiter(byte, true);
    case "equals sign":
      if (isOws(byte)) return place;
      if (byte === DQUOTE) return "quoted value";
      return TOKEN[byte] === 1 ? "value" : null;
    case "value":
      if (TOKEN[byte] === 1) return place;
      return isOws(byte) ? "whitespace after value" : delimiter(byte, false);
    case "quoted value":
      if (byte === DQUOTE) return "closing quote";
      if (byte === BACKSLASH) return "backslash";
      return TEXT[byte] === 1 ? place : null;
    case "backslash":
      return TEXT[byte] === 1 ? "quoted value" : null;
    case "closing quote":
    case "whitespace after value":
      return isOws(byte) ? "whitespace after value" : delimiter(byte, false);
  }
}

/** Whether the line may end at this place. */
export function mayEndExtension(place: ExtensionPlace): boolean {
  return place === "name" || place === "value" || place === "closing quote";
}

function delimiter(byte: number, mayBeEquals: boolean): ExtensionPlace | null {
  if (byte === SEMICOLON) return "semicolon";
  return byte === EQUALS && mayBeEquals ? "equals sign" : null;
}
