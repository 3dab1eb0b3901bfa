/** TLS over a TCP connection: what is read and written at a time, whatever the peer does. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { readAll } from "@std/io";
import { tlsListener } from "@asynchttp/server/tls";
import { pattern, soon, utf8 } from "../fixtures.ts";
import { testWith, withCertificate } from "../server/tools.ts";

/** The two ends of one TLS connection, what the server's end has read of TCP, and a way to spoil that. */
interface Ends {
  readonly server: Deno.Conn;
  readonly peer: Deno.TlsConn;
  readonly taken: () => number;
  readonly spoil: () => void;
}

/** Hands on the bytes that are read from the connections of a listener. */
function watching(listener: Deno.Listener, watch: (bytes: Uint8Array) => void): Deno.Listener {
  return {
    addr: listener.addr,
    close: () => listener.close(),
    async accept() {
      const conn = await listener.accept();
      const read = conn.read.bind(conn);
      conn.read = async (into) => {
        const count = await read(into);
        watch(into.subarray(0, count ?? 0));
        return count;
      };
      return conn;
    },
  } as Deno.Listener;
}

/** Makes a TLS connection over loopback, with the handshake done, for the time of `use`. */
async function connected(use: (ends: Ends) => Promise<void>, closes = true): Promise<void> {
  await withCertificate(async (certFile, keyFile) => {
    const cert = await Deno.readTextFile(certFile);
    const key = await Deno.readTextFile(keyFile);
    let taken = 0;
    let spoils = false;
    const tcp = Deno.listen({ port: 0, hostname: "127.0.0.1" });
    const watched = watching(tcp, (bytes) => {
      taken += bytes.length;
      // The last byte of a record is one of its authentication tag.
      if (spoils && bytes.length > 0) bytes[bytes.length - 1]! ^= 1;
    });
    using listener = tlsListener(watched, { cert, key });
    const { port } = tcp.addr;
    const accepted = listener.accept();
    using peer = await Deno.connectTls({ hostname: "localhost", port, caCerts: [cert] });
    const server = await accepted;
    const hello = server.read(new Uint8Array(1));
    await peer.write(new Uint8Array(1));
    assertEquals(await hello, 1);
    try {
      await use({ server, peer, taken: () => taken, spoil: () => spoils = true });
    } finally {
      if (closes) server.close();
    }
  });
}

/** Waits until a number has not changed for many turns of the event loop. */
async function settled(value: () => number): Promise<number> {
  for (let before = -1, same = 0; same < 50; before = value()) {
    await soon();
    same = value() === before ? same + 1 : 0;
  }
  return value();
}

testWith("openssl", "a peer that sends is not read before its bytes are wanted", async () => {
  await connected(async ({ server, peer, taken }) => {
    const sent = pattern(20_000_000);
    const sending = (async () => {
      for (let at = 0; at < sent.length;) at += await peer.write(sent.subarray(at, at + 65_536));
    })();
    const ahead = await settled(taken);
    assert(ahead < 200_000, `${ahead} bytes were read for nobody`);
    const into = new Uint8Array(100_000);
    for (let at = 0; at < sent.length;) {
      const count = (await server.read(into))!;
      for (let i = 0; i < count; i++) if (into[i] !== (at + i) % 251) throw new Error(`at ${at}`);
      at += count;
    }
    await sending;
  });
});

testWith("openssl", "a large write makes progress while the peer reads a part of it", async () => {
  await connected(async ({ server, peer }) => {
    const wrote = await server.write(new Uint8Array(20_000_000));
    assert(wrote < 20_000_000, "a stalled peer and a slow one look the same");
    for (let left = wrote; left > 0;) left -= (await peer.read(new Uint8Array(left)))!;
  });
});

testWith(
  "openssl",
  "hardening 53: a record that cannot be decrypted ends the connection",
  async () => {
    await connected(async ({ server, peer, spoil }) => {
      const reading = server.read(new Uint8Array(1));
      spoil();
      await peer.write(utf8("spoilt"));
      await assertRejects(() => reading, Error, "cannot decrypt");
      await assertRejects(() => server.read(new Uint8Array(1)), Error, "cannot decrypt");
      await assertRejects(() => server.write(new Uint8Array(1)), Error, "cannot decrypt");
    });
  },
);

testWith("openssl", "two reads at a time both get bytes", async () => {
  await connected(async ({ server, peer }) => {
    const reads = [server.read(new Uint8Array(1)), server.read(new Uint8Array(1))];
    await soon();
    await peer.write(pattern(2));
    assertEquals(await Promise.all(reads), [1, 1]);
  });
});

testWith("openssl", "a close ends a read and a write that wait for the peer", async () => {
  await connected(async ({ server }) => {
    const reading = server.read(new Uint8Array(1)).then(() => "read", (error) => error.name);
    const writing = (async () => {
      for (;;) await server.write(new Uint8Array(1_000_000));
    })().catch((error) => error.name);
    await soon();
    server.close();
    assertEquals([await reading, await writing], ["Interrupted", "Interrupted"]);
  }, false);
});

const NO_APPLICATION_PROTOCOL = 120;
const HANDSHAKE_FAILURE = 40;

/** Sends bytes to a TLS listener that waits for a request; returns what comes back. */
async function refusal(bytes: Uint8Array): Promise<Uint8Array> {
  let answer: Uint8Array = new Uint8Array();
  await withCertificate(async (certFile, keyFile) => {
    const cert = await Deno.readTextFile(certFile);
    const key = await Deno.readTextFile(keyFile);
    const tcp = Deno.listen({ port: 0, hostname: "127.0.0.1" });
    using listener = tlsListener(tcp, { cert, key });
    using peer = await Deno.connect({ hostname: "127.0.0.1", port: tcp.addr.port });
    const server = await listener.accept();
    await peer.write(bytes);
    await assertRejects(() => server.read(new Uint8Array(1)));
    server.close();
    answer = await readAll(peer);
  });
  return answer;
}

/** The ClientHello of a client that offers these protocols. */
async function helloFor(alpnProtocols: string[]): Promise<Uint8Array> {
  using listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr;
  const connecting = Deno.connectTls({ hostname: "localhost", port, alpnProtocols });
  using conn = await listener.accept();
  const client = await connecting;
  const handshake = client.handshake().catch(() => {});
  const hello = new Uint8Array(16_384);
  const count = await conn.read(hello);
  client.close();
  await handshake;
  return hello.subarray(0, count!);
}

testWith("openssl", "RFC 7301, 3.2: a client of other protocols only is told so", async () => {
  const alert = [21, 3, 3, 0, 2, 2, NO_APPLICATION_PROTOCOL];
  assertEquals([...await refusal(await helloFor(["h2"]))], alert);
});

testWith("openssl", "RFC 8446, 6.2: what is no handshake is refused with an alert", async () => {
  const alert = [21, 3, 3, 0, 2, 2, HANDSHAKE_FAILURE];
  assertEquals([...await refusal(utf8("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))], alert);
});
