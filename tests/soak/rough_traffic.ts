/** Traffic that is refused, and clients that disconnect at any point. */
import { PATTERN } from "./pattern.ts";
import { expect, head, pause } from "./traffic.ts";
import type { Kind, Scene } from "./traffic.ts";
import { latin1 } from "./wire_client.ts";

const CHUNKED = "Transfer-Encoding: chunked";

/** Malformed requests and the status that refuses each. */
const GARBAGE: readonly (readonly [sent: string, status: number])[] = [
  ["GET / HTTP/1.1\r\n\r\n", 400],
  ["GET / HTTP/1.1\nHost: a\n\n", 400],
  ["GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["\x16\x03\x01\x02\x00\r\n\r\n", 400],
  ["GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505],
  [head("POST", "/count", "Transfer-Encoding: gzip, chunked"), 501],
  [head("POST", "/count", "Content-Length: 3", CHUNKED), 400],
  [head("POST", "/count", "Content-Length: 3", "Content-Length: 3"), 400],
  [head("POST", "/count", "Content-Length: +3"), 400],
  [head("POST", "/count"), 411],
  [head("POST", "/count", CHUNKED) + "zz\r\n", 400],
  [head("POST", "/count", CHUNKED) + "3\r\nabcdef\r\n0\r\n\r\n", 400],
  [head("GET", "/", "Expect: the-unexpected"), 417],
  [head("GET", "/", "A : b"), 400],
  [head("GET", "/", "A: b\r\n c"), 400],
  [head("GET", "/" + "a".repeat(9000)), 413],
  [head("GET", "/", "A: " + "b".repeat(9000)), 413],
  [head("GET", "/", ...Array.from({ length: 200 }, () => "A: b")), 400],
];

async function garbage({ connect, ports, random }: Scene): Promise<void> {
  const [sent, status] = random.pick(GARBAGE);
  const client = await connect(random.pick([ports.streaming, ports.whole, ports.fetch]));
  const valid = random.integer(0, 3);
  await client.send(head("GET", "/text?n=5").repeat(valid) + sent);
  for (let left = valid; left > 0; left--) expect(await client.answer(), 200, 5);
  expect(await client.answer(), status);
  await client.end();
}

const BODY = String.fromCharCode(...PATTERN.subarray(0, 20_000));

/** What a client sends before it disconnects. */
const BEGUN: readonly Uint8Array<ArrayBuffer>[] = [
  head("GET", "/text?n=60000"),
  head("GET", "/make?n=5000000"),
  head("GET", "/text?n=60000").repeat(50),
  head("GET", "/wait?ms=300"),
  head("GET", "/wait?ms=300") + head("GET", "/text?n=10").repeat(100),
  head("POST", "/count", "Content-Length: 1000000") + BODY,
  head("POST", "/count", "Content-Length: 1000", "Expect: 100-continue"),
  head("POST", "/count", CHUNKED) + `4e20\r\n${BODY}\r\n`,
  head("POST", "/echo", CHUNKED) + `4e20\r\n${BODY}\r\n4e20\r\n${BODY}`,
  head("POST", "/echo", CHUNKED) + "1;" + "a".repeat(1000),
  head("GET", "/upgrade", "Connection: Upgrade", "Upgrade: echo") + BODY,
  head("GET", "/hijack"),
  head("GET", "/fail"),
  head("POST", "/limited", "Content-Length: 100000") + BODY,
  GARBAGE[0]![0],
].map(latin1);

/** Sends a part, reads a part of the response and disconnects: with a reset if bytes are unread. */
async function abort({ connect, ports, random }: Scene): Promise<void> {
  const client = await connect(random.pick([ports.streaming, ports.whole, ports.fetch]));
  const bytes = random.pick(BEGUN);
  const sent = random.oneIn(3) ? random.integer(0, bytes.length) : bytes.length;
  try {
    await client.send(bytes.subarray(0, sent));
    if (random.oneIn(4)) await client.conn.closeWrite();
    if (random.oneIn(2)) await pause(random.integer(0, 50));
    // No response may be due: waiting for one without a bound would take for ever.
    if (sent === bytes.length && random.oneIn(4)) {
      await Promise.race([client.conn.read(new Uint8Array(1000)), pause(50)]);
    }
  } catch {
    // The server may have closed first.
  }
  client.close();
}

/** Every kind; aborts occur twice as often. */
export const ROUGH: readonly Kind[] = [
  { name: "garbage", run: garbage },
  { name: "abort", run: abort },
  { name: "abort", run: abort },
];
