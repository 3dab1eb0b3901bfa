/** hardening 51 and 52: HAProxy, nginx and curl in front, over TCP, TLS and a Unix socket. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { AsyncHttpServer } from "@asynchttp/server";
import type { AsyncHttpServerOptions, Handler } from "@asynchttp/server";
import { tlsListener } from "@asynchttp/server/tls";
import { soon } from "../fixtures.ts";
import { has } from "../systems.ts";
import {
  curl,
  freePort,
  launch,
  listening,
  readText,
  testWith,
  withCertificate,
  withFolder,
  writeText,
} from "./tools.ts";

const FROM = ["127.0.0.1", "unix"];

/** What a request looks like to its handler. */
interface Seen {
  readonly remote: string;
  readonly local: string;
  readonly peer: string;
  readonly url: string;
}

function text(address: Deno.Addr): string {
  return "hostname" in address ? `${address.hostname}:${address.port}` : address.transport;
}

const tell: Handler = (request) => {
  const { remoteAddr, localAddr, peerAddr, url } = request;
  const [remote, local, peer] = [remoteAddr, localAddr, peerAddr].map(text);
  return request.respond(200, JSON.stringify({ remote, local, peer, url: url.href }));
};

/** Serves while `use` runs; no error may be reported, and no request be rejected. */
async function serving(
  listener: Deno.Listener,
  options: AsyncHttpServerOptions,
  use: (server: AsyncHttpServer) => Promise<void>,
): Promise<void> {
  const errors: unknown[] = [];
  await using server = new AsyncHttpServer({ ...options, onError: (error) => errors.push(error) });
  const served = server.serve(listener, tell);
  await use(server);
  server.close();
  await served;
  assertEquals([errors, server.stats().rejections], [[], {}]);
}

function tcp(): Deno.TcpListener {
  return Deno.listen({ port: 0, hostname: "127.0.0.1" });
}

/** Asks through a proxy on `port`; resolves to the client's own address, too. */
async function ask(port: number, fields = ""): Promise<{ self: string; seen: Seen }> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await writeText(conn, `GET /a HTTP/1.1\r\nHost: h\r\n${fields}Connection: close\r\n\r\n`);
  const response = await readText(conn);
  assertMatch(response, /^HTTP\/1\.1 200 /);
  return { self: text(conn.localAddr), seen: JSON.parse(response.split("\r\n\r\n")[1]!) };
}

/** Asserts that a proxy on `port` has told both ends of the connection that it forwards. */
async function forwardsAddresses(port: number): Promise<void> {
  const { self, seen } = await ask(port);
  assertEquals([seen.remote, seen.local], [self, `127.0.0.1:${port}`]);
  assert(seen.peer !== self, "the peer must be the proxy");
  assertEquals(seen.url, "http://h/a");
}

async function withHaproxy(
  sections: string,
  port: number,
  use: () => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    await Deno.writeTextFile(
      `${folder}/haproxy.cfg`,
      `defaults\n  timeout connect 10s\n  timeout client 60s\n  timeout server 60s\n${sections}\n`,
    );
    await using haproxy = launch("/usr/sbin/haproxy", "-db", "-f", `${folder}/haproxy.cfg`);
    await listening(port);
    await use();
    haproxy.kill("SIGTERM");
    await haproxy.status;
  });
}

/** A proxy of bytes in front of a server; `how` are the parameters of its `server` line. */
function haproxyListen(name: string, front: number, back: string, how: string): string {
  return `listen ${name}\n  mode tcp\n  bind 127.0.0.1:${front}\n  server s ${back} ${how}`;
}

const VERSIONS: readonly (readonly [name: string, how: string])[] = [
  ["send-proxy", "send-proxy"],
  ["send-proxy-v2", "send-proxy-v2"],
  ["send-proxy-v2-ssl", "send-proxy-v2-ssl"],
  ["send-proxy-v2-ssl-cn", "send-proxy-v2-ssl-cn"],
  ["crc32c", "send-proxy-v2 proxy-v2-options crc32c,ssl,unique-id,authority"],
];

for (const [name, how] of VERSIONS) {
  testWith("haproxy", `proxyProtocol: HAProxy, ${name}`, async () => {
    const listener = tcp();
    await serving(listener, { proxyProtocol: { from: FROM } }, async () => {
      const front = freePort();
      const section = haproxyListen("a", front, `127.0.0.1:${listener.addr.port}`, how);
      await withHaproxy(section, front, () => forwardsAddresses(front));
    });
  });
}

