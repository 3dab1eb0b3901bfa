import { assertEquals } from "@std/assert";
import { requestAllowsReuse } from "../../src/wire/request_framing.ts";
import { testRows } from "./runners.ts";
import type { Row } from "./runners.ts";

/** Connection (RFC 9112, 9.3): the minor version, the lines, whether the connection may persist. */
const persistence: readonly (readonly [minor: number, lines: string, persistent: boolean])[] = [
  [1, "", true],
  [1, "Connection: keep-alive", true],
  [1, "Connection: close", false],
  [1, "Connection: CLOSE", false],
  [1, "connection:close", false],
  [1, "Connection: close, keep-alive", false],
  [1, "Connection: keep-alive, close", false],
  [1, "Connection: keep-alive\t ,\t close", false],
  [1, "Connection: keep-alive\r\nConnection: close", false],
  [1, "Connection: close\r\nConnection: keep-alive", false],
  [1, "Connection: ,close,", false],
  [1, "Connection: x, close", false],
  [1, "Connection: closed", true],
  [1, "Connection: xclose", true],
  [1, 'Connection: "close"', true],
  [1, "Connection: clo se", true],
  [1, "Connection: close\xa0", true],
  [1, "Connection: close\x85, x", true],
  [1, "Connection:", true],
  [1, "Connection: upgrade", true],
  [1, "Connections: close", true],
  [1, "Xonnection: close", true],
  [1, "Proxy-Connection: close", true],
  [2, "", true],
  [2, "Connection: close", false],
  [0, "", false],
  [0, "Connection:", false],
  [0, "Connection: keep-alive", true],
  [0, "Connection: Keep-Alive", true],
  [0, "Connection: x, keep-alive", true],
  [0, "Connection: x\r\nConnection: keep-alive", true],
  [0, "Connection: keep-alive, close", false],
  [0, "Connection: keepalive", false],
  [0, "Connection: close", false],
  [0, "Proxy-Connection: keep-alive", false],
];

testRows(persistence.map(([minor, lines, persistent]): Row => ({
  title: `RFC 9112, 9.3: HTTP/1.${minor} with ${JSON.stringify(lines)} ${
    persistent ? "persists" : "closes"
  }`,
  bytes: `GET / HTTP/1.${minor}\r\nHost: h\r\n${lines}${lines && "\r\n"}\r\n`,
  events: [`GET / HTTP/1.${minor}`, "end"],
  facts: { persistent },
})));

/** Expect (RFC 9110, 10.1.1): the minor version, the lines, whether the client expects 100 Continue. */
const expectations: readonly (readonly [minor: number, lines: string, awaited: boolean])[] = [
  [1, "Expect: 100-continue", true],
  [1, "expect:100-CONTINUE", true],
  [1, "Expect: \t100-Continue ", true],
  [2, "Expect: 100-continue", true],
  [1, "X-Expect: 100-continue", false],
  [1, "Expekt: 100-continue", false],
  [0, "Expect: 100-continue", false],
  [0, "Expect: 100-continue\r\nConnection: keep-alive", false],
  [0, "Expect: nonsense", false],
];

testRows(expectations.flatMap(([minor, lines, awaited]): Row[] => [
  {
    title: `RFC 9110, 10.1.1: HTTP/1.${minor} with ${JSON.stringify(lines)} and a body`,
    bytes: `PUT / HTTP/1.${minor}\r\nHost: h\r\nContent-Length: 1\r\n${lines}\r\n\r\na`,
    events: [`PUT / HTTP/1.${minor}`, "data a", "end"],
    facts: { expectsContinue: awaited },
  },
  {
    title: `RFC 9110, 10.1.1: HTTP/1.${minor} with ${JSON.stringify(lines)} and an empty body`,
    bytes: `PUT / HTTP/1.${minor}\r\nHost: h\r\n${lines}\r\nContent-Length: 0\r\n\r\n`,
    events: [`PUT / HTTP/1.${minor}`, "end"],
    facts: { expectsContinue: false },
  },
  {
    title: `RFC 9110, 10.1.1: HTTP/1.${minor} with ${JSON.stringify(lines)} and no length`,
    bytes: `GET / HTTP/1.${minor}\r\nHost: h\r\n${lines}\r\n\r\n`,
    events: [`GET / HTTP/1.${minor}`, "end"],
    facts: { expectsContinue: false },
  },
]));

testRows([
  "Expect: 101-continue",
  "Expect: 100-continued",
  "Expect: 100-continue, x",
  "Expect: 100-continue, 100-continue",
  "Expect: 100-continue\r\nExpect: 100-continue",
  "Expect: 100-continue;a=b",
  "Expect: 100-continue\xa0",
  "Expect: x=y",
  "Expect:",
].flatMap((lines): Row[] => [
  {
    title: `RFC 9110, 10.1.1: ${JSON.stringify(lines)} is refused`,
    bytes: `PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n${lines}\r\n\r\na`,
    events: ["417 expectation-failed"],
  },
  {
    title: `RFC 9110, 10.1.1: ${JSON.stringify(lines)} is refused without a body too`,
    bytes: `GET / HTTP/1.1\r\nHost: h\r\n${lines}\r\n\r\n`,
    events: ["417 expectation-failed"],
  },
]));

