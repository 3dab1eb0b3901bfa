/**
 * IP addresses as text and as bytes.
 *
 * Decisions about trust are made on bytes: one address has many spellings, and a list that
 * compares texts misses `2001:DB8::1`. What two readers may read in two ways is no address:
 * `010.0.0.1` is 10.0.0.1 to some and, in octal, 8.0.0.1 to others.
 */
import { consistsOf, decimal, HEX_DIGITS } from "./syntax.ts";

/** The bytes of an address in network order: 4 of IPv4, 16 of IPv6. An array, which is made faster than a `Uint8Array`. */
export type IpAddress = readonly number[];

const IPV4_BYTES = 4;
const IPV6_BYTES = 16;
const IPV6_GROUPS = 8;

/** The longest text is `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255`. */
const MAX_TEXT_LENGTH = 45;

/** The prefix of an IPv4-mapped IPv6 address, `::ffff:0:0/96` (RFC 4291, 2.5.5.2). */
const MAPPED_PREFIX: IpAddress = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** Returns the address that `text` spells by the grammar of RFC 3986, 3.2.2, without brackets; null if it spells none. */
export function ipAddress(text: string): IpAddress | null {
  if (text.length > MAX_TEXT_LENGTH) return null;
  return text.includes(":") ? ipv6Address(text) : ipv4Address(text);
}

/** Returns the address that `text` spells as four decimal numbers; null if it does not. */
export function ipv4Address(text: string): IpAddress | null {
  const bytes = text.split(".").map((octet) => plainDecimal(octet, 255));
  return bytes.length === IPV4_BYTES && !bytes.includes(-1) ? bytes : null;
}

/** Returns the address that `text` spells in groups of hexadecimal digits; null if it does not. */
export function ipv6Address(text: string): IpAddress | null {
  const [head, tail, ...more] = text.split("::");
  if (more.length > 0) return null;
  // An IPv4 address may stand at the very end only.
  const before = groupsOf(head!, tail === undefined);
  const after = groupsOf(tail ?? "", true);
  if (before === null || after === null) return null;
  const omitted = IPV6_GROUPS - before.length - after.length;
  // "::" stands for one group at the least.
  if (tail === undefined ? omitted !== 0 : omitted < 1) return null;
  return bytesOf([...before, ...new Array<number>(omitted).fill(0), ...after]);
}

/** Returns the groups of a part of an IPv6 address; null if one is malformed. */
function groupsOf(text: string, mayEndInIpv4: boolean): number[] | null {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  const last = parts.length - 1;
  for (const [i, part] of parts.entries()) {
    const ipv4 = i === last && mayEndInIpv4 && part.includes(".") ? ipv4Address(part) : null;
    if (ipv4 !== null) groups.push(groupAt(ipv4, 0), groupAt(ipv4, 1));
    else if (part.length >= 1 && part.length <= 4 && consistsOf(part, HEX_DIGITS)) {
      groups.push(parseInt(part, 16));
    } else return null;
  }
  return groups;
}

function bytesOf(groups: readonly number[]): IpAddress {
  return groups.flatMap((group) => [group >> 8, group & 0xff]);
}

function groupAt(address: IpAddress, index: number): number {
  return address[2 * index]! << 8 | address[2 * index + 1]!;
}

/** Returns the text of an address in the one form of RFC 5952, so that texts can be compared. */
export function ipText(address: IpAddress): string {
  if (address.length === IPV4_BYTES) return address.join(".");
  if (isMapped(address)) return `::ffff:${address.slice(MAPPED_PREFIX.length).join(".")}`;
  const groups = Array.from({ length: IPV6_GROUPS }, (_, i) => groupAt(address, i));
  const { start, length } = longestZeros(groups);
  const text = (from: number, to: number) =>
    groups.slice(from, to).map((group) => group.toString(16)).join(":");
  // RFC 5952, 4.2.2: one group of zeros is not shortened.
  return length < 2
    ? text(0, IPV6_GROUPS)
    : `${text(0, start)}::${text(start + length, IPV6_GROUPS)}`;
}

/** Returns the longest run of zeros, the first of equal ones (RFC 5952, 4.2.3). */
function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let longest = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let end = start;
    while (groups[end] === 0) end++;
    if (end - start > longest.length) longest = { start, length: end - start };
    start = end;
  }
  return longest;
}

/**
 * Returns the IPv4 address within an IPv4-mapped IPv6 address, and any other as it is: a
 * listener for both families sees 10.0.0.1 as `::ffff:10.0.0.1`.
 */
export function unmapped(address: IpAddress): IpAddress {
  return isMapped(address) ? address.slice(MAPPED_PREFIX.length) : address;
}

/** Whether an address is an IPv4 address within an IPv6 one. */
export function isMapped(address: IpAddress): boolean {
  return address.length === IPV6_BYTES && MAPPED_PREFIX.every((byte, i) => byte === address[i]);
}

/** Returns the number that `text` spells in decimal digits without leading zeros; -1 if it does not, or is above `max`. */
export function plainDecimal(text: string, max: number): number {
  if (text.length > 1 && text.startsWith("0")) return -1;
  const value = decimal(text);
  return value <= max ? value : -1;
}
