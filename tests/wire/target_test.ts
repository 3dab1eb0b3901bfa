import { assertEquals, assertThrows } from "@std/assert";
import { bytesOf } from "../fixtures.ts";
import { HttpError } from "../../src/errors.ts";
import { RequestHead } from "../../src/wire/request_head.ts";
import { RequestParser } from "../../src/wire/request_parser.ts";
import { isHost, targetAuthority, targetPath, urlParser } from "../../src/wire/target.ts";
import { parserOptions, testRows } from "./runners.ts";
import type { Row } from "./runners.ts";

/** Targets of `GET` with `Host: h`, and the URL that is meant. */
const accepted: readonly (readonly [title: string, target: string, form: string, url: string])[] = [
  ["RFC 9112, 3.2.1: the root", "/", "origin", "http://h/"],
  ["RFC 9112, 3.2.1: a path", "/a/b.html", "origin", "http://h/a/b.html"],
  ["RFC 9112, 3.2.1: a path and a query", "/a?b=c&d", "origin", "http://h/a?b=c&d"],
  ["RFC 9112, 3.2.1: an empty query", "/a?", "origin", "http://h/a?"],
  ["RFC 9112, 3.2.1: question marks in the query", "/?a?b?", "origin", "http://h/?a?b?"],
  ["RFC 9112, 3.2.1: slashes and dots in the query", "/a?/../b", "origin", "http://h/a?/../b"],
  ["RFC 9112, 3.2.1: a backslash in the query", "/a?b\\c", "origin", "http://h/a?b\\c"],
  ["RFC 9112, 3.2.1: //x/y is a path", "//x/y", "origin", "http://h//x/y"],
  ["RFC 9112, 3.2.1: ///x is a path", "///x", "origin", "http://h///x"],
  ["RFC 9112, 3.2.1: //u@x:1/y is a path", "//u@x:1/y", "origin", "http://h//u@x:1/y"],
  ["RFC 9112, 3.2.1: a colon in the first segment", "/a:b", "origin", "http://h/a:b"],
  ["RFC 9112, 3.2.1: a URL as a path", "/http://x/y", "origin", "http://h/http://x/y"],
  [
    "RFC 9112, 3.2.1: every mark of pchar",
    "/-._~!$&'()*+,;=:@",
    "origin",
    "http://h/-._~!$&'()*+,;=:@",
  ],
  ["RFC 9112, 3.2.1: what browsers send unencoded", "/[]|", "origin", "http://h/[]|"],
  [
    "RFC 9112, 3.2.1: percent-encoded bytes",
    "/%00%0d%0A%2f%5C",
    "origin",
    "http://h/%00%0d%0A%2f%5C",
  ],
  ["RFC 9112, 3.2.1: a percent sign alone", "/100%", "origin", "http://h/100%"],
  ["RFC 3986, 5.2.4: dot segments", "/a/./b/../c", "origin", "http://h/a/c"],
  ["RFC 3986, 5.2.4: dot segments above the root", "/../../a", "origin", "http://h/a"],
  ["RFC 3986, 5.2.4: encoded dot segments", "/a/%2e%2e/%2E./b", "origin", "http://h/b"],
  ["RFC 3986, 5.2.4: dot segments before //", "/..//x", "origin", "http://h//x"],
  ["RFC 9112, 3.2.2: the URL wins over Host", "http://other/a?b", "absolute", "http://other/a?b"],
  ["RFC 9112, 3.2.2: no path", "http://other", "absolute", "http://other/"],
  [
    "RFC 9112, 3.2.2: a query without a path",
    "http://other?q=/x",
    "absolute",
    "http://other/?q=/x",
  ],
  ["RFC 9112, 3.2.2: a port", "http://other:81/", "absolute", "http://other:81/"],
  ["RFC 9112, 3.2.2: the default port", "http://other:80/a", "absolute", "http://other/a"],
  ["RFC 9112, 3.2.2: an empty port", "http://other:/a", "absolute", "http://other/a"],
  ["RFC 9112, 3.2.2: an IPv6 address", "http://[::1]:81/a", "absolute", "http://[::1]:81/a"],
  ["RFC 9112, 3.2.2: // in the path", "http://other//x/y", "absolute", "http://other//x/y"],
  ["RFC 9112, 3.2.2: the scheme in upper case", "HTTP://Other/A", "absolute", "http://other/A"],
  [
    "RFC 9112, 3.3: the scheme is that of the connection",
    "https://other/",
    "absolute",
    "http://other/",
  ],
];

