/**
 * Where this server reads otherwise than the grammar of the RFCs, and why.
 *
 * Each is shown to occur: there must be a text that is judged otherwise without it.
 */
import { REFUSED } from "./verdict.ts";
import type { Verdict } from "./verdict.ts";

/** One deviation: a rule that replaces that of the RFC, or a condition. */
export interface Deviation {
  readonly title: string;
  readonly why: string;
  /** ABNF that replaces rules of the same name. */
  readonly rule?: string;
  /** Refuses an authority that the grammar has. */
  readonly refusesAuthority?: (authority: string) => boolean;
  /** Gives its own verdict about the values of Content-Length and Transfer-Encoding. */
  readonly refusesFraming?: (
    lengths: readonly string[],
    codings: readonly string[],
  ) => Verdict | undefined;
}

/** Of chunked bodies. */
export const OF_CHUNKED: readonly Deviation[] = [
  {
    title: "at most 13 digits in a chunk size",
    why: "RFC 9112, 7.1: a recipient must prevent overflow; 13 digits are below 2^52",
    rule: "chunk-size = 1*13HEXDIG",
  },
  {
    title: "no whitespace between a chunk size and its first semicolon",
    why: "llhttp refuses it too, and some recipients drop what follows: a size has one form",
    rule: `chunk-ext = [ ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ]
      *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] ) ]`,
  },
];

/** Of request lines; those of authorities are also those of Host. */
export const OF_AUTHORITIES: readonly Deviation[] = [
  {
    title: "no percent-encoding and no comma in a host",
    why:
      "a URL decodes what a front that compares names does not; a comma may be two Hosts that a proxy has joined",
    rule: `reg-name = *( unreserved / "!" / "$" / "&" / "'" / "(" / ")" / "*" / "+" / ";" / "=" )`,
  },
  {
    title: "no empty host",
    why: "RFC 9110, 4.2.1: an http URI with an empty host identifier MUST be rejected",
    refusesAuthority: (authority) => /^(:|$)/.test(authority),
  },
  {
    title: "no IPvFuture",
    why: "no version of it was ever assigned, and a URL cannot hold it",
    rule: `IP-literal = "[" IPv6address "]"`,
  },
  {
    title: "no host that a URL changes other than by case",
    why: "`0x7f.1` and `[0::1]` would pass a front that denies 127.0.0.1 and [::1]",
    refusesAuthority: (authority) => {
      const host = authority.replace(/:\d*$/, "");
      const url = URL.parse(`http://${host}/`);
      return url !== null ? url.hostname !== host.toLowerCase() : /^[\d.]+$/.test(host);
    },
  },
  {
    title: "no port above 65,535",
    why: "no connection can have it",
    refusesAuthority: (authority) => Number(/:(\d+)$/.exec(authority)?.[1] ?? 0) > 65_535,
  },
];

export const OF_REQUEST_LINES: readonly Deviation[] = [
  ...OF_AUTHORITIES,
  {
    title: "one empty line before the request line",
    why:
      "RFC 9112, 2.2: a server SHOULD ignore at least one; one, because a client could send them forever",
    rule: "request-head = [ CRLF ] request-line CRLF *( field-line CRLF ) CRLF",
  },
  {
    title: "no scheme but http and https in a target",
    why: "the server has no resource of another scheme (RFC 9110, 4.2)",
    rule: "absolute-form = http-URI / https-URI",
  },
  {
    title: "no user information in a target",
    why: "RFC 9110, 4.2.4: a recipient SHOULD treat its presence as an error",
    rule: `authority = host [ ":" port ]`,
  },
  {
    title: "no empty port in authority-form",
    why: "RFC 9110, 9.3.6: a server MUST reject a CONNECT that targets an empty port",
    rule: `authority-form = uri-host ":" 1*DIGIT`,
  },
  {
    title: "unencoded characters in a path that browsers send",
    why:
      "WHATWG URL, path percent-encode set: [ ] | ^ and others are sent raw, and mean themselves; % too",
    rule: `pchar = unreserved / "%" / sub-delims / ":" / "@"
      / "[" / "]" / "^" / "\`" / "{" / "|" / "}"`,
  },
  {
    title: "an unencoded backslash in a query",
    why: "WHATWG URL, query percent-encode set: browsers send it raw, and it has no meaning there",
    rule: `query = *( pchar / "/" / "?" / "\\" )`,
  },
];

export const OF_LENGTHS: readonly Deviation[] = [
  {
    title: "no second Content-Length, even an equal one",
    why: "RFC 9110, 8.6 allows to refuse it; a proxy that keeps another line is how CL.CL works",
    refusesFraming: (lengths) =>
      lengths.length > 1 || lengths.some((value) => value.includes(",")) ? REFUSED : undefined,
  },
  {
    title: "no length above 2^53-1",
    why: "RFC 9110, 8.6: a recipient must prevent errors by conversion of large numbers",
    refusesFraming: ([length]) =>
      length !== undefined && /^\d+$/.test(length) && BigInt(length) > Number.MAX_SAFE_INTEGER
        ? `${REFUSED} 413`
        : undefined,
  },
];

export const OF_CODINGS: readonly Deviation[] = [
  {
    title: "no Content-Length beside Transfer-Encoding",
    why: "RFC 9112, 6.1 allows to refuse it: it is how CL.TE and TE.CL work",
    refusesFraming: (lengths, codings) =>
      lengths.length > 0 && codings.length > 0 ? REFUSED : undefined,
  },
  {
    title: "no empty member in Transfer-Encoding",
    why: "recipients differ on `chunked,` and `,chunked`: llhttp, Node CVE-2022-32215",
    rule: `Transfer-Encoding = transfer-coding *( OWS "," OWS transfer-coding )`,
  },
  {
    title: "no quoted parameter and no whitespace around its equals sign",
    why:
      "a coding with parameters is refused in any case: 400 instead of 501, and no second reading of quotes",
    rule: `transfer-parameter = token "=" token`,
  },
];
