/** The measured requests, byte for byte as their clients send them. */

const encoder = new TextEncoder();

function lines(...parts: readonly string[]): string {
  return parts.join("\r\n") + "\r\n\r\n";
}

/** A request of curl. */
export const CURL: string = lines(
  "GET / HTTP/1.1",
  "Host: 127.0.0.1:8080",
  "User-Agent: curl/8.5.0",
  "Accept: */*",
);

/** A request of Chrome for a followed link: 14 header fields, cookies among them. */
export const CHROME: string = lines(
  "GET /products/search?q=walking+boots&page=2&sort=price HTTP/1.1",
  "Host: shop.example.com",
  "Connection: keep-alive",
  'sec-ch-ua: "Chromium";v="130", "Google Chrome";v="130", "Not?A_Brand";v="99"',
  "sec-ch-ua-mobile: ?0",
  'sec-ch-ua-platform: "Linux"',
  "Upgrade-Insecure-Requests: 1",
  "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
  "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8",
  "Sec-Fetch-Site: same-origin",
  "Sec-Fetch-Mode: navigate",
  "Referer: https://shop.example.com/products",
  "Accept-Encoding: gzip, deflate, br, zstd",
  "Accept-Language: en-GB,en-US;q=0.9,en;q=0.8",
  "Cookie: session=9f86d081884c7d659a2feaa0c55ad015; theme=dark; cart=1842%3A2%2C77%3A1; consent=yes",
);

/** A request of nginx to an upstream with keep-alive connections. */
export const NGINX: string = lines(
  "GET /api/orders/48213?expand=items HTTP/1.1",
  "Host: backend.internal",
  "X-Real-IP: 203.0.113.77",
  "X-Forwarded-For: 198.51.100.23, 203.0.113.77",
  "X-Forwarded-Proto: https",
  "X-Request-ID: 5f2b7c1e9d3a4860b1c2d3e4f5a6b7c8",
  "accept: application/json",
  "authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.dQ3mXv0jY2bq1cZk8sWl5tRn7uPe6fHa",
  "accept-encoding: gzip",
  "user-agent: okhttp/4.12.0",
);

/** A body of 64 chunks of 1 KiB, behind a small head. */
export const CHUNKED: string =
  "POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" +
  `400\r\n${"x".repeat(1024)}\r\n`.repeat(64) + "0\r\n\r\n";

/** The smallest valid request. */
export const HELLO: string = lines("GET / HTTP/1.1", "Host: 127.0.0.1");

/** Hello from users that differ: no two heads have the same path or cookie. */
export const VARIED: readonly string[] = Array.from({ length: 1000 }, (_, user) =>
  lines(
    `GET /items/${10_000 + user} HTTP/1.1`,
    "Host: 127.0.0.1",
    `Cookie: session=${(0x10000000 + 997 * user).toString(16)}`,
  ));

/** The same; the connection ends with it. */
export const HELLO_AND_CLOSE: string = lines(
  "GET / HTTP/1.1",
  "Host: 127.0.0.1",
  "Connection: close",
);

/** An order of 1 KiB. */
export const ORDER = {
  id: 48_213,
  customer: "Ada Lovelace",
  items: Array.from(
    { length: 17 },
    (_, i) => ({ sku: `boots-${1000 + i}`, count: i % 3, price: 89.5 }),
  ),
  note: "x".repeat(218),
};

/** A POST of 1 KiB of JSON. */
export const ORDER_POST: string = post("application/json", JSON.stringify(ORDER));

/** A POST of 1 MiB. */
export const MEBIBYTE_POST: string = post("application/octet-stream", "x".repeat(1 << 20));

function post(type: string, body: string): string {
  return lines(
    "POST / HTTP/1.1",
    "Host: 127.0.0.1",
    `Content-Type: ${type}`,
    `Content-Length: ${body.length}`,
  ) + body;
}

/** The request as bytes, `count` times in a row. */
export function bytesOf(request: string, count = 1): Uint8Array<ArrayBuffer> {
  return encoder.encode(request.repeat(count));
}

/** The header fields of a request without a body. */
export function headersOf(request: string): Headers {
  const fields = request.trimEnd().split("\r\n").slice(1);
  return new Headers(fields.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 2)] as [string, string];
  }));
}
