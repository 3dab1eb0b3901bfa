import { assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { ConnectionLost, errorResponseTo, HttpError, quoted } from "../../src/errors.ts";
import type { RejectCode } from "../../src/errors.ts";

/** Hardening 33: bytes of a client, where an error message shows them. */
const QUOTED: readonly (readonly [text: string, shown: string])[] = [
  ["", '""'],
  ["plain text!", '"plain text!"'],
  ["a\r\nb", '"a\\x0d\\x0ab"'],
  ["\0\x01\x1f", '"\\x00\\x01\\x1f"'],
  ["\x1b[31mred", '"\\x1b[31mred"'],
  ['"', '"\\x22"'],
  ["\\", '"\\x5c"'],
  ["\x7e\x7f\x80\x9b\xa0\xff", '"~\\x7f\\x80\\x9b\\xa0\\xff"'],
  ["a".repeat(40), `"${"a".repeat(40)}"`],
  ["a".repeat(41), `"${"a".repeat(40)}…"`],
  ["\n".repeat(41), `"${"\\x0a".repeat(40)}…"`],
];

for (const [text, shown] of QUOTED) {
  Deno.test(`hardening 33: ${JSON.stringify(text)} is shown as ${shown}`, () => {
    assertEquals(quoted(text), shown);
  });
}

Deno.test("hardening 33: only printable ASCII is shown unescaped", () => {
  for (let byte = 0; byte < 256; byte++) {
    const char = String.fromCharCode(byte);
    const asItIs = byte >= 0x20 && byte < 0x7f && char !== '"' && char !== "\\";
    const escaped = `\\x${byte < 16 ? "0" : ""}${byte.toString(16)}`;
    assertEquals(quoted(char), asItIs ? `"${char}"` : `"${escaped}"`);
  }
});

Deno.test("quoted: another length", () => {
  assertEquals(quoted("abcdef", 3), '"abc…"');
  assertEquals(quoted("abc", 3), '"abc"');
});

/** The codes whose status differs between the profiles. */
const STATUSES: readonly (readonly [code: RejectCode, original: number, rfc: number])[] = [
  ["request-line-too-long", 413, 414],
  ["method-too-long", 413, 400],
  ["field-line-too-long", 413, 431],
  ["too-many-fields", 400, 431],
  ["head-too-large", 431, 431],
  ["body-too-large", 413, 413],
  ["bad-field", 400, 400],
  ["trailers-too-large", 431, 431],
  ["unsupported-transfer-coding", 501, 501],
  ["unsupported-version", 505, 505],
];

for (const [code, original, rfc] of STATUSES) {
  Deno.test(`RFC 9110, 15: ${code} is ${original} in the original profile, ${rfc} in rfc`, () => {
    const error = new HttpError(original, code, "Why");
    const rest = { headers: [["Content-Type", "text/plain; charset=utf-8"]], body: "Why\n" };
    assertEquals(errorResponseTo(error, "original"), { status: original, ...rest } as never);
    assertEquals(errorResponseTo(error, "rfc"), { status: rfc, ...rest } as never);
  });
}

Deno.test("HttpError: status, code, message and cause", () => {
  const cause = new Error("inner");
  const error = new HttpError(400, "bad-field", "Why", { cause });
  assertInstanceOf(error, Error);
  assertEquals(
    [error.name, error.status, error.code, error.message],
    ["HttpError", 400, "bad-field", "Why"],
  );
  assertStrictEquals(error.cause, cause);
  assertEquals(String(error), "HttpError: Why");
});

Deno.test("ConnectionLost is an Error, not an HttpError", () => {
  const error = new ConnectionLost("Gone");
  assertInstanceOf(error, Error);
  assertEquals([error.name, error.message], ["ConnectionLost", "Gone"]);
  assertEquals(error as Error instanceof HttpError, false);
});
