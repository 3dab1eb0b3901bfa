import { testRows, UNBOUNDED } from "./runners.ts";
import type { Row, RowOptions } from "./runners.ts";

const GET_LINE = "GET / HTTP/1.1";
const PUT = "PUT / HTTP/1.1";
const CHUNKED = "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";

/** A request line of exactly `length` bytes, by a long target. */
function requestLine(length: number): string {
  return `GET /${"a".repeat(length - 14)} HTTP/1.1`;
}

/** A GET that has these lines too. */
function withLines(...lines: string[]): string {
  return `${GET_LINE}\r\nHost: h\r\n${lines.map((line) => line + "\r\n").join("")}\r\n`;
}

/** A field line of exactly `length` bytes. */
function fieldLine(length: number): string {
  return `N: ${"v".repeat(length - 3)}`;
}

/** A head of exactly `length` bytes, with `most` bytes or fewer in each field line. */
function head(length: number, most = 8192): string {
  const lines: string[] = [];
  for (let rest = length - withLines().length; rest > 0;) {
    // Never so much that too little would be left for one more line.
    const line = rest <= most + 2 ? rest - 2 : Math.min(most, rest - 10);
    lines.push(fieldLine(line));
    rest -= line + 2;
  }
  return withLines(...lines);
}

function fields(count: number): string {
  return withLines(...Array.from({ length: count - 1 }, (_, i) => `F${i}: x`));
}

/** The same under a limit and one over it. */
function atAndOver(
  title: string,
  limits: RowOptions,
  at: readonly [bytes: string, events: readonly string[]],
  over: readonly [bytes: string, events: readonly string[]],
): Row[] {
  return [
    { title: `${title}: at the limit`, bytes: at[0], events: at[1], ...limits },
    { title: `${title}: one over`, bytes: over[0], events: over[1], ...limits },
  ];
}

for (const line of [8192, 40]) {
  const limits = line === 8192 ? {} : { limits: { line } };
  testRows([
    ...atAndOver(
      `limits.line ${line}, request line`,
      limits,
      [`${requestLine(line)}\r\nHost: h\r\n\r\n`, [requestLine(line), "end"]],
      [`${requestLine(line + 1)}\r\nHost: h\r\n\r\n`, ["413 request-line-too-long"]],
    ),
    ...atAndOver(
      `limits.line ${line}, header line`,
      limits,
      [withLines(fieldLine(line)), [GET_LINE, "end"]],
      [withLines(fieldLine(line + 1)), ["413 field-line-too-long"]],
    ),
    ...atAndOver(
      `limits.line ${line}, header line of spaces`,
      limits,
      [withLines("N:" + " ".repeat(line - 2)), [GET_LINE, "end"]],
      [withLines("N:" + " ".repeat(line - 1)), ["413 field-line-too-long"]],
    ),
    {
      title: `limits.line ${line}: a method that is over by itself`,
      bytes: "A".repeat(line + 1) + " / HTTP/1.1\r\n",
      events: ["413 method-too-long"],
      ...limits,
    },
    {
      title: `limits.line ${line}: a method that is at the limit, its line is not`,
      bytes: "A".repeat(line) + " / HTTP/1.1\r\n",
      events: ["413 request-line-too-long"],
      ...limits,
    },
    {
      title: `limits.line ${line}: a request line that never ends`,
      bytes: "GET /" + "a".repeat(line),
      events: ["413 request-line-too-long"],
      ...limits,
    },
    {
      title: `limits.line ${line}: a header line that never ends`,
      bytes: `${GET_LINE}\r\nN: ${"a".repeat(line)}`,
      events: ["413 field-line-too-long"],
      ...limits,
    },
    {
      title: `limits.line ${line}: a control character before the limit comes first`,
      bytes: `${GET_LINE}\r\n${"a".repeat(line)}\0`,
      events: ["400 bad-character"],
      ...limits,
    },
    {
      title: `limits.line ${line}: a control character behind the limit comes too late`,
      bytes: `${GET_LINE}\r\n${"a".repeat(line + 1)}\0`,
      events: ["413 field-line-too-long"],
      ...limits,
    },
    {
      title: `limits.line ${line}: a bare CR at the limit`,
      bytes: `${GET_LINE}\r\n${"a".repeat(line)}\rx`,
      events: ["400 bad-line-ending"],
      ...limits,
    },
    {
      title: `limits.line ${line}: a trailer line at the limit`,
      bytes: `${CHUNKED}0\r\nA: ${"v".repeat(line - 3)}\r\n\r\n`,
      events: [PUT, `end A=${"v".repeat(line - 3)}`],
      limits: { line, trailers: 10_000 },
    },
    {
      title: `limits.line ${line}: a trailer line over it`,
      bytes: `${CHUNKED}0\r\nA: ${"v".repeat(line - 2)}\r\n\r\n`,
      events: [PUT, "431 trailers-too-large"],
      limits: { line, trailers: 10_000 },
    },
  ]);
}

