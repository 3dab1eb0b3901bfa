/**
 * What trusted proxies say about a request: `Forwarded` (RFC 7239), or the fields
 * `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host`.
 *
 * ```abnf
 * Forwarded         = 1#forwarded-element
 * forwarded-element = [ forwarded-pair ] *( ";" [ forwarded-pair ] )
 * forwarded-pair    = token "=" ( token / quoted-string )
 * node              = nodename [ ":" node-port ]
 * nodename          = IPv4address / "[" IPv6address "]" / "unknown" / obfnode
 * node-port         = 1*5DIGIT / obfport
 * obfnode, obfport  = "_" 1*( ALPHA / DIGIT / "." / "_" / "-" )
 * ```
 *
 * A client can send any of these fields, and a proxy appends to them. So they are read from the
 * right: the last address is the word of the peer, and each further one that of the proxy
 * before it, up to the first that is not trusted, which is the client. What stands to its left
 * is the client's own word, and not looked at.
 *
 * What a trusted proxy says and cannot be read is 400, not ignored: a request whose client is
 * unknown would be taken for one of the proxy itself, from within the own network, and a
 * client that gets a proxy to write nonsense must not gain by it. (nginx stops at the last good
 * address, which is such an address; Express takes any text for one.) A quoted string that does
 * not end within its line is refused for the same reason: it may have swallowed what the
 * proxy has appended.
 */
import { HttpError, quoted } from "../errors.ts";
import type { AddressList } from "./address_list.ts";
import { tcpEndpoint } from "./endpoint.ts";
import type { Endpoint } from "./endpoint.ts";
import { listMembers } from "./fields.ts";
import type { Fields } from "./fields.ts";
import { ipAddress, ipv4Address, ipv6Address } from "./ip_address.ts";
import { consistsOf, decimal, isOws, OBFUSCATED, TEXT, TOKEN } from "./syntax.ts";
import { isHost } from "./target.ts";

/** The fields that are believed: one family, because a client can send the other past a proxy that does not know it. */
export type ForwardedHeader = "forwarded" | "x-forwarded";

/** Whose word about the client is believed, and in which fields. */
export interface ForwardedRules {
  readonly from: AddressList;
  readonly header: ForwardedHeader;
}

/** What trusted proxies say about a request; null for what they do not say. */
export interface Forwarded {
  /** The client: the first address from the right that is not trusted, or the last one there is. */
  readonly client: Endpoint | null;
  /** The scheme with which the client has asked. */
  readonly scheme: "http" | "https" | null;
  /** The host that the client has asked for, with its port if it has one. */
  readonly host: string | null;
}

/**
 * Returns what the fields of a request from a trusted peer say.
 *
 * @throws {HttpError} 400: a field cannot be read.
 */
export function decideForwarded(fields: Fields, { from, header }: ForwardedRules): Forwarded {
  return header === "forwarded" ? standard(fields, from) : conventional(fields, from);
}

/** The values of all lines of a field, in order. */
function linesOf(fields: Fields, name: string): string[] {
  const lines: string[] = [];
  for (let i = 0; i < fields.length; i++) {
    if (fields.nameIs(i, name)) lines.push(fields.value(i));
  }
  return lines;
}

/**
 * Reads `X-Forwarded-*`.
 *
 * Of scheme and host the last value is taken, which the peer has written, or has let pass from
 * the proxy before it. They have no place in the row of addresses: where one proxy appends a
 * host and the next one passes it on, counting from the right leads to the client's own value.
 */
function conventional(fields: Fields, trusted: AddressList): Forwarded {
  return {
    client: conventionalClient(fields, trusted),
    scheme: schemeOf(membersOf(fields, "x-forwarded-proto").at(-1)),
    host: checkedHost(membersOf(fields, "x-forwarded-host").at(-1)),
  };
}

function conventionalClient(fields: Fields, trusted: AddressList): Endpoint | null {
  let client: Endpoint | null = null;
  const members = membersOf(fields, "x-forwarded-for");
  for (let i = members.length - 1; i >= 0; i--) {
    client = conventionalNode(members[i]!);
    if (!trusted.includes(client)) break;
  }
  return client;
}

/** The members of all lines of a field, in order. Empty ones are none (RFC 9110, 5.6.1.2). */
function membersOf(fields: Fields, name: string): string[] {
  const members: string[] = [];
  for (const line of linesOf(fields, name)) {
    for (const member of listMembers(line)) if (member !== "") members.push(member);
  }
  return members;
}

/** Besides the nodes of RFC 7239: IPv6 without brackets, and `unix:`, which nginx writes for a client on a Unix socket. */
function conventionalNode(text: string): Endpoint {
  if (text === "unix:") return { transport: "unix", path: "" };
  const address = ipAddress(text);
  if (address !== null) return tcpEndpoint(address, 0);
  return nodeOf(text) ?? refuse(
    `X-Forwarded-For must have IP addresses: got ${quoted(text)}`,
  );
}

/** One element of `Forwarded`: its parameters, by their names in lower case. */
type Element = ReadonlyMap<string, string>;

