/**
 * The parser against the grammar of the RFCs on every string up to a length, as
 * `deno task prove` does it, but shorter; and that a parser that is wrong would be found.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Automaton, rulesOf } from "./grammar/abnf.ts";
import { OF_CHUNKED, OF_CODINGS, OF_LENGTHS, OF_REQUEST_LINES } from "./grammar/deviations.ts";
import { prove } from "./grammar/proof.ts";
import { RFC } from "./grammar/rfc.ts";
import { SUBJECTS } from "./grammar/subjects.ts";
import { REFUSED } from "./grammar/verdict.ts";
import type { Reader } from "./grammar/verdict.ts";

const witnessed = new Set<string>();

for (const subject of SUBJECTS) {
  const { title, short, symbols } = subject;
  Deno.test(`grammar: ${title}: every string of up to ${short} of ${symbols.length} symbols`, () => {
    const report = prove(subject, short);
    assertEquals(report.differences, []);
    // Without texts of every kind, nothing was shown.
    assert(report.accepted > 0 && report.refused > 0 && report.waits > 0, JSON.stringify(report));
    for (const { title } of report.witnesses.keys()) witnessed.add(title);
  });
}

Deno.test("grammar: each deviation occurs", () => {
  const all = [OF_CHUNKED, OF_REQUEST_LINES, OF_LENGTHS, OF_CODINGS].flat();
  assertEquals(all.filter(({ title }) => !witnessed.has(title)), []);
});

/** Parsers that are wrong in a way that one was: the subject, and what they take for what. */
const MISTAKES: readonly (readonly [subject: string, takes: RegExp, as: string])[] = [
  ["chunked bodies", /(?<!\r)\n/g, "\r\n"],
  ["chunked bodies", /^0+(?=[1-9])/, "1"],
  ["chunk sizes", /^[+]/, ""],
  ["chunk sizes", /^0x/, ""],
  ["chunk extensions", /\0/g, ""],
  ["trailer sections", /\r\n[ \t]+/g, " "],
  ["field lines", /[ \t]+:/g, ":"],
  ["field lines", /(?<=a)\0/g, ""],
  ["request lines", /\t/g, " "],
  ["versions", /http/g, "HTTP"],
  ["targets", /\\/g, "/"],
  ["targets of CONNECT", /(?<=:)a/g, "1"],
  ["targets of OPTIONS", /\*\*/g, "*"],
  ["Host", /,.*/g, ""],
  ["Content-Length", /\+/g, ""],
  ["Content-Length", /_/g, ""],
  ["Transfer-Encoding", /x(?=chunked)/, ""],
  ["Transfer-Encoding", /,(?=\r\n)/g, ""],
];

for (const [title, takes, as] of MISTAKES) {
  Deno.test(`grammar: ${title}: a parser that takes ${takes} as ${JSON.stringify(as)} is found`, () => {
    const subject = SUBJECTS.find((subject) => subject.title === title)!;
    const mistaken: Reader = (pieces) => subject.read([pieces.join("").replace(takes, as)]);
    assert(prove(subject, subject.short, mistaken).differences.length > 0);
  });
}

Deno.test("grammar: a parser that refuses the beginning of a message is found", () => {
  for (const subject of SUBJECTS) {
    const eager: Reader = (pieces) => pieces.length === 1 ? REFUSED : subject.read(pieces);
    assert(prove(subject, 1, eager).differences.length > 0, subject.title);
  }
});

/** `rule`, texts that it matches, and texts that it does not. */
const ABNF: readonly (readonly [rule: string, matched: string[], others: string[]])[] = [
  ['a = "ab"', ["ab", "AB", "aB"], ["", "a", "abb", "ac"]],
  ['a = %s"ab"', ["ab"], ["AB", "aB"]],
  ["a = %x41", ["A"], ["a", "B"]],
  ["a = %x41-43", ["A", "B", "C"], ["@", "D"]],
  ['a = "a" "b" / "c"', ["ab", "c"], ["ac", "b", "abc"]],
  ['a = "a" ( "b" / "c" )', ["ab", "ac"], ["a", "c"]],
  ['a = [ "a" ] "b"', ["ab", "b"], ["a", "aab"]],
  ['a = *"a"', ["", "a", "aaa"], ["b", "ab"]],
  ['a = 2*"a"', ["aa", "aaaa"], ["", "a"]],
  ['a = *2"a"', ["", "a", "aa"], ["aaa"]],
  ['a = 1*2"a"', ["a", "aa"], ["", "aaa"]],
  ['a = 2"a"', ["aa"], ["a", "aaa"]],
  ['a = *( *"a" )', ["", "aa"], ["b"]],
  ['a = b "." b\nb = "x"\n  / "y"', ["x.y", "y.y"], ["x", "xy"]],
];

for (const [rule, matched, others] of ABNF) {
  Deno.test(`grammar: RFC 5234: ${JSON.stringify(rule)}`, () => {
    const automaton = new Automaton(rulesOf(rule), "a");
    for (const text of matched) assert(automaton.matches(text), text);
    for (const text of others) assert(!automaton.matches(text), text);
  });
}

Deno.test("grammar: what is no ABNF, or recursive, is refused", () => {
  const compile = (text: string) => () => new Automaton(rulesOf(text), "a");
  for (const text of ["a", "a = <b>", 'a = ( "b"', 'a = "b" )', "a = b", 'a = [ a ] "b"']) {
    assertThrows(compile(text), SyntaxError);
  }
});

/** What both sides of the comparison could have in common is the grammar as it is written here. */
Deno.test("grammar: the rules of the RFCs match their own examples", () => {
  const examples: readonly (readonly [rule: string, text: string, matches: boolean])[] = [
    ["Transfer-Encoding", "gzip, chunked", true],
    ["Transfer-Encoding", 'a;b="c,d" , ,e', true],
    ["Transfer-Encoding", "a b", false],
    ["chunk-line", '1a;b="\\"" ; c\r\n', true],
    ["chunk-line", "1;a \r\n", false],
    ["IPv6address", "2001:db8::7", true],
    ["IPv6address", "::192.0.2.128", true],
    ["IPv6address", "1:2:3:4:5:6:7:8:9", false],
    ["IPv6address", "1::2::3", false],
    ["absolute-URI", "urn:oasis:names:specification:docbook:dtd:xml:4.1.2", true],
    ["absolute-URI", "http://a/b#c", false],
    ["origin-form", "/where?q=now", true],
    ["field-line", "A:\t b c \t", true],
    ["field-line", "A : b", false],
    ["quoted-string", '"a\\', false],
    ["HTTP-version", "http/1.1", false],
  ];
  for (const [rule, text, matches] of examples) {
    assertEquals(new Automaton(rulesOf(...RFC), rule).matches(text), matches, `${rule}: ${text}`);
  }
});
