/** Real clients, and a real proxy in front of the server. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { Handler } from "@asynchttp/server";
import { freePort, launch, listening, run, servingWell, testWith, withFolder } from "./tools.ts";

const ECHO: Handler = (request) =>
  request.respond(200, `${request.method} ${request.target} ${request.bytes.length}`);

testWith("curl", "keep-alive, HEAD, HTTP/1.0, a chunked upload", async () => {
  await servingWell(ECHO, async (port, server) => {
    const url = `http://127.0.0.1:${port}`;
    const curl = async (...args: string[]) => (await run("curl", "-s", ...args)).stdout;
    assertEquals(await curl(`${url}/a`, `${url}/b?c`), "GET /a 0GET /b?c 0");
    assertEquals(server.stats().connections.accepted, 1);
    assertMatch(
      await curl("-I", url),
      /^HTTP\/1\.1 200 OK\r\nDate: .*\r\nContent-Length: 8\r\n\r\n$/,
    );
    assertEquals(await curl("--http1.0", url), "GET / 0");
    assertEquals(await curl("-d", "abc", url), "POST / 3");
    assertEquals(
      await curl("-X", "PUT", "-H", "Transfer-Encoding: chunked", "-d", "abcd", url),
      "PUT / 4",
    );
  });
});

testWith(
  "curl",
  "Expect: 100-continue, and a 413 before any byte of the body is sent",
  async () => {
    await servingWell(ECHO, async (port) => {
      const file = await Deno.makeTempFile();
      try {
        await Deno.writeFile(file, new Uint8Array(1_000_000));
        const upload = [
          "-sv",
          "-H",
          "Expect: 100-continue",
          "-T",
          file,
          `http://127.0.0.1:${port}/`,
        ];
        const { stdout, stderr } = await run("curl", ...upload);
        assertStringIncludes(stderr, "< HTTP/1.1 100 Continue");
        assertStringIncludes(stdout, "PUT /");
        await Deno.writeFile(file, new Uint8Array(1_000_001));
        const refused = await run("curl", ...upload, "-w", "%{http_code} %{size_upload}");
        assertStringIncludes(refused.stdout, "413 0");
      } finally {
        await Deno.remove(file);
      }
    }, { maxBody: 1_000_000 });
  },
);

testWith("ab", "10,000 requests over 20 keep-alive connections of HTTP/1.0", async () => {
  await servingWell(ECHO, async (port) => {
    const { stdout } = await run(
      "ab",
      "-k",
      "-q",
      "-n",
      "10000",
      "-c",
      "20",
      `http://127.0.0.1:${port}/`,
    );
    assertMatch(stdout, /Complete requests: +10000\n/);
    assertMatch(stdout, /Failed requests: +0\n/);
    assertMatch(stdout, /Keep-Alive requests: +10000\n/);
  });
});

testWith("nginx", "a proxy in front, with and without upstream keep-alive", async () => {
  await servingWell(ECHO, async (port) => {
    const front = freePort();
    await withFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/nginx.conf`, nginxConfiguration(folder, front, port));
      await using nginx = launch("/usr/sbin/nginx", "-p", folder, "-c", `${folder}/nginx.conf`);
      await listening(front);
      for (const path of ["/close/a", "/keep/a"]) {
        for (let i = 0; i < 20; i++) {
          const response = await fetch(`http://127.0.0.1:${front}${path}`, {
            method: "POST",
            body: "x".repeat(i * 1000),
          });
          assertEquals(await response.text(), `POST ${path} ${i * 1000}`);
        }
      }
      const long = await fetch(`http://127.0.0.1:${front}/keep/${"a".repeat(5000)}`);
      assertStringIncludes(await long.text(), "GET /keep/aaa");
      nginx.kill("SIGTERM");
      await nginx.status;
    });
  });
});

function nginxConfiguration(folder: string, front: number, back: number): string {
  return `
    daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
    events {}
    http {
      access_log off;
      client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder};
      uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
      large_client_header_buffers 4 16k;
      upstream back { server 127.0.0.1:${back}; keepalive 4; }
      server {
        listen 127.0.0.1:${front};
        location /close/ { proxy_pass http://back; }
        location /keep/ { proxy_pass http://back; proxy_http_version 1.1; proxy_set_header Connection ""; }
      }
    }`;
}
