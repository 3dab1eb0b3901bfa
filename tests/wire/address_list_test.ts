/** Lists of trusted addresses: what they include, and every entry that is refused. */
import { assertEquals, assertThrows } from "@std/assert";
import { AddressList } from "../../src/wire/address_list.ts";
import { fuzzSeed, Random } from "../random.ts";

const tcp = (hostname: string) => ({ transport: "tcp", hostname });

/** An entry, the addresses that it includes, and some that it does not. */
const ENTRIES: readonly (readonly [entry: string, inside: string[], outside: string[]])[] = [
  ["192.0.2.1", ["192.0.2.1", "::ffff:192.0.2.1"], ["192.0.2.0", "192.0.2.2", "::1"]],
  ["10.0.0.0/8", ["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"], ["9.255.255.255", "11.0.0.0"]],
  ["172.16.0.0/12", ["172.16.0.0", "172.31.255.255"], ["172.15.255.255", "172.32.0.0"]],
  ["192.0.2.128/25", ["192.0.2.128", "192.0.2.255"], ["192.0.2.127", "192.0.3.128"]],
  ["192.0.2.1/32", ["192.0.2.1"], ["192.0.2.3"]],
  ["0.0.0.0/0", ["0.0.0.0", "255.255.255.255", "::ffff:1.2.3.4"], ["::", "2001:db8::1"]],
  ["::1", ["::1", "0:0:0:0:0:0:0:1"], ["::2", "0.0.0.1", "::ffff:0.0.0.1"]],
  ["fd00::/8", ["fd00::", "fdff::1", "FD12::1"], ["fc00::1", "fe00::"]],
  ["2001:db8::/33", ["2001:db8:7fff::"], ["2001:db8:8000::"]],
  ["2001:db8::1/128", ["2001:db8::1"], ["2001:db8::3"]],
  ["::/0", ["::", "ffff::"], ["1.2.3.4", "::ffff:1.2.3.4"]],
  ["::ffff:10.0.0.0/104", ["10.1.2.3", "::ffff:10.1.2.3"], ["11.0.0.0", "::a00:0"]],
  ["::ffff:192.0.2.1", ["192.0.2.1"], ["192.0.2.2"]],
  ["unix", [], ["192.0.2.1", "unix"]],
];

for (const [entry, inside, outside] of ENTRIES) {
  Deno.test(`RFC 4632, 3.1: what ${entry} includes`, () => {
    const list = new AddressList("from", [entry]);
    for (const address of inside) assertEquals(list.includes(tcp(address)), true, address);
    for (const address of outside) assertEquals(list.includes(tcp(address)), false, address);
  });
}

Deno.test("AddressList: a peer on a Unix socket has no address, only its transport", () => {
  const unix = { transport: "unix", path: "/run/x" };
  assertEquals(new AddressList("from", ["unix"]).includes(unix), true);
  assertEquals(new AddressList("from", ["10.0.0.0/8", "unix"]).includes(unix), true);
  assertEquals(new AddressList("from", ["10.0.0.0/8", "unix"]).includes(tcp("10.0.0.1")), true);
  assertEquals(new AddressList("from", ["0.0.0.0/0", "::/0"]).includes(unix), false);
  assertEquals(new AddressList("from", ["unix"]).includes({ transport: "vsock" }), false);
});

Deno.test("AddressList: what is no address is not included", () => {
  const list = new AddressList("from", ["0.0.0.0/0", "::/0"]);
  for (const text of ["", "unknown", "_a1", "localhost", "010.0.0.1"]) {
    assertEquals(list.includes(tcp(text)), false, text);
  }
});

const WANTED = 'must have IP addresses, networks such as "10.0.0.0/8", or "unix": got ';

/** Entries that are refused, and with what. */
const REFUSED: readonly (readonly [from: unknown, kind: ErrorConstructor, message: string])[] = [
  [undefined, TypeError, "Option from must be an array of addresses: got undefined"],
  ["10.0.0.1", TypeError, 'must be an array of addresses: got "10.0.0.1", a string'],
  [[], RangeError, "Option from must name at least one address: got an empty array"],
  [[1], TypeError, `${WANTED}1`],
  [["localhost"], TypeError, `${WANTED}"localhost", a string`],
  [["10.0.0.0/8 "], RangeError, 'a prefix from 0 to 32: got "10.0.0.0/8 "'],
  [["10.0.0/8"], TypeError, WANTED],
  [["10.0.0.0/8/8"], TypeError, WANTED],
  [["UNIX"], TypeError, WANTED],
  [["::1%lo"], TypeError, WANTED],
  [["10.0.0.0/33"], RangeError, 'a prefix from 0 to 32: got "10.0.0.0/33"'],
  [["::/129"], RangeError, "a prefix from 0 to 128"],
  [["10.0.0.0/"], RangeError, "a prefix from 0 to 32"],
  [["10.0.0.0/08"], RangeError, "a prefix from 0 to 32"],
  [["10.0.0.0/-1"], RangeError, "a prefix from 0 to 32"],
  [
    ["10.0.0.1/8"],
    RangeError,
    'got "10.0.0.1/8", write "10.0.0.0/8" for the network, or "10.0.0.1" for the address alone',
  ],
  [["0.0.0.1/0"], RangeError, 'write "0.0.0.0/0"'],
  [["fd00::1/8"], RangeError, 'write "fd00::/8"'],
  [["::ffff:10.0.0.1/104"], RangeError, 'write "::ffff:10.0.0.0/104"'],
];

for (const [from, kind, message] of REFUSED) {
  Deno.test(`AddressList: refuses ${JSON.stringify(from)}`, () => {
    assertThrows(() => new AddressList("from", from), kind, message);
  });
}

Deno.test("RFC 4632, 3.1: a network includes the addresses that share its prefix, bit by bit", () => {
  const random = new Random(fuzzSeed());
  for (let i = 0; i < 3000; i++) {
    const size = random.oneIn(2) ? 4 : 16;
    const bits = (value: bigint) => value.toString(2).padStart(8 * size, "0");
    const value = () =>
      BigInt(`0b1${random.text("01", 8 * size, 8 * size)}`) - (1n << BigInt(8 * size));
    const prefix = random.below(8 * size + 1);
    const host = (1n << BigInt(8 * size - prefix)) - 1n;
    const network = value() & ~host;
    const candidate = random.oneIn(2) ? value() : network | (value() & host);
    const list = new AddressList("from", [`${textOf(network, size)}/${prefix}`]);
    const expected = bits(network).slice(0, prefix) === bits(candidate).slice(0, prefix);
    assertEquals(list.includes(tcp(textOf(candidate, size))), expected);
  }
});

function textOf(value: bigint, size: number): string {
  const digits = value.toString(16).padStart(2 * size, "0");
  return size === 4
    ? digits.match(/../g)!.map((byte) => parseInt(byte, 16)).join(".")
    : digits.match(/..../g)!.join(":");
}
