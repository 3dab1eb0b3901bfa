/** Requests as curl, Chrome and nginx write them, alone and pipelined. */

const CURL_GET =
  "GET /a?b=c HTTP/1.1\r\nHost: h:81\r\nUser-Agent: curl/8.9.1\r\nAccept: */*\r\n\r\n";
const CURL_POST =
  "POST /up HTTP/1.1\r\nHost: h\r\nUser-Agent: curl/8.9.1\r\nAccept: */*\r\nContent-Length: 7\r\n" +
  "Content-Type: application/x-www-form-urlencoded\r\n\r\na=b&c=d";
const CURL_CHUNKED =
  "PUT /up HTTP/1.1\r\nHost: h\r\nUser-Agent: curl/8.9.1\r\nTransfer-Encoding: chunked\r\n" +
  "Expect: 100-continue\r\n\r\nc\r\nHello, world\r\n1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n";
const CHROME =
  'GET /index.html HTTP/1.1\r\nHost: localhost:8080\r\nConnection: keep-alive\r\nsec-ch-ua: "Chromium";v="140", "Not=A?Brand";v="24"\r\n' +
  'sec-ch-ua-mobile: ?0\r\nsec-ch-ua-platform: "Linux"\r\nUpgrade-Insecure-Requests: 1\r\n' +
  "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\nAccept: text/html,*/*;q=0.8\r\n" +
  "Sec-Fetch-Site: none\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nCookie: a=b; c=d\r\n\r\n";
const WEBSOCKET =
  "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const NGINX_GET =
  "GET /app/ HTTP/1.0\r\nHost: backend\r\nX-Real-IP: 10.0.0.1\r\nX-Forwarded-For: 10.0.0.1\r\nConnection: close\r\n\r\n";
const NGINX_KEPT =
  'GET /app/ HTTP/1.1\r\nHost: backend\r\nX-Forwarded-For: 10.0.0.1, 10.0.0.2\r\nForwarded: for="[::1]"\r\n\r\n';
const NGINX_CHUNKED =
  "POST /app/ HTTP/1.1\r\nHost: backend\r\nX-Forwarded-Proto: https\r\nTransfer-Encoding: chunked\r\n\r\n" +
  "5\r\nabcde\r\n0\r\n\r\n";
const TRAILERS = "POST /t HTTP/1.1\r\nHost: h\r\nTE: trailers\r\nTrailer: Digest\r\n" +
  'Transfer-Encoding: Chunked\r\n\r\n3;name=value;q="x"\r\nabc\r\n000\r\nDigest: 1\r\nB:\r\n\r\n';

/** Requests that both sides must accept unchanged. */
export const VALID: readonly string[] = [
  CURL_GET,
  CURL_POST,
  CURL_CHUNKED,
  CHROME,
  WEBSOCKET,
  NGINX_GET,
  NGINX_KEPT,
  NGINX_CHUNKED,
  TRAILERS,
  CURL_GET + CURL_GET + CURL_GET,
  CURL_POST + NGINX_CHUNKED + CHROME + NGINX_KEPT,
  TRAILERS + CURL_CHUNKED + CURL_POST + NGINX_GET,
  "\r\n" + NGINX_KEPT + "\r\n" + CURL_GET,
  "HEAD / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n" + CURL_GET,
  "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
  "GET http://user.example:8080/x?y=z HTTP/1.1\r\nHost: other\r\n\r\n",
  "GET //x/../y%2e%2e/ HTTP/1.1\r\nHost: h\r\nA: \x80\xff \t\r\n\r\n",
  "DELETE /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
  "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + CURL_GET,
  "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n\x16\x03\x01",
];
