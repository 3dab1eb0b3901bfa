/** hardening 51 and 52: connections that proxies forward, in memory. The client has 192.0.2.1. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { fetchHandler } from "@asynchttp/server";
import type { AsyncHttpServerOptions, Handler } from "@asynchttp/server";
import { resolveOptions } from "../../src/server/options.ts";
import { GET } from "../fixtures.ts";
import { block, checkedBlock } from "../wire/proxy_headers.ts";
import { converse, NOW, refused, response, settle, start } from "./harness.ts";
import { EOF, RESET, STALL } from "./scripted_conn.ts";
import type { Step } from "./scripted_conn.ts";

const LINE = "PROXY TCP4 198.51.100.7 203.0.113.1 4711 443\r\n";
const LAST_GET = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

const PROXY: AsyncHttpServerOptions = { proxyProtocol: { from: ["192.0.2.0/24"] } };
const OTHER: AsyncHttpServerOptions = { proxyProtocol: { from: ["198.51.100.0/24", "unix"] } };

function addr(address: Deno.Addr): string {
  if (address.transport === "unix") return `unix:${address.path}`;
  return "hostname" in address ? `${address.hostname} ${address.port}` : address.transport;
}

/** Answers with what it knows about its client. */
const who: Handler = (request) => {
  const { remoteAddr, localAddr, peerAddr, client } = request;
  const addresses = [remoteAddr, localAddr, peerAddr, client.remoteAddr].map(addr);
  return request.respond(200, [...addresses, request.hostname, request.url.href].join(", "));
};

/** What `who` has answered. */
async function answered(script: readonly Step[], options: AsyncHttpServerOptions): Promise<string> {
  const { output, errors } = await converse(script, who, options);
  assertEquals(errors, []);
  assert(output.startsWith("HTTP/1.1 200 OK\r\n"), output);
  return output.split("\r\n\r\n").at(-1)!;
}

const PEER = "192.0.2.1 54321";
const LOCAL = "127.0.0.1 8080";
const DIRECT = `${PEER}, ${LOCAL}, ${PEER}, ${PEER}, 192.0.2.1, http://x/`;
const PROXIED =
  `198.51.100.7 4711, 203.0.113.1 443, ${PEER}, 198.51.100.7 4711, 198.51.100.7, http://x/`;

Deno.test("proxyProtocol: the header names both ends, however it arrives", async () => {
  const sent = LINE + LAST_GET;
  assertEquals(await answered([sent], PROXY), PROXIED);
  assertEquals(await answered([...sent], PROXY), PROXIED);
  for (let at = 1; at < sent.length; at++) {
    assertEquals(await answered([sent.slice(0, at), sent.slice(at)], PROXY), PROXIED);
  }
});

Deno.test("proxyProtocol: version 2, with and without a checksum", async () => {
  const said = `192.0.2.1 1000, 198.51.100.2 443, ${PEER}, 192.0.2.1 1000, 192.0.2.1, http://x/`;
  assertEquals(await answered([block() + LAST_GET], PROXY), said);
  assertEquals(await answered([...checkedBlock({}) + LAST_GET], PROXY), said);
});

Deno.test("proxyProtocol: a client on a Unix socket of the proxy has no IP address", async () => {
  const addresses = "/run/a".padEnd(108, "\0") + "/run/b".padEnd(108, "\0");
  const header = block({ family: 0x31, addresses });
  const said = `unix:/run/a, unix:/run/b, ${PEER}, unix:/run/a, , http://x/`;
  assertEquals(await answered([header + LAST_GET], PROXY), said);
});

Deno.test("proxyProtocol: LOCAL and UNKNOWN keep the socket's addresses", async () => {
  const own = [block({ command: 0x20, family: 0, addresses: "" }), "PROXY UNKNOWN\r\n"];
  for (const header of own) assertEquals(await answered([header + LAST_GET], PROXY), DIRECT);
});

Deno.test("proxyProtocol: the header comes once, and all requests behind it are of that client", async () => {
  const { output } = await converse([LINE + GET + GET, GET, LINE, EOF], who, PROXY);
  assertEquals(output.split(PROXIED).length, 4);
  assert(output.includes("HTTP/1.1 400 Bad Request\r\n"), output);
});

