/** The programs that a new user writes first, each with a real client; docs/api.md lists them. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  commandOf,
  documented,
  exampleNames,
  EXAMPLES,
  launchDocumented,
} from "./example_commands.ts";
import { fileURLToPath } from "node:url";
import { exchangeBytes, LAST_GET, servingWell } from "./tools.ts";
import { curl, launch, run, testWith, withCertificate, withFolder } from "./tools.ts";

const PROGRAMS = 22;

Deno.test("docs/api.md: the table of examples has 22 tasks, and the page every example", async () => {
  const page = await Deno.readTextFile(new URL("../../docs/api.md", import.meta.url));
  const rows = page.match(/^\| .* \| \[[\w.]+\]\(\.\.\/examples\/.*\) +\|$/gm) ?? [];
  assertEquals(rows.length, PROGRAMS);
  const linked = [...page.slice(page.indexOf("## Examples")).matchAll(/examples\/(\w+\.ts)/g)];
  assertEquals(linked.map(([, name]) => name!).sort(), exampleNames());
});

Deno.test("examples: each is run by a test", async () => {
  const files = ["./", "../deploy/"].flatMap((folder) =>
    [...Deno.readDirSync(new URL(folder, import.meta.url))].map(({ name }) => folder + name)
  );
  const tests = await Promise.all(
    files.filter((file) => file.endsWith("_test.ts"))
      .map((file) => Deno.readTextFile(new URL(file, import.meta.url))),
  );
  for (const name of exampleNames()) {
    const isRun = tests.some((text) =>
      text.includes(`"${name}"`) || text.includes(`examples/${name}`)
    );
    assert(isRun, `no test runs examples/${name}`);
  }
});

testWith("curl", "examples/https.ts: a redirect, and HTTP/1.1 by ALPN", async () => {
  await withCertificate(async (cert, key) => {
    const edits = { "--allow-read=cert.pem,key.pem": `--allow-read=${cert},${key}` };
    const args = ["0", "0", cert, key];
    const { example, origin } = await launchDocumented("https.ts", args, edits);
    await using _ = example;
    const [, secure] = await example.line(/^Listening on (https:\/\/localhost:\d+)\/$/);
    const plain = origin.replace("127.0.0.1", "localhost");
    assertMatch(
      await curl("-X", "PUT", `${plain}/a%20b?c=d`),
      new RegExp(`^HTTP/1\\.1 308 .*\r\nLocation: ${secure}/a%20b\\?c=d\r\n`),
    );
    const followed = await curl("-L", "--cacert", cert, `${plain}/`);
    assertMatch(followed, /\r\nStrict-Transport-Security: max-age=86400\r\n/);
    assertMatch(followed, /\r\n\r\nHello over https\n$/);
    const caCerts = [await Deno.readTextFile(cert)];
    const port = Number(new URL(secure!).port);
    const alpnProtocols = ["h2", "http/1.1"];
    using conn = await Deno.connectTls({ hostname: "localhost", port, caCerts, alpnProtocols });
    assertEquals((await conn.handshake()).alpnProtocol, "http/1.1");
  });
});

testWith("curl", "examples/https.ts: SIGHUP exchanges the certificate, SIGTERM ends", async () => {
  await withCertificate((cert, key) =>
    withCertificate(async (newCert, newKey) => {
      const edits = { "--allow-read=cert.pem,key.pem": `--allow-read=${cert},${key}` };
      const { example } = await launchDocumented("https.ts", ["0", "0", cert, key], edits);
      await using _ = example;
      const [, origin] = await example.line(/^Listening on (https:\/\/localhost:\d+)\/$/);
      const oldCert = `${cert}.old`;
      await Deno.copyFile(cert, oldCert);
      const ask = async (trusted: string) =>
        (await run("curl", "-s", "--cacert", trusted, `${origin}/`)).stdout;
      assertEquals(await ask(oldCert), "Hello over https\n");
      await Deno.copyFile(newCert, cert);
      await Deno.copyFile(newKey, key);
      example.kill("SIGHUP");
      await example.line(/^The certificate was exchanged$/);
      assertEquals(await ask(newCert), "Hello over https\n");
      assertEquals(await ask(oldCert), "");
      example.kill("SIGTERM");
      assertEquals((await example.status).code, 0);
    })
  );
});

testWith(
  "curl",
  "examples/unix_socket.ts: a socket left by a killed process is replaced",
  async () => {
    await withFolder(async (folder) => {
      const path = `${folder}/http.sock`;
      const ask = () => curl("--unix-socket", path, "http://localhost/");
      const { example: killed } = await launchDocumented("unix_socket.ts", [path]);
      assertMatch(await ask(), /\r\n\r\nHello over a Unix socket, you\n$/);
      await killed[Symbol.asyncDispose]();

      const { example } = await launchDocumented("unix_socket.ts", [path]);
      await using _ = example;
      assertMatch(await ask(), /^HTTP\/1\.1 200 OK\r\n/);
      example.kill("SIGTERM");
      assertEquals((await example.status).code, 0);
      assertEquals([...Deno.readDirSync(folder)], []);
    });
  },
);

testWith("Unix sockets", "examples/unix_socket.ts: a file that is no socket stays", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/notes.txt`;
    await Deno.writeTextFile(path, "notes");
    const { stderr } = await run(Deno.execPath(), ...commandOf("unix_socket.ts", path));
    assertStringIncludes(stderr, "AddrInUse");
    assertEquals(await Deno.readTextFile(path), "notes");
  });
});

/** The configuration in the header of the example. */
function nginxConfiguration(): string {
  const text = Deno.readTextFileSync(new URL("unix_socket.ts", EXAMPLES));
  return /```text\n([^]*?) \* ```/.exec(text)![1]!.replaceAll(/^ \* ?/gm, "");
}

