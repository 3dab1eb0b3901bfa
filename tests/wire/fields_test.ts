import { headersOf, trailerHeaders } from "../../src/web/lazy_headers.ts";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { bytesOf } from "../fixtures.ts";
import {
  Fields,
  fieldsToSend,
  isTrailerName,
  listMembers,
  NO_FIELDS,
  trimmed,
} from "../../src/wire/fields.ts";
import type { FieldPair } from "../../src/wire/fields.ts";

/** Returns the fields of `Host: a\r\nX:\r\n`, with two other bytes before them. */
function twoFields(): Fields {
  return new Fields(bytesOf("..Host: a\r\nX:\r\n"), 2, [0, 4, 6, 7, 9, 10, 11, 11]);
}

Deno.test("Fields: names and values, by index", () => {
  const fields = twoFields();
  assertEquals(fields.length, 2);
  assertEquals([fields.name(0), fields.value(0)], ["Host", "a"]);
  assertEquals([fields.name(1), fields.value(1)], ["X", ""]);
  assertEquals([fields.nameLength(0), fields.nameLength(1)], [4, 1]);
});

Deno.test("RFC 9110, 5.1: names are compared without their case", () => {
  const fields = twoFields();
  assertEquals(fields.nameIs(0, "host"), true);
  assertEquals(fields.nameIs(0, "hos"), false);
  assertEquals(fields.nameIs(0, "hosts"), false);
  assertEquals(fields.nameIs(0, "post"), false);
  assertEquals(fields.nameIs(1, "x"), true);
});

Deno.test("Fields: pairs are created once and frozen", () => {
  const fields = twoFields();
  const pairs = fields.pairs();
  assertEquals(pairs, [["Host", "a"], ["X", ""]]);
  assertStrictEquals(fields.pairs(), pairs);
  assertThrows(() => (pairs as FieldPair[]).push(["a", "b"]), TypeError);
  assertThrows(() => Object.assign(pairs[0]!, ["b"]), TypeError);
});

Deno.test("Fields: Headers are the caller's own", () => {
  const fields = twoFields();
  headersOf(fields).set("host", "b");
  assertEquals([...headersOf(fields)], [["host", "a"], ["x", ""]]);
});

Deno.test("Fields: no fields", () => {
  assertEquals(NO_FIELDS.length, 0);
  assertEquals(NO_FIELDS.pairs(), []);
  assertEquals([...headersOf(NO_FIELDS)], []);
});

/** RFC 9110, 5.6.1, including empty members. */
const LISTS: readonly (readonly [value: string, members: readonly string[]])[] = [
  ["", [""]],
  ["a", ["a"]],
  [" \ta\t ", ["a"]],
  ["a,b", ["a", "b"]],
  ["a ,\tb , c", ["a", "b", "c"]],
  [",", ["", ""]],
  ["a,, b,", ["a", "", "b", ""]],
  ["a b, c\td", ["a b", "c\td"]],
  ["\xa0a\xa0,\x85b", ["\xa0a\xa0", "\x85b"]],
  ["\x0ba", ["\x0ba"]],
];

for (const [value, members] of LISTS) {
  Deno.test(`RFC 9110, 5.6.1: the members of ${JSON.stringify(value)}`, () => {
    assertEquals(listMembers(value), [...members]);
  });
}

Deno.test("RFC 9110, 5.6.3: only SP and HTAB are trimmed", () => {
  assertEquals(trimmed(" \t a \t b \t "), "a \t b");
  assertEquals(trimmed(""), "");
  assertEquals(trimmed(" \t"), "");
  assertEquals(trimmed("a"), "a");
  for (const char of ["\xa0", "\x85", "\x0b", "\x0c", "\r", "\n", "\0", "\ufeff", "\u2003"]) {
    assertEquals(trimmed(` ${char}a${char}\t`), `${char}a${char}`);
  }
});

const PAIRS: FieldPair[] = [["b", "1"], ["A", "2"], ["B", "3"]];

function* generated(): Generator<[string, string]> {
  yield ["b", "1"];
  yield ["A", "2"];
  yield ["B", "3"];
}