testWith(
  "haproxy",
  "proxyProtocol: HAProxy's health checks, LOCAL with and without a request",
  async () => {
    const listener = tcp();
    await serving(listener, { proxyProtocol: { from: FROM } }, async (server) => {
      const [plain, http] = [freePort(), freePort()];
      const back = `127.0.0.1:${listener.addr.port}`;
      const check = "check inter 20ms fall 1 check-send-proxy";
      const sections = [
        haproxyListen("a", plain, back, `send-proxy-v2 proxy-v2-options crc32c ${check}`),
        haproxyListen("b", http, back, `send-proxy ${check}`).replace("mode tcp", "mode http") +
        "\n  option httpchk GET /health HTTP/1.1\n  http-check send hdr Host check",
      ];
      await withHaproxy(sections.join("\n"), http, async () => {
        // After so many checks a server that fails them would be down.
        while (server.stats().connections.accepted < 30) await soon();
        await forwardsAddresses(plain);
        await forwardsAddresses(http);
        assert(server.stats().requests > 2, "the checks of HTTP must have arrived");
      });
    });
  },
);

testWith("haproxy", "proxyProtocol: HAProxy to a Unix socket", async () => {
  await withFolder(async (folder) => {
    const listener = Deno.listen({ transport: "unix", path: `${folder}/http` });
    await serving(listener, { proxyProtocol: { from: FROM } }, async () => {
      const front = freePort();
      const section = haproxyListen("a", front, `unix@${folder}/http`, "send-proxy-v2");
      await withHaproxy(section, front, async () => {
        const { self, seen } = await ask(front);
        assertEquals([seen.remote, seen.peer], [self, "unix"]);
      });
    });
  });
});

/** A fatal alert (RFC 8446, 6.2). */
const HANDSHAKE_FAILURE = "\x15\x03\x03\0\x02\x02\x28";

/** Serves over TLS with the header before the handshake. */
async function servingTls(use: (port: number, cert: string) => Promise<void>): Promise<void> {
  await withCertificate(async (certFile, keyFile) => {
    const tcpListener = tcp();
    const listener = tlsListener(tcpListener, {
      cert: await Deno.readTextFile(certFile),
      key: await Deno.readTextFile(keyFile),
      proxyProtocol: { from: FROM },
    });
    await serving(listener, {}, () => use(tcpListener.addr.port, certFile));
  });
}

for (const version of ["send-proxy", "send-proxy-v2"]) {
  testWith("haproxy", `proxyProtocol: HAProxy, ${version}, before the handshake`, async () => {
    await servingTls(async (port) => {
      const front = freePort();
      const how = `${version} ssl verify none`;
      await withHaproxy(haproxyListen("a", front, `127.0.0.1:${port}`, how), front, async () => {
        const { self, seen } = await ask(front);
        assertEquals([seen.remote, seen.local], [self, `127.0.0.1:${front}`]);
        assert(seen.peer !== self);
        assertEquals(seen.url, "https://h/a");
      });
    });
  });
}

testWith(
  "curl",
  "proxyProtocol: curl --haproxy-protocol, plain and before the handshake",
  async () => {
    const listener = tcp();
    await serving(listener, { proxyProtocol: { from: FROM } }, async () => {
      const { port } = listener.addr;
      const output = await curl("--haproxy-protocol", `http://127.0.0.1:${port}/`);
      assertMatch(output, /^HTTP\/1\.1 200 OK\r\n/);
    });
    await servingTls(async (port, cert) => {
      const url = `https://127.0.0.1:${port}/`;
      const output = await curl("--haproxy-protocol", "--cacert", cert, url);
      assertMatch(output, /^HTTP\/1\.1 200 OK\r\n/);
      assert(output.includes(`"local":"127.0.0.1:${port}"`), output);
    });
  },
);

testWith(
  "openssl",
  "proxyProtocol: a handshake without a header is refused, counted, and closed",
  async () => {
    await withCertificate(async (certFile, keyFile) => {
      const listener = tcp();
      const codes: string[] = [];
      await using server = new AsyncHttpServer({ onReject: ({ code }) => void codes.push(code) });
      const served = server.serve(
        tlsListener(listener, {
          cert: await Deno.readTextFile(certFile),
          key: await Deno.readTextFile(keyFile),
          proxyProtocol: { from: FROM },
        }),
        tell,
      );
      const { port } = listener.addr;
      for (const start of ["\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", "PROXY TCP4 x\r\n"]) {
        using conn = await Deno.connect({ hostname: "127.0.0.1", port });
        await writeText(conn, start);
        // An alert, or a reset that has overtaken it.
        const output = await readText(conn).catch(() => "");
        assert(output === "" || output === HANDSHAKE_FAILURE, JSON.stringify(output));
      }
      while (server.stats().connections.open > 0) await soon();
      assertEquals(codes, ["bad-proxy-header", "bad-proxy-header"]);
      server.close();
      await served;
    });
  },
);

