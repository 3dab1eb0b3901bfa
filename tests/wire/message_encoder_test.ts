/** The encoders of the entry `./wire`: their bytes, their states, what they refuse, and that their parser reads it. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { RequestEncoder } from "../../src/wire/request_encoder.ts";
import type { RequestToSend } from "../../src/wire/request_encoder.ts";
import { RequestParser } from "../../src/wire/request_parser.ts";
import { ResponseEncoder } from "../../src/wire/response_encoder.ts";
import type { AnsweredRequest, ResponseToSend } from "../../src/wire/response_encoder.ts";
import { bytesOf, textOf } from "../fixtures.ts";

const HOST = { Host: "h" };

function request(of: Partial<RequestToSend>): RequestToSend {
  return { method: "GET", target: "/", fields: HOST, ...of };
}

/** Encodes one request as text. */
function encoded(of: Partial<RequestToSend>, pieces: readonly string[] = []): string {
  const encoder = new RequestEncoder();
  const parts = [encoder.head(request(of)), ...pieces.map((piece) => encoder.data(bytesOf(piece)))];
  return [...parts, encoder.end()].map(textOf).join("");
}

const REQUESTS: readonly (readonly [
  title: string,
  of: Partial<RequestToSend>,
  pieces: readonly string[],
  bytes: string,
])[] = [
  ["no content", {}, [], "GET / HTTP/1.1\r\nHost: h\r\n\r\n"],
  ["HTTP/1.0", { minor: 0, fields: null }, [], "GET / HTTP/1.0\r\n\r\n"],
  [
    "POST says that it has no content (RFC 9110, 8.6)",
    { method: "POST" },
    [],
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
  ],
  [
    "a length, in pieces",
    { method: "PUT", size: 3 },
    ["ab", "", "c"],
    "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc",
  ],
  [
    "a length that is given",
    { size: null, fields: { ...HOST, "content-length": "3" } },
    ["abc"],
    "GET / HTTP/1.1\r\nHost: h\r\ncontent-length: 3\r\n\r\nabc",
  ],
  [
    "a given length that is that of the size",
    { size: 3, fields: { ...HOST, "content-length": "3" } },
    ["abc"],
    "GET / HTTP/1.1\r\nHost: h\r\ncontent-length: 3\r\n\r\nabc",
  ],
  [
    "chunks (RFC 9112, 7.1)",
    { method: "PUT", size: null },
    ["ab", "", "0123456789abcdef"],
    "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" +
    "2\r\nab\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n",
  ],
  [
    "a tunnel",
    { method: "CONNECT", target: "h:443", fields: { Host: "h:443" } },
    [],
    "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n",
  ],
  [
    "a whole URL",
    { target: "http://h/a?b", fields: { Host: "h" } },
    [],
    "GET http://h/a?b HTTP/1.1\r\nHost: h\r\n\r\n",
  ],
  [
    "100-continue, with content",
    { method: "PUT", size: 1, fields: { ...HOST, Expect: "100-continue" } },
    ["a"],
    "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na",
  ],
  [
    "Upgrade and TE, which Connection names",
    { fields: { ...HOST, Upgrade: "a", TE: "trailers", Connection: "te , UPGRADE" } },
    [],
    "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: a\r\nTE: trailers\r\nConnection: te , UPGRADE\r\n\r\n",
  ],
];

for (const [title, of, pieces, bytes] of REQUESTS) {
  Deno.test(`RequestEncoder: ${title}`, () => {
    assertEquals(encoded(of, pieces), bytes);
    const parser = new RequestParser();
    parser.input.push(bytesOf(bytes));
    const events: string[] = [];
    for (let event = parser.next(); event.type !== "need-data"; event = parser.next()) {
      events.push(event.type === "data" ? textOf(event.bytes) : event.type);
    }
    const content = pieces.join("");
    assertEquals(events, ["head", ...content === "" ? [] : [content], "end"]);
    assertEquals(parser.finish(), true);
  });
}

