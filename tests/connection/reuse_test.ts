/**
 * What is reused is compared in full: no response contains a byte of another request's.
 * Heads, checked fields and encoded heads are kept from one request to the next; random
 * sequences of nearly equal requests and responses attack each of these.
 */
import { assertEquals, assertRejects } from "@std/assert";
import type { FieldsInit, Request } from "@asynchttp/server";
import { fuzzSeed, Random } from "../random.ts";
import { GET } from "../fixtures.ts";
import { converse, DATE } from "./harness.ts";
import { EOF } from "./scripted_conn.ts";

const NAMES = ["A", "a", "B", "Set-Cookie", "__proto__"];
const VALUES = ["", "1", "2", "12", "session=1", "session=2"];

type Pairs = [name: string, value: string][];

function randomPairs(random: Random): Pairs {
  return Array.from({ length: random.below(4) }, () => [random.pick(NAMES), random.pick(VALUES)]);
}

/** Changes one thing, as a handler does that keeps an array of fields. */
function mutate(pairs: Pairs, random: Random): void {
  const at = random.below(pairs.length + 1);
  switch (random.below(4)) {
    case 0:
      pairs[at] = [random.pick(NAMES), random.pick(VALUES)];
      break;
    case 1:
      pairs.splice(at, 1);
      break;
    case 2:
      if (pairs[at] !== undefined) pairs[at][1] = random.pick(VALUES);
      break;
  }
}

/** The same fields as one of the types that a handler may give. */
function shaped(pairs: Pairs, random: Random): FieldsInit {
  const names = pairs.map(([name]) => name);
  const isRecord = new Set(names).size === names.length && !names.includes("__proto__");
  if (!isRecord || random.below(2) === 0) return pairs;
  return Object.fromEntries(
    pairs.map(([name, value]) => [name, random.below(3) === 0 ? [value] : value]),
  );
}

function randomRequest(random: Random): string {
  const target = `/${"x".repeat(random.below(3))}${random.pick(VALUES)}`;
  const host = random.pick(["x", "y"]);
  return `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nX: ${random.pick(VALUES)}\r\n\r\n`;
}

/** What must be sent, written down without the encoder. */
function expected(status: number, fields: Pairs, content: string): string {
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const reason = status === 200 ? "OK" : "Created";
  return `HTTP/1.1 ${status} ${reason}\r\n${lines}${DATE}Content-Length: ${content.length}\r\n\r\n${content}`;
}

/** What a handler that reads every part of a request says about it. */
function described(request: Request): string {
  const { target, url, headers, rawHeaders } = request;
  return `${target} ${url.host} ${headers.get("x")} ${JSON.stringify(rawHeaders)}`;
}

/** The same, read from the request's bytes. */
function describedBytes(sent: string): string {
  const [, target, host, value] = /^GET (\S+) .*\r\nHost: (.*)\r\nX: (.*)\r\n/.exec(sent)!;
  return `${target} ${host} ${value} ${JSON.stringify([["Host", host], ["X", value]])}`;
}

Deno.test("hardening 40: random requests and responses that are nearly equal", async () => {
  const random = new Random(fuzzSeed());
  for (let round = 0; round < 100; round++) {
    const kept = randomPairs(random);
    const requests = Array.from({ length: 20 }, () => randomRequest(random));
    const sent = [...requests];
    let wanted = "";
    const handler = (request: Request) => {
      mutate(kept, random);
      const status = random.pick([200, 201]);
      wanted += expected(status, kept, describedBytes(sent.shift()!));
      return request.respond(status, described(request), shaped(kept, random));
    };
    const script = random.below(2) === 0 ? requests : [requests.join("")];
    const { output } = await converse([...script, EOF], handler);
    assertEquals(output, wanted);
  }
});

Deno.test("hardening 40: an array of fields with a hole is refused, whatever was sent before", async () => {
  const fields: Pairs = [["Set-Cookie", "session=1"], ["A", "1"]];
  const handler = async (request: Request) => {
    await request.respond(200, "first", fields);
  };
  await converse([GET, EOF], handler);
  delete fields[0];
  const holed = async (request: Request) => {
    await assertRejects(() => request.respond(200, "second", fields), TypeError, "pair");
    await request.respond(200, "second");
  };
  const { output } = await converse([GET, EOF], holed);
  assertEquals(output, `HTTP/1.1 200 OK\r\n${DATE}Content-Length: 6\r\n\r\nsecond`);
});

Deno.test("hardening 40: a subclass of Array is read by its iterator, not by its elements", async () => {
  class Doubled extends Array<[string, string]> {
    override *[Symbol.iterator](): ArrayIterator<[string, string]> {
      yield ["B", "2"];
    }
  }
  const pairs: Pairs = [["A", "1"]];
  const doubled = Doubled.from(pairs) as Pairs;

  let first = true;
  const { output } = await converse([GET, GET, EOF], (request) => {
    const fields = first ? pairs : doubled;
    first = false;
    return request.respond(200, "", fields);
  });
  assertEquals(
    output,
    ["A: 1", "B: 2"].map((line) => `HTTP/1.1 200 OK\r\n${line}\r\n${DATE}Content-Length: 0\r\n\r\n`)
      .join(""),
  );
});
