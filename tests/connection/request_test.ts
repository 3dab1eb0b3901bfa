/** What a handler reads from a request. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { GET } from "../fixtures.ts";
import type { Request } from "../../src/connection/request.ts";
import { AsyncHttpServer } from "@asynchttp/server";
import { converse } from "./harness.ts";
import { ScriptedConn } from "./scripted_conn.ts";

Deno.test("request: all its properties", async () => {
  await converse([
    "PoST //a/b?c=d HTTP/1.1\r\nHost: example.com:81\r\nX-A: 1\r\nx-a:  2 \r\nContent-Length: 3\r\n\r\n\xff\xfea",
  ], async (request) => {
    assertEquals(request.reqMethod, "PoST");
    assertEquals(request.method, "PoST");
    assertEquals(request.target, "//a/b?c=d");
    assertEquals(request.url.href, "http://example.com:81//a/b?c=d");
    assert(request.url === request.url);
    assertEquals(request.protocol, { orig: "HTTP/1.1", major: 1, minor: 1 });
    assertEquals(request.headers.get("x-a"), "1, 2");
    assert(request.headers === request.headers);
    assertEquals(request.rawHeaders, [
      ["Host", "example.com:81"],
      ["X-A", "1"],
      ["x-a", "2"],
      ["Content-Length", "3"],
    ]);
    assertEquals(request.hostname, "192.0.2.1");
    assertEquals(request.remoteAddr, { transport: "tcp", hostname: "192.0.2.1", port: 54_321 });
    assertEquals(request.bytes, new Uint8Array([0xff, 0xfe, 0x61]));
    assertEquals(request.body, "\ufffd\ufffda");
    await request.respond(200);
  });
});

Deno.test("request: hostname of an IPv4 client on an IPv6 listener is its IPv4 address", async () => {
  for (
    const [system, hostname] of [
      ["::ffff:127.0.0.1", "127.0.0.1"],
      ["::FFFF:192.0.2.1", "192.0.2.1"],
      ["::1", "::1"],
      ["::ffff:c000:201", "::ffff:c000:201"],
    ] as const
  ) {
    const conn = new ScriptedConn([GET]);
    const remoteAddr: Deno.NetAddr = { transport: "tcp", hostname: system, port: 1 };
    Object.defineProperty(conn, "remoteAddr", { value: remoteAddr });
    const seen: string[] = [];
    await using server = new AsyncHttpServer();
    await server.serveConnection(conn, (request) => {
      seen.push(request.hostname, request.remoteAddr === remoteAddr ? "as it is" : "changed");
      return request.respond(200);
    });
    assertEquals(seen, [hostname, "as it is"]);
  }
});

Deno.test("request: the URL of HTTP/1.0 without Host has the local address", async () => {
  let href = "";
  await converse(["GET /a HTTP/1.0\r\n\r\n"], (request) => {
    href = request.url.href;
    return request.respond(200);
  });
  assertEquals(href, "http://127.0.0.1:8080/a");
});

Deno.test("request: protocol is shared and frozen", async () => {
  for (const minor of [0, 1, 5]) {
    const orig = `HTTP/1.${minor}`;
    for (let i = 0; i < 2; i++) {
      const { errors } = await converse([GET.replace("HTTP/1.1", orig)], (request) => {
        assertEquals(request.protocol, { orig, major: 1, minor });
        assertThrows(() => Object.assign(request.protocol, { minor: 9 }), TypeError);
        return request.respond(200);
      });
      assertEquals(errors, []);
    }
  }
});

Deno.test("request: stays readable after its response, whatever arrives later", async () => {
  const kept: Request[] = [];
  const head = (i: number) => `GET /${i} HTTP/1.1\r\nHost: x\r\nX-Number: ${"n".repeat(i)}\r\n\r\n`;
  const script = Array.from({ length: 200 }, (_, i) => head(i));
  await converse(script, (request) => {
    kept.push(request);
    return request.respond(200);
  });
  assertEquals(kept.length, 200);
  kept.forEach((request, i) => {
    assertEquals(request.target, `/${i}`);
    assertEquals(request.headers.get("x-number"), "n".repeat(i));
  });
});
