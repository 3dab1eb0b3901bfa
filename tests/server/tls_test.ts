/** hardening 39: HTTPS whose connections are closed for real, whatever their peers do. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { tlsListener } from "@asynchttp/server/tls";
import type { TlsCertificate, TlsOptions } from "@asynchttp/server/tls";
import type { Handler } from "@asynchttp/server";
import { systemClock } from "../../src/net/clock.ts";
import { checkVersion } from "../../src/net/tls_listener.ts";
import { soon, utf8 } from "../fixtures.ts";
import { EOF, ScriptedConn } from "../connection/scripted_conn.ts";
import { ScriptedListener } from "./scripted_listener.ts";
import {
  accepting,
  countSockets,
  readUntil,
  run,
  testWith,
  withCertificate,
  writeText,
} from "./tools.ts";

const PEERS = 50;
const SIZE = 20_000_000;

const handler: Handler = async (request) => {
  if (request.target === "/upload") return await request.respond(200, `${request.bytes.length}`);
  const pieces = Array.from({ length: SIZE / 100_000 }, () => new Uint8Array(100_000).fill(120));
  await request.respond(200, ReadableStream.from(pieces));
};

/** Moves the clock until the condition holds: the deadlines are swept by its ticks. */
async function tickUntil(holds: () => boolean): Promise<void> {
  const begin = performance.now();
  for (let i = 0; !holds(); i++) {
    assert(i < 1000, "it never holds");
    systemClock.tick(begin + i * 5000, Date.now());
    await soon();
  }
}

async function serving(use: (port: number, cert: string, open: () => number) => Promise<void>) {
  await withCertificate(async (certFile, keyFile) => {
    const [cert, key] = await Promise.all(
      [certFile, keyFile].map((file) => Deno.readTextFile(file)),
    );
    const listener = tlsListener(Deno.listen({ port: 0, hostname: "127.0.0.1" }), {
      cert: cert!,
      key: key!,
    });
    await accepting(listener, handler, async (server) => {
      await use(server.getPort(), certFile, () => server.stats().connections.open);
    });
  });
}

testWith(
  ["openssl", "/proc"],
  "peers that never finish the handshake hold no descriptors",
  async () => {
    await serving(async (port, _cert, open) => {
      const before = countSockets();
      const peers: Deno.Conn[] = [];
      for (let i = 0; i < PEERS; i++) {
        const peer = await Deno.connect({ hostname: "127.0.0.1", port });
        // Half of them send the beginning of a record.
        if (i % 2 === 0) await peer.write(new Uint8Array([22, 3, 1]));
        peers.push(peer);
      }
      while (open() < PEERS) await soon();
      assert(countSockets() >= before + 2 * PEERS);
      await tickUntil(() => open() === 0);
      assert(countSockets() <= before + PEERS, `${countSockets()} sockets, ${before} before`);
      for (const peer of peers) peer.close();
    });
  },
);

