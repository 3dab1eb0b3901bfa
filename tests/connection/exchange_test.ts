/** Requests and responses on one connection: order, persistence, expectations, error responses. */
import { GET } from "../fixtures.ts";
import { conversations } from "./conversations.ts";
import { DATE, echoed, refused } from "./harness.ts";
import { EOF, RESET } from "./scripted_conn.ts";

conversations([
  {
    title: "RFC 9112, 9.3: HTTP/1.1 persists, and responses keep the order of the requests",
    sent: GET + "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi" + GET,
    got: echoed("GET / ") + echoed("POST /a hi") + echoed("GET / "),
  },
  {
    title: "RFC 9112, 9.6: close is answered with close, and no later request is served",
    sent: "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" + GET,
    got: echoed("GET / ", "close"),
  },
  {
    title: "RFC 9112, 9.3: HTTP/1.0 closes",
    sent: "GET / HTTP/1.0\r\n\r\n" + GET,
    got: echoed("GET / ", "close"),
  },
  {
    title: "RFC 9112, 9.3: HTTP/1.0 with keep-alive persists and says so",
    sent: "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n" + GET,
    got: echoed("GET / ", "keep-alive") + echoed("GET / "),
  },
  {
    title: "RFC 9112, 2.2: one empty line before the request is skipped",
    sent: GET + "\r\n" + GET,
    got: echoed("GET / ") + echoed("GET / "),
  },
  {
    title: "RFC 9112, 7.1: a chunked body, for any method",
    sent:
      "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nX: y\r\n\r\n" +
      GET,
    got: echoed("GET / abcde") + echoed("GET / "),
  },
  {
    title: "RFC 9110, 9.3.2: HEAD gets the length that GET would have, and no content",
    sent: "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n" + GET,
    got: `HTTP/1.1 200 OK\r\n${DATE}Content-Length: 7\r\n\r\n` + echoed("GET / "),
  },
  {
    title: "RFC 9110, 10.1.1: 100 Continue is sent even if the body has already arrived",
    sent: "PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi" + GET,
    got: "HTTP/1.1 100 Continue\r\n\r\n" + echoed("PUT / hi") + echoed("GET / "),
  },
  {
    title: "RFC 9110, 10.1.1: 100 Continue is not sent to HTTP/1.0 or without a body",
    sent:
      "PUT / HTTP/1.0\r\nConnection: keep-alive\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi" +
      "GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n",
    got: echoed("PUT / hi", "keep-alive") + echoed("GET / "),
  },
  {
    title: "RFC 9110, 10.1.1: another expectation is rejected, and no later request is served",
    sent: "PUT / HTTP/1.1\r\nHost: x\r\nExpect: 200-ok\r\nContent-Length: 2\r\n\r\nhi" + GET,
    got: refused(
      "417 Expectation Failed",
      'The only expectation that can be met is 100-continue: got "200-ok" (RFC 9110, 10.1.1)',
    ),
  },
  {
    title: "hardening 20: a request that gets 413 does not get 100 Continue first",
    sent: "PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 8388609\r\n\r\n",
    got: refused("413 Content Too Large", "The body must be at most 8388608 bytes long"),
  },
  {
    title: "hardening 21: a declined upgrade closes the connection",
    sent: "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + GET,
    got: echoed("GET / ", "close"),
  },
  {
    title: "hardening 21: h2c is ignored",
    sent:
      "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n" +
      GET,
    got: echoed("GET / ") + echoed("GET / "),
  },
  {
    title:
      "RFC 9110, 9.3.6: a 2xx to CONNECT has no length and no content, and ends the connection",
    sent: "CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n" + GET,
    got: `HTTP/1.1 200 OK\r\n${DATE}Connection: close\r\n\r\n`,
  },
  {
    title: "hardening 34: a bad request gets one response, and no later request is served",
    sent: "GET / HTTP/1.1\r\n\r\n" + GET,
    got: refused("400 Bad Request", "An HTTP/1.1 request needs a Host (RFC 9112, 3.2)"),
  },
  {
    title: "hardening 34: an error response follows the responses before it",
    sent: GET + "BAD\r\n\r\n",
    got: echoed("GET / ") +
      refused(
        "400 Bad Request",
        "The request line must begin with a method and one space (RFC 9112, 3)",
      ),
  },
  {
    title: "hardening 30: the error response to HEAD has no content",
    sent: "HEAD / HTTP/1.1\r\nHost: a b\r\n\r\n",
    got: refused(
      "400 Bad Request",
      'Host must be a host with an optional port: got "a b" (RFC 9110, 7.2)',
    ).replace(/\n[^\n]*\n$/, "\n"),
  },
  {
    title: "hardening 30: the error response after a HEAD has content",
    sent: "HEAD / HTTP/1.1\r\nHost: x\r\n\r\nGET\r\n\r\n",
    got: `HTTP/1.1 200 OK\r\n${DATE}Content-Length: 7\r\n\r\n` +
      refused(
        "400 Bad Request",
        "The request line must begin with a method and one space (RFC 9112, 3)",
      ),
  },
  {
    title: "RFC 9112, 8: a request that ends too early is rejected",
    sent: "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nhi",
    got: refused("400 Bad Request", "The request ended before it was complete (RFC 9112, 8)"),
  },
  { title: "a client that connects and closes gets no response", sent: [EOF], got: "" },
  {
    title: "a client that resets the connection gets no response",
    sent: ["GET / HT", RESET],
    got: "",
  },
  {
    title: "a client that half-closes after its request gets its response",
    sent: [GET, EOF],
    got: echoed("GET / "),
  },
]);
