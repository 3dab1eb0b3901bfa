/**
 * The seeds of the mutator: valid requests as curl, Chrome and nginx write them, and one or
 * more byte streams for every line of the hardening checklist.
 */
import { VALID } from "./valid.ts";

/** A byte stream; each character stands for one byte. */
export interface Seed {
  /** The line of the hardening checklist; 0 for valid requests. */
  readonly line: number;
  readonly bytes: string;
  /** Whether it is used less often: long streams are slow. */
  readonly rare: boolean;
}

/** Heads without their empty line: more fields may follow. */
export const OPEN_GET = "GET / HTTP/1.1\r\nHost: h\r\n";
export const OPEN_POST = "POST / HTTP/1.1\r\nHost: h\r\n";

const NEXT = "GET /next HTTP/1.1\r\nHost: h\r\n\r\n";
/** A head that is followed by chunks. */
export const CHUNKED = OPEN_POST + "Transfer-Encoding: chunked\r\n\r\n";
const LAST = "0\r\n\r\n";

const withFields = (fields: readonly string[], rest: string) =>
  fields.map((field) => `${OPEN_POST}${field}\r\n\r\n${rest}`);
const inHead = (fields: readonly string[]) =>
  fields.map((field) => `${OPEN_GET}${field}\r\n\r\n${NEXT}`);
const asLine = (lines: readonly string[]) => lines.map((line) => `${line}\r\nHost: h\r\n\r\n`);
const asHost = (hosts: readonly string[]) =>
  hosts.map((host) => `GET /a HTTP/1.1\r\n${host}\r\n\r\n${NEXT}`);
const inChunks = (chunks: readonly string[]) => chunks.map((chunk) => CHUNKED + chunk);