testWith(
  ["openssl", "/proc"],
  "a peer that does not read is disconnected, and its descriptor closed",
  async () => {
    await serving(async (port, cert, open) => {
      const before = countSockets();
      const caCerts = [await Deno.readTextFile(cert)];
      const peer = await Deno.connectTls({ hostname: "localhost", port, caCerts });
      await peer.write(utf8("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
      await peer.read(new Uint8Array(1));
      assertEquals(open(), 1);
      await tickUntil(() => open() === 0);
      assert(countSockets() <= before + 1, `${countSockets()} sockets, ${before} before`);
      peer.close();
    });
  },
);

testWith(
  "openssl",
  "a connection that is lost within its accept is closed and skipped",
  async () => {
    await withCertificate(async (certFile, keyFile) => {
      const [lost, next] = [new ScriptedConn([EOF]), new ScriptedConn([EOF])];
      const refuses = Object.assign(lost, {
        setNoDelay() {
          throw new Error("Invalid argument (os error 22)");
        },
      });
      const listener = tlsListener(new ScriptedListener([refuses, next]), {
        cert: await Deno.readTextFile(certFile),
        key: await Deno.readTextFile(keyFile),
      });
      (await listener.accept()).close();
      assertEquals([lost.closed, next.closed], [true, true]);
    });
  },
);

/** Gives two certificates for the same name. */
function withTwoCertificates(
  use: (before: TlsCertificate, after: TlsCertificate) => Promise<void>,
): Promise<void> {
  const read = async (cert: string, key: string) => ({
    cert: await Deno.readTextFile(cert),
    key: await Deno.readTextFile(key),
  });
  return withCertificate((...before) =>
    withCertificate(async (...after) => use(await read(...before), await read(...after)))
  );
}

const HELLO: Handler = (request) => request.respond(200, "hello");

/** Sends a request over the connection, and reads its response. */
async function ask(conn: Deno.TlsConn): Promise<void> {
  await writeText(conn, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const answer = await readUntil(conn, (text) => text.endsWith("\r\n\r\nhello"));
  assert(answer.startsWith("HTTP/1.1 200 OK\r\n"), answer);
}

testWith("openssl", "setCertificate: new connections get it, and open ones go on", async () => {
  await withTwoCertificates(async (before, after) => {
    const listener = tlsListener(Deno.listen({ port: 0, hostname: "127.0.0.1" }), before);
    await accepting(listener, HELLO, async (server) => {
      const connect = (...caCerts: string[]) =>
        Deno.connectTls({ hostname: "localhost", port: server.getPort(), caCerts });
      using open = await connect(before.cert);
      await ask(open);
      assertThrows(
        () => listener.setCertificate({ cert: after.cert, key: before.key }),
        Error,
        "must be the private key of the certificate in cert",
      );
      const wrong = { ...after, chain: "" } as TlsCertificate;
      assertThrows(() => listener.setCertificate(wrong), TypeError, "Unknown option chain");
      using still = await connect(before.cert);
      await ask(still);

      listener.setCertificate(after);
      using renewed = await connect(after.cert);
      await ask(renewed);
      await assertRejects(async () => {
        using refused = await connect(before.cert);
        await refused.handshake();
      });
      await ask(open);
      await ask(still);
      assertEquals(server.stats().connections.acceptErrors, 0);
    });
  });
});

testWith("openssl", "setCertificate: clients that connect meanwhile are all served", async () => {
  await withTwoCertificates(async (before, after) => {
    const listener = tlsListener(Deno.listen({ port: 0, hostname: "127.0.0.1" }), before);
    await accepting(listener, HELLO, async (server) => {
      const caCerts = [before.cert, after.cert];
      const where = { hostname: "localhost", port: server.getPort(), caCerts };
      for (let round = 0; round < 10; round++) {
        const clients = Array.from({ length: 8 }, async (_, i) => {
          if (i === 4) listener.setCertificate(round % 2 === 0 ? after : before);
          using conn = await Deno.connectTls(where);
          await ask(conn);
        });
        await Promise.all(clients);
      }
    });
  });
});

testWith("openssl", "large bodies pass both ways", async () => {
  await serving(async (port, cert) => {
    const args = ["-s", "--cacert", cert, "--resolve", `localhost:${port}:127.0.0.1`];
    const down = await run(
      "curl",
      ...args,
      "-o",
      "/dev/null",
      "-w",
      "%{size_download} %{http_version}",
      `https://localhost:${port}/`,
    );
    assertEquals(down.stdout, `${SIZE} 1.1`, down.stderr);
    const file = await Deno.makeTempFile();
    try {
      await Deno.truncate(file, 5_000_000);
      const up = await run("curl", ...args, "-T", file, `https://localhost:${port}/upload`);
      assertEquals(up.stdout, "5000000", up.stderr);
    } finally {
      await Deno.remove(file);
    }
  });
});

testWith("openssl", "a certificate or a key that cannot be used is refused at once", async () => {
  await withCertificate(async (certFile, keyFile) => {
    const [cert, key] = [await Deno.readTextFile(certFile), await Deno.readTextFile(keyFile)];
    const otherKey = await new Promise<string>((resolve) =>
      withCertificate(async (_, file) => resolve(await Deno.readTextFile(file)))
    );
    using listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
    const refused = (options: unknown, kind: ErrorConstructor, message: string) =>
      assertThrows(() => tlsListener(listener, options as TlsOptions), kind, message);
    assertThrows(
      () => tlsListener({ port: 8443, cert, key } as unknown as Deno.Listener, undefined!),
      TypeError,
      "Listener must be a Deno.Listener: got an object; write tlsListener(Deno.listen({ port: 8443",
    );
    refused({ cert: "no PEM", key }, Error, "must be a certificate and its key in PEM");
    refused({ cert, key: "" }, Error, "must be a certificate and its key in PEM");
    refused({ cert: key, key: cert }, Error, "must be a certificate and its key in PEM");
    refused({ cert }, Error, "must be a certificate and its key in PEM");
    refused({ cert, key: otherKey }, Error, "must be the private key of the certificate in cert");
    refused({ cert, key, alpnProtocols: "http/1.1" }, TypeError, "an array of strings: got http");
    refused({ cert, key, alpn: [] }, TypeError, "Unknown option alpn in options of tlsListener");
    refused({ cert, key, proxyProtocol: {} }, TypeError, "Option from of proxyProtocol must be");
    refused(
      { cert, key, proxyProtocol: { from: ["10.0.0.1/8"] } },
      RangeError,
      'write "10.0.0.0/8"',
    );
  });
});

Deno.test("tlsListener: needs Deno 2.9 or later", () => {
  for (const version of ["2.9.0", "2.10.1", "3.0.0"]) checkVersion(version);
  for (const version of ["1.46.3", "2.5.6", "2.8.3"]) {
    const message = `tlsListener needs Deno 2.9 or later: got ${version}`;
    assertThrows(() => checkVersion(version), Deno.errors.NotSupported, message);
  }
});
