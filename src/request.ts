/** The value that a handler gets. Everything that costs is made when it is first asked for. */
import type { Exchange } from "./exchange.ts";
import type { Content } from "./wire/content.ts";
import type { Protocol } from "./wire/head.ts";

/** How to respond, besides status, content and header fields. */
export interface RespondOptions {
  /**
   * The reason phrase.
   *
   * @default {the standard one of the status}
   */
  statusText?: string;
}

/**
 * Called once for each request, in the order of the connection, when the whole body is in.
 *
 * It answers with {@linkcode Request.respond} or writes to {@linkcode Request.client}
 * itself. If it throws, or returns without having done either, the client gets a 500
 * and `onError` hears of it.
 */
export type Handler = (request: Request) => void | Promise<void>;

/**
 * A request, and the means to answer it.
 *
 * It stays readable for as long as you keep it, also after it was answered.
 *
 * @example Answer what was asked
 * ```ts
 * import { AsyncHttpServer, type Request } from "@asynchttp/server";
 *
 * async function handler(request: Request) {
 *   const name = request.url.searchParams.get("name") ?? "World";
 *   await request.respond(200, `Hello, ${name}!`, { "Content-Type": "text/plain; charset=utf-8" });
 * }
 *
 * await using server = new AsyncHttpServer();
 * const serving = server.serve(0, handler, { address: "127.0.0.1" });
 * const response = await fetch(`http://127.0.0.1:${server.getPort()}/?name=Nim`);
 * console.log(await response.text()); // Hello, Nim!
 * server.close();
 * await serving;
 * ```
 */
export class Request {
  readonly #exchange: Exchange;
  readonly #scheme: "http" | "https";
  #url: URL | undefined;
  #body: string | undefined;

  /** @ignore Made by the server. */
  constructor(exchange: Exchange, scheme: "http" | "https") {
    this.#exchange = exchange;
    this.#scheme = scheme;
  }

  /**
   * The socket, within reach.
   *
   * Reads give first what the server has read ahead; writes queue behind the
   * responses on their way. A handler that writes here answers the request itself: the
   * server adds nothing, and closes the connection when the handler is done.
   */
  get client(): Deno.Conn {
    return this.#exchange.conn;
  }

  /** The method as it was sent, such as `"GET"`: any token (RFC 9110, 9.1), in the case it came in. */
  get reqMethod(): string {
    return this.#exchange.head.method;
  }

  /** The same as {@linkcode Request.reqMethod}, by the Web's name. */
  get method(): string {
    return this.#exchange.head.method;
  }

  /** The header fields as the Web knows them. Always the same object. */
  get headers(): Headers {
    return this.#exchange.head.fields.headers();
  }

  /** The header fields as they came: order, case and duplicates. */
  get rawHeaders(): ReadonlyArray<readonly [name: string, value: string]> {
    return this.#exchange.head.fields.pairs();
  }

  /** The HTTP version: as it was sent, and in numbers. */
  get protocol(): Protocol {
    return this.#exchange.head.protocol;
  }

  /**
   * The URL that is meant (RFC 9112, 3.3), built of parts that were checked: no Host
   * and no target can move the path.
   *
   * The host is that of an absolute-form target, else the Host field, else, for
   * HTTP/1.0, the local address. For `OPTIONS *` and `CONNECT host:port` the path is
   * `/`: look at {@linkcode Request.target} to tell them from a request for `/`.
   */
  get url(): URL {
    const { head, localAddr } = this.#exchange;
    return this.#url ??= head.url(this.#scheme, hostOf(localAddr));
  }

  /** The request-target as it came (RFC 9112, 3.2): a path with its query, a URL, `host:port`, or `*`. */
  get target(): string {
    return this.#exchange.head.target;
  }

  /** The IP address of the client, as in the original; `""` where the connection has none. */
  get hostname(): string {
    const { remoteAddr } = this.#exchange;
    return "hostname" in remoteAddr ? remoteAddr.hostname : "";
  }

  /** The address of the client. */
  get remoteAddr(): Deno.Addr {
    return this.#exchange.remoteAddr;
  }

  /** The whole body as text: UTF-8, with U+FFFD for what is not. */
  get body(): string {
    return this.#body ??= decoder.decode(this.#exchange.body);
  }

  /** The whole body as bytes. */
  get bytes(): Uint8Array {
    return this.#exchange.body;
  }

  /**
   * Answers the request.
   *
   * `Date`, `Content-Length` and `Connection` are added; a `Content-Length` of your
   * own must match, `Connection: close` of your own is honoured. A response to HEAD,
   * and one with status 204, 205 or 304, is sent without its content.
   *
   * @param code The status code, from 200 to 599.
   * @param content The body.
   * @param headers Header fields. A record or an array of pairs keeps its case and order.
   * @param options The reason phrase.
   * @returns Resolves when the system has the response; while further requests of a pipelining client wait, as soon as it is queued.
   * @throws {TypeError} It was answered before, or a field, the reason or the content cannot be sent. Nothing was written.
   * @throws {RangeError} The status is out of range. Nothing was written.
   */
  respond(
    code: number,
    content?: Content,
    headers?: HeadersInit,
    options?: RespondOptions,
  ): Promise<void> {
    return this.#exchange.respond(code, content, headers, options?.statusText);
  }

  /**
   * Sends header lines, and only them: no status line, no empty line. For handlers
   * that write their response to {@linkcode Request.client} themselves.
   *
   * @param headers The header fields.
   * @returns Resolves when the system has them.
   * @throws {TypeError} The request was answered before, or a field cannot be sent.
   *
   * @example A response by hand
   * ```ts
   * import type { Request } from "@asynchttp/server";
   *
   * async function handler(request: Request) {
   *   const line = (text: string) => request.client.write(new TextEncoder().encode(text + "\r\n"));
   *   await line("HTTP/1.1 200 OK");
   *   await request.sendHeaders({ "Content-Type": "text/event-stream" });
   *   await line("");
   *   await line("data: hello\r\n");
   * }
   * ```
   */
  sendHeaders(headers: HeadersInit): Promise<void> {
    return this.#exchange.sendHeaders(headers);
  }
}

const decoder = new TextDecoder();

function hostOf(address: Deno.Addr): string {
  if (!("hostname" in address)) return "localhost";
  const { hostname, port } = address;
  return `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}
