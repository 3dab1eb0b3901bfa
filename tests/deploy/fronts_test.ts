/** nginx, HAProxy and Caddy as `deploy/` sets them up, before `examples/health.ts`. */
import { assertEquals } from "@std/assert";
import { delay } from "@std/async";
import { AsyncHttpServer } from "@asynchttp/server";
import { tlsListener } from "@asynchttp/server/tls";
import { launchExample, run, testWith, withCertificate } from "../server/tools.ts";
import { FRONTS, HAPROXY_TLS, withFront } from "./fronts.ts";
import type { Front } from "./fronts.ts";

async function statusOf(origin: string, path: string): Promise<number> {
  const response = await fetch(origin + path);
  await response.body?.cancel();
  return response.status;
}

/** Waits until the front has found out that the server is there, or gone. */
async function until(status: number, origin: string, path: string): Promise<void> {
  while (await statusOf(origin, path) !== status) await delay(20);
}

async function forwards(front: Front): Promise<void> {
  // It says no for as long as the test looks at it.
  const { example, origin: direct } = await launchExample("health.ts", "3600000");
  await using _running = example;
  await withFront(front, Number(new URL(direct).port), async (port) => {
    const origin = `http://127.0.0.1:${port}`;
    await until(200, origin, "/readyz");
    // From an address that the server does not trust, which claims to be another one.
    const forging = ["--interface", "127.0.0.2", "-H", "X-Forwarded-For: 192.0.2.1"];
    assertEquals((await run("curl", "-s", ...forging, origin)).stdout, "Hello, 127.0.0.2!\n");

    example.kill("SIGTERM");
    await until(503, direct, "/readyz");
    assertEquals([await statusOf(direct, "/healthz"), await statusOf(direct, "/")], [200, 200]);
    // A front that checks its servers stops sending; nginx passes on what the server says.
    await until(503, origin, front.program === "nginx" ? "/readyz" : "/");
  });
  example.kill("SIGTERM");
  assertEquals((await example.status).code, 0);
}

for (const front of FRONTS) {
  testWith(
    [front.program, "127.0.0.0/8"],
    `deploy/: ${front.program} forwards, and hears of readiness`,
    () => forwards(front),
  );
}

testWith(
  ["haproxy", "127.0.0.0/8"],
  "deploy/haproxy.cfg: passes TLS through, and names the client",
  async () => {
    await withCertificate(async (certFile, keyFile) => {
      const tcp = Deno.listen({ port: 0, hostname: "127.0.0.1" });
      const listener = tlsListener(tcp, {
        cert: await Deno.readTextFile(certFile),
        key: await Deno.readTextFile(keyFile),
        proxyProtocol: { from: ["127.0.0.1"] },
      });
      await using server = new AsyncHttpServer();
      const serving = server.serve(listener, (request) => request.respond(200, request.hostname));
      await withFront(HAPROXY_TLS, tcp.addr.port, async (port) => {
        const args = ["-s", "--interface", "127.0.0.2", "--cacert", certFile];
        const url = `https://localhost:${port}/`;
        const connect = ["--connect-to", `localhost:${port}:127.0.0.1:${port}`];
        assertEquals((await run("curl", ...args, ...connect, url)).stdout, "127.0.0.2");
      });
      server.close();
      await serving;
    });
  },
);