/** Byte streams by line of the checklist. Lines about time, descriptors and responses have the requests that start such cases. */
const HARDENING: Readonly<Record<number, readonly string[]>> = {
  1: withFields([
    "Content-Length: 5\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\nContent-Length: 5",
    "Content-Length: 0\r\nTransfer-Encoding: identity",
  ], LAST + NEXT),
  2: withFields([
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: xchunked",
    "Transfer-Encoding: \x0bchunked",
    "Transfer-Encoding:\tchunked \t",
    "Transfer-Encoding: chunked;a=b",
    "Transfer-Encoding:",
    'Transfer-Encoding: "chunked"',
    "Transfer-Encoding: , chunked",
    "Transfer-Encoding: chunked,",
    "Transfer-Encoding: chunk\r\nTransfer-Encoding: ed",
    "Transfer-Encoding : chunked",
  ], LAST + NEXT),
  3: withFields([
    "Transfer-Encoding: gzip, chunked",
    "Transfer-Encoding: chunked, gzip",
    "Transfer-Encoding: identity",
    "Transfer-Encoding: chunked, chunked",
    "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked",
  ], LAST + NEXT),
  4: [
    "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n" + LAST + NEXT,
    "POST / HTTP/1.0\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\nabc" + NEXT,
  ],
  5: ["GET", "HEAD", "OPTIONS", "DELETE", "TRACE"].flatMap((method) => [
    `${method} / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nabcde${NEXT}`,
    `${method} / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n${LAST}${NEXT}`,
  ]),
  6: withFields(
    [
      "Content-Length: 5\r\nContent-Length: 5",
      "Content-Length: 5\r\nContent-Length: 6",
      "Content-Length: 5, 5",
      "Content-Length: +5",
      "Content-Length: -5",
      "Content-Length: 0x5",
      "Content-Length: 1_0",
      "Content-Length:",
      "Content-Length: 9007199254740993",
      "Content-Length: 18446744073709551621",
      "Content-Length: 5abc",
      "Content-Length: 5 5",
      "Content-Length: 0005",
      "Content-Length: 5;",
    ],
    "abcde" + NEXT,
  ),
  7: inChunks(
    ["0x1", "+1", "-1", "1_0", "", " 1", "1 ", "1\t", "g", "100000000000001", "0001", "1 ;a"].map((
      size,
    ) => `${size}\r\na\r\n${LAST}${NEXT}`),
  ),
  8: inChunks([
    "1;a\nb\r\na\r\n" + LAST + NEXT,
    "1;a\rb\r\na\r\n" + LAST + NEXT,
    "1;\n\r\na\r\n" + LAST,
    "1;a=\x00\r\na\r\n" + LAST,
    '1;a=b;c="d;e\\"f"\r\na\r\n' + LAST + NEXT,
    "1; a = b\r\na\r\n" + LAST + NEXT,
    "1;;\r\na\r\n0;x\r\n\r\n" + NEXT,
    "2;\nxx\r\n4b\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n" + LAST,
  ]),
  9: inChunks([
    "1\r\na" + LAST + NEXT,
    "1\r\naXX" + LAST + NEXT,
    "1\r\na\n" + LAST + NEXT,
    "1\r\na\r" + LAST,
    "1\r\na\r\r\n" + LAST,
  ]),
  10: inChunks([
    "1\r\na\r\n".repeat(40) + LAST + NEXT,
    "1;abcdefghij\r\na\r\n".repeat(8) + LAST,
  ]),
  11: [
    "GET / HTTP/1.1\nHost: h\n\n",
    "GET / HTTP/1.1\r\nHost: h\n\r\n" + NEXT,
    "GET / HTTP/1.1\r\nHost: h\r\n\n" + NEXT,
    "GET / HTTP/1.1\rHost: h\r\r",
    OPEN_GET + "A: b\rX: y\r\n\r\n" + NEXT,
    OPEN_GET + "A: b\r\r\n\r\n",
    "\n" + NEXT,
    "\r" + NEXT,
    "\r\n\r\n" + NEXT,
    CHUNKED + "0\r\nA: b\n\r\n" + NEXT,
    CHUNKED + "0\n\n" + NEXT,
  ],
  12: inHead([
    "A: b\r\n c",
    "A: b\r\n\tc",
    "A:\r\n b",
    "Content-Length:\r\n 5",
    "A: b\r\n \r\nB: c",
  ]),
  13: [
    ...inHead([
      "A : b",
      " A: b",
      ": b",
      "A",
      "A\tB: c",
      "A(: b",
      "\xe9: b",
      "A\0: b",
      "Content-Length : 5",
    ]),
    "GET / HTTP/1.1\r\n Host: h\r\nHost: h\r\n\r\n",
  ],
  14: inHead([
    "A: \0",
    "A: b\x01",
    "A: \x7f",
    "A: \x0b",
    "A: \x85b\x85",
    "A: \xa0b\xa0",
    "Host\x85: h",
  ]),
  15: asLine([
    "GET  / HTTP/1.1",
    "GET /  HTTP/1.1",
    "GET\t/ HTTP/1.1",
    "GET / HTTP/1.1 ",
    " GET / HTTP/1.1",
    "GET / http/1.1",
    "GET /",
    "GET / HTTP/1.32",
    "GET / HTTP/1.2",
    "GET / HTTP/1.9",
    "GET / HTTP/2.0",
    "GET / HTTP/0.9",
    "GET / HTTP/11",
    "GET / HTTP/1.",
    "GET / ICE/1.0",
    "GET / RTSP/1.0",
    "get / HTTP/1.1",
    "FOO / HTTP/1.1",
    "M-SEARCH * HTTP/1.1",
    "SOURCE / HTTP/1.1",
    "DESCRIBE / HTTP/1.1",
    "PRI * HTTP/2.0",
    "GET /a\\b HTTP/1.1",
    "GET /\x80 HTTP/1.1",
    "GET /a#b HTTP/1.1",
    'GET /"<>?"<> HTTP/1.1',
    "GET a HTTP/1.1",
    "GET * HTTP/1.1",
    "GET ?a HTTP/1.1",
    "CONNECT /a HTTP/1.1",
    "CONNECT h HTTP/1.1",
    "GET h:80 HTTP/1.1",
    "GET ftp://h/ HTTP/1.1",
    "GET http://u:p@h/ HTTP/1.1",
    "GET http:///a HTTP/1.1",
    "GET https://h?q HTTP/1.1",
  ]),
  16: asHost([
    "A: b",
    "Host: a\r\nHost: b",
    "Host: a\r\nhost: a",
    "Host: a, b",
    "Host: a/b?c=",
    "Host: u@h",
    "Host: a#b",
    "Host:",
    "Host: h:99999",
    "Host: [::1",
    "Host: h:80:80",
    "Host: a b",
    "Host: \xe9",
  ]),
  17: [CHUNKED + "0\r\nA: b\r\r\nSet-Cookie: c\r\n\r\n", ...inHead(["A: b%0d%0aSet-Cookie: c"])],
  18: inHead(["Content-Length: 0\r\nConnection: close, Content-Length"]),
  19: inChunks([
    "0\r\nContent-Length: 5\r\nHost: evil\r\nTransfer-Encoding: gzip\r\n\r\n" + NEXT,
    "0\r\nConnection: close\r\n\r\n" + NEXT,
    "0\r\nUpgrade: a\r\nConnection: upgrade\r\n\r\n" + NEXT,
    "0\r\nA : b\r\n\r\n" + NEXT,
    "0\r\n A: b\r\n\r\n" + NEXT,
    "0\r\nA: b\r\n c\r\n\r\n" + NEXT,
    "0\r\n\nA: b\r\n\r\n" + NEXT,
  ]),
  20: [
    ...withFields([
      "Expect: 100-continue\r\nContent-Length: 5",
      "Expect: 100-Continue\r\nContent-Length: 0",
    ], "abcde" + NEXT),
    ...withFields([
      "Expect: 200-ok\r\nContent-Length: 5",
      "Expect: 100-continue, x\r\nContent-Length: 5",
    ], "abcde" + NEXT),
    "PUT / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\na" +
    NEXT,
  ],
  21: [
    ...inHead([
      "Connection: Upgrade\r\nUpgrade: h2c, websocket",
      "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
      "Upgrade: websocket",
      "Connection: upgrade",
      "Connection: upgrade, close\r\nUpgrade: a",
      "Connection: upgrade\r\nUpgrade: ,",
    ]),
    ...withFields(["Connection: Upgrade\r\nUpgrade: a\r\nContent-Length: 5"], "abcde" + NEXT),
    ...withFields(["Connection: Upgrade\r\nUpgrade: a\r\nTransfer-Encoding: chunked"], LAST + NEXT),
    "GET / HTTP/1.0\r\nConnection: Upgrade, keep-alive\r\nUpgrade: a\r\n\r\n" + NEXT,
    "CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\nContent-Length: 5\r\n\r\nabcde" + NEXT,
    "CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\nTransfer-Encoding: chunked\r\n\r\n" + LAST + NEXT,
    "CONNECT [::1]:1 HTTP/1.0\r\n\r\n" + NEXT,
  ],
  22: [NEXT.repeat(12), (CHUNKED + LAST).repeat(6)],
  23: [OPEN_POST + "Content-Length: 99999999\r\n\r\nabc", CHUNKED + "fffffff\r\nabc"],
  24: inHead(["A: b\r\n".repeat(60) + "B: c"]),
  25: inHead([Array.from({ length: 50 }, (_, i) => `A${i}: ${",".repeat(i)}`).join("\r\n")]),
  26: [
    OPEN_GET,
    "GE",
    "GET / HTTP/1.1\r\nHo",
    OPEN_POST + "Content-Length: 5\r\n\r\nab",
    CHUNKED + "5\r\nab",
    CHUNKED + "0\r\n",
  ],
  27: [NEXT + NEXT],
  28: [NEXT, ""],
  29: ["GET  / HTTP/1.1\r\nHost: h\r\n\r\n" + "x".repeat(200)],
  30: [`HEAD / HTTP/1.1\r\nHost: h\r\n\r\n${NEXT}`, `HEAD / HTTP/1.0\r\n\r\n${NEXT}`],
  31: inHead(["__proto__: x\r\nconstructor: y\r\ntoString: z\r\n__proto__: w"]),
  32: [
    "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
    "\0",
    "SSH-2.0-OpenSSH_9.9\r\n",
    "\xff".repeat(9),
  ],
  33: asLine(["GET /\x1b[31m HTTP/1.1", "G\x1bT / HTTP/1.1", "GET / HTTP/1.1\x1b"]),
  34: ["X\r\n".repeat(5) + NEXT, "GET / HTTP/1.1\r\n\r\n" + NEXT],
  35: withFields(["Content-Encoding: gzip\r\nContent-Length: 5"], "\x1f\x8b\x08\0\0" + NEXT),
  36: inHead(["Connection: upgrade\r\nUpgrade: raw"]).map((head) =>
    head + "\0\xffbytes of another protocol"
  ),
  50: inChunks(
    [
      ...[";", ";a=", ";a b", ";@=1", ";a ", ";a=b ", ";a ;b=c", ";a = b", ";;a", ";\x80"],
      ...[';a="b', ';a="b\\"', ';a="b;c\\"d" ; e', ';a="\x80"', ';a="b"c', ';a="b\r\nc"'],
    ].map((extensions) => `1${extensions}\r\nx\r\n0${extensions}\r\n\r\n${NEXT}`),
  ).concat(inChunks(["1;a  ", '1;a ="b c', '1;a ="b\\', "1;a= ", "1;a ;"])),
};

