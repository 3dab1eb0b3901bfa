/**
 * The explained kinds of disagreement, and why our side is right.
 *
 * A dangerous kind that is missing here fails a run; a safe one is printed with its bytes.
 */
export const KNOWN: ReadonlyMap<string, string> = new Map(Object.entries({
  "they refuse, we accept: method that llhttp does not know":
    "method = token (RFC 9110, 9.1); the handler sends 501 for a method that it does not know",
  "they refuse, we accept: HTTP/1.2 to HTTP/1.9":
    "a higher minor version is read as the highest that we know, 1.1 (RFC 9110, 2.5)",
  "they refuse, we accept: framing fields among the trailers":
    "trailers never frame: they are kept apart and Content-Length, Transfer-Encoding dropped (RFC 9110, 6.5.1)",
  "they close, we go on: Connection among the trailers":
    "Connection in a trailer says nothing about the connection: it is dropped (RFC 9110, 6.5.1; RFC 9112, 9.3)",
  "they refuse, we accept: HTAB behind a value":
    "OWS = *( SP / HTAB ) is not part of a value (RFC 9112, 5.1; RFC 9110, 5.6.3); llhttp trims SP only",
  "they close, we go on: HTAB behind a value": "the same, in Connection: keep-alive of HTTP/1.0",
  "message boundaries differ: end: HTAB behind a value":
    "the same, in Transfer-Encoding: llhttp sees no body if an upgrade is requested",
  "we stop (upgrade), they go on: HTAB behind a value": "the same, in Connection: upgrade",
  "we close, they go on: HTAB behind a value": "the same, in Connection: close",
  "they refuse, we accept: whitespace in a chunk extension":
    "BWS around ';' and '=' is in the grammar and must be accepted (RFC 9112, 7.1.1; RFC 9110, 5.6.3)",
  "message boundaries differ: body of CONNECT":
    "framing is independent of the method (RFC 9112, 6); llhttp gives a declared body to the tunnel",
  "they stop (upgrade): we ignore it":
    "Upgrade may be ignored, must be in HTTP/1.0 (RFC 9110, 7.8), and h2c is obsolete (RFC 9113, 3.1)",
  "we close, they go on: HTTP/1.0 with close and keep-alive":
    "close is looked for first, in every version (RFC 9112, 9.3)",
  "they refuse sooner":
    "we wait for the rest of what they refuse; no way to complete it that was tried makes us accept it",
  "one CR at the end": "it may become the empty line before a request (RFC 9112, 2.2)",

  "we refuse, they do not: bare LF or CR":
    "a bare LF may be refused, a bare CR must not end a line (RFC 9112, 2.2); HTTP/0.9 is gone",
  "we refuse, they do not: no version":
    "HTTP-version is not optional (RFC 9112, 3); HTTP/0.9 is gone",
  "we refuse, they do not: something before the method":
    "at least one empty line is ignored, and we ignore one (RFC 9112, 2.2)",
  "we refuse, they do not: spaces or another version":
    "one SP, then HTTP/x.y, case-sensitive (RFC 9112, 3 and 2.3)",
  "we refuse, they do not: major version":
    "505 for a major version that is not ours (RFC 9110, 15.6.6; RFC 9112, 2.3)",
  "we refuse, they do not: target of CONNECT":
    "authority-form is host and port, and nothing else (RFC 9112, 3.2.3)",
  "we refuse, they do not: characters of the target":
    "an invalid request-line gives 400 (RFC 9112, 3.2); no fragment, no delimiters outside RFC 3986",
  "we refuse, they do not: form of the target":
    "one of the four forms (RFC 9112, 3.2); user info in http URIs is an error (RFC 9110, 4.2.4)",
  "we refuse, they do not: Host missing": "400 in HTTP/1.1 (RFC 9112, 3.2)",
  "we refuse, they do not: several Hosts": "400 (RFC 9112, 3.2)",
  "we refuse, they do not: value of Host":
    "400 for an invalid value (RFC 9112, 3.2); an http URI has no empty host (RFC 9110, 4.2.1)",
  "we refuse, they do not: value of Content-Length":
    "2^53 or more: the recipient must guard against overflow (RFC 9110, 8.6)",
  "we refuse, they do not: Transfer-Encoding in HTTP/1.0":
    "its framing must be treated as faulty (RFC 9112, 6.1)",
  "we refuse, they do not: value of Transfer-Encoding":
    "400 unless the final coding is chunked (RFC 9112, 6.3)",
  "we refuse, they do not: Content-Length and Transfer-Encoding":
    "may be refused, as an attack (RFC 9112, 6.1 and 6.3); llhttp overlooks an empty Transfer-Encoding",
  "we refuse, they do not: chunked is not last":
    "chunked must be last, and only once (RFC 9112, 6.1 and 6.3); llhttp is misled by an HTAB",
  "we refuse, they do not: another transfer coding":
    "501 for a coding that is not understood (RFC 9112, 6.1)",
  "we refuse, they do not: value of Expect":
    "417 for an expectation that cannot be met (RFC 9110, 10.1.1)",
  "we refuse, they do not: digits of a chunk size":
    "large sizes must be anticipated, overflow prevented (RFC 9112, 7.1); 13 digits are 2^52",
  "we refuse, they do not: chunk extension":
    "a name, and behind an equals sign one value (RFC 9112, 7.1.1); llhttp takes ';a=', ';;a', ';=b' and ';a=b\"c\"'",
  "we refuse, they do not: limits":
    "limits are the recipient's to set (RFC 9110, 5.4 and 15.5.14; RFC 9112, 3 and 7.1.1); llhttp has none",
}));
