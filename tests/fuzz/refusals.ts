/** Short names for the rejections of each side, from which the kinds of disagreements are made. */
import { latin1 } from "../../src/wire/latin1.ts";
import type { Message, Verdict } from "./verdict.ts";

/** Our rejections, by code, and by a part of the message if a code has several. */
const OUR_NAMES: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/^bad-line-ending:/, "bare LF or CR"],
  [/^bad-request-line: .* must be a method, /, "no version"],
  [/^bad-request-line: .* must begin with/, "something before the method"],
  [/^bad-request-line: .* must end with/, "spaces or another version"],
  [/^unsupported-version:/, "major version"],
  [/^bad-target: CONNECT/, "target of CONNECT"],
  [/^bad-target: .* must be percent-encoded/, "characters of the target"],
  [/^bad-target: .* neither/, "form of the target"],
  [/^bad-host: .* needs a Host/, "Host missing"],
  [/^bad-host: .* only one/, "several Hosts"],
  [/^bad-host: .* must be a host/, "value of Host"],
  [/^bad-content-length: .* decimal/, "value of Content-Length"],
  [/^body-too-large: .* 9007199254740991 /, "value of Content-Length"],
  [/^bad-transfer-encoding: .* both/, "Content-Length and Transfer-Encoding"],
  [/^bad-transfer-encoding: .* HTTP\/1\.0/, "Transfer-Encoding in HTTP/1.0"],
  [/^bad-transfer-encoding: .* must be chunked/, "value of Transfer-Encoding"],
  [/^bad-transfer-encoding: chunked must be the last/, "chunked is not last"],
  [/^unsupported-transfer-coding:/, "another transfer coding"],
  [/^expectation-failed:/, "value of Expect"],
  [/^bad-chunk: .* 13 digits/, "digits of a chunk size"],
  [/^bad-chunk: A chunk extension/, "chunk extension"],
  [/^[a-z-]+-(long|large|fields): /, "limits"],
];

/** Returns the name of a rejection of ours; its reason if it has none. */
export function nameOfOurs(reason: string): string {
  return OUR_NAMES.find(([pattern]) => pattern.test(reason))?.[1] ?? reason;
}

/** llhttp trims only SP from the values that it interprets. */
export const HTAB = "HTAB behind a value";

/** Every method that llhttp accepts in an HTTP request. */
const THEIR_METHODS = new Set(
  ("DELETE GET HEAD POST PUT CONNECT OPTIONS TRACE COPY LOCK MKCOL MOVE PROPFIND PROPPATCH SEARCH " +
    "UNLOCK BIND REBIND UNBIND ACL REPORT MKACTIVITY CHECKOUT MERGE M-SEARCH NOTIFY SUBSCRIBE " +
    "UNSUBSCRIBE PATCH PURGE MKCALENDAR LINK UNLINK QUERY").split(" "),
);

/** A message that they reject and we accept. */
export interface Refused {
  readonly bytes: Uint8Array;
  /** The offset at which the message begins. */
  readonly start: number;
  readonly our: Message;
  /** The message as far as they have parsed it. */
  readonly their: Message | undefined;
  readonly theirs: Verdict;
}

/**
 * Their rejections. Each name has a condition that is as narrow as its explanation: a
 * rejection for the same reason elsewhere keeps its full text.
 */
const THEIR_NAMES: readonly (readonly [name: string, applies: (refused: Refused) => boolean])[] = [
  [
    "method that llhttp does not know",
    ({ our, theirs }) =>
      /^HPE_INVALID_(METHOD|CONSTANT|VERSION): .*([Mm]ethod|Preface)/.test(theirs.reason) &&
      !THEIR_METHODS.has(our.method),
  ],
  [
    "HTTP/1.2 to HTTP/1.9",
    ({ our, theirs }) =>
      theirs.reason.startsWith("HPE_INVALID_VERSION:") && /^1\.[2-9]$/.test(our.version),
  ],
  [
    "framing fields among the trailers",
    ({ our, their, theirs }) =>
      /(Content-Length|Transfer-Encoding)/.test(theirs.reason) && their !== undefined &&
      our.trailers.some(([name]) => /^(content-length|transfer-encoding)$/i.test(name)),
  ],
  [
    HTAB,
    ({ bytes, start, theirs }) =>
      /^HPE_INVALID_(TRANSFER_ENCODING|CONTENT_LENGTH): (Request|Invalid char)/.test(
        theirs.reason,
      ) && hasHtab(bytes, start),
  ],
  ["whitespace in a chunk extension", hasExtensions],
];

/** Returns the name of a rejection of theirs; its reason if it has none. */
export function nameOfTheirs(refused: Refused): string {
  return THEIR_NAMES.find(([, applies]) => applies(refused))?.[0] ?? refused.theirs.reason;
}

/** Whether an HTAB follows a value in a field of the head at `start` that llhttp interprets. */
export function hasHtab(bytes: Uint8Array, start: number): boolean {
  const [head = ""] = latin1(bytes, start, bytes.length).split("\r\n\r\n", 1);
  return /\r\n(connection|transfer-encoding|content-length):[ \t]*[^ \t\r][^\r]*\t/i.test(head);
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const QUOTED = '"(?:[\\t !#-\\[\\]-~\\x80-\\xff]|\\\\[\\t -~\\x80-\\xff])*"';

const EXTENSION_BODY = `${TOKEN}(?:[ \\t]*=[ \\t]*(?:${TOKEN}|${QUOTED}))?`;

/** `chunk-size *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )` (RFC 9112, 7.1.1), except that no BWS may follow our size. */
const EXTENSIONS = new RegExp(
  `^[0-9A-Fa-f]+;[ \\t]*${EXTENSION_BODY}(?:[ \\t]*;[ \\t]*${EXTENSION_BODY})*$`,
);

/** One of these makes a line well-formed that has ended within a well-formed extension. */
const RESTS = ["", "a", ";a", '"', 'a"'];

/** Whether they have rejected well-formed extensions, or the beginning of such. */
function hasExtensions({ bytes, theirs }: Refused): boolean {
  if (!/^HPE_STRICT: .*chunk extensions/.test(theirs.reason)) return false;
  const text = latin1(bytes, 0, bytes.length);
  // They report the offset of the byte or of the next one, which may be the LF of the line.
  const start = text.lastIndexOf("\r\n", theirs.at - 2) + 2;
  const end = text.indexOf("\r\n", theirs.at - 1);
  if (end !== -1) return EXTENSIONS.test(text.slice(start, end));
  return RESTS.some((rest) => EXTENSIONS.test(text.slice(start).replace(/\r$/, "") + rest));
}
