/**
 * A list of addresses that are trusted: single ones, networks in CIDR notation (RFC 4632, 3.1),
 * and Unix sockets.
 *
 * IPv4-mapped IPv6 addresses count as IPv4 on both sides, so that one entry holds for listeners
 * of one family and of both. `0.0.0.0/0` is all of IPv4, `::/0` all of IPv6.
 */
import { inspected } from "../validate.ts";
import { ipAddress, ipText, isMapped, plainDecimal, unmapped } from "./ip_address.ts";
import type { IpAddress } from "./ip_address.ts";

/** An address as the runtime gives it: with a `hostname` if it is one of IP. */
export interface RemoteAddress {
  readonly transport: string;
  readonly hostname?: string;
}

interface Network {
  readonly address: IpAddress;
  /** How many bits of the address count. */
  readonly prefix: number;
}

/** The entry for peers on Unix sockets, which have no address. */
const UNIX = "unix";

/** The bits of the prefix that makes an IPv4 address an IPv6 one. */
const MAPPED_BITS = 96;

/** Addresses and networks. */
export class AddressList {
  readonly #networks: readonly Network[];
  readonly #hasUnix: boolean;

  /**
   * Parses the entries; `name` is the option that has them.
   *
   * @throws {TypeError} `entries` is not an array of strings, or an entry is not an address.
   * @throws {RangeError} There is no entry, or the prefix of one is out of range, or does not cover its address.
   */
  constructor(name: string, entries: unknown) {
    if (!Array.isArray(entries)) {
      throw new TypeError(
        `Option ${name} must be an array of addresses: got ${inspected(entries)}`,
      );
    }
    if (entries.length === 0) {
      throw new RangeError(`Option ${name} must name at least one address: got an empty array`);
    }
    this.#hasUnix = entries.includes(UNIX);
    this.#networks = entries.filter((entry) => entry !== UNIX).map((entry) =>
      networkOf(name, entry)
    );
  }

  /** Whether the list has the address, or a network that it belongs to. */
  includes({ transport, hostname }: RemoteAddress): boolean {
    if (transport === UNIX) return this.#hasUnix;
    const address = hostname === undefined ? null : ipAddress(hostname);
    if (address === null) return false;
    const plain = unmapped(address);
    return this.#networks.some((network) => contains(network, plain));
  }
}

function contains({ address, prefix }: Network, candidate: IpAddress): boolean {
  if (address.length !== candidate.length) return false;
  return address.every((byte, i) => {
    const bits = Math.min(Math.max(prefix - 8 * i, 0), 8);
    return ((byte ^ candidate[i]!) >> (8 - bits)) === 0;
  });
}

function networkOf(name: string, entry: unknown): Network {
  const [text, bits, ...more] = typeof entry === "string" ? entry.split("/") : [];
  const address = text === undefined || more.length > 0 ? null : ipAddress(text);
  if (address === null) {
    throw new TypeError(
      `Option ${name} must have IP addresses, networks such as "10.0.0.0/8", or "unix": got ${
        inspected(entry)
      }`,
    );
  }
  const width = 8 * address.length;
  const prefix = bits === undefined ? width : plainDecimal(bits, width);
  if (prefix === -1) {
    throw new RangeError(
      `Option ${name} must have networks with a prefix from 0 to ${width}: got "${entry}"`,
    );
  }
  checkNetwork(name, entry as string, { address, prefix });
  return isMapped(address) && prefix >= MAPPED_BITS
    ? { address: unmapped(address), prefix: prefix - MAPPED_BITS }
    : { address, prefix };
}

/** An address with bits beyond its prefix is a slip: it may mean the address or the network. */
function checkNetwork(name: string, entry: string, { address, prefix }: Network): void {
  const first = address.map((byte, i) =>
    byte & (0xff00 >> Math.min(Math.max(prefix - 8 * i, 0), 8))
  );
  if (first.every((byte, i) => byte === address[i])) return;
  throw new RangeError(
    `Option ${name} must have networks without bits beyond the prefix: got "${entry}", write "${
      ipText(first)
    }/${prefix}" for the network, or "${ipText(address)}" for the address alone`,
  );
}
