/** The explained kinds of difference about responses, and why our side is right. */
export const KNOWN: ReadonlyMap<string, string> = new Map(Object.entries({
  "they refuse, we accept: length of a tunnel":
    "a client MUST ignore Content-Length and Transfer-Encoding in a 2xx to CONNECT (RFC 9110, 9.3.6)",
  "they refuse, we accept: HTTP/1.2 to HTTP/1.9":
    "a higher minor version is read as the highest that we know, 1.1 (RFC 9110, 2.5)",
  "they refuse, we accept: framing fields among the trailers":
    "trailers never frame: they are kept apart (RFC 9110, 6.5.1)",
  "they close, we go on: framing fields among the trailers": "the same",
  "they refuse, we accept: HTAB behind a value":
    "OWS = *( SP / HTAB ) is not part of a value (RFC 9112, 5.1); llhttp trims SP only",
  "they refuse, we accept: whitespace in a chunk extension":
    "BWS around ';' and '=' is in the grammar and must be accepted (RFC 9112, 7.1.1; RFC 9110, 5.6.3)",
  "they refuse, we accept: a response behind an interim one that closes":
    "an interim response never ends the connection: the final one follows it (RFC 9110, 15.2)",
  "end differs: HTAB behind a value":
    "OWS = *( SP / HTAB ) is not part of a value (RFC 9112, 5.1); llhttp trims SP only, and reads until close",
  "we wait, they go on: HTAB behind a value": "the same",
  "they close, we go on: HTAB behind a value": "the same, in Connection: keep-alive of HTTP/1.0",
  "we close, they go on: HTAB behind a value": "the same, in Connection: close",
  "we close, they go on: 101": "behind 101 the connection has another protocol (RFC 9110, 15.2.2)",
  "we close, they go on: a tunnel": "behind a 2xx to CONNECT there is a tunnel (RFC 9110, 9.3.6)",
  "we close, they go on: HTTP/1.0 with close and keep-alive":
    "close is looked for first, in every version (RFC 9112, 9.3)",
  "they refuse sooner": "we wait for the rest of what they refuse",
  "we refuse: bad-character": "no control characters in a reason phrase (RFC 9112, 4)",
  "we refuse: bad-chunk":
    "13 digits at most, extensions by the grammar (RFC 9112, 7.1), or a body that llhttp reads until close, for an HTAB",
  "we refuse: bad-content-length":
    "1xx and 204 have no content (RFC 9112, 6.3); llhttp reads no body, and does not look",
  "we refuse: bad-field": "trailers of a body that llhttp reads until close, for an HTAB",
  "we refuse: bad-line-ending": "a bare CR or LF must not end a line (RFC 9112, 2.2)",
  "we refuse: bad-status-line":
    "two spaces, three digits from 100 to 599 (RFC 9112, 4; RFC 9110, 15)",
  "we refuse: bad-transfer-encoding":
    "chunked is last and alone, also where no content follows (RFC 9112, 6.1)",
  "we refuse: bad-transfer-encoding, both":
    "Content-Length beside Transfer-Encoding ought to be handled as an error (RFC 9112, 6.3)",
  "we refuse: body-too-large": "no length above 2^53-1 (RFC 9110, 8.6)",
  "we refuse: unsupported-transfer-coding": "a coding that is not understood (RFC 9112, 6.1)",
  "we refuse: unsupported-version": "major version 1 (RFC 9112, 2.3)",
}));