testRows(accepted.map(([title, target, form, url]): Row => ({
  title: `${title} is taken: ${target}`,
  bytes: `GET ${target} HTTP/1.1\r\nHost: h\r\n\r\n`,
  events: [`GET ${target} HTTP/1.1`, "end"],
  facts: { form, url, host: "h" },
})));

/** Targets of `GET` that are refused. */
const refused: readonly (readonly [title: string, target: string])[] = [
  ["RFC 9112, 3.2: neither a path nor a URL", "a"],
  ["RFC 9112, 3.2: a query alone", "?a"],
  ["RFC 9112, 3.2: dots", "../a"],
  ["RFC 9112, 3.2: a host alone", "h:80"],
  ["RFC 9112, 3.2.1: a fragment", "/a#b"],
  ["RFC 9112, 3.2.1: a fragment behind the query", "/a?b#c"],
  ["RFC 9112, 3.2.1: a backslash in the path", "/a\\b"],
  ["RFC 9112, 3.2.1: a backslash for the second slash", "/\\x/y"],
  ["RFC 9112, 3.2.1: a backslash for the first slash", "\\x/y"],
  ["RFC 9112, 3.2.1: a quote", '/"'],
  ["RFC 9112, 3.2.1: an angle bracket", "/<a>"],
  ["RFC 9112, 3.2.1: an angle bracket in the query", "/?<a>"],
  ["RFC 9112, 3.2.1: the byte 0x80", "/\x80"],
  ["RFC 9112, 3.2.1: UTF-8 in the path", "/\xc3\xa4"],
  ["RFC 9112, 3.2.1: the byte 0xff in the query", "/?\xff"],
  ["RFC 9112, 3.2.1: the byte 0xa0 at the end", "/\xa0"],
  ["RFC 9112, 3.2.1: a tab", "/a\tb"],
  ["RFC 9112, 3.2.1: a tab in the query", "/?a\tb"],
  ["RFC 9112, 3.2.2: another scheme", "ftp://other/"],
  ["RFC 9112, 3.2.2: a scheme that only begins so", "httpx://other/"],
  ["RFC 9112, 3.2.2: a scheme alone", "http:"],
  ["RFC 9112, 3.2.2: one slash", "http:/other/"],
  ["RFC 9112, 3.2.2: backslashes", "http:\\\\other\\"],
  ["RFC 9112, 3.2.2: an empty host", "http:///a"],
  ["RFC 9112, 3.2.2: a port without a host", "http://:80/"],
  ["RFC 9112, 3.2.2: a port that is no number", "http://other:a/"],
  ["RFC 9112, 3.2.2: a port above 65535", "http://other:65536/"],
  ["RFC 9112, 3.2.2: a fragment", "http://other/#a"],
  ["RFC 9112, 3.2.2: a fragment behind the host", "http://other#a"],
  ["RFC 9112, 3.2.2: a backslash in the path", "http://other/a\\b"],
  ["RFC 9112, 3.2.2: a backslash behind the host", "http://other\\@evil/"],
  ["RFC 9112, 3.2.2: a broken IPv6 address", "http://[::1/"],
  ["RFC 9112, 3.2.2: a byte above 0x7f in the host", "http://\xe4/"],
  ["RFC 9112, 3.2.4: an asterisk for GET", "*"],
  ["RFC 9112, 3.2.4: an asterisk and more", "*/"],
  ["RFC 9110, 4.2.4: user info", "http://user@other/"],
  ["RFC 9110, 4.2.4: user info and a password", "http://user:pw@other/"],
];

testRows(refused.map(([title, target]): Row => ({
  title: `${title} is refused: ${target}`,
  bytes: `GET ${target} HTTP/1.1\r\nHost: h\r\n\r\n`,
  events: ["400 bad-target"],
})));