Deno.test("proxyProtocol: a body behind the header arrives whole", async () => {
  const body = "x".repeat(100_000);
  const sent = `${LINE}PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const handler: Handler = (request) => request.respond(200, `${request.body === body}`);
  for (const script of [[sent, EOF], [LINE, sent.slice(LINE.length), EOF]] as Step[][]) {
    const { output } = await converse(script, handler, PROXY);
    assertEquals(output, response("200 OK", "true"));
  }
});

Deno.test("proxyProtocol: from other addresses nothing is read as a header", async () => {
  assertEquals(await answered([LAST_GET], OTHER), DIRECT);
  const { output, counters } = await converse([LINE + LAST_GET, EOF], who, OTHER);
  assertEquals(counters.rejections, { "bad-request-line": 1 });
  assert(output.startsWith("HTTP/1.1 400 "));
});

Deno.test("proxyProtocol: anything else from a proxy is 400, and nothing behind it is read", async () => {
  const begin = "PROXY protocol: A connection from a proxy must begin with one (2)";
  for (const sent of [GET, "\x16\x03\x01\x02\0\x01", LINE.toLowerCase()]) {
    const { output, counters, errors } = await converse([sent + GET, EOF], who, PROXY);
    assertEquals(output, refused("400 Bad Request", begin));
    assertEquals(counters.rejections, { "bad-proxy-header": 1 });
    assertEquals([counters.requests, errors], [0, []]);
  }
  const cut = await converse([LINE.slice(0, 20), EOF], who, PROXY);
  assertEquals(
    cut.output,
    refused("400 Bad Request", "PROXY protocol: The connection ended within the header"),
  );
});

Deno.test("proxyProtocol: onReject gets the proxy's address", async () => {
  const seen: string[] = [];
  const onReject: AsyncHttpServerOptions["onReject"] = (error, { remoteAddr, peerAddr }) => {
    seen.push(error.code, addr(remoteAddr), addr(peerAddr));
  };
  await converse([GET, EOF], who, { ...PROXY, onReject });
  await converse([LINE + "GET / HTTP/1.1\r\n\r\n", EOF], who, { ...PROXY, onReject });
  const first = ["bad-proxy-header", PEER, PEER];
  assertEquals(seen, [...first, "bad-host", "198.51.100.7 4711", PEER]);
});

Deno.test("proxyProtocol: a peer that closes or resets without a request is no error", async () => {
  const own = block({ command: 0x20, family: 0, addresses: "" });
  for (const script of [[EOF], [own, EOF], [RESET], [LINE.slice(0, 9), RESET]] as Step[][]) {
    const { output, errors, counters } = await converse(script, who, PROXY);
    assertEquals([output, errors, counters.rejections], ["", [], {}]);
  }
});

Deno.test("proxyProtocol: timeouts.head bounds the header and the first head together", async () => {
  for (const begun of [[], [LINE.slice(0, 9)], [LINE]]) {
    const run = start([...begun, STALL], who, PROXY);
    await settle();
    run.clock.tick(NOW + 29_000);
    await settle();
    assertEquals(run.conn.closed, false);
    run.clock.tick(NOW + 31_000);
    await run.done;
    assertEquals([run.conn.closed, run.conn.output, run.errors], [true, "", []]);
  }
});

Deno.test("proxyProtocol: a connection that waits for its header is idle: the server may close it", async () => {
  const run = start([LINE.slice(0, 9), STALL], who, PROXY);
  await settle();
  assertEquals(run.connection.isIdle, true);
  run.connection.disableKeepAlive();
  await run.done;
  assertEquals([run.conn.closed, run.errors], [true, []]);
});

const FORWARDED: AsyncHttpServerOptions = {
  forwarded: { from: ["192.0.2.0/24"], header: "x-forwarded" },
};
const RFC7239: AsyncHttpServerOptions = {
  forwarded: { from: ["192.0.2.0/24"], header: "forwarded" },
};

function get(...fields: string[]): string {
  return ["GET /a HTTP/1.1", "Host: inner:8080", ...fields, "Connection: close", "", ""].join(
    "\r\n",
  );
}

const FIELDS = [
  "X-Forwarded-For: 1.1.1.1, 198.51.100.7, 192.0.2.9",
  "X-Forwarded-Proto: https",
  "X-Forwarded-Host: example.com",
];
const ELEMENT = 'Forwarded: for=1.1.1.1, for="[2001:DB8::1]:99";proto=https;host=example.com';

Deno.test("forwarded: the fields of a trusted peer name client, scheme and host", async () => {
  const socket = `${LOCAL}, ${PEER}, ${PEER}`;
  assertEquals(
    await answered([get(...FIELDS)], FORWARDED),
    `198.51.100.7 0, ${socket}, 198.51.100.7, https://example.com/a`,
  );
  assertEquals(
    await answered([get(ELEMENT)], RFC7239),
    `2001:db8::1 99, ${socket}, 2001:db8::1, https://example.com/a`,
  );
  assertEquals(
    await answered([get("X-Forwarded-For: ::ffff:1.2.3.4")], FORWARDED),
    `::ffff:1.2.3.4 0, ${socket}, 1.2.3.4, http://inner:8080/a`,
  );
});