for (const limit of [32_768, 120]) {
  const limits = limit === 32_768 ? {} : { limits: { head: limit, line: 100 } };
  const most = limit === 32_768 ? 8192 : 100;
  testRows([
    ...atAndOver(
      `limits.head ${limit}`,
      limits,
      [head(limit, most), [GET_LINE, "end"]],
      [head(limit + 1, most), ["431 head-too-large"]],
    ),
    {
      title: `limits.head ${limit}: an empty line before the head is none of it`,
      bytes: "\r\n" + head(limit, most),
      events: [GET_LINE, "end"],
      ...limits,
    },
    {
      title: `limits.head ${limit}: each head of a connection may be so long`,
      bytes: head(limit, most) + head(limit, most),
      events: [GET_LINE, "end", GET_LINE, "end"],
      ...limits,
    },
  ]);
}

testRows([
  {
    title: "limits.head: a request line that is over it by itself",
    bytes: "GET /aaaaaaaaaaaaaaaaaaaa HTTP/1.1\r\n",
    events: ["431 head-too-large"],
    limits: { head: 20 },
  },
  {
    title: "limits.head: it ends between CR and LF",
    bytes: `${GET_LINE}\r\n`,
    events: ["431 head-too-large"],
    limits: { head: 15 },
  },
  {
    title: "limits.head: it ends before the CR",
    bytes: `${GET_LINE}\r\n`,
    events: ["431 head-too-large"],
    limits: { head: 14 },
  },
  {
    title: "limits.head: it ends behind the request line",
    bytes: `${GET_LINE}\r\nH`,
    events: ["431 head-too-large"],
    limits: { head: 16 },
  },
  {
    title: "limits.head and limits.line at the same byte: the line is named",
    bytes: "GET /aaaaaaaaaaaaaaaaaaaa HTTP/1.1\r\n",
    events: ["413 request-line-too-long"],
    limits: { head: 21, line: 20 },
  },
  ...atAndOver(
    "limits.headers 128",
    {},
    [fields(128), [GET_LINE, "end"]],
    [fields(129), ["400 too-many-fields"]],
  ),
  ...atAndOver(
    "limits.headers 2",
    { limits: { headers: 2 } },
    [fields(2), [GET_LINE, "end"]],
    [fields(3), ["400 too-many-fields"]],
  ),
  ...atAndOver(
    "limits.headers 0",
    { limits: { headers: 0 } },
    ["GET / HTTP/1.0\r\n\r\n", ["GET / HTTP/1.0", "end"]],
    ["GET / HTTP/1.0\r\nHost: h\r\n\r\n", ["400 too-many-fields"]],
  ),
  {
    title: "limits.headers: it is counted while reading, the empty line need not come",
    bytes: `${GET_LINE}\r\nA: b\r\nC: d\r\nE: f\r\n`,
    events: ["400 too-many-fields"],
    limits: { headers: 2 },
  },
  {
    title: "limits.headers: it holds for each request by itself",
    bytes: fields(2) + fields(2) + fields(3),
    events: [GET_LINE, "end", GET_LINE, "end", "400 too-many-fields"],
    limits: { headers: 2 },
  },
]);

for (const chunkLine of [4096, 8]) {
  const limits = chunkLine === 4096 ? {} : { limits: { chunkLine } };
  const line = (length: number) => "1;" + "e".repeat(length - 2);
  testRows([
    ...atAndOver(
      `limits.chunkLine ${chunkLine}`,
      limits,
      [`${CHUNKED}${line(chunkLine)}\r\na\r\n0\r\n\r\n`, [PUT, "data a", "end"]],
      [`${CHUNKED}${line(chunkLine + 1)}\r\na\r\n0\r\n\r\n`, [PUT, "400 chunk-line-too-long"]],
    ),
    ...atAndOver(
      `limits.chunkLine ${chunkLine}, last chunk`,
      limits,
      [`${CHUNKED}0;${"e".repeat(chunkLine - 2)}\r\n\r\n`, [PUT, "end"]],
      [`${CHUNKED}0;${"e".repeat(chunkLine - 1)}\r\n\r\n`, [PUT, "400 chunk-line-too-long"]],
    ),
    {
      title: `limits.chunkLine ${chunkLine}: each line may be so long`,
      bytes: `${CHUNKED}${line(chunkLine)}\r\na\r\n${line(chunkLine)}\r\nb\r\n0\r\n\r\n`,
      events: [PUT, "data ab", "end"],
      ...limits,
    },
    {
      title: `limits.chunkLine ${chunkLine}: a line that never ends`,
      bytes: `${CHUNKED}1;${"e".repeat(chunkLine)}`,
      events: [PUT, "400 chunk-line-too-long"],
      ...limits,
    },
  ]);
}

