/**
 * The request-target (RFC 9112, 3.2) and the authority it is for.
 *
 * ```abnf
 * request-target = origin-form / absolute-form / authority-form / asterisk-form
 * ```
 *
 * Both are checked when the head is parsed, so that the URL that is later built from them
 * can neither fail nor mean another resource: `GET /admin` with `Host: a/public?x=` must
 * never become the path `/public` (as observed with Deno.serve), and `//x/y` is a path.
 */
import { HttpError, quoted } from "../errors.ts";
import { latin1 } from "./latin1.ts";
import { consistsOf, IP_LITERAL, isDigit, PATH, QUERY, REG_NAME } from "./syntax.ts";

/**
 * The four forms of a request-target.
 *
 * @example
 * ```ts
 * import { RequestParser, type TargetForm } from "@asynchttp/server/wire";
 *
 * const served: TargetForm[] = ["origin", "absolute"]; // not those of a proxy
 * const parser = new RequestParser();
 * parser.input.push(new TextEncoder().encode("CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n"));
 * const head = parser.next();
 * if (head.type === "head") console.log(head.targetForm, served.includes(head.targetForm)); // authority false
 * ```
 */
export type TargetForm = "origin" | "absolute" | "authority" | "asterisk";

const SLASH = 0x2f;
const QUESTION_MARK = 0x3f;

/** Returns the form of the target in `bytes[start..end)`; throws if it has none that the method allows. */
export function targetForm(
  method: string,
  bytes: Uint8Array,
  start: number,
  end: number,
): TargetForm {
  if (method === "CONNECT") {
    if (isAuthorityForm(latin1(bytes, start, end))) return "authority";
    throw badTarget("CONNECT needs a target of the form host:port (RFC 9112, 3.2.3)");
  }
  if (bytes[start] === SLASH) {
    checkPathAndQuery(bytes, start, start, end);
    return "origin";
  }
  const target = latin1(bytes, start, end);
  if (target === "*" && method === "OPTIONS") return "asterisk";
  const parts = absoluteParts(target);
  if (parts !== null && isHost(parts.authority)) {
    checkPathAndQuery(bytes, start, start + parts.pathAt, end);
    return "absolute";
  }
  throw badTarget(
    `The request-target ${
      quoted(target)
    } is neither a path nor an http or https URL with a host and no user (RFC 9112, 3.2)`,
  );
}

/** Returns the authority of an absolute-form or authority-form target, otherwise null. */
export function targetAuthority(form: TargetForm, target: string): string | null {
  if (form === "absolute") return absoluteParts(target)!.authority;
  return form === "authority" ? target : null;
}

/**
 * Returns path and query of a target that `targetForm` has accepted.
 *
 * "If the request-target is in authority-form or asterisk-form, the target URI's
 * combined path and query component is empty" (RFC 9112, 3.3).
 */
export function targetPath(form: TargetForm, target: string): string {
  if (form === "origin") return target;
  if (form === "absolute") return target.slice(absoluteParts(target)!.pathAt);
  return "";
}

/** The scheme in any case, then the authority up to the path or the query; `isHost` rejects user information in it. */
const ABSOLUTE = /^https?:\/\/([^/?]*)/i;

function absoluteParts(target: string): { authority: string; pathAt: number } | null {
  const match = ABSOLUTE.exec(target);
  return match && { authority: match[1]!, pathAt: match[0].length };
}

/** Rejects a byte that neither a path nor a query has; `#` belongs to neither class. */
function checkPathAndQuery(bytes: Uint8Array, start: number, pathAt: number, end: number): void {
  let at = pathAt;
  while (at < end && PATH[bytes[at]!] === 1) at++;
  if (at < end && bytes[at] === QUESTION_MARK) { while (at < end && QUERY[bytes[at]!] === 1) at++; }
  if (at < end) throw badCharacter(bytes[at]!, at - start);
}

/** The line has no control characters, so the byte is above 0x7f, or one of `"`, `#`, `<`, `>` and `\`. */
function badCharacter(byte: number, at: number): HttpError {
  return badTarget(
    `The request-target has a character that must be percent-encoded: got ${
      quoted(String.fromCharCode(byte))
    } at offset ${at}, send it as %${byte.toString(16).toUpperCase()} (RFC 9112, 3.2)`,
  );
}

/** Whether `target` is `authority-form = uri-host ":" port`, with a port that is not empty. */
function isAuthorityForm(target: string): boolean {
  return isHost(target) && isDigit(target.charCodeAt(target.length - 1)) &&
    target.slice(target.startsWith("[") ? target.indexOf("]") : 0).includes(":");
}

/**
 * Whether a text is `uri-host [ ":" port ]` (RFC 9110, 7.2), by the grammar of RFC 3986
 * without percent-encoding, and means the same to the URL parser as to a proxy that compares
 * names.
 *
 * nginx and HAProxy can deny `admin.internal` and still pass `%61dmin.internal` and `0x7f.1`,
 * which a URL turns into `admin.internal` and 127.0.0.1: a host that the URL parser would
 * change in anything but case is rejected. Names that a URL cannot hold (`web.1`, `xn--a`)
 * are accepted; the URL then has the local address, and only the Host field has the name.
 *
 * An empty host is rejected, as by nginx: the http scheme does not allow it (RFC 9110, 4.2.1).
 */
export function isHost(text: string): boolean {
  const bracket = text.startsWith("[") ? text.indexOf("]") : -1;
  const colon = text.indexOf(":", bracket + 1);
  const host = colon === -1 ? text : text.slice(0, colon);
  const port = colon === -1 ? "" : text.slice(colon + 1);
  return hasHostSyntax(host, bracket) && isPort(port) && urlPreserves(host);
}

/** The part of a platform's `URL` that tells whether a text is one. */
interface UrlPlatform {
  parse?(text: string): URL | null;
  canParse(text: string): boolean;
  new (text: string): URL;
}

/** Returns a function from text to its URL, null if it is none. Node 20 has no `URL.parse`. */
export function urlParser(Url: UrlPlatform): (text: string) => URL | null {
  if (Url.parse !== undefined) return (text) => Url.parse!(text);
  return (text) => Url.canParse(text) ? new Url(text) : null;
}

export const parseUrl: (text: string) => URL | null = urlParser(URL);

/** Whether the URL parser keeps the host unchanged, or cannot represent the name at all. */
function urlPreserves(host: string): boolean {
  const url = parseUrl(`http://${host}/`);
  if (url !== null) return url.hostname === host.toLowerCase();
  return !host.startsWith("[") && !DOTTED_DECIMAL.test(host);
}

/** Matches text in the form of an IPv4 address; an invalid one, such as `1.2.3.999`, is not a name either. */
const DOTTED_DECIMAL = /^[\d.]+$/;

function hasHostSyntax(host: string, bracket: number): boolean {
  if (host.startsWith("[")) {
    return bracket === host.length - 1 && consistsOf(host.slice(1, -1), IP_LITERAL);
  }
  return host.length > 0 && consistsOf(host, REG_NAME);
}

function isPort(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (!isDigit(text.charCodeAt(i))) return false;
  }
  return Number(text) <= MAX_PORT;
}

const MAX_PORT = 65_535;

function badTarget(message: string): HttpError {
  return new HttpError(400, "bad-target", message);
}