/** Returns a port that nothing listens on. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

/** Asks until nginx listens. */
async function answerOf(url: string, ...args: string[]): Promise<string> {
  for (let tries = 0; tries < 1000; tries++) {
    const answer = await curl(...args, url);
    if (answer !== "") return answer;
  }
  throw new Error(`Nothing answers at ${url}`);
}

testWith(
  "nginx",
  "examples/unix_socket.ts: nginx in front, as its header configures it",
  async () => {
    await withFolder(async (folder) => {
      const path = `${folder}/hello.sock`;
      const { example } = await launchDocumented("unix_socket.ts", [path]);
      await using _ = example;
      const port = freePort();
      const edits = [["unix:hello.sock", `unix:${path}`], ["8080", String(port)], [
        "pid nginx.pid",
        `pid ${folder}/nginx.pid`,
      ]] as const;
      let configuration = nginxConfiguration();
      for (const [from, to] of edits) {
        assert(configuration.includes(from), `the configuration lacks ${from}`);
        configuration = configuration.replace(from, to);
      }
      await Deno.writeTextFile(`${folder}/nginx.conf`, configuration);
      const flags = ["-p", folder, "-e", "stderr", "-c", `${folder}/nginx.conf`];
      await using _nginx = launch("nginx", ...flags, "-g", "daemon off; master_process off;");
      const url = `http://127.0.0.1:${port}/`;
      assertMatch(
        await answerOf(url, "-H", "X-Forwarded-For: 1.2.3.4"),
        /\r\n\r\nHello over a Unix socket, 127\.0\.0\.1\n$/,
      );
      const tooLong = ["-X", "POST", "-H", "Expect:", "-H", "Content-Length: 9000000"];
      assertMatch(await curl(...tooLong, "-d", "a", url), /^HTTP\/1\.1 413 /);
      example.kill("SIGTERM");
      assertEquals((await example.status).code, 0);
      assertMatch(await curl(url), /^HTTP\/1\.1 502 /);
    });
  },
);

