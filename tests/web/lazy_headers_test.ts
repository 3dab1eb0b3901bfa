import { headersOf } from "../../src/web/lazy_headers.ts";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { bytesOf } from "../fixtures.ts";
import { headersMaker } from "../../src/web/lazy_headers.ts";
import { Fields } from "../../src/wire/fields.ts";

/** Parses the field lines of a head. */
function headers(...lines: readonly (readonly [name: string, value: string])[]): Headers {
  let text = "";
  const places: number[] = [];
  for (const [name, value] of lines) {
    const valueAt = text.length + name.length + 2;
    places.push(text.length, text.length + name.length, valueAt, valueAt + value.length);
    text += `${name}: ${value}\r\n`;
  }
  return headersOf(new Fields(bytesOf(text), 0, places));
}

const LINES = [["Accept", "a"], ["_^~", "1"], ["__proto__", "p"], ["X-One", "1"], ["accept", "b"], [
  "Set-Cookie",
  "c=d",
], [
  "set-cookie",
  "e=f",
]] as const;

/** Every operation on `Headers`, for lazy and for genuine ones. */
const QUESTIONS: readonly (readonly [what: string, ask: (headers: Headers) => unknown])[] = [
  ["get, joined", (h) => [h.get("accept"), h.get("ACCEPT"), h.get("x-one"), h.get("none")]],
  ["get of names that differ in few bits", (h) => [h.get("_^~"), h.get("_~~"), h.get("__proto__")]],
  ["get of cookies", (h) => h.get("set-cookie")],
  ["has", (h) => [h.has("Accept"), h.has("none")]],
  ["iteration", (h) => [...h]],
  ["keys and values", (h) => [[...h.keys()], [...h.values()], [...h.entries()]]],
  ["forEach", (h) => {
    const seen: string[] = [];
    h.forEach((value, name) => seen.push(`${name}=${value}`));
    return seen;
  }],
  ["getSetCookie", (h) => h.getSetCookie()],
  ["append, set, delete, then get", (h) => {
    h.append("accept", "z");
    h.set("x-one", "2");
    h.delete("set-cookie");
    return [h.get("accept"), h.get("x-one"), h.has("set-cookie"), [...h]];
  }],
  ["a copy", (h) => [...new Headers(h)]],
  ["a Response of it", (h) => [...new Response("x", { headers: h }).headers]],
  ["instanceof", (h) => h instanceof Headers],
  ["its name", (h) => Object.prototype.toString.call(h)],
  ["a Request of it", (h) => [...new Request("http://x/", { headers: h }).headers]],
];

Deno.test("RFC 9113, 8.2.3: Cookie lines are joined with a semicolon, lazily and genuinely", () => {
  const lines = [["Cookie", "a=1, 2"], ["X", "1"], ["cookie", "b=3; c=4"], ["x", "2"]] as const;
  assertEquals(headers(...lines).get("COOKIE"), "a=1, 2; b=3; c=4");
  assertEquals([...headers(...lines)], [["cookie", "a=1, 2; b=3; c=4"], ["x", "1, 2"]]);
  assertEquals(new Request("http://x/", { headers: headers(...lines) }).headers.get("x"), "1, 2");
});

for (const [what, ask] of QUESTIONS) {
  Deno.test(`headers: ${what}`, () => {
    const genuine = new Headers(LINES.map(([name, value]) => [name, value]));
    assertEquals(ask(headers(...LINES)), ask(genuine));
  });
}

Deno.test("headers: if the platform does not accept lazy Headers, genuine ones are created", () => {
  const one = {
    length: 1,
    nameLength: () => 3,
    name: () => "One",
    value: () => "1",
  };
  const fakes = [() => ({}) as Headers, () => new Headers({ other: "x" })];
  for (const fake of fakes) {
    const made = headersMaker(fake)(one);
    assertEquals([...made], [["one", "1"]]);
    assertEquals(Object.getPrototypeOf(made), Headers.prototype);
  }
});

Deno.test("headers: an invalid name throws as the platform's Headers do", () => {
  for (const ask of [(h: Headers) => h.get("a b"), (h: Headers) => h.has("")]) {
    const { message } = assertThrows(() => ask(new Headers()), TypeError);
    assertThrows(() => ask(headers(["A", "b"])), TypeError, message);
  }
});

Deno.test("headers: get() creates no genuine Headers", () => {
  const genuine = globalThis.Headers.prototype.append;
  let appended = 0;
  Headers.prototype.append = function (...args) {
    appended++;
    return genuine.apply(this, args);
  };
  try {
    const asked = headers(["A", "b"]);
    assertEquals([asked.get("a"), asked.has("b")], ["b", false]);
    assertEquals(appended, 0);
    assert([...asked].length === 1 && appended === 1);
  } finally {
    Headers.prototype.append = genuine;
  }
});