Deno.test("forwarded: nothing is believed by default, of others, or of the other family", async () => {
  const direct = DIRECT.replace("http://x/", "http://inner:8080/a");
  const sent = [get(...FIELDS, ELEMENT)];
  assertEquals(await answered(sent, {}), direct);
  const others = { from: ["10.0.0.0/8", "unix"] };
  assertEquals(await answered(sent, { forwarded: { ...others, header: "forwarded" } }), direct);
  assertEquals(await answered(sent, { forwarded: { ...others, header: "x-forwarded" } }), direct);
  assertEquals(await answered([get(...FIELDS)], RFC7239), direct);
  assertEquals(await answered([get(ELEMENT)], FORWARDED), direct);
  assertEquals(await answered([get()], FORWARDED), direct);
});

Deno.test("forwarded: each request of a connection has a client of its own, also when it was answered", async () => {
  const clients: (() => string)[] = [];
  const handler: Handler = (request) => {
    clients.push(() => `${request.hostname} ${request.url.host}`);
    return request.respond(200);
  };
  const line = (host: number) =>
    `GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 1.1.1.${host}\r\nX-Forwarded-Host: h${host}\r\n\r\n`;
  await converse([line(1) + line(1) + line(2) + GET, EOF], handler, FORWARDED);
  assertEquals(clients.map((each) => each()), [
    "1.1.1.1 h1",
    "1.1.1.1 h1",
    "1.1.1.2 h2",
    "192.0.2.1 x",
  ]);
});

Deno.test("forwarded: a field that cannot be read is 400, and the handler is not called", async () => {
  const { output, counters } = await converse(
    [get("X-Forwarded-For: nonsense"), EOF],
    who,
    FORWARDED,
  );
  assertEquals(
    output,
    refused("400 Bad Request", 'X-Forwarded-For must have IP addresses: got "nonsense"'),
  );
  assertEquals(counters.rejections, { "bad-forwarded": 1 });
});

Deno.test("forwarded: behind the PROXY protocol the address of the header is the peer", async () => {
  const forwarded = { from: ["198.51.100.7"], header: "x-forwarded" as const };
  const sent = [LINE + get("X-Forwarded-For: 1.1.1.1, 203.0.113.9")];
  assertEquals(
    await answered(sent, { ...PROXY, forwarded }),
    `203.0.113.9 0, 203.0.113.1 443, ${PEER}, 198.51.100.7 4711, 203.0.113.9, http://inner:8080/a`,
  );
  // The proxy itself is not trusted with fields.
  const both = { ...PROXY, forwarded: { ...forwarded, from: ["192.0.2.1"] } };
  assertEquals(await answered(sent, both), PROXIED.replace("x/", "inner:8080/a"));
});

Deno.test("forwarded: fetchHandler's request and info follow", async () => {
  const handler = fetchHandler((request, { remoteAddr, peerAddr }) =>
    new Response([request.url, addr(remoteAddr), addr(peerAddr)].join(", "))
  );
  const { output } = await converse([get(...FIELDS)], handler, FORWARDED);
  assertEquals(
    output.split("\r\n\r\n").at(-1),
    `https://example.com/a, 198.51.100.7 0, ${PEER}`,
  );
});

/** Options that are refused, and with what. */
const REFUSED: readonly (readonly [options: unknown, message: string])[] = [
  [{ proxyProtocol: true }, "Option proxyProtocol must be an object: got true"],
  [{ proxyProtocol: null }, "Option proxyProtocol must be an object: got null"],
  [{ proxyProtocol: {} }, "Option from of proxyProtocol must be an array of addresses"],
  [{ proxyProtocol: { from: [] } }, "Option from of proxyProtocol must name at least one address"],
  [{ proxyProtocol: { from: ["x"] } }, "Option from of proxyProtocol must have IP addresses"],
  [{ proxyProtocol: { from: ["::1"], form: 1 } }, "Unknown option form in option proxyProtocol"],
  [{ forwarded: [] }, 'Option header of forwarded must be "forwarded" or "x-forwarded"'],
  [{ forwarded: "10.0.0.0/8" }, "Option forwarded must be an object"],
  [
    { forwarded: { from: ["10.0.0.0/8"] } },
    'Option header of forwarded must be "forwarded" or "x-forwarded": name the fields that the proxies write',
  ],
  [{ forwarded: { from: ["::1"], header: "both" } }, 'Option header must be "forwarded" or'],
  [{ forwarded: { header: "forwarded" } }, "Option from of forwarded must be an array"],
  [{ forwarded: { from: ["10.0.0.1/8"], header: "forwarded" } }, 'write "10.0.0.0/8"'],
];

for (const [options, message] of REFUSED) {
  Deno.test(`options: refuses ${Deno.inspect(options)}`, () => {
    assertThrows(() => resolveOptions(options as AsyncHttpServerOptions), Error, message);
  });
}