testRows([
  {
    title: "RFC 9110, 10.1.1: 100-continue with a chunked body",
    bytes:
      "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
    events: ["PUT / HTTP/1.1", "data a", "end"],
    facts: { expectsContinue: true, body: "chunked" },
  },
]);

/** Upgrade (RFC 9110, 7.8): the minor version, the lines, the offered protocols. */
const upgrades: readonly (readonly [minor: number, lines: string, upgrade: string | null])[] = [
  [1, "Connection: upgrade\r\nUpgrade: websocket", "websocket"],
  [1, "Upgrade: websocket\r\nConnection: Upgrade", "websocket"],
  [1, "connection: keep-alive, UPGRADE\r\nupgrade: WebSocket", "WebSocket"],
  [1, "Connection: upgrade\r\nUpgrade: a/1, b/2", "a/1, b/2"],
  [1, "Connection: upgrade\r\nUpgrade: a\r\nUpgrade: b", "a, b"],
  [1, "Connection: x\r\nConnection: upgrade\r\nUpgrade: a", "a"],
  [2, "Connection: upgrade\r\nUpgrade: a", "a"],
  [1, "Connection: upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x", null],
  [1, "Connection: upgrade\r\nUpgrade: H2C", null],
  [1, "Connection: upgrade\r\nUpgrade: h2c, websocket", "websocket"],
  [1, "Connection: upgrade\r\nUpgrade: websocket,h2c", "websocket"],
  [1, "Connection: upgrade\r\nUpgrade: h2c, h2c", null],
  [1, "Connection: upgrade\r\nUpgrade: h2", "h2"],
  [1, "Connection: upgrade\r\nUpgrade:", null],
  [1, "Connection: upgrade\r\nUpgrade: , ,", null],
  [1, "Connection: upgrade\r\nUpgrade: a b, c/1/2, d/", "c/1/2"],
  [1, "Connection: upgrade", null],
  [1, "Upgrade: websocket", null],
  [1, "Connection: keep-alive\r\nUpgrade: websocket", null],
  [1, "Connection: upgraded\r\nUpgrade: websocket", null],
  [1, "Connection: upgrade\r\nUpgrad3: websocket", null],
  [0, "Connection: upgrade\r\nUpgrade: websocket", null],
];

testRows(upgrades.map(([minor, lines, upgrade]): Row => ({
  title: `RFC 9110, 7.8: HTTP/1.${minor} with ${JSON.stringify(lines)} offers ${upgrade}`,
  bytes: `GET / HTTP/1.${minor}\r\nHost: h\r\n${lines}\r\n\r\n`,
  events: [`GET / HTTP/1.${minor}`, "end"],
  facts: { upgrade, persistent: minor > 0 },
})));

testRows([
  {
    title: "hardening 21: the body of a request that offers an upgrade is read first",
    bytes:
      "PUT / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: x\r\nContent-Length: 2\r\n\r\nab",
    events: ["PUT / HTTP/1.1", "data ab", "end"],
    facts: { upgrade: "x", body: 2 },
  },
  {
    title: "hardening 21: the body of a CONNECT is read first",
    bytes: "CONNECT h:1 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab",
    events: ["CONNECT h:1 HTTP/1.1", "data ab", "end"],
    facts: { form: "authority", body: 2 },
  },
  {
    title: "RFC 9112, 9.3.2: requests come out in their order",
    bytes: "GET /a HTTP/1.1\r\nHost: h\r\n\r\n" +
      "PUT /b HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nb" +
      "PUT /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nc\r\n0\r\n\r\n" +
      "GET /d HTTP/1.1\r\nHost: h\r\n\r\n",
    events: [
      "GET /a HTTP/1.1",
      "end",
      "PUT /b HTTP/1.1",
      "data b",
      "end",
      "PUT /c HTTP/1.1",
      "data c",
      "end",
      "GET /d HTTP/1.1",
      "end",
    ],
    facts: { fields: [["Host", "h"]], url: "http://h/a" },
  },
  {
    title: "hardening 34: a bad request after a good one ends the input",
    bytes: "GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b\r\nGET /c HTTP/1.1\r\nHost: h\r\n\r\n",
    events: ["GET /a HTTP/1.1", "end", "400 bad-request-line"],
  },
]);

/** The method, whether the client persists, what it offers to upgrade to, whether another request may follow. */
const REUSE: readonly (readonly [string, boolean, string | null, boolean])[] = [
  ["GET", true, null, true],
  ["GET", false, null, false],
  ["GET", true, "websocket", false],
  ["CONNECT", true, null, false],
];

for (const [method, persistent, upgrade, allowed] of REUSE) {
  Deno.test(
    `RFC 9110, 7.8: another request ${allowed ? "may" : "must not"} follow ${method}, ${
      persistent ? "persistent" : "last"
    }, upgrade ${upgrade}`,
    () => {
      assertEquals(requestAllowsReuse({ framing: { persistent, upgrade }, method }), allowed);
    },
  );
}
