/**
 * Properties that hold for any bytes: requests that were generated come back as they
 * were, and requests that were mangled mean the same however they are split.
 *
 * The seed is printed; `FUZZ_SEED=…` runs the same case again.
 */
import { headersOf } from "../src/web/lazy_headers.ts";
import { assert, assertEquals } from "@std/assert";
import { bytesOf, textOf } from "./fixtures.ts";
import type { FieldPair } from "../src/wire/fields.ts";
import type { RequestHead } from "../src/wire/request_head.ts";
import { RequestParser } from "../src/wire/request_parser.ts";
import { fuzzSeed, Random } from "./random.ts";
import { byPush, bySpace, parserOptions, run } from "./wire/runners.ts";
import type { RowOptions } from "./wire/runners.ts";

const seed = fuzzSeed();

/** Cuts `bytes` at a few places, none or many. */
function pieces(random: Random, bytes: Uint8Array): Uint8Array[] {
  const cuts = random.times(0, random.pick([1, 3, 30]), () => random.below(bytes.length + 1));
  const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, i) => bytes.subarray(places[i]!, end));
}

const SEED_GET = "GET /a?b HTTP/1.1\r\nHost: h:81\r\nAccept: */*\r\n\r\n";
const PUT = "PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nabcde";
const CHUNKED = "POST /a/b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" +
  "3;a=b\r\nabc\r\nA\r\n0123456789\r\n0\r\nA: 1\r\nB: 2\r\n\r\n";

const CORPUS = [
  SEED_GET,
  PUT,
  CHUNKED,
  SEED_GET + PUT + CHUNKED + SEED_GET,
  CHUNKED + CHUNKED,
  "\r\n" + SEED_GET,
  "GET / HTTP/1.0\r\n\r\n",
  "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + SEED_GET,
  "GET http://user.example:8080/x?y=z HTTP/1.1\r\nHost: other\r\n\r\n",
  "GET //x/../y%2e%2e/ HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n",
  "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
  "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c, websocket\r\n\r\n",
  "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na",
  "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
  "GET / HTTP/1.1\nHost: h\n\n",
  "GET  / HTTP/1.1\r\nHost: h\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n c\r\n\r\n",
  "GET /\\..\\a HTTP/1.1\r\nHost: h\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: a/b?c=\r\n\r\n",
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  "\x16\x03\x01\x02\0",
];

/** Bytes that mean something somewhere. */
const TELLING = '\r\n\0\t :;,/?#@[]%\\"*0159aAfFgxX+-_.=\x0b\x7f\x80\x85\xa0\xff';

/** Flips, inserts, deletes, doubles or splices. */
function mutated(random: Random, text: string): string {
  const at = random.below(text.length + 1);
  const end = Math.min(text.length, at + random.integer(1, random.pick([1, 4, 20])));
  switch (random.below(7)) {
    case 0: {
      const flipped = (text.charCodeAt(at) || 0) ^ (1 << random.below(8));
      return text.slice(0, at) + String.fromCharCode(flipped) + text.slice(at + 1);
    }
    case 1:
      return text.slice(0, at) + random.pick(TELLING) + text.slice(at);
    case 2:
      return text.slice(0, at) + random.pick(TELLING) + text.slice(at + 1);
    case 3:
      return text.slice(0, at) + text.slice(end);
    case 4:
      return text.slice(0, end) + text.slice(at);
    case 5: {
      const other = random.pick(CORPUS);
      return text.slice(0, at) + other.slice(random.below(other.length));
    }
    default:
      return swapLines(random, text);
  }
}

function swapLines(random: Random, text: string): string {
  const lines = text.split("\r\n");
  const [a, b] = [random.below(lines.length), random.below(lines.length)];
  [lines[a], lines[b]] = [lines[b]!, lines[a]!];
  return lines.join("\r\n");
}

const OPTIONS: readonly RowOptions[] = [
  { profile: "rfc" },
  { profile: "original" },
  { profile: "rfc", maxBody: 8 },
  {
    profile: "rfc",
    limits: {
      line: 30,
      head: 80,
      headers: 3,
      chunkLine: 5,
      chunkExtensions: 4,
      trailers: 16,
      trailerFields: 2,
    },
  },
];

