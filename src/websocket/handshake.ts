/**
 * The opening handshake (RFC 6455, 4.2): what is wrong with a client's, and the subprotocol that
 * is chosen.
 *
 * `ws` checks most of it again, but answers on the socket itself. A refusal found here is a
 * response like any other: counted, with a Date, and seen by middleware.
 */
import { listMembers } from "../wire/fields.ts";
import { isToken } from "../wire/syntax.ts";

/** What is read of a request. */
export interface OpeningRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly hasBody: boolean;
  /** The protocols that it offers in `Upgrade`, where that counts (RFC 9110, 7.8). */
  readonly upgrade: string | null;
}

/** Why a handshake is refused. */
export interface Refusal {
  readonly status: number;
  readonly text: string;
  readonly headers?: { readonly [name: string]: string };
}

/** 16 bytes in base64; the last digit has four bits that must be 0. */
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/;

const UPGRADE_REQUIRED: Refusal = {
  status: 426,
  text: "This is a WebSocket endpoint",
  headers: { Upgrade: "websocket", Connection: "Upgrade" },
};

/** Returns why a handshake is refused, null if it is not. */
export function refusalOf(
  request: OpeningRequest,
  allowedOrigins: readonly string[],
): Refusal | null {
  const { method, headers } = request;
  if (!offersWebSocket(request.upgrade)) return UPGRADE_REQUIRED;
  if (method !== "GET") return { status: 405, text: "Method must be GET", headers: ALLOW };
  if (request.hasBody) return bad("A handshake has no body");
  if (headers.get("sec-websocket-version") !== "13") return UNSUPPORTED_VERSION;
  if (!KEY.test(headers.get("sec-websocket-key") ?? "")) return bad("Sec-WebSocket-Key is invalid");
  if (offeredProtocols(headers) === null) return bad("Sec-WebSocket-Protocol is invalid");
  if (isAllowedOrigin(headers.get("origin"), request.url, allowedOrigins)) return null;
  return { status: 403, text: "Pages of other origins may not connect" };
}

/** The server's first choice among those that the client offers; `""` if there is none. */
export function chosenProtocol(headers: Headers, supported: readonly string[]): string {
  const offered = offeredProtocols(headers) ?? [];
  return supported.find((protocol) => offered.includes(protocol)) ?? "";
}

const ALLOW = { Allow: "GET" };

/** RFC 6455, 4.4: the version that is understood is named. */
const UNSUPPORTED_VERSION: Refusal = {
  status: 426,
  text: "Sec-WebSocket-Version must be 13",
  headers: { ...UPGRADE_REQUIRED.headers, "Sec-WebSocket-Version": "13" },
};

function bad(text: string): Refusal {
  return { status: 400, text };
}

function offersWebSocket(upgrade: string | null): boolean {
  return listMembers(upgrade ?? "").some((protocol) => protocol.toLowerCase() === "websocket");
}

/** The subprotocols offered; null where they are not different tokens (RFC 6455, 4.1). */
function offeredProtocols(headers: Headers): string[] | null {
  const field = headers.get("sec-websocket-protocol");
  if (field === null) return [];
  const protocols = field.split(",").map((protocol) => protocol.trim());
  const isList = protocols.every(isToken) && new Set(protocols).size === protocols.length;
  return isList ? protocols : null;
}

/**
 * Whether a page of this origin may connect. A page may open a WebSocket to any host, with the
 * cookies of that host (cross-site WebSocket hijacking), but must send its origin; clients that
 * are no browsers send none.
 *
 * Hosts are compared, not schemes: a server behind a proxy for HTTPS sees `http:` only. A server
 * that speaks TLS itself does not accept a page that came without it.
 */
function isAllowedOrigin(origin: string | null, url: URL, allowed: readonly string[]): boolean {
  if (origin === null || allowed.includes("*") || allowed.includes(origin)) return true;
  if (!URL.canParse(origin)) return false;
  const { host, protocol } = new URL(origin);
  return host === url.host && (url.protocol === "http:" || protocol === "https:");
}
