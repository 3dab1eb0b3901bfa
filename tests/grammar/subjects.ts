/** What is enumerated: a place in a message, and the symbols that are put there. */
import {
  OF_AUTHORITIES,
  OF_CHUNKED,
  OF_CODINGS,
  OF_LENGTHS,
  OF_REQUEST_LINES,
} from "./deviations.ts";
import type { Deviation } from "./deviations.ts";
import { chunkedOracle, headOracle } from "./oracle.ts";
import type { OracleMaker } from "./oracle.ts";
import { readChunked, readHead } from "./verdict.ts";
import type { Reader } from "./verdict.ts";

/** Every string of up to so many symbols is put between `before` and `after`. */
export interface Subject {
  readonly title: string;
  readonly before: string;
  readonly after: string;
  /** Mostly single bytes; a longer one reaches what is many bytes away. */
  readonly symbols: readonly string[];
  /** The number of symbols in each run of the tests. */
  readonly short: number;
  /** The number of symbols in `deno task prove`. */
  readonly full: number;
  readonly read: Reader;
  readonly oracle: OracleMaker;
  readonly deviations: readonly Deviation[];
}

const CHUNKED = { read: readChunked, oracle: chunkedOracle, deviations: OF_CHUNKED };
const HEAD = { read: readHead, oracle: headOracle, deviations: OF_REQUEST_LINES };
const HOST = "\r\nHost: h\r\n\r\n";

export const SUBJECTS: readonly Subject[] = [
  {
    title: "chunked bodies",
    before: "",
    after: "0\r\n\r\n",
    symbols: ["0", "1", "\r", "\n", ";", "a", ":"],
    short: 6,
    full: 9,
    ...CHUNKED,
  },
  {
    title: "chunk sizes",
    before: "",
    after: "\r\nx\r\n0\r\n\r\n",
    symbols: [..."01aFgx+-_. \t;", "\r", "\n", "\0", "\x80", "000000000000"],
    short: 4,
    full: 6,
    ...CHUNKED,
  },
  {
    title: "chunk extensions",
    before: "0",
    after: "\r\n\r\n",
    symbols: [...';="\\a \t,@', "\r", "\n", "\0", "\x7f", "\x80"],
    short: 5,
    full: 7,
    ...CHUNKED,
  },
  {
    title: "trailer sections",
    before: "1\r\nx\r\n0\r\n",
    after: "\r\n\r\n",
    symbols: [..."a: \t(", "\r", "\n", "\0", "\x80"],
    short: 4,
    full: 7,
    ...CHUNKED,
  },
  {
    title: "field lines",
    before: "GET / HTTP/1.1\r\nHost: h\r\n",
    after: "\r\n\r\n",
    symbols: [..."a: \t(", "\r", "\n", "\0", "\x7f", "\x80"],
    short: 4,
    full: 6,
    ...HEAD,
  },
  {
    title: "request lines",
    before: "",
    after: HOST,
    symbols: ["GET", "HTTP/1.1", " ", " /", "a", "\t", "\r", "\n", "\0", "\x80"],
    short: 4,
    full: 6,
    ...HEAD,
  },
  {
    title: "versions",
    before: "GET / ",
    after: HOST,
    symbols: ["HTTP/", "http/", "/", "1", "0", "2", ".", " ", "\t"],
    short: 4,
    full: 6,
    ...HEAD,
  },
  {
    title: "targets",
    before: "GET ",
    after: ` HTTP/1.1${HOST}`,
    symbols: [...'/?#%a1:@.*[\\"\x80', "http://", "HTTPS://", "[::1]", "[v1.a]", "[0::1]", "99999"],
    short: 3,
    full: 4,
    ...HEAD,
  },
  {
    title: "targets of CONNECT",
    before: "CONNECT ",
    after: ` HTTP/1.1${HOST}`,
    symbols: [..."/?%a1:@.,*", "0x", "[::1]", "[v1.a]", "[0::1]", "99999"],
    short: 3,
    full: 5,
    ...HEAD,
  },
  {
    title: "targets of OPTIONS",
    before: "OPTIONS ",
    after: ` HTTP/1.1${HOST}`,
    symbols: [..."*/a:?", "http://"],
    short: 3,
    full: 6,
    ...HEAD,
  },
  {
    title: "Host",
    before: "GET / HTTP/1.1\r\nHost:",
    after: "\r\n\r\n",
    symbols: [..."a1:.,%@/ \t", "0x", "[::1]", "[v1.a]", "[0::1]", "99999", "\r\nHost:"],
    short: 3,
    full: 5,
    ...HEAD,
    deviations: OF_AUTHORITIES,
  },
  {
    title: "Content-Length",
    before: "GET / HTTP/1.1\r\nHost: h\r\nContent-Length:",
    after: "\r\n\r\n",
    symbols: [..."012 \t+-_,x", "900719925474099", "\r\nContent-Length:", "\r\n", "\x80"],
    short: 3,
    full: 5,
    ...HEAD,
    deviations: OF_LENGTHS,
  },
  {
    title: "Transfer-Encoding",
    before: "GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:",
    after: "\r\n\r\n",
    symbols: [
      ...["chunked", "Chunked", "gzip", "gzip;a="],
      ...', \t;="x\x0b\x80',
      ...["\r\nTransfer-Encoding:", "\r\nContent-Length:1", "\r\n"],
    ],
    short: 3,
    full: 5,
    ...HEAD,
    deviations: OF_CODINGS,
  },
];