testRows([
  {
    title: "RFC 9112, 3.2.2: a URL needs a Host beside it",
    bytes: "GET http://other/ HTTP/1.1\r\n\r\n",
    events: ["400 bad-host"],
  },
  {
    title: "RFC 9112, 3.2.2: a Host beside a URL must be valid too",
    bytes: "GET http://other/ HTTP/1.1\r\nHost: a/b\r\n\r\n",
    events: ["400 bad-host"],
  },
  {
    title: "RFC 9112, 3.2.2: HTTP/1.0 with a URL and no Host",
    bytes: "GET http://other/ HTTP/1.0\r\n\r\n",
    events: ["GET http://other/ HTTP/1.0", "end"],
    facts: { host: null, url: "http://other/" },
  },
  {
    title: "RFC 9112, 3.2.3: CONNECT with host and port",
    bytes: "CONNECT other:443 HTTP/1.1\r\nHost: h\r\n\r\n",
    events: ["CONNECT other:443 HTTP/1.1", "end"],
    facts: { form: "authority", url: "http://other:443/", pathname: "/" },
  },
  {
    title: "RFC 9112, 3.2.3: CONNECT with an IPv6 address and port",
    bytes: "CONNECT [::1]:443 HTTP/1.1\r\nHost: h\r\n\r\n",
    events: ["CONNECT [::1]:443 HTTP/1.1", "end"],
    facts: { form: "authority", url: "http://[::1]:443/" },
  },
  ...[
    "/",
    "other",
    "other1",
    "other:",
    ":443",
    "[::1]",
    "[::1]:",
    "[::1:443",
    "::1:443",
    "other:65536",
    "other:4a",
    "other:443/",
    "user@other:443",
    "http://other:443",
    "http://other:443/",
    "*",
    "a:1:2",
  ].map((target): Row => ({
    title: `RFC 9112, 3.2.3: CONNECT ${target} is refused`,
    bytes: `CONNECT ${target} HTTP/1.1\r\nHost: h\r\n\r\n`,
    events: ["400 bad-target"],
  })),
  {
    title: "RFC 9112, 3.2.3: host and port is for CONNECT in upper case only",
    bytes: "connect other:443 HTTP/1.1\r\nHost: h\r\n\r\n",
    events: ["400 bad-target"],
  },
  {
    title: "RFC 9112, 3.2.4: OPTIONS * means the server",
    bytes: "OPTIONS * HTTP/1.1\r\nHost: h:81\r\n\r\n",
    events: ["OPTIONS * HTTP/1.1", "end"],
    facts: { form: "asterisk", url: "http://h:81/", pathname: "/" },
  },
  {
    title: "RFC 9112, 3.2.4: OPTIONS * in HTTP/1.0 without Host",
    bytes: "OPTIONS * HTTP/1.0\r\n\r\n",
    events: ["OPTIONS * HTTP/1.0", "end"],
    facts: { form: "asterisk", url: "http://local:1/" },
  },
  {
    title: "RFC 9112, 3.2.4: options * is refused",
    bytes: "options * HTTP/1.1\r\nHost: h\r\n\r\n",
    events: ["400 bad-target"],
  },
  {
    title: "RFC 9112, 3.2.4: OPTIONS ** is refused",
    bytes: "OPTIONS ** HTTP/1.1\r\nHost: h\r\n\r\n",
    events: ["400 bad-target"],
  },
]);

/** Host fields that are taken, and the URL of `GET /p`. */
const hosts: readonly (readonly [host: string, url: string])[] = [
  ["h", "http://h/p"],
  ["h:80", "http://h/p"],
  ["h:", "http://h/p"],
  ["h:8080", "http://h:8080/p"],
  ["h:65535", "http://h:65535/p"],
  ["h:0", "http://h:0/p"],
  ["H.Example", "http://h.example/p"],
  ["h.", "http://h./p"],
  ["a_b-c.d~e", "http://a_b-c.d~e/p"],
  ["127.0.0.1:81", "http://127.0.0.1:81/p"],
  ["[::1]", "http://[::1]/p"],
  ["[::1]:81", "http://[::1]:81/p"],
  ["[::1]:", "http://[::1]/p"],
  ["[::ffff:102:304]", "http://[::ffff:102:304]/p"],
  ["[2001:DB8::A]", "http://[2001:db8::a]/p"],
  ["xn--bcher-kva.example", "http://xn--bcher-kva.example/p"],
  // A URL cannot hold these: it has the local address.
  ["web.1", "http://local:1/p"],
  ["app.web.1:3000", "http://local:1/p"],
  ["web.0x1", "http://local:1/p"],
  ["xn--a", "http://local:1/p"],
];

