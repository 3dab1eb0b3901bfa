/** Responses as servers send them, and the attacks on those that read them. */

const NEXT = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/** Accepted by both sides. */
export const VALID: readonly string[] = [
  NEXT,
  "HTTP/1.1 200 OK\r\nServer: nginx/1.26\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nContent-Type: text/html\r\n" +
  'Content-Length: 5\r\nConnection: keep-alive\r\nETag: "a-5"\r\n\r\nabcde' + NEXT,
  CHUNKED + "3\r\nabc\r\n0\r\n\r\n" + NEXT,
  CHUNKED + "3;a=b\r\nabc\r\nA\r\n0123456789\r\n0\r\nA: b\r\n\r\n" + NEXT,
  "HTTP/1.1 100 Continue\r\n\r\n" + NEXT,
  "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n" + NEXT + NEXT,
  "HTTP/1.1 204 No Content\r\n\r\n" + NEXT,
  'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n' + NEXT,
  "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nup to the end",
  "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nup to the end",
  "HTTP/1.1 200 OK\r\n\r\n",
  "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\na" + NEXT,
  "HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n" + NEXT,
  "HTTP/1.1 301 Moved Permanently\r\nLocation: /a\r\nContent-Length: 0\r\n\r\n",
  "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: a\r\n\r\n\0\xff",
  "HTTP/1.1 500 \xe4\xf6\xfc \t!\r\nContent-Length: 0\r\n\r\n",
];

const FIELDS = [
  "Content-Length: 2\r\nTransfer-Encoding: chunked",
  "Transfer-Encoding: chunked\r\nContent-Length: 2",
  "Content-Length: 2\r\nContent-Length: 2",
  "Content-Length: 2\r\nContent-Length: 3",
  "Content-Length: 2, 2",
  "Content-Length: +2",
  "Content-Length: -2",
  "Content-Length: 0x2",
  "Content-Length: 2 2",
  "Content-Length:",
  "Content-Length: 99999999999999999999",
  "Content-Length : 2",
  "Content-Length\t: 2",
  "Transfer-Encoding: gzip, chunked",
  "Transfer-Encoding: chunked, gzip",
  "Transfer-Encoding: chunked, chunked",
  "Transfer-Encoding: identity",
  "Transfer-Encoding: xchunked",
  "Transfer-Encoding:\x0bchunked",
  "Transfer-Encoding: chunked;a=b",
  "Transfer-Encoding: ,chunked",
  "Transfer-Encoding:",
  "Transfer-Encoding: chunked\t",
  "Connection: close, keep-alive\r\nContent-Length: 2",
  "A: b\r\n c\r\nContent-Length: 2",
  " A: b\r\nContent-Length: 2",
  "A: \0\r\nContent-Length: 2",
  "A: b\nContent-Length: 2",
  "A: b\rContent-Length: 2",
  "A(: b\r\nContent-Length: 2",
  ": b\r\nContent-Length: 2",
].map((field) => `HTTP/1.1 200 OK\r\n${field}\r\n\r\n`);

const LINES = [
  "HTTP/1.1 200",
  "HTTP/1.1  200 OK",
  "HTTP/1.1 200\tOK",
  "HTTP/1.1 20 OK",
  "HTTP/1.1 2000 OK",
  "HTTP/1.1 099 Low",
  "HTTP/1.1 600 High",
  "HTTP/1.1 999 High",
  "HTTP/2.0 200 OK",
  "HTTP/1.2 200 OK",
  "HTTP/0.9 200 OK",
  "http/1.1 200 OK",
  "HTTP/1.10 200 OK",
  " HTTP/1.1 200 OK",
  "ICY 200 OK",
  "HTTP/1.1 200 O\0K",
  "HTTP/1.1 200 OK\r",
].map((line) => `${line}\r\nContent-Length: 2\r\n\r\nhi${NEXT}`);

const CHUNKS = [
  "+1\r\na\r\n0\r\n\r\n",
  "0x1\r\na\r\n0\r\n\r\n",
  "1 \r\na\r\n0\r\n\r\n",
  "1\na\n0\n\n",
  "1\r\naX0\r\n\r\n",
  "1\r\na\n0\r\n\r\n",
  "1;\na\r\na\r\n0\r\n\r\n",
  "1;a = b\r\na\r\n0\r\n\r\n",
  "1;a=\r\na\r\n0\r\n\r\n",
  "fffffffffffffffff\r\na",
  "00000000000001\r\na\r\n0\r\n\r\n",
  "1\r\na\r\n0\r\nContent-Length: 5\r\n\r\n",
  "1\r\na\r\n0\r\nA : b\r\n\r\n",
].map((chunks) => CHUNKED + chunks + NEXT);

const STATUSES = [100, 101, 103, 199, 204, 205, 206, 304].flatMap((status) => [
  `HTTP/1.1 ${status} A\r\nContent-Length: 2\r\n\r\nhi${NEXT}`,
  `HTTP/1.1 ${status} A\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n${NEXT}`,
  `HTTP/1.1 ${status} A\r\nContent-Length: 0\r\n\r\n${NEXT}`,
]);

/** Each alone, and between others. */
export const ATTACKS: readonly string[] = [
  ...FIELDS.flatMap((head) => [`${head}hi${NEXT}`, `${head}2\r\nhi\r\n0\r\n\r\n${NEXT}`]),
  ...LINES,
  ...CHUNKS,
  ...STATUSES,
  `\r\n${NEXT}`,
  `${NEXT}\r\n${NEXT}`,
  `${NEXT}x`,
  "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi",
  "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi" + NEXT,
];
