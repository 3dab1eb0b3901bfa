/** A connection behind a header of the PROXY protocol: its bytes, its addresses, its failures. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { ConnectionLost, HttpError } from "../../src/errors.ts";
import { behindProxy, ProxiedConn, trustedProxies } from "../../src/net/proxied_conn.ts";
import type { ByteConn } from "../../src/net/stream_conn.ts";
import { bytesOf, textOf } from "../fixtures.ts";

const HEADER = "PROXY TCP4 198.51.100.7 203.0.113.1 4711 443\r\n";
const LOCAL: Deno.NetAddr = { transport: "tcp", hostname: "127.0.0.1", port: 80 };
const PEER: Deno.NetAddr = { transport: "tcp", hostname: "192.0.2.1", port: 1 };

/** Gives one piece for each read, then the end. */
class PiecesConn implements ByteConn {
  readonly localAddr = LOCAL;
  readonly remoteAddr = PEER;
  readonly calls: string[] = [];
  readonly #pieces: (string | Error)[];

  constructor(...pieces: (string | Error)[]) {
    this.#pieces = pieces;
  }

  read(into: Uint8Array): Promise<number | null> {
    const piece = this.#pieces.shift();
    if (piece === undefined) return Promise.resolve(null);
    if (piece instanceof Error) return Promise.reject(piece);
    const bytes = bytesOf(piece);
    assert(bytes.length <= into.length);
    into.set(bytes);
    return Promise.resolve(bytes.length);
  }

  write(bytes: Uint8Array): Promise<number> {
    this.calls.push(`write ${textOf(bytes)}`);
    return Promise.resolve(bytes.length);
  }

  closeWrite(): Promise<void> {
    this.calls.push("closeWrite");
    return Promise.resolve();
  }

  close(): void {
    this.calls.push("close");
  }
}

class NoDelayConn extends PiecesConn {
  setNoDelay(noDelay: boolean): void {
    this.calls.push(`setNoDelay ${noDelay}`);
  }
}

/** Reads to the end in pieces of at most `size` bytes. */
async function readAll(conn: ByteConn, size: number): Promise<string> {
  const into = new Uint8Array(size);
  let text = "";
  for (;;) {
    const count = await conn.read(into);
    if (count === null) return text;
    text += textOf(into.subarray(0, count));
  }
}

Deno.test("ProxiedConn: bytes that came with the header are read first, however small the reads", async () => {
  for (const size of [1, 3, 100]) {
    // An empty read is possible, and is not the end.
    const conn = new ProxiedConn(new PiecesConn("PRO", HEADER.slice(3) + "abcdefg", "h", "", "i"));
    assertEquals(await readAll(conn, size), "abcdefghi");
  }
});

Deno.test("ProxiedConn: the addresses are those of the header once it was read", async () => {
  const conn = new ProxiedConn(new PiecesConn(HEADER));
  assertEquals([conn.remoteAddr, conn.localAddr, conn.peerAddr], [PEER, LOCAL, PEER]);
  await conn.proxyHeader();
  assertEquals(conn.remoteAddr, { transport: "tcp", hostname: "198.51.100.7", port: 4711 });
  assertEquals(conn.localAddr, { transport: "tcp", hostname: "203.0.113.1", port: 443 });
  assertEquals(conn.peerAddr, PEER);
});

Deno.test("ProxiedConn: a read and a wait for the header at the same time read it once", async () => {
  const conn = new ProxiedConn(new PiecesConn(HEADER + "abc", "def"));
  const [text] = await Promise.all([readAll(conn, 10), conn.proxyHeader()]);
  assertEquals(text, "abcdef");
});

Deno.test("ProxiedConn: what goes out is the connection's", async () => {
  const inner = new NoDelayConn(HEADER);
  const conn = new ProxiedConn(inner);
  assertEquals(await conn.write(bytesOf("abc")), 3);
  await conn.closeWrite();
  conn.setNoDelay!(true);
  conn.close();
  assertEquals(inner.calls, ["write abc", "closeWrite", "setNoDelay true", "close"]);
  assertEquals("setNoDelay" in new ProxiedConn(new PiecesConn()), false);
});

Deno.test("ProxiedConn: what is no header rejects each wait and each read", async () => {
  const conn = new ProxiedConn(new PiecesConn("GET / HTTP/1.1\r\n"));
  await assertRejects(() => conn.proxyHeader(), HttpError, "must begin with one");
  await assertRejects(() => conn.read(new Uint8Array(10)), HttpError, "must begin with one");
});

Deno.test("ProxiedConn: an end within the header is refused, one before it is none, a fault is a loss", async () => {
  const cut = new ProxiedConn(new PiecesConn(HEADER.slice(0, 9)));
  await assertRejects(() => cut.proxyHeader(), HttpError, "ended within the header");
  const silent = new ProxiedConn(new PiecesConn());
  await silent.proxyHeader();
  assertEquals(await silent.read(new Uint8Array(10)), null);
  const reset = new ProxiedConn(new PiecesConn("PROXY", new Deno.errors.ConnectionReset("reset")));
  await assertRejects(() => reset.proxyHeader(), ConnectionLost);
});

Deno.test("behindProxy: only peers that are named have a header", () => {
  const conn = new PiecesConn();
  assert(behindProxy(conn, trustedProxies({ from: ["192.0.2.0/24"] })) instanceof ProxiedConn);
  assertEquals(behindProxy(conn, trustedProxies({ from: ["192.0.2.2", "unix"] })), conn);
  assertEquals(behindProxy(conn, undefined), conn);
});
