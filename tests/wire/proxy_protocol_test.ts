/**
 * hardening 51: the header of the PROXY protocol, to the letter of its specification.
 *
 * Each row runs whole, byte by byte, split in two at every place, and with bytes behind it,
 * which must be left for the parser of requests.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { HttpError } from "../../src/errors.ts";
import type { Endpoint } from "../../src/wire/endpoint.ts";
import { ProxyHeaderParser } from "../../src/wire/proxy_protocol.ts";
import type { ProxyHeader } from "../../src/wire/proxy_protocol.ts";
import { ReadBuffer } from "../../src/wire/read_buffer.ts";
import { bytesOf, textOf } from "../fixtures.ts";
import { fuzzSeed, Random } from "../random.ts";
import {
  block,
  checkedBlock,
  crc32c,
  IPV4_ADDRESSES,
  SIGNATURE,
  uint16,
  vector,
} from "./proxy_headers.ts";

/** What a header says: "source > destination", or "own" where the socket's addresses stay. */
function written({ addresses }: ProxyHeader): string {
  if (addresses === null) return "own";
  const end = (each: Endpoint) =>
    each.transport === "unix" ? `unix:${each.path}` : `${each.hostname} ${each.port}`;
  return `${end(addresses.source)} > ${end(addresses.destination)}`;
}

interface Seen {
  /** What the header says, or the message of its refusal. */
  readonly said: string;
  /** The bytes that are left. */
  readonly rest: string;
}

/** Feeds the pieces one by one, and returns what has come of it: null while the header is incomplete. */
function feed(pieces: readonly string[]): Seen | null {
  const parser = new ProxyHeaderParser();
  const input = new ReadBuffer();
  let said: string | null = null;
  for (const piece of pieces) {
    input.push(bytesOf(piece));
    if (said !== null) continue;
    try {
      const header = parser.parse(input);
      if (header !== null) said = written(header);
    } catch (error) {
      assert(error instanceof HttpError && error.code === "bad-proxy-header");
      assertEquals(error.status, 400);
      assertThrows(() => parser.parse(input), HttpError, error.message);
      return { said: error.message, rest: "" };
    }
  }
  return said === null ? null : { said, rest: textOf(input.takeAll()) };
}

/** All ways in which the bytes may arrive. */
function* ways(bytes: string): Generator<string[]> {
  yield [bytes];
  yield [...bytes];
  for (let at = 1; at < bytes.length; at++) yield [bytes.slice(0, at), bytes.slice(at)];
}

const BEHIND = "GET / HTTP/1.1\r\n";

function accepts(title: string, bytes: string, said: string): void {
  Deno.test(`PROXY protocol, ${title}`, () => {
    for (const pieces of ways(bytes)) assertEquals(feed(pieces), { said, rest: "" });
    for (const pieces of ways(bytes + BEHIND)) assertEquals(feed(pieces), { said, rest: BEHIND });
    for (let end = 0; end < bytes.length; end++) assertEquals(feed([bytes.slice(0, end)]), null);
  });
}

function refuses(title: string, bytes: string, message: string): void {
  Deno.test(`PROXY protocol, ${title}`, () => {
    for (const pieces of ways(bytes)) {
      const { said } = feed(pieces) ?? { said: "incomplete" };
      assert(said.includes(message), said);
    }
  });
}

const ALL = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";

accepts(
  "2.1: IPv4",
  "PROXY TCP4 192.0.2.1 198.51.100.2 1000 443\r\n",
  "192.0.2.1 1000 > 198.51.100.2 443",
);
accepts(
  "2.1: IPv6, in any of its forms",
  "PROXY TCP6 2001:DB8:0::1 ::ffff:192.0.2.1 0 65535\r\n",
  "2001:db8::1 0 > ::ffff:192.0.2.1 65535",
);
accepts(
  "2.1: the longest line of TCP6",
  `PROXY TCP6 ${ALL} ${ALL} 65535 65535\r\n`,
  `${ALL} 65535 > ${ALL} 65535`,
);
accepts("2.1: the smallest line", "PROXY UNKNOWN\r\n", "own");
accepts("2.1: UNKNOWN, the longest line", `PROXY UNKNOWN ${ALL} ${ALL} 65535 65535\r\n`, "own");
accepts("2.1: what follows UNKNOWN is dropped", "PROXY UNKNOWN what\0ever \xff\r\n", "own");