testRows(hosts.map(([host, url]): Row => ({
  title: `RFC 9112, 3.2: Host: ${host} is taken`,
  bytes: `GET /p HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
  events: ["GET /p HTTP/1.1", "end"],
  facts: { host, url },
})));

/** Host fields that are refused (hardening 16). */
const badHosts = [
  "",
  "a b",
  "a/b?c=",
  "a/",
  "a?b",
  "a#b",
  "a\\b",
  "user@a",
  "user:pw@a",
  "http://a",
  "a, b",
  "a,b",
  "a:b",
  "a:-1",
  "a:+1",
  "a:80:80",
  "a:65536",
  "a:99999999999999999999",
  "a:80 ,b",
  "a:\t80",
  "a:8\t0",
  "a:/80",
  "a:?1",
  "a:#1",
  "a:@1",
  "a:\\1",
  "[:\t:1]",
  "[::1\t]",
  ":80",
  "[::1",
  "::1",
  "::1]",
  "[]",
  "[g::1]",
  "[::1]a",
  "[::1]80",
  "[[::1]]",
  "[::1%25eth0]",
  "[1.2.3.4]",
  "[v1.a]",
  "1.2.3.999",
  "1.2.3.4.5",
  // A URL would have another host than a front-end that compares names.
  "0x7f.1",
  "0x7f000001",
  "127.1",
  "256",
  "017.0.0.1",
  "[0:0:0:0:0:0:0:1]",
  "[::ffff:1.2.3.4]",
  "%41",
  "%61dmin.internal",
  "admin%2einternal",
  "%",
  "%2f",
  "%00",
  "a%20b",
  "<a>",
  '"a"',
  "a^b",
  "a|b",
  "\xe4",
  "a\x80",
  "\xa0a",
  "a\tb",
];

testRows(badHosts.map((host): Row => ({
  title: `hardening 16: Host: ${host} is refused`,
  bytes: `GET /admin HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
  events: ["400 bad-host"],
})));

testRows([
  {
    title: "RFC 9112, 3.2: HTTP/1.1 without Host is refused",
    bytes: "GET / HTTP/1.1\r\nX-Host: h\r\n\r\n",
    events: ["400 bad-host"],
  },
  {
    title: "RFC 9112, 3.2: two Host fields are refused",
    bytes: "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\nhost: b\r\n\r\n",
    events: ["400 bad-host"],
  },
  {
    title: "RFC 9112, 3.2: two equal Host fields are refused",
    bytes: "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
    events: ["400 bad-host"],
  },
  {
    title: "RFC 9112, 3.2: three Host fields are refused",
    bytes: "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\nHOST: a\r\n\r\n",
    events: ["400 bad-host"],
  },
  {
    title: "RFC 9112, 3.2: two Host fields are refused in HTTP/1.0 too",
    bytes: "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n",
    events: ["400 bad-host"],
  },
  {
    title: "RFC 9112, 3.2: a Host that is not valid is refused in HTTP/1.0 too",
    bytes: "GET / HTTP/1.0\r\nHost: a/b\r\n\r\n",
    events: ["400 bad-host"],
  },
  {
    title: "RFC 9112, 3.2: HTTP/1.0 may have a Host",
    bytes: "GET / HTTP/1.0\r\nHost: a:81\r\n\r\n",
    events: ["GET / HTTP/1.0", "end"],
    facts: { host: "a:81", url: "http://a:81/" },
  },
  {
    title: "RFC 9110, 5.1: the name of Host may have any case",
    bytes: "GET / HTTP/1.1\r\nhOsT: a\r\n\r\n",
    events: ["GET / HTTP/1.1", "end"],
    facts: { host: "a", fields: [["hOsT", "a"]] },
  },
]);

function headOf(text: string): RequestHead {
  const parser = new RequestParser(parserOptions({}));
  parser.input.push(bytesOf(text));
  const head = parser.next();
  if (!(head instanceof RequestHead)) throw new Error("No head");
  return head;
}

Deno.test("RFC 9112, 3.3: the URL has the scheme of the connection", () => {
  const head = headOf("GET http://h:443/a HTTP/1.1\r\nHost: h\r\n\r\n");
  assertEquals(head.url("https", "local:1").href, "https://h/a");
  assertEquals(head.url("http", "local:1").href, "http://h:443/a");
});

Deno.test("RFC 9112, 3.3: an IPv6 address stands in for a missing Host", () => {
  const head = headOf("GET //a HTTP/1.0\r\n\r\n");
  assertEquals(head.url("http", "[::1]:8080").href, "http://[::1]:8080//a");
});

