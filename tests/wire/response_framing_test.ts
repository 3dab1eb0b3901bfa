import { assertEquals, assertThrows } from "@std/assert";
import type { FieldPair } from "../../src/wire/fields.ts";
import { checkBareFields, decideResponse, isNamed } from "../../src/wire/response_framing.ts";
import type { ResponseFacts, ResponseFraming } from "../../src/wire/response_framing.ts";

const NO_FIELDS: readonly FieldPair[] = [];

function facts(of: Partial<ResponseFacts>): ResponseFacts {
  return {
    method: "GET",
    minor: 1,
    status: 200,
    fields: NO_FIELDS,
    size: 5,
    persistent: true,
    ...of,
  };
}

type Length = ResponseFraming["length"];

/**
 * Is the content written, and what becomes of Content-Length: without one given, and
 * with the right one given (RFC 9112, 6.3; RFC 9110, 8.6). The content has 5 bytes.
 */
const CONTENT: readonly (readonly [
  method: string,
  status: number,
  sendsContent: boolean,
  length: Length,
  whenGiven: Length,
])[] = [
  ["GET", 200, true, 5, "given"],
  ["GET", 201, true, 5, "given"],
  ["GET", 299, true, 5, "given"],
  ["GET", 100, false, "none", "none"],
  ["GET", 101, false, "none", "none"],
  ["GET", 199, false, "none", "none"],
  ["GET", 204, false, "none", "none"],
  ["GET", 205, false, 0, 0],
  ["GET", 206, true, 5, "given"],
  ["GET", 303, true, 5, "given"],
  ["GET", 304, false, "none", "given"],
  ["GET", 305, true, 5, "given"],
  ["GET", 404, true, 5, "given"],
  ["GET", 500, true, 5, "given"],
  ["GET", 599, true, 5, "given"],
  ["POST", 200, true, 5, "given"],
  ["OPTIONS", 200, true, 5, "given"],
  ["head", 200, true, 5, "given"],
  ["HEAD", 200, false, 5, "given"],
  ["HEAD", 404, false, 5, "given"],
  ["HEAD", 204, false, "none", "none"],
  ["HEAD", 205, false, 0, 0],
  ["HEAD", 304, false, "none", "given"],
  ["HEAD", 103, false, "none", "none"],
  ["CONNECT", 200, false, "none", "none"],
  ["CONNECT", 204, false, "none", "none"],
  ["CONNECT", 205, false, "none", "none"],
  ["CONNECT", 299, false, "none", "none"],
  ["CONNECT", 101, false, "none", "none"],
  ["CONNECT", 300, true, 5, "given"],
  ["CONNECT", 304, false, "none", "given"],
  ["CONNECT", 407, true, 5, "given"],
  ["connect", 200, true, 5, "given"],
];

for (const [method, status, sendsContent, length, whenGiven] of CONTENT) {
  for (const minor of [0, 1]) {
    Deno.test(`RFC 9112, 6.3: the content of ${status} to ${method} of HTTP/1.${minor}`, () => {
      const plain = decideResponse(facts({ method, status, minor }));
      assertEquals([plain.sendsContent, plain.length], [sendsContent, length]);
      const fields: FieldPair[] = [["content-LENGTH", "5"]];
      const given = decideResponse(facts({ method, status, minor, fields }));
      assertEquals([given.sendsContent, given.length], [sendsContent, whenGiven]);
      const empty = decideResponse(facts({ method, status, minor, size: 0 }));
      assertEquals([empty.sendsContent, empty.length], [sendsContent, length === 5 ? 0 : length]);
    });
  }
}

/** RFC 9112, 9.3: the Connection field, and whether another request may follow. */
const CONNECTION: readonly (readonly [
  minor: number,
  persistent: boolean,
  given: readonly string[],
  connection: string | null,
  follows: boolean,
])[] = [
  [1, true, [], null, true],
  [1, false, [], "close", false],
  [0, true, [], "keep-alive", true],
  [0, false, [], "close", false],
  [2, true, [], null, true],
  [1, true, ["close"], "close", false],
  [1, true, ["CLOSE"], "close", false],
  [1, false, ["close"], "close", false],
  [1, true, ["keep-alive"], null, true],
  [1, false, ["keep-alive"], "close", false],
  [0, false, ["keep-alive"], "close", false],
  [0, true, ["Keep-Alive"], "keep-alive", true],
  [0, true, ["close"], "close", false],
  [1, true, ["close, keep-alive"], "close", false],
  [1, true, ["keep-alive", "close"], "close", false],
  [1, true, ["X-Hop"], "X-Hop", true],
  [1, true, ["a,\tb ", "c"], "a, b, c", true],
  [1, true, ["a", "close", "b"], "close, a, b", false],
  [0, true, ["a"], "keep-alive, a", true],
  [1, false, ["a"], "close, a", false],
  [1, true, [""], null, true],
  [1, true, [" , ,"], null, true],
  [1, true, ["closed"], "closed", true],
];

for (const [minor, persistent, given, connection, follows] of CONNECTION) {
  const title = `HTTP/1.${minor}, ${persistent ? "persistent" : "ending"}, ${
    JSON.stringify(given)
  } given`;
  Deno.test(`RFC 9112, 9.3: the connection: ${title}`, () => {
    const fields = given.map((value): FieldPair => ["Connection", value]);
    const framing = decideResponse(facts({ minor, persistent, fields }));
    assertEquals([framing.connection, framing.persistent], [connection, follows]);
  });
}