/** Runs `check` many times; a failure says with which bytes. */
function forMangled(
  times: number,
  check: (random: Random, bytes: Uint8Array, options: RowOptions) => void,
): void {
  const random = new Random(seed);
  for (let i = 0; i < times; i++) {
    let text = random.pick(CORPUS);
    for (let n = random.below(4); n > 0; n--) text = mutated(random, text);
    const options = random.pick(OPTIONS);
    try {
      check(random, bytesOf(text), options);
    } catch (error) {
      throw new Error(`${JSON.stringify(text)} with ${JSON.stringify(options)}`, { cause: error });
    }
  }
}

Deno.test("property: the same events and errors for every split, and only HttpError", () => {
  const outcomes = new Map<string, number>();
  forMangled(3000, (random, bytes, options) => {
    const { events } = run([bytes], options, byPush);
    for (const feed of [byPush, bySpace, bySpace]) {
      assertEquals(run(pieces(random, bytes), options, feed).events, events);
    }
    const outcome = events.at(-1)!;
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  });
  // Of each kind there must be some, or nothing was shown.
  assert((outcomes.get("end") ?? 0) > 100, "Few requests were accepted");
  const refusals = [...outcomes.keys()].filter((outcome) => /^[45]\d\d /.test(outcome));
  assert(refusals.length >= 12, `Only ${refusals} were seen`);
});

Deno.test("property: the leftover is what was not consumed, and request boundaries do not move", () => {
  forMangled(2000, (_, bytes, options) => {
    const { boundary, leftover } = firstRequest(bytes, options);
    assertEquals(leftover, textOf(bytes.subarray(bytes.length - leftover.length)));
    if (boundary === null) return;
    const parts = [bytes.subarray(0, boundary), bytes.subarray(boundary)];
    const apart = parts.flatMap((part) => run([part], options, byPush).events);
    assertEquals(apart, run([bytes], options, byPush).events);
  });
});

/** Where the first request ends, by what the parser has consumed; null when it does not. */
function firstRequest(
  bytes: Uint8Array,
  options: RowOptions,
): { boundary: number | null; leftover: string } {
  const parser = new RequestParser(parserOptions(options));
  parser.input.push(bytes);
  let boundary: number | null = null;
  try {
    for (let type = parser.next().type; type !== "need-data"; type = parser.next().type) {
      if (type === "end") {
        boundary = bytes.length - parser.input.length;
        break;
      }
    }
  } catch {
    // Which errors there may be is shown above.
  }
  return { boundary, leftover: textOf(parser.input.takeAll()) };
}

Deno.test("property: every accepted request has a URL, and its authority is that of the request", () => {
  let accepted = 0;
  forMangled(4000, (_, bytes, options) => {
    for (const head of run([bytes], options, byPush).heads) {
      accepted++;
      assertUrl(head);
      assertEquals(head.fields.pairs().length, head.fields.length);
      assert([...headersOf(head.fields)].length <= head.fields.length);
    }
  });
  assert(accepted > 1000, `Only ${accepted} requests were accepted`);
});

function assertUrl(head: RequestHead): void {
  const url = head.url("http", "local:1");
  assert(url.pathname.startsWith("/"), url.href);
  assertEquals([url.protocol, url.username, url.password, url.hash], ["http:", "", "", ""]);
  if (head.targetForm !== "origin") return;
  // A name that a URL cannot hold, such as `h.81`, gives way to the local address.
  const named = URL.parse(`http://${head.framing.host ?? "local:1"}/`);
  assertEquals(url.host, named?.host ?? "local:1");
  const query = head.target.indexOf("?");
  // The URL standard writes ' as %27 in queries; nothing else may change there.
  const asWritten = query === -1 ? "" : head.target.slice(query).replaceAll("'", "%27");
  assertEquals(url.search, asWritten === "?" ? "" : asWritten);
}

const TOKEN = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const PATH = "/abcXYZ019-._~!$&'()*+,;=:@%";
const VISIBLE = "!\"#$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~\x80\x85\xa0\xff";
const ANY = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join("");
const DECISIVE = /^(host|content-length|transfer-encoding|connection|expect|upgrade)$/i;

/** A request as it is written, and what must come of it. */
interface Generated {
  readonly text: string;
  readonly events: readonly string[];
  readonly fields: readonly FieldPair[];
}

