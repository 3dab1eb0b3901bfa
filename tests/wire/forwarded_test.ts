/**
 * hardening 52: who a request comes from, as trusted proxies say it, and what a client can not
 * make them say.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { HttpError } from "../../src/errors.ts";
import { AddressList } from "../../src/wire/address_list.ts";
import type { Fields } from "../../src/wire/fields.ts";
import { decideForwarded } from "../../src/wire/forwarded.ts";
import type { Forwarded, ForwardedHeader } from "../../src/wire/forwarded.ts";
import { RequestParser } from "../../src/wire/request_parser.ts";
import type { RequestHead } from "../../src/wire/request_head.ts";
import { bytesOf } from "../fixtures.ts";
import { fuzzSeed, Random } from "../random.ts";
import { parserOptions } from "./runners.ts";

const TRUSTED = new AddressList("from", ["10.0.0.0/8", "fd00::/8", "unix"]);

/** The head of a request with these field lines. */
function headOf(lines: readonly string[], target = "/"): RequestHead {
  const parser = new RequestParser(parserOptions({}));
  const head = ["GET " + target + " HTTP/1.1", "Host: inner", ...lines];
  parser.input.push(bytesOf(`${head.join("\r\n")}\r\n\r\n`));
  return parser.next() as RequestHead;
}

function decide(header: ForwardedHeader, lines: readonly string[]): Forwarded {
  return decideForwarded(headOf(lines).fields, { from: TRUSTED, header });
}

/** What was decided: "client scheme host", with "-" for what was not said. */
function written({ client, scheme, host }: Forwarded): string {
  const address = client === null
    ? "-"
    : client.transport === "unix"
    ? `unix:${client.path}`
    : client.port === 0
    ? client.hostname
    : `${client.hostname}|${client.port}`;
  return `${address} ${scheme ?? "-"} ${host ?? "-"}`;
}

type Row = readonly [lines: string | readonly string[], decided: string];

function rows(header: ForwardedHeader, name: string, all: readonly Row[]): void {
  for (const [given, decided] of all) {
    const lines = (typeof given === "string" ? [given] : given).map((line) =>
      line.startsWith("=") ? `${name}: ${line.slice(1)}` : line
    );
    Deno.test(`forwarded: ${lines.join(" | ").slice(0, 120)}`, () => {
      assertEquals(written(decide(header, lines)), decided);
    });
  }
}

function refusals(header: ForwardedHeader, lines: readonly string[], message: string): void {
  for (const line of lines) {
    Deno.test(`forwarded: refuses ${line.slice(0, 100)}`, () => {
      const error = assertThrows(() => decide(header, [line]), HttpError, message);
      assertEquals([error.status, error.code], [400, "bad-forwarded"]);
    });
  }
}