/** Chunks of one byte, each with an extension of so many bytes behind its semicolon. */
function extended(...lengths: number[]): string {
  // The semicolon is part of the extension (RFC 9112, 7.1.1).
  const chunks = lengths.map((length) => `1${";".padEnd(length, "e").slice(0, length)}\r\na\r\n`);
  return `${CHUNKED}${chunks.join("")}0\r\n\r\n`;
}

testRows([
  ...atAndOver(
    "limits.chunkLine, digits alone",
    { limits: { chunkLine: 3 } },
    [`${CHUNKED}001\r\na\r\n000\r\n\r\n`, [PUT, "data a", "end"]],
    [`${CHUNKED}0001\r\na\r\n000\r\n\r\n`, [PUT, "400 chunk-line-too-long"]],
  ),
  ...atAndOver(
    "limits.chunkExtensions 16384",
    {},
    [extended(4094, 4094, 4094, 4094, 8), [PUT, "data aaaaa", "end"]],
    [extended(4094, 4094, 4094, 4094, 9), [PUT, "data aaaa", "400 chunk-extensions-too-large"]],
  ),
  ...atAndOver(
    "limits.chunkExtensions 4",
    { limits: { chunkExtensions: 4 } },
    [extended(2, 2, 0), [PUT, "data aaa", "end"]],
    [extended(2, 2, 2), [PUT, "data aa", "400 chunk-extensions-too-large"]],
  ),
  ...atAndOver(
    "limits.chunkExtensions 0",
    { limits: { chunkExtensions: 0 } },
    [extended(0), [PUT, "data a", "end"]],
    [extended(1), [PUT, "400 chunk-extensions-too-large"]],
  ),
  {
    title: "limits.chunkExtensions: each body may have so many",
    bytes: extended(4) + extended(4),
    events: [PUT, "data a", "end", PUT, "data a", "end"],
    limits: { chunkExtensions: 4 },
  },
]);

/** A chunked body with a trailer section of exactly `length` bytes, its empty line too. */
function trailers(length: number): string {
  return `${CHUNKED}0\r\nA: ${"v".repeat(length - 7)}\r\n\r\n`;
}

function trailerFields(count: number): string {
  return `${CHUNKED}0\r\n${"A: b\r\n".repeat(count)}\r\n`;
}

testRows([
  ...atAndOver(
    "limits.trailers 8192",
    {},
    [trailers(8192), [PUT, `end A=${"v".repeat(8185)}`]],
    [trailers(8193), [PUT, "431 trailers-too-large"]],
  ),
  ...atAndOver(
    "limits.trailers 12",
    { limits: { trailers: 12 } },
    [trailers(12), [PUT, "end A=vvvvv"]],
    [trailers(13), [PUT, "431 trailers-too-large"]],
  ),
  ...atAndOver(
    "limits.trailers 12, in two fields",
    { limits: { trailers: 12 } },
    [`${CHUNKED}0\r\nA:\r\nB: \r\n\r\n`.replace("B: ", "BC:"), [PUT, "end A= BC="]],
    [`${CHUNKED}0\r\nA: 1\r\nB: 2\r\n\r\n`, [PUT, "431 trailers-too-large"]],
  ),
  {
    title: "limits.trailers 2: the empty line alone",
    bytes: `${CHUNKED}0\r\n\r\n`,
    events: [PUT, "end"],
    limits: { trailers: 2 },
  },
  {
    title: "limits.trailers 2: a field",
    bytes: `${CHUNKED}0\r\nA: b\r\n\r\n`,
    events: [PUT, "431 trailers-too-large"],
    limits: { trailers: 2 },
  },
  ...atAndOver(
    "limits.trailerFields 32",
    {},
    [trailerFields(32), [PUT, "end" + " A=b".repeat(32)]],
    [trailerFields(33), [PUT, "431 trailers-too-large"]],
  ),
  ...atAndOver(
    "limits.trailerFields 1",
    { limits: { trailerFields: 1 } },
    [trailerFields(1), [PUT, "end A=b"]],
    [trailerFields(2), [PUT, "431 trailers-too-large"]],
  ),
  ...atAndOver(
    "limits.trailerFields 0",
    { limits: { trailerFields: 0 } },
    [trailerFields(0), [PUT, "end"]],
    [trailerFields(1), [PUT, "431 trailers-too-large"]],
  ),
]);