function field(random: Random): FieldPair {
  const name = random.text(TOKEN, 1, 14);
  const inner = random.text(VISIBLE + " \t", 0, 30);
  const value = random.below(5) === 0 ? "" : random.pick(VISIBLE) + inner + random.pick(VISIBLE);
  return DECISIVE.test(name) ? field(random) : [name, value];
}

function written(random: Random, fields: readonly FieldPair[]): string {
  const ows = () => random.text(" \t", 0, 2);
  return fields.map(([name, value]) => `${name}:${ows()}${value}${ows()}\r\n`).join("");
}

function generated(random: Random): Generated {
  const line = `${random.text(TOKEN, 1, 10)} /${random.text(PATH, 0, 40)}${
    random.pick(["", "?" + random.text(PATH + "?\\", 0, 20)])
  } HTTP/1.${random.integer(1, 9)}`;
  const body = generatedBody(random);
  const fields: FieldPair[] = [
    ...random.times(0, 5, () => field(random)),
    [random.pick(["Host", "host", "HOST"]), random.pick(["h", "h:81", "[::1]", "a.b-c"])],
    ...body.fields,
    ...random.times(0, 5, () => field(random)),
  ];
  return {
    text: `${random.pick(["", "\r\n"])}${line}\r\n${written(random, fields)}\r\n${body.text}`,
    events: [line, ...(body.data === "" ? [] : ["data " + body.data]), body.end],
    fields,
  };
}

interface GeneratedBody {
  readonly fields: readonly FieldPair[];
  readonly text: string;
  readonly data: string;
  readonly end: string;
}

function generatedBody(random: Random): GeneratedBody {
  switch (random.below(3)) {
    case 0:
      return { fields: [], text: "", data: "", end: "end" };
    case 1: {
      const data = random.text(ANY, 0, random.pick([5, 100, 5000]));
      const length = "0".repeat(random.below(3)) + data.length;
      return { fields: [["Content-Length", length]], text: data, data, end: "end" };
    }
    default:
      return chunkedBody(random);
  }
}

/** `BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ]` (RFC 9112, 7.1.1); no whitespace before it, which a size must not have behind it. */
function chunkExtension(random: Random): string {
  const bws = () => random.text(" \t", 0, 2);
  const name = `;${bws()}${random.text(TOKEN, 1, 9)}`;
  const quoted = random.text(VISIBLE + " \t", 0, 9).replace(/["\\]/g, "\\$&");
  const value = random.pick([random.text(TOKEN, 1, 9), `"${quoted}"`]);
  return random.pick([name, `${name}${bws()}=${bws()}${value}`]);
}

function chunkedBody(random: Random): GeneratedBody {
  const chunks = random.times(0, 6, () => random.text(ANY, 1, random.pick([1, 20, 3000])));
  const trailers = random.times(0, 3, () => field(random));
  const size = (length: number) => {
    const digits = length.toString(16).padStart(random.integer(1, 13), "0");
    const extensions = random.times(0, 2, () => chunkExtension(random)).join("");
    return random.pick([digits, digits.toUpperCase()]) + extensions + "\r\n";
  };
  const text = chunks.map((chunk) => `${size(chunk.length)}${chunk}\r\n`).join("");
  return {
    fields: [[
      random.pick(["Transfer-Encoding", "transfer-encoding"]),
      random.pick(["chunked", "Chunked"]),
    ]],
    text: `${text}${size(0)}${written(random, trailers)}\r\n`,
    data: chunks.join(""),
    end: "end" + trailers.map(([name, value]) => ` ${name}=${value}`).join(""),
  };
}

Deno.test("property: generated requests are parsed back exactly", () => {
  const random = new Random(seed);
  for (let i = 0; i < 700; i++) {
    const requests = random.times(1, 4, () => generated(random));
    const text = requests.map((request) => request.text).join("");
    const feed = random.pick([byPush, bySpace]);
    const seen = run(pieces(random, bytesOf(text)), { profile: "rfc" }, feed);
    assertEquals(seen.events, requests.flatMap((request) => request.events));
    // Read only now: the bytes of the first head must have outlived the last body.
    assertEquals(
      seen.heads.map((head) => head.fields.pairs()),
      requests.map((request) => request.fields),
    );
  }
});
