/** Reason phrases against a table that is maintained elsewhere: Node's `http.STATUS_CODES`. */
import { assert, assertEquals } from "@std/assert";
import { STATUS_CODES } from "node:http";
import { reasonPhrase } from "../../src/wire/status.ts";

/** Where Node's table differs from the RFCs, the RFCs decide. */
const DIFFERENCES: ReadonlyMap<number, string> = new Map([
  // Node keeps the phrase of RFC 7231; RFC 9110, 15.5.14 renamed it.
  [413, "Content Too Large"],
  // RFC 2324, 2.3.2 writes it in lower case, Node capitalizes it; the registry only reserves 418.
  [418, "I'm a teapot"],
  // Node keeps the phrase of RFC 4918; RFC 9110, 15.5.21 renamed it.
  [422, "Unprocessable Content"],
  // Apache and cPanel use 509; it was never registered.
  [509, ""],
]);

Deno.test("RFC 9110, 15: each reason phrase is that of Node's table, but for the listed ones", () => {
  for (let status = 0; status < 1000; status++) {
    const expected = DIFFERENCES.get(status) ?? STATUS_CODES[status] ?? "";
    assertEquals(reasonPhrase(status), expected, `${status}`);
  }
});

Deno.test("RFC 9110, 15: each listed difference is one", () => {
  for (const [status, reason] of DIFFERENCES) assert(STATUS_CODES[status] !== reason, `${status}`);
});

Deno.test("RFC 9112, 4: a status without a reason phrase has an empty one", () => {
  for (const status of [-1, 0, 99, 104, 199, 227, 299, 306, 399, 430, 499, 512, 599, 1000, NaN]) {
    assertEquals(reasonPhrase(status), "", `${status}`);
  }
});