/** Reads `Forwarded`. Scheme and host are those of the element that names the client. */
function standard(fields: Fields, trusted: AddressList): Forwarded {
  const lines = linesOf(fields, "forwarded");
  let client: Endpoint | null = null;
  let element: Element | undefined;
  walk: for (let i = lines.length - 1; i >= 0; i--) {
    for (const each of elementsOf(lines[i]!).reverse()) {
      element = each;
      const node = each.get("for");
      if (node === undefined) break walk;
      client = standardNode(node);
      if (!trusted.includes(client)) break walk;
    }
  }
  const scheme = schemeOf(element?.get("proto"));
  return { client, scheme, host: checkedHost(element?.get("host")) };
}

function standardNode(text: string): Endpoint {
  return nodeOf(text) ?? refuse(
    `The parameter for of Forwarded must be a node: got ${quoted(text)} (RFC 7239, 6)`,
  );
}

const COMMA = 0x2c;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const DQUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Returns the elements of a line. Empty ones are dropped, and whitespace around a semicolon is
 * accepted, which RFC 7239 does not have and which is not ambiguous.
 */
function elementsOf(line: string): Element[] {
  const cursor = new Cursor(line);
  const elements: Map<string, string>[] = [new Map()];
  for (;;) {
    cursor.skipOws();
    if (cursor.isToken) readPair(cursor, elements.at(-1)!);
    cursor.skipOws();
    if (cursor.atEnd) break;
    if (cursor.take(COMMA)) elements.push(new Map());
    else if (!cursor.take(SEMICOLON)) cursor.fail();
  }
  return elements.filter(({ size }) => size > 0);
}

/** RFC 7239, 4: "Each parameter MUST NOT occur more than once per field-value." */
function readPair(cursor: Cursor, element: Map<string, string>): void {
  const name = cursor.token().toLowerCase();
  if (!cursor.take(EQUALS)) cursor.fail();
  const value = cursor.take(DQUOTE) ? cursor.restOfQuoted() : cursor.token();
  if (element.has(name)) {
    refuse(
      `An element of Forwarded must have a parameter only once: got ${name} twice (RFC 7239, 4)`,
    );
  }
  element.set(name, value);
}

/** A place in a line. */
class Cursor {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get atEnd(): boolean {
    return this.#at === this.#text.length;
  }

  get isToken(): boolean {
    return TOKEN[this.#code] === 1;
  }

  skipOws(): void {
    while (isOws(this.#code)) this.#at++;
  }

  /** Advances past the character if it stands here. */
  take(code: number): boolean {
    const isHere = this.#code === code;
    if (isHere) this.#at++;
    return isHere;
  }

  token(): string {
    const start = this.#at;
    while (this.isToken) this.#at++;
    if (this.#at === start) this.fail();
    return this.#text.slice(start, this.#at);
  }

  /** Reads a `quoted-string` (RFC 9110, 5.6.4) behind its first quote. */
  restOfQuoted(): string {
    let value = "";
    while (!this.take(DQUOTE)) {
      this.take(BACKSLASH);
      if (TEXT[this.#code] !== 1) this.fail();
      value += this.#text.charAt(this.#at++);
    }
    return value;
  }

  fail(): never {
    refuse(
      `Forwarded must be a list of elements such as for=192.0.2.1;proto=https: got ${
        quoted(this.#text)
      }, malformed at offset ${this.#at} (RFC 7239, 4)`,
    );
  }

  /** NaN at the end, which belongs to no class. */
  get #code(): number {
    return this.#text.charCodeAt(this.#at);
  }
}

/** Returns the end that a node names, null if it is malformed. Of a hidden client the identifier stands for the address. */
function nodeOf(text: string): Endpoint | null {
  const bracket = text.startsWith("[") ? text.indexOf("]") : -1;
  const colon = text.indexOf(":", bracket + 1);
  const name = colon === -1 ? text : text.slice(0, colon);
  const port = colon === -1 ? 0 : portOf(text.slice(colon + 1));
  if (port === -1) return null;
  const address = bracket === -1
    ? ipv4Address(name)
    : bracket === name.length - 1
    ? ipv6Address(name.slice(1, -1))
    : null;
  if (address !== null) return tcpEndpoint(address, port);
  const hostname = name.toLowerCase() === "unknown" ? "unknown" : name;
  return hostname === "unknown" || isObfuscated(name) ? { transport: "tcp", hostname, port } : null;
}

/** Returns a port, 0 for one that is hidden, -1 for a malformed one. */
function portOf(text: string): number {
  if (isObfuscated(text)) return 0;
  const port = text.length <= 5 ? decimal(text) : -1;
  return port <= 0xffff ? port : -1;
}

/** Whether a text is an identifier that hides an address or a port (RFC 7239, 6.3). */
function isObfuscated(text: string): boolean {
  return text.length > 1 && text.startsWith("_") && consistsOf(text, OBFUSCATED);
}

/** Traefik writes the scheme of a WebSocket, `wss`; its handshake is a request of HTTP. */
const SCHEMES: ReadonlyMap<string, "http" | "https"> = new Map([
  ["http", "http"],
  ["https", "https"],
  ["ws", "http"],
  ["wss", "https"],
]);

function schemeOf(text: string | undefined): "http" | "https" | null {
  if (text === undefined) return null;
  return SCHEMES.get(text.toLowerCase()) ??
    refuse(`The forwarded scheme must be http or https: got ${quoted(text)}`);
}

function checkedHost(text: string | undefined): string | null {
  if (text === undefined) return null;
  if (isHost(text)) return text;
  refuse(`The forwarded host must be a host with an optional port: got ${quoted(text)}`);
}

function refuse(message: string): never {
  throw new HttpError(400, "bad-forwarded", message);
}