testWith("curl", "examples/access_log.ts", async () => {
  const { example, origin } = await launchDocumented("access_log.ts", ["0"]);
  await using _ = example;
  await curl("-A", 'a"b', `${origin}/a?b`);
  await example.line(/^127\.0\.0\.1 - - \[.*\] "GET \/a\?b HTTP\/1\.1" 404 10 "-" "a\\x22b"$/);
  await curl("-H", "Host: a/b", `${origin}/`);
  await example.line(/^127\.0\.0\.1 - - \[.*\] "GET \/ HTTP\/1\.1" 400 \d+ "-" ".*"$/);
});

testWith("curl", "examples/access_log.ts: json", async () => {
  const { example, origin } = await launchDocumented("access_log.ts", ["0", "json"]);
  await using _ = example;
  await curl("-A", 'a"b', `${origin}/a?b`);
  const [line] = await example.line(/^\{.*"target":"\/a\?b".*\}$/);
  const { status, userAgent } = JSON.parse(line!);
  assertEquals([status, userAgent], [404, 'a"b']);
});

testWith("curl", "examples/reverse_proxy.ts", async () => {
  const received: string[] = [];
  await servingWell(async (request) => {
    received.push(`${request.method} ${request.target} ${request.body}`);
    for (const name of ["connection", "x-hop", "expect"]) {
      received.push(`${name}: ${request.headers.get(name)}`);
    }
    for (const [name, value] of request.headers) {
      if (/forwarded|real/.test(name)) received.push(`${name}: ${value}`);
    }
    await request.respond(201, "made\n", { "X-Answer": "a", "Keep-Alive": "timeout=5" });
  }, async (port) => {
    const to = `http://127.0.0.1:${port}`;
    const { example, origin } = await launchDocumented("reverse_proxy.ts", ["0", to]);
    await using _ = example;
    const fields = [
      "X-Hop: 1",
      "Connection: X-Hop",
      "X-Forwarded-For: 6.6.6.6",
      "X-Forwarded-Proto: https",
      "X-Forwarded-Port: 443",
      "X-Real-IP: 6.6.6.6",
      "Forwarded: for=6.6.6.6;proto=https",
      "Expect: 100-continue",
    ];
    const answer = await curl(
      ...fields.flatMap((field) => ["-H", field]),
      "-d",
      "body",
      `${origin}/a%20b?c`,
    );
    assertMatch(answer, /HTTP\/1\.1 201 Created\r\n[^]*\r\nx-answer: a\r\n[^]*\r\nmade\n$/i);
    assert(!/timeout=5/.test(answer), answer);
    assertEquals(received, [
      "POST /a%20b?c body",
      "connection: null",
      "x-hop: null",
      "expect: null",
      "x-forwarded-for: 127.0.0.1",
      `x-forwarded-host: ${new URL(origin).host}`,
      "x-forwarded-proto: http",
    ]);
  });
  // Nothing listens on port 1.
  const { example, origin } = await launchDocumented("reverse_proxy.ts", [
    "0",
    "http://127.0.0.1:1",
  ]);
  await using _ = example;
  assertMatch(await curl(`${origin}/`), /^HTTP\/1\.1 502 /);
});

Deno.test("examples/unit_test.ts passes without any permission", async () => {
  const { flags } = documented("unit_test.ts");
  assertEquals(flags, ["test"]);
  const path = fileURLToPath(new URL("unit_test.ts", EXAMPLES));
  const { code, stdout } = await run(Deno.execPath(), ...flags, "--no-prompt", path);
  assertEquals(code, 0, stdout);
  assertStringIncludes(stdout, "3 passed");
});

testWith(["curl", "127.0.0.0/8"], "examples/rate_limit.ts", async () => {
  // So slowly that no token comes back while the test runs.
  const { example, origin } = await launchDocumented("rate_limit.ts", ["0", "2", "0.001"]);
  await using _ = example;
  assertMatch(await curl(`${origin}/`), /^HTTP\/1\.1 200 /);
  assertMatch(await curl(`${origin}/`), /^HTTP\/1\.1 200 /);
  const [, seconds] = /^HTTP\/1\.1 429 [^]*\r\nRetry-After: (\d+)\r\n/.exec(
    await curl(`${origin}/`),
  )!;
  assert(Number(seconds) > 900 && Number(seconds) <= 1000, seconds);
  assertMatch(await curl("--interface", "127.0.0.2", `${origin}/`), /^HTTP\/1\.1 200 /);
});