Deno.test("RFC 9112, 3.3: each call returns a new URL, so that a change does not affect others", () => {
  const head = headOf("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
  head.url("http", "local:1").pathname = "/b";
  assertEquals(head.url("http", "local:1").pathname, "/a");
});

Deno.test("RFC 9112, 3.3: authority and path of each form", () => {
  assertEquals(targetAuthority("origin", "/a"), null);
  assertEquals(targetAuthority("asterisk", "*"), null);
  assertEquals(targetAuthority("authority", "h:1"), "h:1");
  assertEquals(targetAuthority("absolute", "http://h:1/a?b"), "h:1");
  assertEquals(targetPath("origin", "//a?b"), "//a?b");
  assertEquals(targetPath("asterisk", "*"), "");
  assertEquals(targetPath("authority", "h:1"), "");
  assertEquals(targetPath("absolute", "http://h:1/a?b"), "/a?b");
  assertEquals(targetPath("absolute", "http://h"), "");
});

Deno.test("RFC 9110, 7.2: isHost rejects characters above 0xff", () => {
  assertEquals(isHost("h"), true);
  assertEquals(isHost("\u0168"), false); // its low byte is "h"
  assertEquals(isHost("ｈ"), false);
  assertEquals(isHost("h:\u0661"), false);
});

/** What a refusal says of a character: how it is shown, its offset in the target, how to send it. */
const CHARACTERS: readonly (readonly [target: string, shown: string, at: number, sent: string])[] =
  [
    ['/"', "\\x22", 1, "%22"],
    ["/a<b>", "<", 2, "%3C"],
    ["/a?b>", ">", 4, "%3E"],
    ["/#", "#", 1, "%23"],
    ["/a?b#c", "#", 4, "%23"],
    ["/a\\b", "\\x5c", 2, "%5C"],
    ["/caf\xc3\xa9", "\\xc3", 4, "%C3"],
    ["/?\xff", "\\xff", 2, "%FF"],
    ["http://h/<", "<", 9, "%3C"],
    ["http://h?a\x80", "\\x80", 10, "%80"],
  ];

for (const [target, shown, at, sent] of CHARACTERS) {
  Deno.test(`RFC 9112, 3.2: the refusal of ${target} names the character and its place`, () => {
    const bad = () => headOf(`GET ${target} HTTP/1.1\r\nHost: h\r\n\r\n`);
    assertEquals(
      assertThrows(bad, HttpError).message,
      `The request-target has a character that must be percent-encoded: got "${shown}" at ` +
        `offset ${at}, send it as ${sent} (RFC 9112, 3.2)`,
    );
  });
}

Deno.test("RFC 9112, 3.2: every byte in a path, and in a query", () => {
  for (let byte = 0x21; byte < 256; byte++) {
    if (byte === 0x7f) continue; // a control character, refused by the line
    const char = String.fromCharCode(byte);
    for (
      const [target, taken] of [[`/a${char}`, /[^"#<>\\\x80-\xff]/], [
        `/?${char}`,
        /[^"#<>\x80-\xff]/,
      ]] as const
    ) {
      const read = () => headOf(`GET ${target} HTTP/1.1\r\nHost: h\r\n\r\n`).target;
      if (taken.test(char)) assertEquals(read(), target);
      else assertThrows(read, HttpError, `send it as %${byte.toString(16).toUpperCase()} `);
    }
  }
});

Deno.test("hardening 33: an error message escapes the client's bytes", () => {
  const bad = () => headOf("GET a\x9b\xff HTTP/1.1\r\nHost: h\r\n\r\n");
  const error = assertThrows(bad, HttpError);
  assertEquals(error.message.includes('"a\\x9b\\xff"'), true, error.message);
  const badHost = () => headOf('GET / HTTP/1.1\r\nHost: "\x9b\t\r\n\r\n');
  assertEquals(assertThrows(badHost, HttpError).message.includes('"\\x22\\x9b"'), true);
});

Deno.test("urlParser: the same URLs on platforms without URL.parse, such as Node 20", () => {
  const old = Object.assign(function (text: string) {
    return new URL(text);
  }, { canParse: URL.canParse }) as unknown as typeof URL;
  for (const parse of [urlParser(URL), urlParser(old)]) {
    assertEquals(parse("http://A/b")?.href, "http://a/b");
    assertEquals(parse("http://a:x/"), null);
  }
});
