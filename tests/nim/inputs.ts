/** What is sent to both servers. */

export interface Input {
  /** Names the row of docs/nim.md, if there is one. */
  readonly name: string;
  /** What the client writes, one after the other; one character a byte. */
  readonly parts: readonly string[];
  /** How long the client waits between two parts; 120 unless given. */
  readonly pauseMs?: number;
  /** Whether the client closes its side behind the last part. */
  readonly fin?: true;
}

function fields(count: number): string {
  return Array.from({ length: count }, (_, i) => `X-${i}: ${i}\r\n`).join("");
}

export const INPUTS: readonly Input[] = [
  { name: "get /", parts: ["GET / HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "get dump", parts: ["GET /x HTTP/1.1\r\nHost: a\r\nAccept: a, b\r\nX-y: 1\r\n\r\n"] },
  { name: "query", parts: ["GET /x?a=1&b=2 HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "empty query", parts: ["GET /x? HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "query with ?", parts: ["GET /x?a=?b HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "pct", parts: ["GET /a%20b/%2e%2e/c%2Fd?q=%20+ HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "dotseg", parts: ["GET /a/../b/./c HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "dbl slash", parts: ["GET //x/y HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "colon path", parts: ["GET /a:b@c;d=1,2 HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "braces, bar, caret, backtick", parts: ["GET /a|b{c}^` HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "quote in query", parts: ["GET /x?a='b'\"c\"<d> HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "backslash", parts: ["GET /a\\b HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "fragment", parts: ["GET /x?q=1#frag HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "utf8 path", parts: ["GET /gr\xc3\xbc\xc3\x9f HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "url origin", parts: ["GET /x?a=1 HTTP/1.1\r\nHost: a\r\nX-Url: 1\r\n\r\n"] },
  {
    name: "absolute",
    parts: ["GET http://example.com:81/p/q?z=1 HTTP/1.1\r\nHost: a\r\nX-Url: 1\r\n\r\n"],
  },
  {
    name: "absolute user",
    parts: ["GET http://u:p@example.com/p HTTP/1.1\r\nHost: a\r\nX-Url: 1\r\n\r\n"],
  },
  {
    name: "absolute https",
    parts: ["GET https://example.com/p HTTP/1.1\r\nHost: a\r\nX-Url: 1\r\n\r\n"],
  },
  {
    name: "absolute ftp",
    parts: ["GET ftp://example.com/p HTTP/1.1\r\nHost: a\r\nX-Url: 1\r\n\r\n"],
  },
  {
    name: "absolute no path",
    parts: ["GET http://example.com HTTP/1.1\r\nHost: a\r\nX-Url: 1\r\n\r\n"],
  },
  { name: "noslash target", parts: ["GET x/y HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "options *", parts: ["OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "connect", parts: ["CONNECT example.com:443 HTTP/1.1\r\nHost: a\r\nX-Url: 1\r\n\r\n"] },
  { name: "connect 200", parts: ["CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "trace", parts: ["TRACE /x HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "head", parts: ["HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "head dump", parts: ["HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n"] },
  {
    name: "head x2",
    parts: ["HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET /201 HTTP/1.1\r\nHost: a\r\n\r\n"],
  },
  { name: "put nobody", parts: ["PUT /x HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "put body", parts: ["PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"] },
  { name: "patch body", parts: ["PATCH /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"] },
  { name: "delete body", parts: ["DELETE /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"] },
  { name: "delete nobody", parts: ["DELETE /x HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "get body", parts: ["GET /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"] },
  { name: "post body", parts: ["POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"] },
  { name: "post 0", parts: ["POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"] },
  { name: "post none 411", parts: ["POST /x HTTP/1.1\r\nHost: a\r\n\r\n"] },
  {
    name: "post chunked",
    parts: [
      "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n",
    ],
  },
  {
    name: "post Chunked case",
    parts: [
      "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ],
  },
  {
    name: "post chunk ext",
    parts: [
      "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\n\r\n",
    ],
  },
  {
    name: "post chunk trailer",
    parts: [
      "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n",
    ],
  },
  {
    name: "post chunk bad size",
    parts: [
      "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
    ],
  },
  {
    name: "post chunk bad sep",
    parts: ["POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcXX0\r\n\r\n"],
  },
  {
    name: "put chunked",
    parts: [
      "PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ],
  },
  {
    name: "get chunked",
    parts: [
      "GET /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ],
  },
  {
    name: "post chunked big",
    parts: [
      "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" +
      "x".repeat(2000) + "\r\n0\r\n\r\n",
    ],
  },
  {
    name: "post gzip,chunked",
    parts: [
      "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ],
  },
  { name: "post gzip", parts: ["POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n"] },
  {
    name: "te+cl",
    parts: [
      "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    ],
  },
  {
    name: "413 cl",
    parts: ["POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n" + "x".repeat(1001)],
  },
  {
    name: "413 cl no body",
    parts: ["POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n"],
  },
  {
    name: "1000 ok",
    parts: ["POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n" + "x".repeat(1000)],
  },
  { name: "cl bad", parts: ["POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: abc\r\n\r\n"] },
  { name: "cl neg", parts: ["POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n"] },
  { name: "cl plus", parts: ["POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc"] },
  { name: "cl 3abc", parts: ["POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3abc\r\n\r\nabc"] },
  {
    name: "cl dup same",
    parts: ["POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc"],
  },
  {
    name: "cl dup differ",
    parts: ["POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"],
  },
  {
    name: "cl list 3, 3",
    parts: ["POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc"],
  },
  { name: "cl empty", parts: ["POST /x HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n"] },
  {
    name: "cl short then FIN",
    parts: ["POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc"],
    fin: true,
  },
  {
    name: "cl huge",
    parts: ["POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n"],
  },
  {
    name: "expect 100 post",
    parts: [
      "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n",
      "abc",
    ],
  },
  {
    name: "expect 100 post oneshot",
    parts: ["POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc"],
  },
  {
    name: "expect 100 put",
    parts: [
      "PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n",
      "abc",
    ],
  },
  {
    name: "expect 100-Continue case",
    parts: [
      "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-Continue\r\n\r\n",
      "abc",
    ],
  },
  {
    name: "expect other post",
    parts: ["POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: foo\r\n\r\n", "abc"],
  },
  { name: "expect other get", parts: ["GET /x HTTP/1.1\r\nHost: a\r\nExpect: foo\r\n\r\n"] },
  {
    name: "expect 100 too big",
    parts: ["POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\nExpect: 100-continue\r\n\r\n"],
  },
  {
    name: "expect 100 get nobody",
    parts: ["GET /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n"],
  },
  { name: "1.0", parts: ["GET /x HTTP/1.0\r\nHost: a\r\n\r\n"] },
  { name: "1.0 nohost", parts: ["GET /x HTTP/1.0\r\n\r\n"] },
  {
    name: "1.0 keep-alive",
    parts: ["GET /x HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"],
  },
  {
    name: "1.0 Keep-Alive",
    parts: ["GET /x HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\n\r\n"],
  },
  {
    name: "1.0 KEEP-ALIVE",
    parts: ["GET /x HTTP/1.0\r\nHost: a\r\nconnection: KEEP-ALIVE\r\n\r\n"],
  },
  { name: "1.1 close", parts: ["GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"] },
  { name: "1.1 Close", parts: ["GET /x HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n"] },
  {
    name: "1.1 keep-alive, close",
    parts: ["GET /x HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, close\r\n\r\n"],
  },
  { name: "1.1 close, te", parts: ["GET /x HTTP/1.1\r\nHost: a\r\nConnection: close, TE\r\n\r\n"] },
  {
    name: "1.1 keep-alive",
    parts: ["GET /x HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"],
  },
  {
    name: "1.1 Upgrade no proto",
    parts: ["GET /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n\r\n"],
  },
  {
    name: "1.1 upgrade ws",
    parts: ["GET /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"],
  },
  {
    name: "1.1 keep-alive, Upgrade ws (Firefox)",
    parts: [
      "GET /x HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n",
    ],
  },
  {
    name: "1.1 upgrade h2c",
    parts: [
      "GET /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n\r\n",
    ],
  },
  { name: "1.2", parts: ["GET /x HTTP/1.2\r\nHost: a\r\n\r\n"] },
  { name: "2.0", parts: ["GET /x HTTP/2.0\r\nHost: a\r\n\r\n"] },
  { name: "0.9 v", parts: ["GET /x HTTP/0.9\r\nHost: a\r\n\r\n"] },
  { name: "http lower", parts: ["GET /x http/1.1\r\nHost: a\r\n\r\n"] },
  { name: "HTTP/1", parts: ["GET /x HTTP/1\r\nHost: a\r\n\r\n"] },
  { name: "HTTP/1.10", parts: ["GET /x HTTP/1.10\r\nHost: a\r\n\r\n"] },
  { name: "no version", parts: ["GET /x\r\nHost: a\r\n\r\n"] },
  { name: "garbage ver", parts: ["GET /x FOO/1.1\r\nHost: a\r\n\r\n"] },
  { name: "bad method", parts: ["FOO /x HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "lower method", parts: ["get /x HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "propfind", parts: ["PROPFIND /x HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "query method", parts: ["QUERY /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na"] },
  { name: "4 parts", parts: ["GET /x y HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "2 spaces", parts: ["GET  /x HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "leading crlf", parts: ["\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "two leading crlf", parts: ["\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "three leading crlf", parts: ["\r\n\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "tab", parts: ["GET\t/x\tHTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "lf only", parts: ["GET /x HTTP/1.1\nHost: a\n\n"] },
  { name: "lf in headers", parts: ["GET /x HTTP/1.1\r\nHost: a\nA: b\r\n\r\n"] },
  { name: "empty line only", parts: ["\r\n"], fin: true },
  { name: "TLS hello", parts: ["\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n"] },
  { name: "connect+fin", parts: [""], fin: true },
  { name: "no host 1.1", parts: ["GET /x HTTP/1.1\r\n\r\n"] },
  { name: "two hosts", parts: ["GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"] },
  { name: "empty host", parts: ["GET /x HTTP/1.1\r\nHost:\r\n\r\n"] },
  { name: "bad host", parts: ["GET /x HTTP/1.1\r\nHost: a/b\r\n\r\n"] },
  { name: "host port", parts: ["GET /x HTTP/1.1\r\nHost: a:80\r\n\r\n"] },
  { name: "dup headers", parts: ["GET /x HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nX-A: 2\r\n\r\n"] },
  { name: "comma value", parts: ["GET /x HTTP/1.1\r\nHost: a\r\nX-A: 1,2 , 3\r\n\r\n"] },
  {
    name: "accept q",
    parts: ["GET /x HTTP/1.1\r\nHost: a\r\nAccept: text/html;q=0.5, */*\r\n\r\n"],
  },
  {
    name: "user-agent comma",
    parts: [
      "GET /x HTTP/1.1\r\nHost: a\r\nUser-Agent: Mozilla/5.0 (KHTML, like Gecko) X/1\r\n\r\n",
    ],
  },
  {
    name: "date hdr comma",
    parts: [
      "GET /x HTTP/1.1\r\nHost: a\r\nIf-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n",
    ],
  },
  { name: "cookie", parts: ["GET /x HTTP/1.1\r\nHost: a\r\nCookie: a=1, b; c=2\r\n\r\n"] },
  {
    name: "two cookies",
    parts: ["GET /x HTTP/1.1\r\nHost: a\r\nCookie: a=1\r\nCookie: b=2\r\n\r\n"],
  },
  { name: "empty value", parts: ["GET /x HTTP/1.1\r\nHost: a\r\nX-A:\r\n\r\n"] },
  { name: "only spaces value", parts: ["GET /x HTTP/1.1\r\nHost: a\r\nX-A:   \r\n\r\n"] },
  { name: "trailing space value", parts: ["GET /x HTTP/1.1\r\nHost: a\r\nX-A: b  \t\r\n\r\n"] },
  { name: "no colon", parts: ["GET /x HTTP/1.1\r\nHost: a\r\nfoo\r\n\r\n"] },
  { name: "space before colon", parts: ["GET /x HTTP/1.1\r\nHost: a\r\nX-A : b\r\n\r\n"] },
  { name: "folding", parts: ["GET /x HTTP/1.1\r\nHost: a\r\nX-A: b\r\n  c\r\n\r\n"] },
  { name: "empty name", parts: ["GET /x HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n"] },
  { name: "ctl value", parts: ["GET /x HTTP/1.1\r\nHost: a\r\nX-A: a\x01b\r\n\r\n"] },
  { name: "nul value", parts: ["GET /x HTTP/1.1\r\nHost: a\r\nX-A: a\x00b\r\n\r\n"] },
  { name: "latin1 value", parts: ["GET /x HTTP/1.1\r\nHost: a\r\nX-A: gr\xfc\xdf\r\n\r\n"] },
  { name: "utf8 value", parts: ["GET /x HTTP/1.1\r\nHost: a\r\nX-A: gr\xc3\xbc\xc3\x9f\r\n\r\n"] },
  { name: "dquote value", parts: ['GET /x HTTP/1.1\r\nHost: a\r\nX-A: "a,b"\r\n\r\n'] },
  { name: "129 headers", parts: ["GET /200 HTTP/1.1\r\nHost: a\r\n" + fields(129) + "\r\n"] },
  { name: "10001 headers", parts: ["GET /200 HTTP/1.1\r\nHost: a\r\n" + fields(10001) + "\r\n"] },
  { name: "line 8191", parts: ["GET /" + "b".repeat(8177) + " HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "line 8193+", parts: ["GET /" + "b".repeat(8200) + " HTTP/1.1\r\nHost: a\r\n\r\n"] },
  {
    name: "hdr 8200",
    parts: ["GET /x HTTP/1.1\r\nHost: a\r\nX-A: " + "b".repeat(8200) + "\r\n\r\n"],
  },
  {
    name: "hdr 5 x 8000",
    parts: [
      "GET /200 HTTP/1.1\r\nHost: a\r\nX-0: " + "b".repeat(8000) + "\r\nX-1: " + "b".repeat(8000) +
      "\r\nX-2: " + "b".repeat(8000) + "\r\nX-3: " + "b".repeat(8000) + "\r\nX-4: " +
      "b".repeat(8000) + "\r\n\r\n",
    ],
  },
  { name: "resp /h", parts: ["GET /h HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "resp /ht", parts: ["GET /ht HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "resp /200", parts: ["GET /200 HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "resp /201", parts: ["GET /201 HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "resp /204", parts: ["GET /204 HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "resp /204b", parts: ["GET /204b HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "resp /205", parts: ["GET /205 HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "resp /304", parts: ["GET /304 HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "resp /413", parts: ["GET /413 HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "resp /414", parts: ["GET /414 HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "resp /416", parts: ["GET /416 HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "resp /418", parts: ["GET /418 HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "resp /422", parts: ["GET /422 HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "resp /510", parts: ["GET /510 HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "resp /299", parts: ["GET /299 HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "resp /599", parts: ["GET /599 HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "resp /100", parts: ["GET /100 HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "resp /0", parts: ["GET /0 HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "resp /cl", parts: ["GET /cl HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "resp /badcl", parts: ["GET /badcl HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "resp /te", parts: ["GET /te HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "resp /conn", parts: ["GET /conn HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "resp /connka", parts: ["GET /connka HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "resp /date", parts: ["GET /date HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "resp /server", parts: ["GET /server HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "resp /crlf", parts: ["GET /crlf HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "resp /emptyv", parts: ["GET /emptyv HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "resp /utf8", parts: ["GET /utf8 HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "resp /utf8h", parts: ["GET /utf8h HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "resp /twice", parts: ["GET /twice HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "resp /noanswer", parts: ["GET /noanswer HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "resp /sh", parts: ["GET /sh HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "resp /raw", parts: ["GET /raw HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "resp /close", parts: ["GET /close HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "resp /slow", parts: ["GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "resp /big", parts: ["GET /big HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "HEAD /204b", parts: ["HEAD /204b HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "HEAD /304", parts: ["HEAD /304 HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "HEAD /cl", parts: ["HEAD /cl HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "HEAD /te", parts: ["HEAD /te HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "HEAD /sh", parts: ["HEAD /sh HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "HEAD /conn", parts: ["HEAD /conn HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "1.0 resp /h", parts: ["GET /h HTTP/1.0\r\nHost: a\r\n\r\n"] },
  { name: "1.0 ka resp /", parts: ["GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"] },
  {
    name: "pipe 3",
    parts: [
      "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /201 HTTP/1.1\r\nHost: a\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
  },
  {
    name: "pipe slow first",
    parts: ["GET /slow HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"],
  },
  {
    name: "pipe close mid",
    parts: [
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /201 HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
  },
  {
    name: "pipe post get",
    parts: [
      "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
  },
  {
    name: "pipe bad then good",
    parts: ["FOO /x HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"],
  },
  {
    name: "pipe 411 then good",
    parts: ["POST /x HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"],
  },
  {
    name: "pipe 413 then good",
    parts: [
      "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n" + "x".repeat(1001) +
      "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
  },
  {
    name: "pipe noanswer then good",
    parts: ["GET /noanswer HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"],
  },
  {
    name: "pipe /conn then good",
    parts: ["GET /conn HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"],
  },
  {
    name: "byte by byte",
    parts: [..."POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"],
    pauseMs: 2,
  },
  { name: "half close", parts: ["GET /x HTTP/1.1\r\nHost: a\r\n\r\n"], fin: true },
  { name: "half close slow", parts: ["GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"], fin: true },
];