Deno.test("examples/rate_limit.ts: a network of IPv6 is one client, however its addresses are written", async () => {
  await withFolder(async (folder) => {
    // The addresses of clients come in a header of the PROXY protocol.
    const text = await Deno.readTextFile(new URL("rate_limit.ts", EXAMPLES));
    const options = 'new AsyncHttpServer({ proxyProtocol: { from: ["127.0.0.1"] } })';
    const program = `${folder}/rate_limit.ts`;
    await Deno.writeTextFile(program, text.replace("new AsyncHttpServer()", options));
    const config = fileURLToPath(new URL("../deno.json", EXAMPLES));
    const flags = ["--no-lock", "--config", config, "--allow-net"];
    await using example = launch(Deno.execPath(), "run", ...flags, program, "0", "1", "0.001");
    const [, port] = await example.line(/^Listening on http:\/\/127\.0\.0\.1:(\d+)\/$/);
    const statusFor = async (client: string) => {
      const header = `PROXY TCP6 ${client} 2001:db8::1 5000 80\r\n`;
      return (await exchangeBytes(Number(port), header + LAST_GET)).slice(9, 12);
    };
    const statuses: [client: string, status: string][] = [
      ["2001:db8::1", "200"],
      ["2001:db8::2", "429"],
      ["2001:db8::a:b:c:d", "429"],
      ["2001:db8:0:0:a:b:c:d", "429"],
      ["2001:db8:0:1::1", "200"],
      ["2001:db8:0:1:a::", "429"],
      ["::1", "200"],
      ["::2", "429"],
      ["1::", "200"],
    ];
    for (const [client, status] of statuses) assertEquals(await statusFor(client), status, client);
  });
});

testWith("curl", "examples/gzip.ts", async () => {
  const { example, origin } = await launchDocumented("gzip.ts", ["0"]);
  await using _ = example;
  const compressed = await curl("--compressed", `${origin}/`);
  assertMatch(compressed, /\r\ncontent-encoding: gzip\r\n[^]*\r\netag: W\/"hello"\r\n/);
  assertEquals(compressed.split("\r\n\r\n")[1], "Hello, World!\n".repeat(1000));
  for (const accepted of ["identity", "gzip;q=0", "gzip;q=0, *", "br"]) {
    const plain = await curl("-H", `Accept-Encoding: ${accepted}`, `${origin}/`);
    assert(!/content-encoding/i.test(plain), plain);
    assertMatch(plain, /\r\nvary: accept-encoding\r\n/i);
    assertEquals(plain.split("\r\n\r\n")[1], "Hello, World!\n".repeat(1000));
  }
});

testWith(
  "curl",
  "examples/cores.ts: both workers answer, and know the requests of all",
  async () => {
    const { example, origin } = await launchDocumented("cores.ts", ["0", "2"]);
    await using _ = example;
    const seen = new Set<string>();
    // The kernel shares the connections by a hash of their ports: 50 to one of two is 1 in 10^15.
    for (let i = 0; i < 50 && seen.size < 2; i++) {
      const [, worker] = /\r\n\r\nHello from worker (\d)\n$/.exec(await curl(`${origin}/`))!;
      seen.add(worker!);
    }
    assertEquals([...seen].sort(), ["1", "2"]);
    const [, body] = (await curl(`${origin}/stats`)).split("\r\n\r\n");
    assertEquals(JSON.parse(body!).workers.length, 2);
  },
);

