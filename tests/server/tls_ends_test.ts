/**
 * How responses over HTTPS end: with `close_notify` (RFC 8446, 6.1) where they are whole, and
 * without it where they were cut, which alone tells a client of HTTP/1.0.
 */
import { assertEquals } from "@std/assert";
import { tlsListener } from "@asynchttp/server/tls";
import { AsyncHttpServer } from "@asynchttp/server";
import type { Handler } from "@asynchttp/server";
import { streamOf, utf8 } from "../fixtures.ts";
import { run, testWith, withCertificate } from "./tools.ts";

/** Sends a request, and prints the content received and how the connection ended. */
const CLIENT = `
import socket, ssl, sys
port, certificate, request = int(sys.argv[1]), sys.argv[2], sys.argv[3]
context = ssl.create_default_context(cafile=certificate)
connection = socket.create_connection(("127.0.0.1", port), timeout=30)
tls = context.wrap_socket(connection, server_hostname="localhost", suppress_ragged_eofs=False)
tls.sendall(request.replace("|", "\\r\\n").encode())
received = b""
end = "close_notify"
try:
    while piece := tls.recv(65536): received += piece
except ssl.SSLEOFError:
    end = "eof"
print(received.count(b"x"), end)
`;

const CONTENT = "x".repeat(100);

function failing(): ReadableStream<Uint8Array<ArrayBuffer>> {
  let pulls = 0;
  return new ReadableStream({
    pull(controller) {
      if (pulls++ === 0) controller.enqueue(utf8(CONTENT));
      else controller.error(new Error("The source fails"));
    },
  }, { highWaterMark: 0 });
}

const RAW = `HTTP/1.1 200 OK\r\n\r\n${CONTENT}${CONTENT}`;

/** Writes a response of its own, and closes the connection. */
async function closeByHand(conn: Deno.Conn, content: string): Promise<void> {
  await conn.write(utf8(content));
  conn.close();
}

const handler: Handler = async (request) => {
  if (request.target === "/client") return await closeByHand(request.client, RAW);
  if (request.target === "/hijack") return await closeByHand(request.hijack(), RAW);
  const headers = request.target.includes("length") ? { "Content-Length": "200" } : undefined;
  const content = request.target.startsWith("/cut") ? failing() : streamOf(CONTENT, CONTENT);
  await request.respond(200, content, headers);
};

type Listen = (certificate: { cert: string; key: string }) => Deno.Listener;

const LOOPBACK = { port: 0, hostname: "127.0.0.1" };

const ours: Listen = (certificate) => tlsListener(Deno.listen(LOOPBACK), certificate);
const runtimes: Listen = (certificate) => Deno.listenTls({ ...LOOPBACK, ...certificate });

/** Serves over TLS while `use` runs; returns the messages of the errors that `onError` received. */
async function serving(
  listen: Listen,
  use: (port: number, certFile: string) => Promise<void>,
): Promise<string[]> {
  const errors: string[] = [];
  await withCertificate(async (certFile, keyFile) => {
    const cert = await Deno.readTextFile(certFile);
    const key = await Deno.readTextFile(keyFile);
    await using server = new AsyncHttpServer({
      onError: (error) => void errors.push((error as Error).message),
    });
    server.listenOn(listen({ cert, key }));
    const loop = (async () => {
      for (;;) await server.acceptRequest(handler);
    })().catch((error) => error);
    await use(server.getPort(), certFile);
    server.close();
    await loop;
  });
  return errors;
}

/** Requests a target, closing after it; returns what the client saw. */
async function ending(port: number, certFile: string, target: string, version: string) {
  const request = `GET ${target} HTTP/${version}|Host: localhost|Connection: close||`;
  const { stdout, stderr } = await run("python3", "-c", CLIENT, `${port}`, certFile, request);
  return stdout.trim() || stderr;
}

const REQUESTS: readonly [target: string, version: string][] = [
  ["/", "1.0"],
  ["/", "1.1"],
  ["/length", "1.0"],
  ["/length", "1.1"],
];

testWith("python3", "tlsListener: a response that is whole ends with close_notify", async () => {
  const errors = await serving(ours, async (port, certFile) => {
    for (const [target, version] of REQUESTS) {
      assertEquals(await ending(port, certFile, target, version), "200 close_notify", target);
    }
  });
  assertEquals(errors, []);
});

for (const target of ["/client", "/hijack"]) {
  testWith("python3", `tlsListener: ${target}, close() ends with close_notify`, async () => {
    const errors = await serving(ours, async (port, certFile) => {
      assertEquals(await ending(port, certFile, target, "1.0"), "200 close_notify");
    });
    assertEquals(errors, []);
  });
}

testWith("python3", "tlsListener: a response that was cut ends without close_notify", async () => {
  const errors = await serving(ours, async (port, certFile) => {
    for (const [target, version] of REQUESTS) {
      assertEquals(await ending(port, certFile, `/cut${target}`, version), "100 eof", target);
    }
  });
  assertEquals(errors, Array(4).fill("The source fails"));
});

testWith(
  "python3",
  "Deno.listenTls: close() sends close_notify, so that to HTTP/1.0 a cut response looks whole",
  async () => {
    await serving(runtimes, async (port, certFile) => {
      for (const target of ["/", "/cut/"]) {
        const length = target === "/" ? 200 : 100;
        assertEquals(await ending(port, certFile, target, "1.0"), `${length} close_notify`);
      }
    });
  },
);

testWith("curl", "tlsListener: a client that speaks HTTP/1.0 only is served", async () => {
  await serving(ours, async (port, certFile) => {
    const args = ["-s", "--http1.0", "--cacert", certFile, "--resolve"];
    const url = `https://localhost:${port}/`;
    const { stdout } = await run("curl", ...args, `localhost:${port}:127.0.0.1`, url);
    assertEquals(stdout, CONTENT + CONTENT);
  });
});