/** What a client sends that wants to be another. */
const FORGED = [
  ...["-H", "X-Forwarded-For: 1.1.1.1", "-H", "X-Forwarded-Host: evil"],
  ...["-H", "X-Forwarded-Proto: ftp", "-H", "Forwarded: for=1.1.1.1;host=evil;proto=ftp"],
];

/** Asks through a proxy on `port` from 127.0.0.9, and with forged fields. */
async function forge(port: number): Promise<Seen> {
  const url = `http://127.0.0.1:${port}/a`;
  const output = await curl("--interface", "127.0.0.9", "-H", "Host: h", ...FORGED, url);
  assertMatch(output, /^HTTP\/1\.1 200 /);
  return JSON.parse(output.split("\r\n\r\n")[1]!);
}

const HEADERS: readonly (readonly [header: "forwarded" | "x-forwarded", rules: string])[] = [
  [
    "x-forwarded",
    `option forwardfor
  http-request set-header X-Forwarded-Proto https
  http-request set-header X-Forwarded-Host %[req.hdr(host)]`,
  ],
  [
    "forwarded",
    'http-request add-header Forwarded "for=%[src];proto=https;host=%[req.hdr(host)]"',
  ],
];

for (const [header, rules] of HEADERS) {
  testWith(
    ["haproxy", "127.0.0.0/8"],
    `forwarded: HAProxy, ${header}, past what a client sends`,
    async () => {
      const listener = tcp();
      await serving(listener, { forwarded: { from: ["127.0.0.1"], header } }, async () => {
        const front = freePort();
        const back = `127.0.0.1:${listener.addr.port}`;
        const section = haproxyListen("a", front, back, "").replace("mode tcp", "mode http");
        await withHaproxy(`${section}\n  ${rules}`, front, async () => {
          const seen = await forge(front);
          assertEquals([seen.remote, seen.url], ["127.0.0.9:0", "https://h/a"]);
          assertMatch(seen.peer, /^127\.0\.0\.1:\d+$/);
        });
      });
    },
  );
}

async function withNginx(
  configuration: string,
  port: number,
  use: () => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    const files = `pid ${folder}/pid; error_log ${folder}/error.log`;
    await Deno.writeTextFile(
      `${folder}/nginx.conf`,
      `daemon off; master_process off; ${files}; ${configuration.replaceAll("FOLDER", folder)}`,
    );
    await using nginx = launch("/usr/sbin/nginx", "-p", folder, "-c", `${folder}/nginx.conf`);
    await listening(port);
    await use();
    nginx.kill("SIGTERM");
    await nginx.status;
  });
}

testWith(
  ["nginx", "127.0.0.0/8"],
  "forwarded: nginx to a Unix socket, past what a client sends",
  async () => {
    await withFolder(async (folder) => {
      const listener = Deno.listen({ transport: "unix", path: `${folder}/http` });
      const options: AsyncHttpServerOptions = {
        forwarded: { from: ["unix"], header: "x-forwarded" },
      };
      await serving(listener, options, async () => {
        const front = freePort();
        const configuration = `events {}
        http {
          access_log off;
          client_body_temp_path FOLDER; proxy_temp_path FOLDER; fastcgi_temp_path FOLDER;
          uwsgi_temp_path FOLDER; scgi_temp_path FOLDER;
          server {
            listen 127.0.0.1:${front};
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto https;
            proxy_set_header X-Forwarded-Host $host;
            location / { proxy_pass http://unix:${folder}/http:; }
          }
        }`;
        await withNginx(configuration, front, async () => {
          const seen = await forge(front);
          assertEquals([seen.remote, seen.url, seen.peer], ["127.0.0.9:0", "https://h/a", "unix"]);
        });
      });
    });
  },
);

/** Of the Debian package libnginx-mod-stream. */
const STREAM_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so";
const hasStream = has("nginx") && await Deno.stat(STREAM_MODULE).then(() => true, () => false);
const title = "proxyProtocol: nginx, its stream module with proxy_protocol on";
if (!hasStream) console.log(`skipped, nginx has no stream module on this machine: ${title}`);

Deno.test({ name: title, ignore: !hasStream }, async () => {
  const listener = tcp();
  await serving(listener, { proxyProtocol: { from: FROM } }, async () => {
    const front = freePort();
    const configuration = `load_module ${STREAM_MODULE}; events {}
      stream {
        server {
          listen 127.0.0.1:${front};
          proxy_pass 127.0.0.1:${listener.addr.port};
          proxy_protocol on;
        }
      }`;
    await withNginx(configuration, front, () => forwardsAddresses(front));
  });
});