testWith("curl", "examples/timeouts.ts", async () => {
  const { example, origin } = await launchDocumented("timeouts.ts", ["0", "1000"]);
  await using _ = example;
  assertMatch(await curl(`${origin}/?ms=1`), /\r\n\r\nDone after 1 ms\n$/);
  const late = await curl(`${origin}/?ms=600000`);
  assertMatch(late, /^HTTP\/1\.1 503 [^]*\r\nRetry-After: 10\r\n/);
  await example.line(/^Given up: \/\?ms=600000$/);
});

testWith("curl", "examples/cors.ts", async () => {
  const page = "http://localhost:3000";
  const { example, origin } = await launchDocumented("cors.ts", ["0", page]);
  await using _ = example;
  const allowed = /\r\nAccess-Control-Allow-Origin: http:\/\/localhost:3000\r\n/;
  assertMatch(await curl("-H", `Origin: ${page}`, `${origin}/`), allowed);
  for (const other of ["http://localhost:30000", "http://evil.example", "null"]) {
    const answer = await curl("-H", `Origin: ${other}`, `${origin}/`);
    assert(!/Access-Control/.test(answer), answer);
    assertMatch(answer, /\r\nVary: Origin\r\n/);
  }
  const preflight = ["-X", "OPTIONS", "-H", "Access-Control-Request-Method: PUT", `${origin}/`];
  const answer = await curl("-H", `Origin: ${page}`, ...preflight);
  assertMatch(answer, /^HTTP\/1\.1 204 /);
  assertMatch(answer, allowed);
  assertMatch(answer, /\r\nAccess-Control-Allow-Methods: GET, PUT\r\n/);
});

testWith("curl", "examples/error_pages.ts", async () => {
  const { example, origin } = await launchDocumented("error_pages.ts", ["0"]);
  await using _ = example;
  const html = "\r\nContent-Type: text/html; charset=utf-8\r\n";
  const pages = [
    [["/a%3Cb&c"], 404, "<p>There is no /a%3Cb&#38;c</p>"],
    [["/fail"], 500, "<p>Please try again later</p>"],
    [["/", "-H", "Host: a/b"], 400, "<p>The request was refused: bad-host</p>"],
  ] as const;
  for (const [[path, ...args], status, text] of pages) {
    const page = await curl(origin + path, ...args);
    assertMatch(page, new RegExp(`^HTTP/1\\.1 ${status} `));
    assertStringIncludes(page, html);
    assertStringIncludes(page, text);
  }
  await example.line(/^\/fail failed: Error: The page does not show this$/);
});

testWith("curl", "examples/hono_middlewares.ts: each of the eight shows", async () => {
  const { example, origin } = await launchDocumented("hono_middlewares.ts", ["0"]);
  await using _ = example;
  const page = await curl("--compressed", "-H", "Origin: http://localhost:3000", `${origin}/`);
  const expected = [
    /\r\nx-request-id: [\da-f-]{36}\r\n/,
    /\r\nx-frame-options: SAMEORIGIN\r\n/,
    /\r\naccess-control-allow-origin: http:\/\/localhost:3000\r\n/,
    /\r\ncontent-encoding: gzip\r\n/,
    /\r\netag: W\/"[\da-f]+"\r\n/,
  ];
  for (const pattern of expected) assertMatch(page, pattern);
  assertEquals(page.split("\r\n\r\n")[1], "Hello, World!\n".repeat(200));
  await example.line(/--> GET \/ .*200/);
  const [, tag] = /\r\netag: (?:W\/)?("[^"]+")/.exec(await curl(`${origin}/`))!;
  assertMatch(await curl("-H", `If-None-Match: ${tag}`, `${origin}/`), /^HTTP\/1\.1 304 /);
  assertMatch(await curl("-d", "hello", `${origin}/echo`), /\r\n\r\nhello$/);
  const large = await curl("-d", "x".repeat(10_001), `${origin}/echo`);
  assertMatch(large, /^HTTP\/1\.1 413 [^]*\{"error":"Too large"\}$/);
  assertMatch(await curl(`${origin}/slow`), /^HTTP\/1\.1 504 /);
});
