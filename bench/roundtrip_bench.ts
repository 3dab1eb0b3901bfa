/**
 * One keep-alive connection over loopback, server and client in this process: the time
 * from the write of the request to the last byte of the response. Half of it belongs to the
 * client and the kernel and is the same for all servers; for throughput see load.ts.
 *
 * ```sh
 * deno bench -A bench/roundtrip_bench.ts
 * ```
 */
import { AsyncHttpServer } from "@asynchttp/server";
import { ResponseParser } from "@asynchttp/server/wire";
import { bytesOf, CHROME, HELLO, ORDER_POST } from "./requests.ts";
import { ASYNCHTTP_HANDLERS } from "./servers/asynchttp_handlers.ts";
import { serveRaw } from "./servers/raw_connection.ts";
import type { Route } from "./servers/routes.ts";
import { WEB_HANDLERS } from "./servers/web_handlers.ts";

const ADDRESS = "127.0.0.1";

function startAsynchttp(route: Route): number {
  const server = new AsyncHttpServer();
  server.serve(0, ASYNCHTTP_HANDLERS[route], { address: ADDRESS });
  return server.getPort();
}

function startDenoServe(route: Route): number {
  const server = Deno.serve({ port: 0, hostname: ADDRESS, onListen() {} }, WEB_HANDLERS[route]);
  return server.addr.port;
}

/** Answers hello to every request: the floor of the small exchanges. */
function startRawLoop(): number {
  const listener = Deno.listen({ port: 0, hostname: ADDRESS });
  (async () => {
    for await (const conn of listener) serveRaw(conn);
  })();
  return (listener.addr as Deno.NetAddr).port;
}

/** Reads responses by their length, which is the same each time: it must not be the bottleneck. */
class Client {
  readonly #conn: Deno.Conn;
  readonly #buffer = new Uint8Array(131_072);
  #length = 0;

  constructor(conn: Deno.Conn) {
    this.#conn = conn;
  }

  /** Sends a request and learns from its response how long each one is. */
  async learn(request: Uint8Array): Promise<void> {
    await this.#conn.write(request);
    const parser = new ResponseParser();
    parser.expect({ method: "GET" });
    const read = await this.#read(1);
    parser.input.push(this.#buffer.subarray(0, read));
    const head = parser.next();
    if (head.type !== "head" || head.status !== 200 || typeof head.framing.content !== "number") {
      throw new Error("Response must be 200 with Content-Length, its head in one piece");
    }
    this.#length = read - parser.input.length + head.framing.content;
    await this.#read(this.#length - read);
  }

  async exchange(request: Uint8Array): Promise<void> {
    await this.#conn.write(request);
    if (await this.#read(this.#length) !== this.#length) throw new Error("Response is too long");
  }

  /** Reads at least that many bytes and keeps only the last piece. */
  async #read(length: number): Promise<number> {
    let read = 0;
    while (read < length) {
      const count = await this.#conn.read(this.#buffer);
      if (count === null) throw new Error("Connection ended within a response");
      read += count;
    }
    return read;
  }
}

async function bench(group: string, name: string, port: number, request: string): Promise<void> {
  const bytes = bytesOf(request);
  const conn = await Deno.connect({ hostname: ADDRESS, port });
  const client = new Client(conn);
  await client.learn(bytes);
  Deno.bench({
    name,
    group,
    baseline: name === "ours",
    async fn() {
      await client.exchange(bytes);
    },
  });
}

const SCENARIOS: readonly (readonly [group: string, route: Route, request: string])[] = [
  ["hello", "hello", HELLO],
  ["browser head, url and headers read", "browser", CHROME],
  ["POST of 1 KiB JSON", "json", ORDER_POST],
  ["answer of 64 KiB", "bytes", HELLO],
];

for (const [group, route, request] of SCENARIOS) {
  await bench(group, "ours", startAsynchttp(route), request);
  await bench(group, "Deno.serve", startDenoServe(route), request);
  if (route === "hello") await bench(group, "raw loop", startRawLoop(), request);
}