Deno.test("RFC 9110, 9.3.6: an ordinary 2xx to CONNECT ends the connection", () => {
  for (const minor of [0, 1]) {
    const framing = decideResponse(facts({ method: "CONNECT", minor }));
    assertEquals(framing, {
      sendsContent: false,
      length: "none",
      givenLength: null,
      chunked: false,
      connection: "close",
      persistent: false,
    });
  }
  assertEquals(decideResponse(facts({ method: "CONNECT", status: 407 })).persistent, true);
});

/** RFC 9112, 6.1 and 6.3: a stream of unknown length. */
const STREAMS: readonly (readonly [
  of: Partial<ResponseFacts>,
  sendsContent: boolean,
  length: Length,
  chunked: boolean,
  persistent: boolean,
])[] = [
  [{}, true, "none", true, true],
  [{ minor: 2 }, true, "none", true, true],
  [{ minor: 0 }, true, "none", false, false],
  [{ persistent: false }, true, "none", true, false],
  [{ method: "HEAD" }, false, "none", false, true],
  [{ method: "HEAD", minor: 0 }, false, "none", false, true],
  [{ status: 204 }, false, "none", false, true],
  [{ status: 205 }, false, 0, false, true],
  [{ status: 304 }, false, "none", false, true],
  [{ method: "CONNECT" }, false, "none", false, false],
  [{ fields: [["Content-Length", "7"]] }, true, "given", false, true],
  [{ minor: 0, fields: [["Content-Length", "7"]] }, true, "given", false, true],
  [{ method: "HEAD", fields: [["Content-Length", "7"]] }, false, "given", false, true],
];

for (const [of, sendsContent, length, chunked, persistent] of STREAMS) {
  Deno.test(`RFC 9112, 6.3: a stream: ${JSON.stringify(of)}`, () => {
    const framing = decideResponse(facts({ ...of, size: null }));
    assertEquals(
      [framing.sendsContent, framing.length, framing.chunked, framing.persistent],
      [sendsContent, length, chunked, persistent],
    );
    assertEquals(framing.givenLength, length === "given" ? 7 : null);
  });
}

/** Hardening 18: a Content-Length that does not match the content. */
const WRONG: readonly (readonly [of: Partial<ResponseFacts>, given: string, message: string])[] = [
  [
    {},
    "4",
    'Content-Length "4" does not match the content of 5 bytes: omit it, the server adds it',
  ],
  [
    {},
    "6",
    'Content-Length "6" does not match the content of 5 bytes: omit it, the server adds it',
  ],
  [{}, "", 'Content-Length "" does not match'],
  [{}, "+5", 'Content-Length "+5" does not match'],
  [{}, " 5", 'Content-Length " 5" does not match'],
  [{}, "5, 5", 'Content-Length "5, 5" does not match'],
  [{}, "0x5", 'Content-Length "0x5" does not match'],
  [{ size: 0 }, "x", 'Content-Length "x" does not match the content of 0 bytes'],
  [{ status: 404, minor: 0 }, "0", 'Content-Length "0" does not match'],
  [
    { method: "HEAD" },
    "x",
    'Content-Length of a response to HEAD must be a decimal number: got "x"',
  ],
  [{ method: "HEAD" }, "", "must be a decimal number"],
  [{ status: 304 }, "-1", "must be a decimal number"],
];

for (const [of, given, message] of WRONG) {
  Deno.test(`hardening 18: ${message}`, () => {
    const fields: FieldPair[] = [["Content-Length", given]];
    assertThrows(() => decideResponse(facts({ ...of, fields })), TypeError, message);
  });
}

Deno.test("RFC 9110, 8.6: HEAD and 304 may have the length that GET would have", () => {
  const fields: FieldPair[] = [["Content-Length", "1234"]];
  assertEquals(decideResponse(facts({ method: "HEAD", size: 0, fields })).length, "given");
  assertEquals(decideResponse(facts({ status: 304, size: 0, fields })).length, "given");
});

Deno.test("RFC 9110, 8.6: a stream may have a length of 0", () => {
  const fields: FieldPair[] = [["Content-Length", "0"]];
  assertEquals(decideResponse(facts({ size: null, fields })).length, "given");
});

Deno.test("RFC 9110, 8.6: a response without content specifies no length and no coding", () => {
  for (
    const name of ["Content-Length", "content-length", "Transfer-Encoding", "transfer-ENCODING"]
  ) {
    assertThrows(() => checkBareFields([["A", "b"], [name, "1"]]), TypeError, `Field "${name}"`);
  }
  checkBareFields([["A", "b"], ["Content-Type", "c"]]);
});

Deno.test("hardening 18: Content-Length must be given only once, even the same", () => {
  const fields: FieldPair[] = [["Content-Length", "5"], ["content-length", "5"]];
  const decide = () => decideResponse(facts({ fields }));
  assertThrows(decide, TypeError, "Content-Length must be given only once");
});

Deno.test("hardening 18: Transfer-Encoding must not be given", () => {
  for (const name of ["Transfer-Encoding", "transfer-encoding", "TRANSFER-ENCODING"]) {
    for (const value of ["chunked", "gzip", ""]) {
      const decide = () => decideResponse(facts({ fields: [[name, value]] }));
      assertThrows(decide, TypeError, "Transfer-Encoding must not be given");
    }
  }
});

Deno.test("RFC 9110, 5.1: names are compared whole and without their case", () => {
  assertEquals(isNamed("DaTe", "date"), true);
  assertEquals(isNamed("date", "date"), true);
  assertEquals(isNamed("dates", "date"), false);
  assertEquals(isNamed("dat", "date"), false);
  assertEquals(isNamed("data", "date"), false);
});
