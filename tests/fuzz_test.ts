/**
 * Our parser against llhttp, as `deno task fuzz` does it, but shorter and always the
 * same; and that this comparison would find something if there were something to find.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { bytesOf, textOf } from "./fixtures.ts";
import { Campaign } from "./fuzz/campaign.ts";
import { CHUNKED, CORPUS, OPEN_GET, OPEN_POST } from "./fuzz/corpus.ts";
import { Judge } from "./fuzz/judge.ts";
import { KNOWN } from "./fuzz/known.ts";
import { Llhttp } from "./fuzz/llhttp.ts";
import { minimise } from "./fuzz/minimise.ts";
import { readOurs } from "./fuzz/ours.ts";
import { progressLine, table, testRow } from "./fuzz/print.ts";
import { VALID } from "./fuzz/valid.ts";
import type { Message, Verdict } from "./fuzz/verdict.ts";
import { testRows } from "./wire/runners.ts";
import type { Row } from "./wire/runners.ts";

const llhttp = new Llhttp();
const readTheirs = (bytes: Uint8Array) => llhttp.read(bytes);
const judge = new Judge(readOurs, readTheirs);

Deno.test("fuzz: 20,000 inputs, and no unexplained disagreement", () => {
  const campaign = new Campaign({ inputs: 20_000, seed: 9112 });
  const report = campaign.run();
  assertEquals(campaign.findings().map(testRow), []);
  // Without requests that both accept, and without disagreements, nothing was shown.
  assert(report.accepted > 5000 && report.tallies.size > 20, table(report));
});

Deno.test("fuzz: the same seed gives the same inputs", () => {
  const [first, second, other] = [1, 1, 2].map((seed) => {
    const { agreed, accepted, tallies } = new Campaign({ inputs: 1000, seed }).run();
    const counts = [...tallies.values()].map(({ kind, count, example }) => [kind, count, example]);
    return JSON.stringify([agreed, accepted, counts]);
  });
  assertEquals(first, second);
  assert(first !== other, "Another seed must give other inputs");
});

/** Line 0 is what clients send; the lines from 37 to 49 are not about bytes. */
const LINES_WITH_SEEDS = [...Array.from({ length: 37 }, (_, line) => line), 50];

Deno.test("fuzz: every line of the hardening checklist that is about bytes has a seed", () => {
  const lines = new Set(CORPUS.map(({ line }) => line));
  assertEquals([...lines].sort((a, b) => a - b), LINES_WITH_SEEDS);
});

Deno.test("fuzz: both sides accept what curl, Chrome and nginx send", () => {
  for (const text of VALID) {
    assertEquals(judge.judge(bytesOf(text)), null, text);
    assert(judge.accepted > 0, text);
  }
});

const PUT = "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc";

/** What is dangerous if we are wrong, by kind: what must come of it, and why it may. */
const DANGEROUS: readonly (readonly [kind: string, bytes: string, ...events: string[]])[] = [
  [
    "they refuse, we accept: method that llhttp does not know",
    "get / HTTP/1.1\r\nHost: h\r\n\r\n",
    "get / HTTP/1.1",
    "end",
  ],
  [
    "they refuse, we accept: method that llhttp does not know",
    "PRI / HTTP/1.1\r\nHost: h\r\n\r\n",
    "PRI / HTTP/1.1",
    "end",
  ],
  [
    "they refuse, we accept: HTTP/1.2 to HTTP/1.9",
    "GET / HTTP/1.2\r\nHost: h\r\n\r\n",
    "GET / HTTP/1.2",
    "end",
  ],
  [
    "they refuse, we accept: framing fields among the trailers",
    CHUNKED + "0\r\nContent-Length: 5\r\n\r\n",
    "POST / HTTP/1.1",
    "end Content-Length=5",
  ],
  [
    "they close, we go on: Connection among the trailers",
    CHUNKED + "0\r\nConnection: close\r\n\r\n",
    "POST / HTTP/1.1",
    "end Connection=close",
  ],
  [
    "they refuse, we accept: HTAB behind a value",
    OPEN_POST + "Transfer-Encoding: chunked\t\r\n\r\n1\r\na\r\n0\r\n\r\n",
    "POST / HTTP/1.1",
    "data a",
    "end",
  ],
  [
    "they refuse, we accept: HTAB behind a value",
    OPEN_POST + "Content-Length: 1\t\r\n\r\na",
    "POST / HTTP/1.1",
    "data a",
    "end",
  ],
  [
    "they close, we go on: HTAB behind a value",
    "GET / HTTP/1.0\r\nConnection: keep-alive\t\r\n\r\n",
    "GET / HTTP/1.0",
    "end",
  ],
  [
    "message boundaries differ: end: HTAB behind a value",
    OPEN_POST +
    "Connection: upgrade\r\nUpgrade: a\r\nTransfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1",
    "end",
  ],
  [
    "message boundaries differ: end: HTAB behind a value",
    OPEN_POST + "Connection: upgrade\r\nUpgrade: a\r\nTransfer-Encoding: chunked\t\r\n\r\n1\r\nab",
    "POST / HTTP/1.1",
    "data a",
    "400 bad-chunk",
  ],
  [
    "they refuse, we accept: whitespace in a chunk extension",
    CHUNKED + "1; a = b\r\na\r\n0\r\n\r\n",
    "POST / HTTP/1.1",
    "data a",
    "end",
  ],
  [
    "message boundaries differ: body of CONNECT",
    "CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\nContent-Length: 1\r\n\r\na",
    "CONNECT h:1 HTTP/1.1",
    "data a",
    "end",
  ],
];

