/**
 * The attributes of a request by the semantic conventions for HTTP (OpenTelemetry, stable since
 * 1.23): their names, and what is left out so that a client can neither create series nor have
 * its secrets stored.
 */
import type { Attributes } from "@opentelemetry/api";
import type { OutcomeRequest, RequestOutcome } from "../connection/outcome.ts";
import type { Request } from "../connection/request.ts";

/** Those of RFC 9110 and PATCH. Any other is `_OTHER`: a client could send a new one each time. */
const KNOWN_METHODS: ReadonlySet<string> = new Set([
  "CONNECT",
  "DELETE",
  "GET",
  "HEAD",
  "OPTIONS",
  "PATCH",
  "POST",
  "PUT",
  "TRACE",
]);

const OTHER = "_OTHER";

/** Signatures of URLs that grant access, by the list of the conventions. */
const SECRETS = /(^|&)(AWSAccessKeyId|Signature|sig|X-Goog-Signature)=[^&]*/g;

/** Returns the attributes that the counter of active requests has. */
export function activeAttributes(request: Request): Attributes {
  return { ...methodAttributes(request.method), "url.scheme": schemeOf(request.url) };
}

/** Returns the attributes that a span has from its start. */
export function requestAttributes(request: Request): Attributes {
  const { url, method, headers, remoteAddr, peerAddr } = request;
  const query = url.search.slice(1).replace(SECRETS, "$1$2=REDACTED");
  return {
    ...methodAttributes(method),
    ...originalMethod(method),
    "url.scheme": schemeOf(url),
    "url.path": url.pathname,
    ...(query !== "" && { "url.query": query }),
    "server.address": url.hostname.replace(/^\[|\]$/g, ""),
    "server.port": Number(url.port) || (url.protocol === "https:" ? 443 : 80),
    ...clientAttributes(remoteAddr),
    ...peerAttributes(peerAddr),
    ...versionAttributes(request.protocol.orig),
    ...agentAttributes(headers),
  };
}

/**
 * Returns the attributes of a request that was refused before a handler saw it. Its URL is not
 * known, and a target that was refused is not repeated.
 */
export function refusedAttributes(request: OutcomeRequest): Attributes {
  return {
    ...methodAttributes(request.method),
    ...(request.method !== "" && originalMethod(request.method)),
    ...clientAttributes(request.remoteAddr),
    ...peerAttributes(request.peerAddr),
    ...versionAttributes(request.version),
    ...agentAttributes(request.headers),
  };
}

/** Returns what is known of a request at its end. */
export function outcomeAttributes(outcome: RequestOutcome, thrown: string | null): Attributes {
  const error = errorType(outcome, thrown);
  return {
    ...(outcome.status !== null && { "http.response.status_code": outcome.status }),
    ...(error !== null && { "error.type": error }),
  };
}

/** Returns the attributes of a request's duration. */
export function durationAttributes(
  { request }: RequestOutcome,
  url: URL | null,
  route: string | null,
): Attributes {
  return {
    ...methodAttributes(request.method),
    ...(url !== null && { "url.scheme": schemeOf(url) }),
    ...(route !== null && { "http.route": route }),
    ...versionAttributes(request.version),
  };
}

/** Returns the name of a span: the path is no part of it, since it has too many values. */
export function spanName(method: string, route: string | null): string {
  const name = KNOWN_METHODS.has(method) ? method : "HTTP";
  return route === null ? name : `${name} ${route}`;
}

/**
 * A class of errors: how a response was cut short, what a handler threw, or a status; a 4xx is the
 * client's error. What is thrown within a response is not waited for: it is cut at once.
 */
function errorType({ status, ended }: RequestOutcome, thrown: string | null): string | null {
  if (ended === "cut" || ended === "client-gone") return ended;
  if (thrown !== null) return thrown;
  return status !== null && status >= 500 ? String(status) : null;
}

function methodAttributes(method: string): Attributes {
  return { "http.request.method": KNOWN_METHODS.has(method) ? method : OTHER };
}

function originalMethod(method: string): Attributes {
  return KNOWN_METHODS.has(method) ? {} : { "http.request.method_original": method };
}

function schemeOf(url: URL): string {
  return url.protocol.slice(0, -1);
}

function clientAttributes(addr: Deno.Addr): Attributes {
  return "hostname" in addr ? { "client.address": addr.hostname } : {};
}

function peerAttributes(addr: Deno.Addr): Attributes {
  if (!("hostname" in addr)) return {};
  return { "network.peer.address": addr.hostname, "network.peer.port": addr.port };
}

/** `HTTP/1.1` */
function versionAttributes(version: string): Attributes {
  return version === "" ? {} : { "network.protocol.version": version.slice("HTTP/".length) };
}

function agentAttributes(headers: Headers): Attributes {
  const agent = headers.get("user-agent");
  return agent === null ? {} : { "user_agent.original": agent };
}