// RFC 7239. A line that begins with "=" is the value of a field Forwarded.
rows("forwarded", "Forwarded", [
  [[], "- - -"],
  ["=for=192.0.2.43", "192.0.2.43 - -"],
  ['=for="192.0.2.43:47011"', "192.0.2.43|47011 - -"],
  ['=For="[2001:DB8:cafe::17]:4711"', "2001:db8:cafe::17|4711 - -"],
  ['=for="[2001:db8::1]"', "2001:db8::1 - -"],
  ['=for="[::ffff:192.0.2.1]"', "::ffff:192.0.2.1 - -"],
  ["=for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60 http -"],
  ["=for=192.0.2.60;proto=HTTPS;host=example.com", "192.0.2.60 https example.com"],
  ['=for=192.0.2.60;host="example.com:8443"', "192.0.2.60 - example.com:8443"],
  ['=host="[::1]:80";for=192.0.2.60', "192.0.2.60 - [::1]:80"],
  ["=for=unknown", "unknown - -"],
  ["=for=Unknown", "unknown - -"],
  ["=for=_gazonk", "_gazonk - -"],
  ['=for="_SEVKISEK.-_:80"', "_SEVKISEK.-_|80 - -"],
  ['=for="192.0.2.1:_port"', "192.0.2.1 - -"],
  ['=for="unknown:00080"', "unknown|80 - -"],
  // The grammar of pairs, elements and lists.
  ['=for="192.0.2.\\1"', "192.0.2.1 - -"],
  ['=for=192.0.2.1;ext="a,b;c=\\"d\\"\\\\"', "192.0.2.1 - -"],
  ["=for=192.0.2.1;a=b;C=d;!#$=%&", "192.0.2.1 - -"],
  ["=;for=192.0.2.1;;proto=https;", "192.0.2.1 https -"],
  ["=for=192.0.2.1 ; proto=https\t;\thost=a", "192.0.2.1 https a"],
  ["=, ,for=192.0.2.1,,", "192.0.2.1 - -"],
  ["=", "- - -"],
  ["=,;,", "- - -"],
  // From the right, up to the first that is not trusted.
  ["=for=192.0.2.1, for=10.0.0.1", "192.0.2.1 - -"],
  ["=for=evil, for=192.0.2.1, for=10.0.0.1", "192.0.2.1 - -"],
  ["=for=198.51.100.1, for=192.0.2.1", "192.0.2.1 - -"],
  ["=for=10.0.0.3, for=10.0.0.2, for=10.0.0.1", "10.0.0.3 - -"],
  ['=for=192.0.2.1, for="[fd00::1]", for="[::ffff:10.0.0.1]:80"', "192.0.2.1 - -"],
  ["=for=192.0.2.1, for=_hidden, for=10.0.0.1", "_hidden - -"],
  ["=for=192.0.2.1, for=unknown", "unknown - -"],
  ["=for=192.0.2.1, proto=https", "- https -"],
  ["=for=192.0.2.1, proto=https, for=10.0.0.1", "10.0.0.1 https -"],
  // Scheme and host are those that the client has asked for: of the element that names it.
  ["=for=192.0.2.1;proto=https;host=a, for=10.0.0.1;proto=http;host=b", "192.0.2.1 https a"],
  ["=for=1.1.1.1;proto=https;host=evil, for=192.0.2.1", "192.0.2.1 - -"],
  ["=for=1.1.1.1;proto=gopher, for=192.0.2.1;proto=http", "192.0.2.1 http -"],
  // Lines are one list. What is not looked at may be malformed, if it is a line of its own.
  [["=for=192.0.2.1", "=for=10.0.0.1"], "192.0.2.1 - -"],
  [["=for=1.1.1.1", "=for=192.0.2.1"], "192.0.2.1 - -"],
  [['=for="1.1.1.1', "=for=192.0.2.1"], "192.0.2.1 - -"],
  [["=for=192.0.2.1", "=", "=for=10.0.0.1"], "192.0.2.1 - -"],
  // A client can send the other family past a proxy that does not know it.
  [["X-Forwarded-For: 1.1.1.1", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil"], "- - -"],
  [["=for=192.0.2.1", "X-Forwarded-For: 1.1.1.1", "X-Forwarded-Host: evil"], "192.0.2.1 - -"],
]);

refusals("forwarded", [
  "Forwarded: for",
  "Forwarded: for=",
  "Forwarded: =192.0.2.1",
  "Forwarded: for =192.0.2.1",
  "Forwarded: for= 192.0.2.1",
  "Forwarded: for=192.0.2.1 proto=https",
  "Forwarded: for=192.0.2.1:80",
  "Forwarded: for=[::1]",
  'Forwarded: for="192.0.2.1',
  'Forwarded: for="192.0.2.1\\',
  'Forwarded: for="192.0.2.1"x',
  'Forwarded: for=x"192.0.2.1"',
  "Forwarded: for=192.0.2.1/proto=https",
  // hardening 52: a quote that a client leaves open must not swallow what the proxy appends.
  'Forwarded: for="1.1.1.1, for=192.0.2.1',
  'Forwarded: for=1.1.1.1;x=", for=192.0.2.1',
], "Forwarded must be a list of elements such as for=192.0.2.1;proto=https: got ");

refusals("forwarded", [
  'Forwarded: for=""',
  "Forwarded: for=localhost",
  "Forwarded: for=192.0.2.256",
  "Forwarded: for=192.0.2.01",
  'Forwarded: for="::1"',
  'Forwarded: for="[192.0.2.1]"',
  'Forwarded: for="[::1"',
  'Forwarded: for="[::1]80"',
  'Forwarded: for="[::1]:"',
  'Forwarded: for="192.0.2.1:"',
  'Forwarded: for="192.0.2.1:65536"',
  'Forwarded: for="192.0.2.1:000080"',
  'Forwarded: for="192.0.2.1:80:80"',
  'Forwarded: for="192.0.2.1:_"',
  "Forwarded: for=_",
  "Forwarded: for=_a!b",
  'Forwarded: for="_a b"',
  "Forwarded: for=1.1.1.1, for=nonsense, for=10.0.0.1",
], "The parameter for of Forwarded must be a node: got ");
refusals("forwarded", [
  "Forwarded: for=192.0.2.1;for=192.0.2.2",
  "Forwarded: proto=http;PROTO=https",
], "a parameter only once: got ");
const SCHEME = "The forwarded scheme must be http or https: got ";
refusals("forwarded", ["Forwarded: for=192.0.2.1;proto=ftp", 'Forwarded: proto=""'], SCHEME);
const HOST = "The forwarded host must be a host with an optional port: got ";
refusals("forwarded", [
  'Forwarded: host=""',
  'Forwarded: host="a/b?x="',
  'Forwarded: host="user@a"',
  'Forwarded: host="a b"',
  "Forwarded: host=0x7f.1",
  "Forwarded: for=192.0.2.1;host=%61",
  'Forwarded: host="a:65536"',
], HOST);

// X-Forwarded-*. A line that begins with "=" is the value of X-Forwarded-For.
rows("x-forwarded", "X-Forwarded-For", [
  [[], "- - -"],
  ["=192.0.2.1", "192.0.2.1 - -"],
  ["=192.0.2.1:4711", "192.0.2.1|4711 - -"],
  ["=2001:DB8::1", "2001:db8::1 - -"],
  ["=[2001:db8::1]", "2001:db8::1 - -"],
  ["=[2001:db8::1]:80", "2001:db8::1|80 - -"],
  ["=::ffff:192.0.2.1", "::ffff:192.0.2.1 - -"],
  ["=unknown", "unknown - -"],
  ["=unix:", "unix: - -"],
  ["=192.0.2.1, unix:", "192.0.2.1 - -"],
  ["=nonsense, 192.0.2.1", "192.0.2.1 - -"],
  ["=192.0.2.1, 10.0.0.1,fd00::1", "192.0.2.1 - -"],
  ["=1.1.1.1, 192.0.2.1, 10.0.0.1", "192.0.2.1 - -"],
  ["=10.0.0.2, 10.0.0.1", "10.0.0.2 - -"],
  ["=,, 192.0.2.1 ,\t,", "192.0.2.1 - -"],
  ["=", "- - -"],
  [["=1.1.1.1", "=192.0.2.1", "=10.0.0.1"], "192.0.2.1 - -"],
  [
    ["=192.0.2.1", "X-Forwarded-Proto: https", "X-Forwarded-Host: example.com"],
    "192.0.2.1 https example.com",
  ],
  [["X-Forwarded-Proto: https"], "- https -"],
  [["x-forwarded-proto: HTTP", "X-FORWARDED-HOST: a:8443"], "- http a:8443"],
  [["X-Forwarded-Proto: wss"], "- https -"],
  [["X-Forwarded-Proto: ws"], "- http -"],
  [["X-Forwarded-Proto: ", "X-Forwarded-Host: ,"], "- - -"],
  // The last value is the peer's, or one that it has let pass; what is to its left may be the client's.
  [
    ["=192.0.2.1", "X-Forwarded-Proto: https, http", "X-Forwarded-Host: evil, a"],
    "192.0.2.1 http a",
  ],
  [["X-Forwarded-Proto: gopher", "X-Forwarded-Proto: https"], "- https -"],
  [["X-Forwarded-Host: a/b", "X-Forwarded-Host: a"], "- - a"],
  [["Forwarded: for=1.1.1.1;proto=https;host=evil", 'Forwarded: "'], "- - -"],
]);

refusals("x-forwarded", [
  "X-Forwarded-For: nonsense",
  "X-Forwarded-For: 192.0.2.1, nonsense, 10.0.0.1",
  "X-Forwarded-For: 192.0.2.256",
  "X-Forwarded-For: 010.0.0.1",
  'X-Forwarded-For: "192.0.2.1"',
  "X-Forwarded-For: 192.0.2.1:port",
  "X-Forwarded-For: fe80::1%eth0",
  "X-Forwarded-For: unix:/run/x",
  `X-Forwarded-For: ${"1:".repeat(2000)}`,
], "X-Forwarded-For must have IP addresses: got ");
refusals("x-forwarded", ["X-Forwarded-Proto: on", "X-Forwarded-Proto: https, ftp"], SCHEME);
refusals("x-forwarded", ["X-Forwarded-Host: a/b?x=", "X-Forwarded-Host: a, b c"], HOST);

Deno.test("forwarded: the host replaces that of the request, but not the destination of a tunnel", () => {
  const url = (head: RequestHead) => head.url("https", "local:1", "outer:8443").href;
  assertEquals(url(headOf([])), "https://outer:8443/");
  assertEquals(url(headOf([], "/a?b")), "https://outer:8443/a?b");
  assertEquals(url(headOf([], "http://other/a")), "https://outer:8443/a");
  const parser = new RequestParser(parserOptions({}));
  parser.input.push(bytesOf("CONNECT there:22 HTTP/1.1\r\nHost: there:22\r\n\r\n"));
  assertEquals(url(parser.next() as RequestHead), "https://there:22/");
});

/** A node, as it is written in `for`, and as it is read. */
function anyNode(random: Random): readonly [text: string, read: string] {
  const ipv4 = `${random.pick(["10", "192"])}.${
    random.times(3, 3, () => random.below(256)).join(".")
  }`;
  const ipv6 = `${random.pick(["fd01", "2001"])}:db8::${random.integer(1, 9)}`;
  const hidden = `_${random.text("abc._-", 1, 8)}`;
  return random.pick([[ipv4, ipv4], [`"[${ipv6}]"`, ipv6], ["unknown", "unknown"], [
    hidden,
    hidden,
  ]]) as [
    string,
    string,
  ];
}

Deno.test("forwarded: any list is read from the right, however it is divided into lines", () => {
  const random = new Random(fuzzSeed());
  for (let i = 0; i < 5000; i++) {
    const nodes = random.times(1, 6, () => anyNode(random));
    const elements = nodes.map(([text], at) => {
      const pairs = [`for=${text}`, `proto=${at % 2 ? "https" : "http"}`, `host=h${at}`];
      if (random.oneIn(3)) pairs.push(`ext="${random.text(',;="x', 0, 6).replaceAll('"', '\\"')}"`);
      return pairs.toSorted(() => random.next() - 0.5).join(";");
    });
    const names = nodes.map(([, read]) => read);
    const isInner = (name: string) => TRUSTED.includes({ transport: "tcp", hostname: name });
    const at = Math.max(names.findLastIndex((name) => !isInner(name)), 0);
    const lines = [""];
    for (const [index, element] of elements.entries()) {
      if (index > 0 && random.oneIn(2)) lines.push("");
      lines[lines.length - 1] += `${lines.at(-1) === "" ? "" : ", "}${element}`;
    }
    const seen = decide("forwarded", lines.map((line) => `Forwarded: ${line}`));
    assertEquals(written(seen), `${names[at]} ${at % 2 ? "https" : "http"} h${at}`);
    const plain = nodes.map(([text]) => text.replaceAll('"', "")).join(",");
    assertEquals(written(decide("x-forwarded", [`X-Forwarded-For: ${plain}`])), `${names[at]} - -`);
  }
});

/** What a client can send: any bytes that a field may have. */
const NASTY = 'for=10.0.0.1;proto=https;host=evil,"\\[]:_ \tunknown=;, 10.0.0.1 "';

Deno.test("hardening 52: nothing that a client sends changes what the proxy appends", () => {
  const random = new Random(fuzzSeed());
  let refused = 0;
  for (let i = 0; i < 8000; i++) {
    const sent = random.oneIn(2)
      ? random.text(NASTY, 0, 60)
      : NASTY.slice(random.below(NASTY.length)).slice(0, random.below(60));
    const inOneLine = random.oneIn(2);
    for (const header of ["forwarded", "x-forwarded"] as const) {
      const name = header === "forwarded" ? "Forwarded" : "X-Forwarded-For";
      const appended = header === "forwarded" ? "for=192.0.2.1" : "192.0.2.1";
      const lines = inOneLine ? [`${sent}, ${appended}`] : [sent, appended];
      try {
        const seen = decide(header, lines.map((line) => `${name}: ${line}`));
        assertEquals(written(seen), "192.0.2.1 - -", lines.join(" | "));
      } catch (error) {
        // Refused for what it has sent itself, and only where the proxy joins it to its own.
        assert(error instanceof HttpError && error.code === "bad-forwarded" && inOneLine);
        refused++;
      }
    }
  }
  assert(refused > 400 && refused < 8000, `${refused} were refused`);
});

/** A field line that counts how often one of its characters is read. */
class CountedText {
  reads = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  get length(): number {
    return this.#text.length;
  }

  charCodeAt(at: number): number {
    this.reads++;
    return this.#text.charCodeAt(at);
  }

  charAt(at: number): string {
    this.reads++;
    return this.#text.charAt(at);
  }

  slice(start: number, end: number): string {
    return this.#text.slice(start, end);
  }
}

for (
  const unit of [
    "for=10.0.0.1,",
    'for="10.0.0.1",',
    'for=10.0.0.1;a="\\1\\2",',
    ",",
    ";",
    " ",
  ]
) {
  Deno.test(`hardening 25: each character of ${unit} is read a few times, however many there are`, () => {
    const text = new CountedText(`${unit.repeat(10_000)}for=10.0.0.1`);
    const fields = { length: 1, nameIs: () => true, value: () => text } as unknown as Fields;
    try {
      decideForwarded(fields, { from: TRUSTED, header: "forwarded" });
    } catch (error) {
      assert(error instanceof HttpError, `${error}`);
    }
    assert(text.reads > text.length && text.reads < 12 * text.length, `${text.reads} reads`);
  });
}