/** The value that a caller may give, and the pairs that are sent. */
const GIVEN: readonly (readonly [title: string, init: unknown, pairs: readonly FieldPair[]])[] = [
  ["nothing", undefined, []],
  ["null, as in the original", null, []],
  [
    "a record's array is one line for each of its items",
    { A: "1", "Set-Cookie": ["a=1", "b=2"], B: [], c: ["3"] },
    [["A", "1"], ["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"], ["c", "3"]],
  ],
  ["an array of pairs", [["b", "1"], ["A", "2"], ["B", "3"]], PAIRS],
  ["an empty array", [], []],
  ["a record keeps case and order", { b: "1", A: "2", B: "3" }, PAIRS],
  ["an empty record", {}, []],
  ["a record without a prototype", Object.assign(Object.create(null), { A: "2" }), [["A", "2"]]],
  ["a record with a name that objects know", { ["__proto__"]: "x" }, [["__proto__", "x"]]],
  ["Headers", new Headers([["B", "1"], ["A", "2"], ["b", "3"]]), [["a", "2"], ["b", "1, 3"]]],
  [
    "Headers with several Set-Cookies",
    new Headers([["Set-Cookie", "1"], ["Set-Cookie", "2"]]),
    [["set-cookie", "1"], ["set-cookie", "2"]],
  ],
  ["a Map", new Map([["b", "1"], ["A", "2"], ["B", "3"]]), PAIRS],
  ["a generator", generated(), PAIRS],
  ["an iterable record", { [Symbol.iterator]: () => PAIRS.values() }, PAIRS],
  ["pairs that are iterables", [new Set(["A", "2"])], [["A", "2"]]],
  ["values that are numbers", { "Content-Length": 5 }, [["Content-Length", "5"]]],
  ["an empty value", { A: "" }, [["A", ""]]],
  ["spaces, tabs and bytes above 0x7f", { A: " \t\x80\xff" }, [["A", " \t\x80\xff"]]],
  ["every mark of a token", { "!#$%&'*+-.^_`|~09": "x" }, [["!#$%&'*+-.^_`|~09", "x"]]],
];

for (const [title, init, pairs] of GIVEN) {
  Deno.test(`fieldsToSend: ${title}`, () => {
    assertEquals(fieldsToSend(init as HeadersInit), [...pairs]);
  });
}

Deno.test("fieldsToSend: an iterable record is iterated, even after an empty record", () => {
  assertEquals(fieldsToSend({}), []);
  assertEquals(fieldsToSend({ [Symbol.iterator]: () => PAIRS.values() } as HeadersInit), PAIRS);
});

Deno.test("fieldsToSend: copies its argument", () => {
  const given: [string, string][] = [["A", "1"]];
  const fields = fieldsToSend(given);
  given[0]![1] = "evil\r\n";
  given.push(["B", "2"]);
  assertEquals(fields, [["A", "1"]]);
});

Deno.test("fieldsToSend: converts each name and value to text once", () => {
  let calls = 0;
  const changing = { toString: () => ++calls === 1 ? "fine" : "evil\r\n" };
  assertEquals(fieldsToSend([["A", changing as unknown as string]]), [["A", "fine"]]);
});

/** Shapes that are refused, with a TypeError that says why. */
const REFUSED: readonly (readonly [title: string, init: unknown, message: string])[] = [
  ["text", "A: b", "Header fields must be Headers, a record or an array of pairs: got string"],
  ["an item of an array with a line end", { A: ["b", "c\r\nD: e"] }, 'Invalid value of field "A"'],
  ["a number", 5, "got number"],
  ["true", true, "got boolean"],
  ["a function", () => {}, "got function"],
  ["a symbol", Symbol("a"), "got symbol"],
  ["an empty pair", [[]], "A header field must be a pair of name and value: got 0 items"],
  ["a pair of one", [["A"]], "got 1 item"],
  ["a pair of three", [["A", "b", "c"]], "got 3 items"],
  ["a flat array", ["Name", "value"], ""],
  ["a flat array of two characters each", ["AB", "CD"], ""],
  ["an array of numbers", [1, 2], ""],
  ["an array of null", [null], ""],
  ["an empty name", [["", "b"]], 'Invalid field name ""'],
  ["a name with a space", { "A B": "c" }, 'Invalid field name "A B"'],
  ["a name with a colon", { "A:": "c" }, 'Invalid field name "A:"'],
  ["a name with a byte above 0x7f", { "\xe4": "c" }, 'Invalid field name "\xe4"'],
];

for (const [title, init, message] of REFUSED) {
  Deno.test(`fieldsToSend: ${title} is refused`, () => {
    const error = assertThrows(() => fieldsToSend(init as HeadersInit), TypeError);
    assert(error.message.includes(message), error.message);
  });
}

Deno.test("fieldsToSend: the message uses the singular for one item", () => {
  const one = assertThrows(() => fieldsToSend([["A"]] as unknown as HeadersInit), TypeError);
  assertEquals(one.message, "A header field must be a pair of name and value: got 1 item");
});

Deno.test("RFC 9110, 6.5.1: names that a trailer section must not contain", () => {
  for (
    const name of ["Content-Length", "transfer-encoding", "HOST", "Authorization", "Set-Cookie"]
  ) {
    assertEquals(isTrailerName(name), false);
  }
  for (const name of ["X-Sum", "Server-Timing", "ETag", "constructor"]) {
    assertEquals(isTrailerName(name), true);
  }
});

Deno.test("RFC 9110, 6.5: trailers as Headers, the dangerous ones dropped", () => {
  const bytes = bytesOf("AbHostc");
  const fields = new Fields(bytes, 0, [0, 1, 1, 2, 2, 6, 6, 7]);
  assertEquals([...trailerHeaders(fields)], [["a", "b"]]);
});