/** Byte streams at the limits, and one byte above. */
const LONG: Readonly<Record<number, readonly string[]>> = {
  10: inChunks([
    `1;${"a".repeat(4096)}\r\na\r\n${LAST}`,
    `1;${"a".repeat(2000)}\r\na\r\n`.repeat(9) + LAST,
    `0\r\n${"A: b\r\n".repeat(33)}\r\n${NEXT}`,
    `0\r\nA: ${"b".repeat(8190)}\r\n\r\n${NEXT}`,
  ]),
  24: [
    ...inHead([
      "A: b\r\n".repeat(130) + "B: c",
      `A: ${"b".repeat(8189)}`,
      `A: ${"b".repeat(8190)}`,
    ]),
    ...inHead([`A: ${"b".repeat(8000)}\r\n`.repeat(5) + "B: c"]),
    `GET /${"a".repeat(8192)} HTTP/1.1\r\nHost: h\r\n\r\n`,
    `${"A".repeat(8193)} / HTTP/1.1\r\nHost: h\r\n\r\n`,
  ],
};

function seedsOf(table: Readonly<Record<number, readonly string[]>>, rare: boolean): Seed[] {
  return Object.entries(table).flatMap(([line, streams]) =>
    streams.map((bytes) => ({ line: Number(line), bytes, rare }))
  );
}

/** All seeds. */
export const CORPUS: readonly Seed[] = [
  ...VALID.map((bytes) => ({ line: 0, bytes, rare: false })),
  ...seedsOf(HARDENING, false),
  ...seedsOf(LONG, true),
];