const REFUSED: readonly (readonly [of: Partial<RequestToSend>, message: string])[] = [
  [{ fields: {} }, "An HTTP/1.1 request needs a Host"],
  [{ fields: { Host: "a b" } }, "Host must be a host"],
  [{ method: "" }, "must begin with a method"],
  [{ method: "G T" }, "version such as HTTP/1.1"],
  [{ method: "GET\r\n" }, "has a control"],
  [{ target: "/ HTTP/1.1\r\nA: b\r\n\r\nGET /" }, "has a control"],
  [{ target: "/\u010a" }, "has a control or a character above U+00FF"],
  [{ target: "/a b" }, "version such as HTTP/1.1"],
  [{ target: "/\xe4" }, "must be percent-encoded"],
  [{ target: "x" }, "is neither a path nor"],
  [{ target: "http://a/" }, 'Host must be that of the target "a": got "h"'],
  [{ method: "CONNECT", target: "/" }, "CONNECT needs a target"],
  [{ fields: [["Host", "h"], ["A b", "c"]] }, "Invalid field name"],
  [{ fields: [["Host", "h"], ["A", "b\r\nC: d"]] }, "Invalid value"],
  [{ fields: { ...HOST, "Transfer-Encoding": "chunked" } }, "the encoder chooses it"],
  [{ size: 2, fields: { ...HOST, "Content-Length": "3" } }, "does not match the size of 2 bytes"],
  [
    { size: 3, fields: [["Host", "h"], ["Content-Length", "3"], ["Content-Length", "3"]] },
    "only one",
  ],
  [{ size: null, fields: { ...HOST, "Content-Length": "+3" } }, "must be a decimal number"],
  [{ size: null, minor: 0 }, "HTTP/1.0 has no chunks"],
  [{ method: "TRACE", size: 1 }, "A TRACE must not have content"],
  [{ method: "CONNECT", target: "h:1", fields: { Host: "h:1" }, size: null }, "A CONNECT must not"],
  [{ fields: { ...HOST, Expect: "100-continue" } }, "without content"],
  [{ size: 1, fields: { ...HOST, Expect: "x" } }, "The only expectation"],
  [{ fields: { ...HOST, Upgrade: "a" } }, 'Field "upgrade" needs "Connection: upgrade"'],
  [{ fields: { ...HOST, TE: "trailers" } }, 'Field "te" needs "Connection: te"'],
  [{ minor: 2 as 1, fields: { ...HOST, "Content-Length": "x" } }, "does not match"],
];

