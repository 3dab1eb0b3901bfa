/**
 * The parser alone: bytes in, request out. One iteration is one request; the group's name
 * says how many bytes it has.
 *
 * ```sh
 * deno bench -A bench/parser_bench.ts
 * ```
 */
import { HttpParserJs } from "./parsers/http_parser_js.ts";
import { Llhttp } from "./parsers/llhttp.ts";
import { Ours } from "./parsers/ours.ts";
import type { Parser } from "./parsers/parser.ts";
import { bytesOf, CHROME, CHUNKED, CURL, headersOf, NGINX } from "./requests.ts";

const PARSERS: readonly (readonly [name: string, make: () => Parser])[] = [
  ["ours", () => new Ours()],
  ["npm:http-parser-js", () => new HttpParserJs()],
  ["llhttp, WebAssembly", () => new Llhttp()],
];

/** The largest read of the server. */
const READ = 65_536;

function whole(bytes: Uint8Array): Uint8Array[] {
  return [bytes];
}

/** Splits as a socket does: bytes that do not fit into the buffer come with the next read. */
function readByRead(bytes: Uint8Array): Uint8Array[] {
  const count = Math.ceil(bytes.length / READ);
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * READ, (i + 1) * READ));
}

function byteByByte(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (_, i) => bytes.subarray(i, i + 1));
}

/** Rejects a parser that does not read the whole request. */
function check(parser: Parser, pieces: readonly Uint8Array[], request: string): void {
  for (const piece of pieces) parser.feed(piece);
  const names = parser.fields().map(([name]) => name.toLowerCase()).sort();
  const expected = [...headersOf(request.slice(0, request.indexOf("\r\n\r\n"))).keys()];
  if (parser.complete !== 1 || names.join() !== expected.join()) {
    throw new Error(`${parser.constructor.name} read ${parser.complete} requests, fields ${names}`);
  }
}

/**
 * The same request except for the last byte of its head: this parser remembers the last
 * head of a connection and would otherwise only compare it.
 */
function another(request: string): string {
  const end = request.indexOf("\r\n\r\n");
  return `${request.slice(0, end - 1)}~${request.slice(end)}`;
}

/** One group: a request in pieces alternates with `other`; `then` runs after each of them. */
function group(
  title: string,
  request: string,
  split: (bytes: Uint8Array) => Uint8Array[] = whole,
  then: (parser: Parser) => unknown = () => {},
  other: string = another(request),
): void {
  const bytes = bytesOf(request);
  for (const [name, make] of PARSERS) {
    const parser = make();
    const both = [request, other].map((one) => split(parser.prepare(bytesOf(one))));
    check(parser, both[0]!, request);
    let turn = 0;
    Deno.bench({
      name,
      group: `${title} (${bytes.length} bytes)`,
      baseline: name === "ours",
      fn() {
        for (const piece of both[turn ^= 1]!) parser.feed(piece);
        then(parser);
      },
    });
  }
}

group("curl head", CURL);
group("Chrome head", CHROME);
group("nginx-upstream head", NGINX);
group("Chrome head, the same again", CHROME, whole, () => {}, CHROME);
group("Chrome head, every field read", CHROME, whole, (parser) => parser.fields());
group("Chrome head, byte by byte", CHROME, byteByByte);
group("chunked body, read by read", CHUNKED, readByRead, () => {}, CHUNKED);