const LINE = "a line of version 1 must be PROXY";
const LINES: readonly (readonly [title: string, line: string])[] = [
  ["another family", "PROXY TCP5 192.0.2.1 192.0.2.2 1 2"],
  ["a family in lower case", "PROXY tcp4 192.0.2.1 192.0.2.2 1 2"],
  ["UDP", "PROXY UDP4 192.0.2.1 192.0.2.2 1 2"],
  ["no family", "PROXY "],
  ["a word that begins with UNKNOWN", "PROXY UNKNOWNS"],
  ["two spaces", "PROXY  TCP4 192.0.2.1 192.0.2.2 1 2"],
  ["two spaces between addresses", "PROXY TCP4 192.0.2.1  192.0.2.2 1 2"],
  ["a tab", "PROXY TCP4 192.0.2.1\t192.0.2.2 1 2"],
  ["a space at the end", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 "],
  ["too few parts", "PROXY TCP4 192.0.2.1 192.0.2.2 1"],
  ["no address", "PROXY TCP4"],
  ["too many parts", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3"],
  ["IPv6 as TCP4", "PROXY TCP4 ::1 ::1 1 2"],
  ["IPv4 as TCP6", "PROXY TCP6 192.0.2.1 192.0.2.2 1 2"],
  ["a name", "PROXY TCP4 localhost 192.0.2.2 1 2"],
  ["a leading zero in an address", "PROXY TCP4 192.0.2.01 192.0.2.2 1 2"],
  ["an octet above 255", "PROXY TCP4 192.0.2.256 192.0.2.2 1 2"],
  ["a leading zero in a port", "PROXY TCP4 192.0.2.1 192.0.2.2 01 2"],
  ["a port above 65535", "PROXY TCP4 192.0.2.1 192.0.2.2 1 65536"],
  ["a sign", "PROXY TCP4 192.0.2.1 192.0.2.2 +1 2"],
  ["a hexadecimal port", "PROXY TCP4 192.0.2.1 192.0.2.2 0x1 2"],
  ["an empty port", "PROXY TCP4 192.0.2.1 192.0.2.2  2"],
  ["a control character", "PROXY TCP4 192.0.2.1\0 192.0.2.2 1 2"],
];
for (const [title, line] of LINES) refuses(`2.1: refuses ${title}`, `${line}\r\n`, LINE.slice(2));

const LINE_END = "A line of version 1 must end with CRLF";
refuses("2.1: refuses a bare LF", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n", LINE_END);
refuses("2.1: refuses a bare CR", "PROXY UNKNOWN \rx\r\n", LINE_END);
refuses("2.1: refuses a CR before the CRLF", "PROXY UNKNOWN\r\r\n", LINE_END);
refuses(
  "2.1: refuses a line of 108 bytes",
  `PROXY UNKNOWN ${"x".repeat(92)}\r\n`,
  "at most 107 bytes",
);
refuses("2.1: refuses a line without end", `PROXY ${"x".repeat(5000)}`, "at most 107 bytes");
accepts("2.1: a line of 107 bytes", `PROXY UNKNOWN ${"x".repeat(91)}\r\n`, "own");

const SIGNATURES = "A connection from a proxy must begin with one";
const OTHERS = [
  "GET / HTTP/1.1\r\n",
  "proxy TCP4",
  "PROXY\tTCP4",
  "PROXX",
  "\x16\x03\x01",
  "\r\nGET",
];
for (const bytes of [...OTHERS, "\n", "\0", " PROXY", SIGNATURE.slice(0, 11) + "\r"]) {
  refuses(`2: refuses ${JSON.stringify(bytes)}`, bytes, SIGNATURES);
}

accepts("2.2: IPv4", block(), "192.0.2.1 1000 > 198.51.100.2 443");
accepts(
  "2.2: IPv6",
  block({
    family: 0x21,
    addresses: `\x20\x01\x0d\xb8${"\0".repeat(11)}\x01${"\0".repeat(15)}\x02\x03\xe8\x01\xbb`,
  }),
  "2001:db8::1 1000 > ::2 443",
);
const path = (text: string) => text.padEnd(108, "\0");
accepts(
  "2.2: Unix",
  block({ family: 0x31, addresses: path("/run/a") + path("/run/b") }),
  "unix:/run/a > unix:/run/b",
);
accepts(
  "2.2: Unix, paths without NUL, of no bytes, and with bytes behind NUL",
  block({ family: 0x31, addresses: "p".repeat(108) + path("\0abc") }),
  `unix:${"p".repeat(108)} > unix:`,
);
accepts("2.2: LOCAL keeps the socket's addresses", block({ command: 0x20, family: 0 }), "own");
accepts(
  "2.2: LOCAL drops what it has, whatever that is",
  block({ command: 0x20, family: 0x77, addresses: "\x03\0\x04abc" }),
  "own",
);
accepts(
  "2.2: LOCAL without addresses",
  block({ command: 0x20, family: 0x11, addresses: "" }),
  "own",
);
accepts("2.2: UNSPEC keeps the socket's addresses", block({ family: 0, addresses: "" }), "own");
accepts("2.2: UNSPEC drops what it has", block({ family: 0, addresses: "abc" }), "own");
accepts(
  "2.2: TLVs are skipped, also empty and unknown ones",
  block({ vectors: vector(0x01, "h2") + vector(0x04, "") + vector(0xee, "x".repeat(300)) }),
  "192.0.2.1 1000 > 198.51.100.2 443",
);
const tail = "x".repeat(4096 - 16 - 12 - 3);
accepts(
  "2.2: 4096 bytes",
  block({ vectors: vector(0x04, tail) }),
  "192.0.2.1 1000 > 198.51.100.2 443",
);
accepts("2.2.3: a checksum", checkedBlock({}), "192.0.2.1 1000 > 198.51.100.2 443");
accepts(
  "2.2.3: a checksum between others",
  checkedBlock({}, vector(0x01, "http/1.1"), vector(0x02, "example.com")),
  "192.0.2.1 1000 > 198.51.100.2 443",
);

refuses(
  "2.2: refuses 4097 bytes",
  block({ vectors: vector(0x04, `${tail}x`) }),
  "at most 4096 bytes",
);
refuses(
  "2.2: refuses a length of 65535, with its first 16 bytes",
  block({ length: 65_535 }),
  "at most 4096",
);
for (const command of [0x00, 0x11, 0x22, 0x2f, 0x31, 0x01]) {
  const bytes = block({ command });
  refuses(`2.2: refuses the command ${command}`, bytes, "Version and command must be 0x20 or 0x21");
}
for (const family of [0x01, 0x10, 0x12, 0x22, 0x32, 0x13, 0x41, 0xff]) {
  refuses(`2.2: refuses the family ${family}`, block({ family }), "Family and transport must be");
}
const LENGTH = "The length must be that of the addresses and whole TLVs";
refuses(
  "2.2: refuses addresses that are cut",
  block({ addresses: IPV4_ADDRESSES.slice(1) }),
  LENGTH,
);
refuses("2.2: refuses no addresses", block({ addresses: "" }), LENGTH);
refuses("2.2: refuses IPv4 as IPv6", block({ family: 0x21 }), LENGTH);
refuses("2.2: refuses IPv4 as Unix", block({ family: 0x31 }), LENGTH);
refuses("2.2: refuses a TLV without length", block({ vectors: "\x04\0" }), LENGTH);
refuses("2.2: refuses a TLV that is cut", block({ vectors: "\x04\0\x02x" }), LENGTH);
refuses("2.2: refuses a TLV that reaches beyond", block({ vectors: "\x04\xff\xff" }), LENGTH);

const CHECKSUM = "The checksum must be the CRC32c of the header";
refuses("2.2.3: refuses a wrong checksum", block({ vectors: vector(0x03, "\0\0\0\0") }), CHECKSUM);
refuses(
  "2.2.3: refuses a checksum of 3 bytes",
  block({ vectors: vector(0x03, "\0\0\0") }),
  CHECKSUM,
);
refuses(
  "2.2.3: refuses a checksum of 5 bytes",
  block({ vectors: vector(0x03, "\0\0\0\0\0") }),
  CHECKSUM,
);

Deno.test("PROXY protocol, 2.2.3: the checksum of these tests is CRC32c", () => {
  // RFC 3720, B.4.
  assertEquals(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assertEquals(crc32c(bytesOf("123456789")), 0xe3069283);
});

Deno.test("PROXY protocol, 2.2.3: every flipped bit of a header with a checksum is noticed", () => {
  const whole = bytesOf(checkedBlock({}, vector(0x01, "h2")));
  // With another type it is no checksum.
  const typeAt = whole.length - 7;
  for (let bit = 0; bit < 8 * whole.length; bit++) {
    if (bit >> 3 === typeAt) continue;
    const bytes = whole.slice();
    bytes[bit >> 3]! ^= 1 << (bit & 7);
    const seen = feed([textOf(bytes)]);
    // A larger length waits for more; LOCAL and UNSPEC have nothing to protect.
    assert(seen === null || seen.said === "own" || seen.said.startsWith("PROXY protocol: "));
  }
});

Deno.test("PROXY protocol: any addresses are read as they were written", () => {
  const random = new Random(fuzzSeed());
  const octets = (count: number) => Array.from({ length: count }, () => random.below(256));
  for (let i = 0; i < 2000; i++) {
    const [ports, isV4] = [[random.below(0x10000), random.below(0x10000)], random.oneIn(2)];
    const ends = [octets(isV4 ? 4 : 16), octets(isV4 ? 4 : 16)];
    const texts = ends.map((bytes) => isV4 ? bytes.join(".") : ipv6Text(bytes));
    const said = `${texts[0]} ${ports[0]} > ${texts[1]} ${ports[1]}`;
    const line = `PROXY ${isV4 ? "TCP4" : "TCP6"} ${texts.join(" ")} ${ports.join(" ")}\r\n`;
    const addresses = textOf(Uint8Array.from(ends.flat())) + ports.map(uint16).join("");
    const vectors = random.times(
      0,
      3,
      () => vector(4 + random.below(200), random.text("ab\0", 0, 40)),
    );
    const parts = { family: isV4 ? 0x11 : 0x21, addresses };
    const headers = [
      line,
      block({ ...parts, vectors: vectors.join("") }),
      checkedBlock(parts, ...vectors),
    ];
    for (const header of headers) {
      const at = random.below(header.length);
      assertEquals(feed([header.slice(0, at), header.slice(at) + BEHIND]), { said, rest: BEHIND });
    }
  }
});

/** By the URL parser, which has no dots in the mapped ones; those are not likely here. */
function ipv6Text(bytes: readonly number[]): string {
  const groups = Array.from(
    { length: 8 },
    (_, i) => (bytes[2 * i]! << 8 | bytes[2 * i + 1]!).toString(16),
  );
  return new URL(`http://[${groups.join(":")}]/`).hostname.slice(1, -1);
}

Deno.test("PROXY protocol: mutated headers give the same in one piece and byte by byte", () => {
  const random = new Random(fuzzSeed());
  const seeds = [
    "PROXY TCP4 192.0.2.1 198.51.100.2 1000 443\r\n",
    `PROXY TCP6 ${ALL} ::1 65535 0\r\n`,
    "PROXY UNKNOWN\r\n",
    block({ vectors: vector(1, "h2") }),
    checkedBlock({}),
    block({ command: 0x20, family: 0, addresses: "" }),
  ];
  let accepted = 0;
  for (let i = 0; i < 20_000; i++) {
    const bytes = bytesOf(random.pick(seeds) + BEHIND);
    for (let times = random.below(3); times >= 0; times--) {
      bytes[random.below(bytes.length)] = random.oneIn(2) ? random.below(256) : random.pick(bytes);
    }
    const whole = textOf(
      bytes.subarray(0, random.oneIn(4) ? random.below(bytes.length) : undefined),
    );
    const seen = feed([whole]);
    assertEquals(feed([...whole]), seen);
    if (seen !== null && !seen.said.startsWith("PROXY protocol")) accepted++;
  }
  assert(accepted > 1000, `only ${accepted} were accepted: mutations are too coarse`);
});

Deno.test("PROXY protocol: the buffer of a header stays within its bound", () => {
  for (const start of ["PROXY UNKNOWN ", `${SIGNATURE}\x21\x11\x0f\xf0`]) {
    const parser = new ProxyHeaderParser();
    const input = new ReadBuffer();
    input.push(bytesOf(start));
    assertThrows(() => {
      for (let i = 0; i < 10_000; i++) {
        assertEquals(parser.parse(input), null);
        input.push(bytesOf("x".repeat(61)));
        assert(input.bytes.length <= 8192, `${input.bytes.length} bytes`);
      }
    }, HttpError);
  }
});