function fixed(length: number, body = "x".repeat(length)): string {
  return `${PUT}\r\nHost: h\r\nContent-Length: ${length}\r\n\r\n${body}`;
}

function chunks(...bodies: string[]): string {
  const written = bodies.map((body) => `${body.length.toString(16)}\r\n${body}\r\n`);
  return `${CHUNKED}${written.join("")}0\r\n\r\n`;
}

testRows([
  ...atAndOver(
    "maxBody 5, Content-Length",
    { maxBody: 5 },
    [fixed(5), [PUT, "data xxxxx", "end"]],
    [fixed(6), [PUT, "413 body-too-large"]],
  ),
  ...atAndOver(
    "maxBody 5, one chunk",
    { maxBody: 5 },
    [chunks("abcde"), [PUT, "data abcde", "end"]],
    [chunks("abcdef"), [PUT, "413 body-too-large"]],
  ),
  ...atAndOver(
    "maxBody 5, several chunks",
    { maxBody: 5 },
    [chunks("ab", "c", "de"), [PUT, "data abcde", "end"]],
    [chunks("ab", "c", "def"), [PUT, "data abc", "413 body-too-large"]],
  ),
  ...atAndOver(
    "maxBody 5, chunks of one byte",
    { maxBody: 5 },
    [chunks(..."abcde"), [PUT, "data abcde", "end"]],
    [chunks(..."abcdef"), [PUT, "data abcde", "413 body-too-large"]],
  ),
  ...atAndOver(
    "maxBody 0, Content-Length",
    { maxBody: 0 },
    [fixed(0), [PUT, "end"]],
    [fixed(1), [PUT, "413 body-too-large"]],
  ),
  ...atAndOver(
    "maxBody 0, chunked",
    { maxBody: 0 },
    [chunks(), [PUT, "end"]],
    [chunks("a"), [PUT, "413 body-too-large"]],
  ),
  ...atAndOver(
    "maxBody 8 MiB, Content-Length that is only announced",
    {},
    [fixed(8_388_608, ""), [PUT, "400 incomplete-message"]],
    [fixed(8_388_609, ""), [PUT, "413 body-too-large"]],
  ),
  {
    title: "maxBody: it holds for each request by itself",
    bytes: fixed(5) + chunks("abcde") + fixed(5),
    events: [PUT, "data xxxxx", "end", PUT, "data abcde", "end", PUT, "data xxxxx", "end"],
    maxBody: 5,
  },
]);

testRows([
  {
    title: "Infinity switches limits off: a long request line",
    bytes: `${requestLine(9000)}\r\nHost: h\r\n\r\n`,
    events: [requestLine(9000), "end"],
    ...UNBOUNDED,
  },
  {
    title: "hardening 24: a name beyond both limits: the head is too large first",
    bytes: `GET / HTTP/1.1\r\n${"n".repeat(300)}`,
    events: ["431 head-too-large"],
    limits: { line: 100, head: 60 },
  },
  {
    title: "hardening 24: a name beyond both limits: the line is too long first",
    bytes: `GET / HTTP/1.1\r\n${"n".repeat(300)}`,
    events: ["413 field-line-too-long"],
    limits: { line: 60, head: 100 },
  },
  {
    title: "hardening 24: a method beyond both limits: the head is too large first",
    bytes: "M".repeat(300),
    events: ["431 head-too-large"],
    limits: { line: 100, head: 60 },
  },
  {
    title: "Infinity switches limits off: a large head of many fields",
    bytes: withLines(fieldLine(20_000), ...Array.from({ length: 200 }, () => fieldLine(80))),
    events: [GET_LINE, "end"],
    ...UNBOUNDED,
  },
  {
    title: "Infinity switches limits off: long extensions and trailers",
    bytes: `${CHUNKED}1;${"e".repeat(17_000)}\r\na\r\n0\r\n${"A: b\r\n".repeat(40)}B: ${
      "v".repeat(9000)
    }\r\n\r\n`,
    events: [PUT, "data a", "end" + " A=b".repeat(40) + " B=" + "v".repeat(9000)],
    ...UNBOUNDED,
  },
  {
    title: "Infinity switches limits off: but not the number of digits",
    bytes: `${CHUNKED}00000000000001\r\n`,
    events: [PUT, "400 bad-chunk"],
    ...UNBOUNDED,
  },
]);
