/** IP addresses: one address has many texts, and a text that two readers may read in two ways is none. */
import { assertEquals } from "@std/assert";
import { ipAddress, ipText, plainDecimal, unmapped } from "../../src/wire/ip_address.ts";
import { fuzzSeed, Random } from "../random.ts";

/** A text, and the form of RFC 5952 of the address that it spells. */
const ADDRESSES: readonly (readonly [text: string, canonical: string])[] = [
  ["0.0.0.0", "0.0.0.0"],
  ["192.0.2.1", "192.0.2.1"],
  ["255.255.255.255", "255.255.255.255"],
  ["::", "::"],
  ["::1", "::1"],
  ["1::", "1::"],
  ["2001:DB8::1", "2001:db8::1"],
  ["2001:db8:0:0:0:0:0:1", "2001:db8::1"],
  ["2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"],
  // RFC 5952, 4.2.2: one group is not shortened.
  ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
  ["2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
  // RFC 5952, 4.2.3: the longest run is shortened, and of two equal ones the first.
  ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
  ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
  ["1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"],
  ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
  ["::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"],
  ["::ffff:192.0.2.1", "::ffff:192.0.2.1"],
  ["::FFFF:C000:201", "::ffff:192.0.2.1"],
  ["0:0:0:0:0:ffff:192.0.2.1", "::ffff:192.0.2.1"],
  ["::192.0.2.1", "::c000:201"],
  ["64:ff9b::192.0.2.1", "64:ff9b::c000:201"],
  ["ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
];

for (const [text, canonical] of ADDRESSES) {
  Deno.test(`RFC 5952: ${text} is ${canonical}`, () => {
    assertEquals(ipText(ipAddress(text)!), canonical);
    assertEquals(ipAddress(canonical), ipAddress(text));
  });
}

const NONE: readonly string[] = [
  ...["", " ", "a", "localhost", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.", ".1.2.3"],
  ...["01.2.3.4", "0x7f.0.0.1", "1.2.3.+4", "1.2.3.4 ", "1.2.3.-1", "1.2.3.1e1", "１.2.3.4"],
  ...[
    ":",
    ":::",
    "1",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1::2::3",
    "::1::",
    "1:2:3:4::5:6:7:8",
  ],
  ...["::2:3:4:5:6:7:8:9", ":1:2:3:4:5:6:7", "1:2:3:4:5:6:7:", "12345::", "g::", "::g", "1:::2"],
  ...["::1.2.3", "::1.2.3.4.5", "::1.2.3.4:1", "1.2.3.4::", "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3.04"],
  ...["[::1]", "::1%eth0", "fe80::1%1", "::1/64", "1.2.3.4:80", "0".repeat(46), "1:".repeat(4000)],
];

for (const text of NONE) {
  Deno.test(`RFC 3986, 3.2.2: "${text.slice(0, 50)}" is no address`, () => {
    assertEquals(ipAddress(text), null);
  });
}

Deno.test("RFC 5952: any address has the text that the URL parser has for it", () => {
  const random = new Random(fuzzSeed());
  for (let i = 0; i < 5000; i++) {
    const groups = Array.from({ length: 8 }, () => random.oneIn(2) ? 0 : random.below(0x10000));
    const long = groups.map((group) => group.toString(16)).join(":");
    const address = ipAddress(long)!;
    const text = ipText(address);
    assertEquals(ipAddress(text), address);
    // A URL has the groups of an IPv4-mapped address in hexadecimal.
    if (!text.includes(".")) assertEquals(new URL(`http://[${long}]/`).hostname, `[${text}]`);
  }
});

Deno.test("RFC 4291, 2.5.5.2: an IPv4-mapped address is the IPv4 address within it", () => {
  const plain = (text: string) => ipText(unmapped(ipAddress(text)!));
  assertEquals(plain("::ffff:192.0.2.1"), "192.0.2.1");
  assertEquals(plain("::FFFF:0:1"), "0.0.0.1");
  assertEquals(plain("192.0.2.1"), "192.0.2.1");
  assertEquals(plain("::fffe:192.0.2.1"), "::fffe:c000:201");
  assertEquals(plain("1::ffff:192.0.2.1"), "1::ffff:c000:201");
});

Deno.test("plainDecimal: digits without leading zeros, up to a bound", () => {
  assertEquals(["0", "7", "32"].map((text) => plainDecimal(text, 32)), [0, 7, 32]);
  for (const text of ["", "00", "07", "33", "+1", "1 ", "x", "9".repeat(40)]) {
    assertEquals(plainDecimal(text, 32), -1);
  }
});
