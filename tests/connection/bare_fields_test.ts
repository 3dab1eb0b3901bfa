/** Responses without content, by their nature, say nothing about its length. */
import { assertEquals, assertRejects } from "@std/assert";
import type { Request } from "@asynchttp/server";
import { GET } from "../fixtures.ts";
import { converse, echoed } from "./harness.ts";
import { EOF } from "./scripted_conn.ts";

const OFFER = "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: a\r\n\r\n";
const CONNECT = "CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n";

const ROWS: readonly [
  section: string,
  sent: string,
  send: (request: Request) => Promise<unknown>,
][] = [
  ["9110, 8.6: Content-Length in 103", GET, (r) => r.inform(103, { "content-LENGTH": "1" })],
  [
    "9112, 6.1: Transfer-Encoding in 103",
    GET,
    (r) => r.inform(103, [["Transfer-Encoding", "chunked"]]),
  ],
  ["9110, 8.6: Content-Length in 101", OFFER, (r) => r.upgrade({ "Content-Length": "0" })],
  ["9112, 6.1: Transfer-Encoding in 101", OFFER, (r) => r.upgrade({ "Transfer-Encoding": "a" })],
  [
    "9110, 9.3.6: Content-Length in 200 to CONNECT",
    CONNECT,
    (r) => r.upgrade({ "Content-Length": "0" }),
  ],
];

for (const [title, sent, send] of ROWS) {
  Deno.test(`RFC ${title} is a TypeError, and nothing is sent`, async () => {
    const { output } = await converse([sent, EOF], async (request) => {
      await assertRejects(() => send(request), TypeError, "without content");
      await request.respond(403, "no");
    });
    assertEquals(
      output.replace("403 Forbidden", "200 OK"),
      echoed("no", sent === GET ? "" : "close"),
    );
  });
}