/** The other kinds: we are the stricter side, or nothing is decided yet. */
const SAFE: readonly (readonly [kind: string, bytes: string])[] = [
  ["they stop (upgrade): we ignore it", OPEN_GET + "Connection: upgrade\r\nUpgrade: h2c\r\n\r\n"],
  [
    "we stop (upgrade), they go on: HTAB behind a value",
    OPEN_GET + "Connection: upgrade\t\r\nUpgrade: a\r\n\r\n",
  ],
  [
    "we close, they go on: HTTP/1.0 with close and keep-alive",
    "GET / HTTP/1.0\r\nConnection: close, keep-alive\r\n\r\n",
  ],
  ["we close, they go on: HTAB behind a value", OPEN_GET + "Connection: close\t\r\n\r\n"],
  ["they refuse sooner", "\xff"],
  ["one CR at the end", "\r"],
  ["we refuse, they do not: bare LF or CR", "\n" + OPEN_GET + "\r\n"],
  ["we refuse, they do not: no version", "GET /\r\n\r\n"],
  ["we refuse, they do not: something before the method", "\r\n\r\n" + OPEN_GET + "\r\n"],
  ["we refuse, they do not: spaces or another version", "GET /  HTTP/1.1\r\nHost: h\r\n\r\n"],
  ["we refuse, they do not: major version", "GET / HTTP/2.0\r\nHost: h\r\n\r\n"],
  ["we refuse, they do not: target of CONNECT", "CONNECT h HTTP/1.1\r\nHost: h\r\n\r\n"],
  ["we refuse, they do not: characters of the target", 'GET /"\\# HTTP/1.1\r\nHost: h\r\n\r\n'],
  ["we refuse, they do not: form of the target", "GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n"],
  ["we refuse, they do not: Host missing", "GET / HTTP/1.1\r\n\r\n"],
  ["we refuse, they do not: several Hosts", OPEN_GET + "Host: h\r\n\r\n"],
  ["we refuse, they do not: value of Host", "GET / HTTP/1.1\r\nHost: a/b?c=\r\n\r\n"],
  [
    "we refuse, they do not: value of Content-Length",
    OPEN_POST + "Content-Length: 9007199254740993\r\n\r\n",
  ],
  [
    "we refuse, they do not: Transfer-Encoding in HTTP/1.0",
    "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ],
  ["we refuse, they do not: value of Transfer-Encoding", OPEN_POST + "Transfer-Encoding:\r\n\r\n"],
  [
    "we refuse, they do not: Content-Length and Transfer-Encoding",
    OPEN_POST + "Transfer-Encoding:\r\nContent-Length: 5\r\n\r\nabcde",
  ],
  [
    "we refuse, they do not: chunked is not last",
    OPEN_POST + "Transfer-Encoding: chunked\t,chunked\r\n\r\n",
  ],
  [
    "we refuse, they do not: another transfer coding",
    OPEN_POST + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
  ],
  ["we refuse, they do not: value of Expect", OPEN_GET + "Expect: 200-ok\r\n\r\n"],
  ["we refuse, they do not: digits of a chunk size", CHUNKED + "00000000000001\r\na\r\n0\r\n\r\n"],
  ["we refuse, they do not: chunk extension", CHUNKED + "1;a=;b\r\na\r\n0\r\n\r\n"],
  ["we refuse, they do not: limits", `GET /${"a".repeat(9000)} HTTP/1.1\r\nHost: h\r\n\r\n`],
];

Deno.test("fuzz: every explained kind has an example, and every example a kind", () => {
  for (const [examples, dangerous] of [[DANGEROUS, true], [SAFE, false]] as const) {
    for (const [kind, bytes] of examples) {
      assertEquals(judge.judge(bytesOf(bytes)), { kind, dangerous });
    }
  }
  const kinds = new Set([...DANGEROUS, ...SAFE].map(([kind]) => kind));
  assertEquals([...kinds].sort(), [...KNOWN.keys()].sort());
});

testRows(DANGEROUS.map(([kind, bytes, ...events], i): Row => (
  { title: `fuzz: ${i + 1}: ${kind}`, profile: "rfc", bytes, events }
)));

/** A judge whose first side is wrong about the first message. */
function mistaken(change: Partial<Message>): Judge {
  return new Judge((bytes) => changed(readOurs(bytes), change), readTheirs);
}

function changed(verdict: Verdict, change: Partial<Message>): Verdict {
  const [first, ...rest] = verdict.messages;
  if (first === undefined) return verdict;
  const { method, target, version, fields, trailers, body, end, persistent, handedOver } = first;
  const copy = { method, target, version, fields, trailers, body, end, persistent, handedOver };
  return { ...verdict, messages: [{ ...copy, ...change }, ...rest] };
}

const MISTAKES: readonly (readonly [kind: string, dangerous: boolean, change: Partial<Message>])[] =
  [
    ["method differs", true, { method: "GET" }],
    ["target differs", true, { target: "/a" }],
    ["version differs", true, { version: "1.0" }],
    ["fields differ", true, { fields: [["Host", "h"]] }],
    ["fields differ", true, { fields: [["Host", "h"], ["Content-Length", "3 "]] }],
    ["trailers differ", true, { trailers: [["A", "b"]] }],
    ["message boundaries differ: end", true, { end: PUT.length - 1 }],
    ["message boundaries differ: body", true, { body: bytesOf("abd") }],
    ["message boundaries differ: body", true, { body: bytesOf("ab") }],
    ["we wait, they go on", true, { end: null }],
    ["we close, they go on", false, { persistent: false }],
    ["we stop (upgrade), they go on", false, { handedOver: true }],
  ];

Deno.test("fuzz: a wrong verdict about a message is found", () => {
  for (const [kind, dangerous, change] of MISTAKES) {
    const found = mistaken(change).judge(bytesOf(PUT + OPEN_GET + "\r\n"));
    assertEquals(found, { kind, dangerous }, JSON.stringify(change));
    assert(!KNOWN.has(kind));
  }
});

Deno.test("fuzz: a wrong outcome is found", () => {
  const readAsWritten = (text: string) => () => readOurs(bytesOf(text));
  const found = (text: string, taken: string) =>
    new Judge(readAsWritten(taken), readTheirs).judge(bytesOf(text))?.kind;
  const good = OPEN_GET + "A: b\r\n\r\n";
  assertMatch(found(good.replaceAll("\r\n", "\n"), good)!, /^they refuse, we accept: HPE_/);
  assertMatch(
    found(good.replace("A:", "A :"), good)!,
    /^they refuse, we accept: HPE_INVALID_HEADER/,
  );
  assertMatch(found(CHUNKED + "1\r\nab", CHUNKED + "2\r\nab")!, /^they refuse, we accept: HPE_/);
  assertEquals(found(PUT.slice(0, -1), PUT), "they wait, we go on");
  assertEquals(found(PUT, PUT.slice(0, -1)), "we wait, they go on");
  assertEquals(found(OPEN_POST + "A", OPEN_POST + "\r\n"), "they wait, we go on");
  assertMatch(found(good, good.replace("A: b", "A\x01: b"))!, /^we refuse, they do not: bad-char/);
  assertEquals(found(PUT.slice(0, -1), PUT.slice(0, -2)), "message boundaries differ: body so far");
  assertEquals(found(PUT.slice(0, -3), OPEN_GET), "head complete for one only");
});

Deno.test("fuzz: an input that only llhttp refuses while ours waits is completed before it is compared", () => {
  const lenient = new Judge(
    (bytes) => readOurs(bytesOf(textOf(bytes).replace("\t", ""))),
    readTheirs,
  );
  assertEquals(lenient.judge(bytesOf("GET / HTTP/1.1\r\nHost: h\r\nA\tB"))?.dangerous, true);
  assertEquals(
    judge.judge(bytesOf("GET / HTTP/1.1\r\nHost: h\r\nA\tB"))?.kind,
    "they refuse sooner",
  );
});

Deno.test("fuzz: a parser that accepts a bare LF is found, and the input is minimised", () => {
  const campaign = new Campaign({
    inputs: 3000,
    seed: 1,
    ours: (bytes) => readOurs(bytesOf(textOf(bytes).replace(/\r?\n/g, "\r\n"))),
  });
  assertMatch(
    progressLine(campaign.run()),
    /^3000 inputs, \d+\/s, \d+ kinds of disagreement, \d+ un/,
  );
  const findings = campaign.findings().filter(({ dangerous }) => dangerous);
  assert(findings.length > 0, table(campaign.report));
  for (const finding of findings) {
    assert(finding.bytes.length < 120, testRow(finding));
    assertMatch(
      testRow(finding),
      /title: "fuzz: [^]*profile: "rfc",\n {2}bytes: ".*",\n {2}events: \[/,
    );
  }
});

Deno.test("fuzz: the minimiser drops unneeded bytes, and stops on request", () => {
  const needed = (bytes: Uint8Array) => /a.*b.*c/s.test(textOf(bytes));
  const long = bytesOf("xxxa\r\nyyyyyyb" + "z".repeat(500) + "\0c!");
  assertEquals(textOf(minimise(long, needed)), "abc");
  assertEquals(minimise(long, () => false), long);
  assert(minimise(long, needed, 3).length > 3);
});

Deno.test("fuzz: the printed row holds the exact bytes", () => {
  const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  const row = testRow({ kind: "k", dangerous: true, line: 8, bytes: all });
  const [, literal] = /bytes: (".*"),\n/.exec(row)!;
  assertEquals(/^[\x20-\x7e]*$/.test(literal!), true);
  assertEquals(bytesOf(new Function(`return ${literal}`)()), all);
});