for (const [of, message] of REFUSED) {
  Deno.test(`RequestEncoder: refuses ${JSON.stringify(of)}`, () => {
    const encoder = new RequestEncoder();
    assertThrows(() => encoder.head(request(of)), TypeError, message);
    // Nothing was encoded: the next head stands alone.
    assertEquals(textOf(encoder.head(request({}))), "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  });
}

Deno.test("RequestEncoder: what a ResponseParser must know", () => {
  const encoder = new RequestEncoder();
  encoder.head(request({ method: "HEAD" }));
  assertEquals(encoder.awaited, { method: "HEAD", upgrade: null });
  encoder.end();
  encoder.head(request({ fields: { ...HOST, Upgrade: "a/1, b", Connection: "upgrade" } }));
  assertEquals(encoder.awaited, { method: "GET", upgrade: "a/1, b" });
  encoder.end();
  assertEquals(encoder.state, "closed");
});

Deno.test("MessageEncoder: a state allows what its message needs", () => {
  const encoder = new RequestEncoder();
  assertThrows(() => encoder.data(bytesOf("a")), TypeError, "content before the head");
  assertThrows(() => encoder.end(), TypeError, "an end before the head");
  encoder.head(request({ size: 2 }));
  assertEquals(encoder.state, "content");
  assertThrows(
    () => encoder.head(request({})),
    TypeError,
    "before the end of the message before it",
  );
  assertThrows(() => encoder.end(), TypeError, "ended after 0 bytes of its Content-Length of 2");
  assertThrows(
    () => encoder.data(bytesOf("abc")),
    TypeError,
    "longer than its Content-Length of 2",
  );
});

Deno.test("MessageEncoder: nothing follows a message that ends the connection", () => {
  const encoder = new RequestEncoder();
  encoder.head(request({ fields: { ...HOST, Connection: "close" } }));
  encoder.end();
  assertThrows(
    () => encoder.head(request({})),
    TypeError,
    "behind a message that ends the connection",
  );
});

Deno.test("RFC 9110, 6.5: trailers follow chunks, and each may be a trailer", () => {
  const encoder = new RequestEncoder();
  encoder.head(request({ size: null }));
  assertThrows(() => encoder.end({ Host: "a" }), TypeError, "must not be sent as a trailer");
  const other = new RequestEncoder();
  other.head(request({ size: null }));
  assertEquals(textOf(other.end({ A: "b" })), "0\r\nA: b\r\n\r\n");
  other.head(request({}));
  assertEquals(textOf(other.end({ A: "b" })), "");
});

// Responses. The decisions are those of `response_framing_test.ts`.

function answered(method = "GET", minor = 1, upgrade: string | null = null): AnsweredRequest {
  return { method, protocol: { minor }, framing: { persistent: minor > 0, upgrade } };
}

const RESPONSES: readonly (readonly [
  title: string,
  request: AnsweredRequest,
  response: ResponseToSend,
  pieces: readonly string[],
  bytes: string,
  state: string,
])[] = [
  ["no content", answered(), { status: 200 }, [], "200 OK\r\nContent-Length: 0\r\n\r\n", "head"],
  [
    "a length, a date and a reason",
    answered(),
    { status: 404, statusText: "No", size: 2, date: "D", fields: { A: "b" } },
    ["a", "b"],
    "404 No\r\nA: b\r\nDate: D\r\nContent-Length: 2\r\n\r\nab",
    "head",
  ],
  [
    "chunks",
    answered(),
    { status: 200, size: null },
    ["ab"],
    "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
    "head",
  ],
  [
    "a stream to HTTP/1.0",
    answered("GET", 0),
    { status: 200, size: null },
    ["ab"],
    "200 OK\r\nConnection: close\r\n\r\nab",
    "closed",
  ],
  [
    "HEAD",
    answered("HEAD"),
    { status: 200, size: 2 },
    ["ab"],
    "200 OK\r\nContent-Length: 2\r\n\r\n",
    "head",
  ],
  ["204", answered(), { status: 204, size: 2 }, ["ab"], "204 No Content\r\n\r\n", "head"],
  ["304", answered(), { status: 304, size: null }, ["ab"], "304 Not Modified\r\n\r\n", "head"],
  [
    "a given length",
    answered(),
    { status: 200, size: null, fields: { "Content-Length": "2" } },
    ["ab"],
    "200 OK\r\nContent-Length: 2\r\n\r\nab",
    "head",
  ],
  [
    "an upgrade that is not taken ends the connection",
    answered("GET", 1, "a"),
    { status: 200 },
    [],
    "200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    "closed",
  ],
];

for (const [title, request, response, pieces, bytes, state] of RESPONSES) {
  Deno.test(`ResponseEncoder: ${title}`, () => {
    const encoder = new ResponseEncoder();
    const parts = [encoder.head(request, response), ...pieces.map((p) => encoder.data(bytesOf(p)))];
    parts.push(encoder.end());
    assertEquals(parts.map(textOf).join(""), `HTTP/1.1 ${bytes}`);
    assertEquals(encoder.state, state);
  });
}

Deno.test("ResponseEncoder: interim responses precede a response, and HTTP/1.0 has none", () => {
  const encoder = new ResponseEncoder();
  assertEquals(textOf(encoder.interim(answered(), 100)), "HTTP/1.1 100 Continue\r\n\r\n");
  const early = encoder.interim(answered(), 103, { Link: "a" });
  assertEquals(textOf(early), "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n");
  assertEquals(textOf(encoder.interim(answered("GET", 0), 103)), "");
  for (const status of [99, 101, 200, 102.5, "103"]) {
    const encode = () => encoder.interim(answered(), status as number);
    assertThrows(encode, RangeError, "from 100 to 199, but not 101");
  }
  const encode = () => encoder.interim(answered(), 103, { "Content-Length": "1" });
  assertThrows(encode, TypeError, "must not be sent in a response without content");
  assert(encoder.head(answered(), { status: 200 }).length > 0);
});

Deno.test("RFC 9110, 7.8 and 9.3.6: HTTP ends with 101, or with 200 to CONNECT", () => {
  const upgrade = new ResponseEncoder();
  assertThrows(() => upgrade.upgrade(answered()), TypeError, "offers no other protocol");
  assertEquals(
    textOf(upgrade.upgrade(answered("GET", 1, "a, b"), { C: "d" })),
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: a\r\nC: d\r\n\r\n",
  );
  assertThrows(() => upgrade.end(), TypeError, "behind a head that switches protocols");
  const tunnel = new ResponseEncoder();
  assertEquals(textOf(tunnel.upgrade(answered("CONNECT"))), "HTTP/1.1 200 OK\r\n\r\n");
  assertEquals(tunnel.state, "switched");
});

for (const size of [-1, 1.5, NaN, Infinity, 2 ** 53, "3\r\nA: b" as unknown as number]) {
  const got = typeof size === "string" ? JSON.stringify(size) : String(size);
  const refused = `Size must be an integer from 0 on, or null: got ${got}`;

  Deno.test(`RFC 9110, 8.6: a response of ${got} bytes is refused`, () => {
    const encode = () => new ResponseEncoder().head(answered(), { status: 200, size });
    assertThrows(encode, RangeError, refused);
  });

  Deno.test(`RFC 9110, 8.6: a request of ${got} bytes is refused`, () => {
    const encode = () => new RequestEncoder().head(request({ method: "PUT", size }));
    assertThrows(encode, RangeError, refused);
  });
}

Deno.test("ResponseEncoder: an interim response whose fields encode a head is refused", () => {
  const encoder = new ResponseEncoder();
  const fields = {
    get Link(): string {
      encoder.head(answered(), { status: 200, size: 1 });
      return "a";
    },
  };
  assertThrows(() => encoder.interim(answered(), 103, fields), TypeError, "Cannot encode a head");
  assertEquals(encoder.state, "content");
});

Deno.test("ResponseEncoder: trailers that encode the end are refused", () => {
  const encoder = new ResponseEncoder();
  encoder.head(answered(), { status: 200, size: null });
  let ended = "";
  const trailers = {
    get A(): string {
      ended = textOf(encoder.end());
      return "a";
    },
  };
  assertThrows(() => encoder.end(trailers), TypeError, "Cannot encode an end");
  assertEquals([ended, encoder.state], ["0\r\n\r\n", "head"]);
});

for (const date of ["a\r\nb: c", "a\0", "a\u010a", 1 as unknown as string]) {
  Deno.test(`hardening 17: ${JSON.stringify(date)} as the date of a response is refused`, () => {
    const encode = () => new ResponseEncoder().head(answered(), { status: 200, date });
    assertThrows(encode, TypeError, `Invalid date ${JSON.stringify(date)}`);
  });
}

Deno.test("ResponseEncoder: a response that is refused leaves no bytes behind", () => {
  const encoder = new ResponseEncoder();
  assertThrows(() => encoder.head(answered(), { status: 99 }), RangeError);
  assertThrows(() => encoder.head(answered(), { status: 200, fields: { "a b": "" } }), TypeError);
  const head = encoder.head(answered(), { status: 200 });
  assertEquals(textOf(head), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
});
