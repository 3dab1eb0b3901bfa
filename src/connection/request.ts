/** The request that a handler gets. Everything that costs is made on first access. */
import type { Exchange } from "./exchange.ts";
import type { HttpError } from "../errors.ts";
import type { FieldsInit } from "../fields_init.ts";
import { ignoreRejection } from "../ignore_rejection.ts";
import type { RequestOutcome } from "./outcome.ts";
import type { ClientConn } from "../net/raw_conn.ts";
import { isCount } from "../validate.ts";
import { headersOf } from "../web/lazy_headers.ts";
import { partsOf } from "../web/response_parts.ts";
import type { ResponseParts } from "../web/response_parts.ts";
import { formOf, notingBadJson, typedContent } from "../web/bad_body.ts";
import type { Content } from "../web/content.ts";
import type { Protocol } from "../wire/version.ts";

/**
 * How to respond, besides status, content and header fields.
 *
 * @example
 * ```ts
 * import type { RespondOptions } from "@asynchttp/server";
 * import { serveInMemory } from "@asynchttp/server/testing";
 *
 * const options: RespondOptions = { statusText: "Fine" };
 * await using server = serveInMemory((request) => request.respond(200, "hello", {}, options));
 * console.log((await server.fetch("/")).statusText); // Fine
 * ```
 */
export interface RespondOptions {
  /**
   * The reason phrase.
   *
   * @default {the standard one of the status}
   */
  statusText?: string;
  /**
   * Makes trailer fields, when the content has been sent. Name them in a `Trailer`
   * field. The response is sent in chunks; HTTP/1.0 gets no trailers.
   */
  trailers?: () => FieldsInit;
}

/**
 * Handles requests: called once for each, in the order of its connection, when the whole
 * body is in; a handler made by `streaming` as soon as the head is.
 *
 * It answers with {@linkcode Request.respond} or writes to {@linkcode Request.client}
 * itself. If it throws, or returns without having done either, the client gets 500 and
 * `onError` the error.
 *
 * @example
 * ```ts
 * import type { Handler } from "@asynchttp/server";
 * import { serveInMemory } from "@asynchttp/server/testing";
 *
 * const handler: Handler = (request) => request.respond(200, request.url.pathname);
 * await using server = serveInMemory(handler);
 * console.log(await (await server.fetch("/a")).text()); // /a
 * ```
 */
export type Handler = (request: Request) => void | Promise<void>;

/** Why the body of a request was rejected; null if it was not. */
export let bodyRejectionOf: (request: Request) => HttpError | null;

/** Returns the exchange of a request: for the entries that build on a connection. */
export let exchangeOf: (request: Request) => Exchange;

/** What answers a request with 101 when its handler does, and takes its connection over. */
type ProtocolSwitch = (response: Response) => void | Promise<void>;

const protocolSwitches = new WeakMap<Request, ProtocolSwitch>();

/** Lets `respondWith` answer with a Response of status 101, by calling `switchProtocols`. */
export function prepareSwitch(request: Request, switchProtocols: ProtocolSwitch): void {
  protocolSwitches.set(request, switchProtocols);
}

/**
 * A request, and the means to answer it.
 *
 * It stays readable for as long as you keep it, also after it was answered.
 *
 * @example Answer by name
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
  static {
    bodyRejectionOf = (request) => request.#exchange.bodyRejection;
    exchangeOf = (request) => request.#exchange;
  }

  readonly #exchange: Exchange;
  readonly #scheme: "http" | "https";
  #url: URL | undefined;
  #headers: Headers | undefined;
  #body: string | undefined;

  /** @ignore Made by the server. */
  constructor(exchange: Exchange, scheme: "http" | "https") {
    this.#exchange = exchange;
    this.#scheme = scheme;
  }

  /**
   * The connection as a `Deno.Conn`.
   *
   * Reads give first what the server has read ahead; writes queue behind the responses
   * that are on their way. A handler that writes here answers the request itself: the
   * server adds nothing, and closes the connection when the handler is done. To keep the
   * connection beyond that, take it over with {@linkcode Request.hijack}, also after writes.
   */
  get client(): ClientConn {
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
    return this.#headers ??= headersOf(this.#exchange.head.fields);
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
   * The target URI (RFC 9112, 3.3), built of checked parts only: no Host and no target
   * can move the path.
   *
   * The host is that of an absolute-form target, else the Host field, else, for
   * HTTP/1.0, the local address. A proxy that the option `forwarded` trusts has the last
   * word about scheme and host. For `OPTIONS *` and `CONNECT host:port` the path is
   * `/`: look at {@linkcode Request.target} to tell them from a request for `/`.
   */
  get url(): URL {
    return this.#url ??= this.#targetUri();
  }

  /** The request-target as it came (RFC 9112, 3.2): a path with its query, a URL, `host:port`, or `*`. */
  get target(): string {
    return this.#exchange.head.target;
  }

  /**
   * The IP address of the client, which Nim's `std/asynchttpserver` calls its host name, too; `""`
   * where the connection has none. Of a client that a trusted proxy hides it is `"unknown"`, or an
   * identifier such as `"_a1"` (RFC 7239, 6.3).
   *
   * A client that reaches an IPv6 listener over IPv4 has its IPv4 address here: the system's
   * `::ffff:127.0.0.1` would not match a list of addresses. {@linkcode Request.remoteAddr} has
   * what the system says.
   */
  get hostname(): string {
    const { remoteAddr } = this;
    return "hostname" in remoteAddr ? remoteAddr.hostname.replace(IPV4_MAPPED, "") : "";
  }

  /** The address of the server's end of the connection; with `proxyProtocol`, of the end that the client has connected to. */
  get localAddr(): Deno.Addr {
    return this.#exchange.localAddr;
  }

  /**
   * The address of the client: of the socket's other end, unless the options `proxyProtocol`
   * and `forwarded` let proxies name it. A port that no proxy has named is 0.
   */
  get remoteAddr(): Deno.Addr {
    return this.#exchange.remoteAddr;
  }

  /** The address of the socket's other end, whatever proxies say: of the last of them, or of the client. */
  get peerAddr(): Deno.Addr {
    return this.#exchange.peerAddr;
  }

  /** Whether the request has a body, even if it turns out to be empty (RFC 9112, 6.3). */
  get hasBody(): boolean {
    return this.#exchange.head.framing.body !== 0;
  }

  /**
   * The whole body as text: UTF-8, with U+FFFD for what is not.
   *
   * @throws {TypeError} In a streaming handler, before {@linkcode Request.text} has read it.
   */
  get body(): string {
    return this.#body ??= decoder.decode(this.bytes);
  }

  /**
   * The whole body as bytes.
   *
   * @throws {TypeError} In a streaming handler, before {@linkcode Request.text} has read it.
   */
  get bytes(): Uint8Array {
    const { whole } = this.#exchange.body;
    if (whole !== undefined) return whole;
    throw new TypeError(
      "The body has not been read: a streaming handler reads it with stream, text(), json() or formData()",
    );
  }

  /**
   * The body as a stream, in both kinds of handlers. Always the same one.
   *
   * In a streaming handler nothing is read from the socket until the reader pulls. Its
   * chunks are copies, yours to keep. It fails with an {@linkcode HttpError} where the
   * body is rejected; if the handler lets that error pass, the client gets its status.
   * What was read from it is not there for {@linkcode Request.text} any more.
   */
  get stream(): ReadableStream<Uint8Array> {
    return this.#exchange.body.stream;
  }

  /**
   * Reads the body as text: UTF-8, with U+FFFD for what is not.
   *
   * @returns The body.
   * @throws {HttpError} The body is rejected: it is too large, malformed, incomplete or late.
   * @throws {Error} Its name is `"ConnectionLost"`: the client has gone, or the server has cut the connection.
   * @throws {TypeError} The stream is locked or was read, the handler reads the socket, or the request is over.
   *
   * @example
   * ```ts
   * import { streaming } from "@asynchttp/server";
   * import { serveInMemory } from "@asynchttp/server/testing";
   *
   * const handler = streaming(async (request) => request.respond(200, await request.text()));
   * await using server = serveInMemory(handler);
   * console.log(await (await server.fetch("/", { method: "PUT", body: "ok" })).text()); // ok
   * ```
   */
  text(): Promise<string> {
    return ignoreRejection(this.#text());
  }

  /**
   * Reads the body as JSON. If it is not JSON, and the handler lets that error pass, the
   * client gets 400, and `onReject` is called.
   *
   * @returns The parsed value.
   * @throws {SyntaxError} The body is not JSON.
   * @throws {HttpError} The body is rejected: it is too large, malformed, incomplete or late.
   * @throws {Error} Its name is `"ConnectionLost"`: the client has gone, or the server has cut the connection.
   * @throws {TypeError} The stream is locked or was read, the handler reads the socket, or the request is over.
   *
   * @example
   * ```ts
   * import { serveInMemory } from "@asynchttp/server/testing";
   *
   * await using server = serveInMemory(async (request) => {
   *   const { name } = await request.json() as { name: string };
   *   await request.respond(200, name);
   * });
   * const body = JSON.stringify({ name: "Ada" });
   * console.log(await (await server.fetch("/", { method: "POST", body })).text()); // Ada
   * ```
   */
  json(): Promise<unknown> {
    return ignoreRejection(notingBadJson(this.#text().then(JSON.parse)));
  }

  /**
   * Reads the body as a form: `multipart/form-data` (RFC 7578) or
   * `application/x-www-form-urlencoded`, by its Content-Type, as the Web's `Response` does. The
   * whole body is in memory, files included, within {@linkcode Request.maxBody}. If it is no such
   * form, and the handler lets that error pass, the client gets 400, and `onReject` is called.
   * Deno 2.9.6 leaves out a part that has no end, without an error.
   *
   * @returns The fields, a `File` for each file.
   * @throws {TypeError} The body is no such form, its stream is locked or was read, the handler reads the socket, or the request is over.
   * @throws {HttpError} The body is rejected: it is too large, malformed, incomplete or late.
   * @throws {Error} Its name is `"ConnectionLost"`: the client has gone, or the server has cut the connection.
   *
   * @example
   * ```ts
   * import { AsyncHttpServer } from "@asynchttp/server";
   *
   * await using server = new AsyncHttpServer();
   * const serving = server.serve(0, async (request) => {
   *   const form = await request.formData();
   *   await request.respond(200, `Hello, ${form.get("name")}!`);
   * }, { address: "127.0.0.1" });
   * const body = new FormData();
   * body.set("name", "Ada");
   * const url = `http://127.0.0.1:${server.getPort()}/`;
   * console.log(await (await fetch(url, { method: "POST", body })).text()); // Hello, Ada!
   * server.close();
   * await serving;
   * ```
   */
  formData(): Promise<FormData> {
    return ignoreRejection(this.#typed().then(formOf));
  }

  /**
   * Reads the body as a `Blob`, whose type is the Content-Type of the request.
   *
   * @returns The body.
   * @throws {HttpError} The body is rejected: it is too large, malformed, incomplete or late.
   * @throws {Error} Its name is `"ConnectionLost"`: the client has gone, or the server has cut the connection.
   * @throws {TypeError} The stream is locked or was read, the handler reads the socket, or the request is over.
   *
   * @example
   * ```ts
   * import { serveInMemory } from "@asynchttp/server/testing";
   *
   * await using server = serveInMemory(async (request) => {
   *   const { size, type } = await request.blob();
   *   await request.respond(200, `${size} bytes of ${type}`);
   * });
   * const body = new Blob(["hi"], { type: "text/plain" });
   * const response = await server.fetch("/", { method: "POST", body });
   * console.log(await response.text()); // 2 bytes of text/plain
   * ```
   */
  blob(): Promise<Blob> {
    return ignoreRejection(this.#typed().then((content) => content.blob()));
  }

  /**
   * Reads the body as an `ArrayBuffer`: a copy, yours to keep or to transfer.
   * {@linkcode Request.bytes} makes none.
   *
   * @returns The body.
   * @throws {HttpError} The body is rejected: it is too large, malformed, incomplete or late.
   * @throws {Error} Its name is `"ConnectionLost"`: the client has gone, or the server has cut the connection.
   * @throws {TypeError} The stream is locked or was read, the handler reads the socket, or the request is over.
   *
   * @example
   * ```ts
   * import { serveInMemory } from "@asynchttp/server/testing";
   *
   * await using server = serveInMemory(async (request) => {
   *   const numbers = new Uint8Array(await request.arrayBuffer());
   *   await request.respond(200, `${numbers.reduce((sum, number) => sum + number)}`);
   * });
   * const body = new Uint8Array([1, 2, 3]);
   * console.log(await (await server.fetch("/", { method: "POST", body })).text()); // 6
   * ```
   */
  arrayBuffer(): Promise<ArrayBuffer> {
    return ignoreRejection(
      this.#exchange.body.readWhole().then((bytes) => new Uint8Array(bytes).buffer),
    );
  }

  /**
   * The trailer fields (RFC 9110, 6.5), apart from the header fields. Resolves when the
   * body was read to its end; rejects with the error of {@linkcode Request.text} where that
   * fails. Fields about framing, routing and authentication are dropped.
   */
  get trailers(): Promise<Headers> {
    return this.#exchange.body.trailers;
  }

  /**
   * How many bytes the body may have: the server's `maxBody`, unless a streaming handler
   * changes it before it reads.
   *
   * @throws {TypeError} When set after the first read, or to something other than a number.
   * @throws {RangeError} When set to something other than an integer from 0 on, or Infinity.
   */
  get maxBody(): number {
    return this.#exchange.body.maxBody;
  }

  set maxBody(bytes: number) {
    isCount(0)("maxBody", bytes);
    this.#exchange.body.maxBody = bytes;
  }

  /**
   * How many milliseconds the handler may take: the server's `timeouts.handler`, counted from
   * its call, unless the handler changes it before its first `await`. Where either of them has
   * set a limit, the handler can change it at any time, and a change counts from when it is
   * made: a handler that makes progress can give itself more time.
   *
   * @throws {TypeError} When set after the request is over, by a handler that has begun to wait without a limit, or to something other than a number.
   * @throws {RangeError} When set to something other than an integer from 0 on, or Infinity.
   */
  get handlerTimeout(): number {
    return this.#exchange.handlerTimeout;
  }

  set handlerTimeout(ms: number) {
    isCount(0)("handlerTimeout", ms);
    this.#exchange.handlerTimeout = ms;
  }

  /**
   * Aborts when the client goes, or closes its side, while its request is being handled;
   * never once the request was served. A client that has only closed its side still gets
   * the response.
   */
  get signal(): AbortSignal {
    return this.#exchange.signal;
  }

  /**
   * What becomes of the request: resolves when its response has ended, or its connection was
   * handed over. Never rejects, and may be ignored. Unless the server has `onResponse`, nothing
   * is measured before you read it, and the times count from there.
   *
   * @throws {TypeError} When first read after the response has begun, without `onResponse`.
   *
   * @example
   * ```ts
   * import type { Request } from "@asynchttp/server";
   *
   * function handler(request: Request) {
   *   request.completed.then(({ ended, bytesSent }) => console.log(ended, bytesSent));
   *   return request.respond(200, "Hello, World!");
   * }
   * ```
   */
  get completed(): Promise<RequestOutcome> {
    return this.#exchange.completed;
  }

  /**
   * Answers the request.
   *
   * `Date`, `Content-Length` and `Connection` are added; a `Content-Length` of your
   * own must match, `Connection: close` of your own is honoured. A response to HEAD,
   * and one with status 204, 205 or 304, is sent without its content.
   *
   * A stream is sent in chunks, to HTTP/1.0 until the connection closes, and as long as
   * your `Content-Length` says where you give one. The server reads it no faster than the
   * client reads, and cancels it when the client goes. A client that closes its side may
   * still be reading: to end a stream that waits for long then too, pipe it through a
   * `new TransformStream()` with {@linkcode Request.signal}. When the stream fails, the
   * connection is cut, so that the client can tell.
   *
   * @param code The status code, from 200 to 599.
   * @param content The body.
   * @param headers Header fields. A record or an array of pairs keeps its case and order; an array as a record's value is one line for each of its items.
   * @param options The reason phrase, trailers.
   * @returns Resolves when the system has the response; while further requests of a pipelining client wait, as soon as it is queued.
   * @throws {TypeError} The request was answered before, or a field, the reason or the content cannot be sent: nothing was written. Or the stream has a chunk that is no `Uint8Array`, or another length than your `Content-Length`, or a trailer cannot be sent: the connection is cut.
   * @throws {RangeError} The status is out of range: nothing was written.
   * @throws {Error} Its name is `"ConnectionLost"`: the client has gone, or the server has cut the connection. Or it is what the stream or `trailers` has thrown.
   *
   * @example
   * ```ts
   * import { serveInMemory } from "@asynchttp/server/testing";
   *
   * await using server = serveInMemory((request) =>
   *   request.respond(200, "<h1>Hello</h1>", { "Content-Type": "text/html", "Set-Cookie": ["a=1", "b=2"] })
   * );
   * console.log((await server.fetch("/")).headers.getSetCookie()); // [ "a=1", "b=2" ]
   * ```
   */
  respond(
    code: number,
    content?: Content | ReadableStream<Uint8Array>,
    headers?: FieldsInit | null,
    options?: RespondOptions,
  ): Promise<void> {
    return this.#exchange.respond({
      status: code,
      content,
      headers,
      statusText: options?.statusText,
      trailers: options?.trailers,
    });
  }

  /**
   * Answers with a Web `Response`, or with an object that has the same members.
   *
   * @param response The response; its body must not have been used.
   * @returns Resolves when the system has the response.
   * @throws {TypeError} The request was answered before, the response is none or has been used, or it cannot be sent.
   * @throws {RangeError} The status is out of range, which that of a `Response` is not.
   * @throws {Error} Its name is `"ConnectionLost"`: the client has gone, or the server has cut the connection. Or it is what the body has thrown.
   *
   * @example
   * ```ts
   * import type { Request } from "@asynchttp/server";
   *
   * async function handler(request: Request) {
   *   await request.respondWith(Response.json({ path: request.url.pathname }));
   * }
   * ```
   */
  respondWith(response: Response): Promise<void> {
    try {
      return this.#respondWith(response);
    } catch (error) {
      return ignoreRejection(Promise.reject(error));
    }
  }

  /**
   * Sends an interim response (RFC 9110, 15.2), such as 103 with `Link` fields. As often
   * as you like, before the response; HTTP/1.0 gets none.
   *
   * @param code The status code, from 102 to 199.
   * @param headers Header fields.
   * @returns Resolves when the system has it.
   * @throws {TypeError} The request was answered, or a field cannot be sent.
   * @throws {RangeError} The status is out of range.
   * @throws {Error} Its name is `"ConnectionLost"`: the client has gone, or the server has cut the connection.
   *
   * @example
   * ```ts
   * import { serveInMemory } from "@asynchttp/server/testing";
   *
   * await using server = serveInMemory(async (request) => {
   *   await request.inform(103, { Link: "</a.css>; rel=preload" });
   *   await request.respond(200, "page");
   * });
   * console.log(await (await server.fetch("/")).text()); // page
   * ```
   */
  inform(code: number, headers?: FieldsInit | null): Promise<void> {
    return this.#exchange.inform(code, headers);
  }

  /**
   * Accepts the protocol that the client offers (RFC 9110, 7.8): sends 101, to CONNECT 200,
   * and hands the connection over. It is yours then: you close it, also where the handler
   * throws; `using` does both. Its first bytes are those that the client sent behind the request.
   *
   * @param headers Header fields; `Connection` is added, and `Upgrade` with the first protocol offered where you name none.
   * @returns The connection.
   * @throws {TypeError} The client offers nothing, the request was answered, its body was not read, or a field cannot be sent.
   * @throws {Error} Its name is `"ConnectionLost"`: the client has gone, or the server has cut the connection.
   *
   * @example A protocol that sends back what it gets
   * ```ts
   * import { serveInMemory } from "@asynchttp/server/testing";
   *
   * await using server = serveInMemory(async (request) => {
   *   using conn = await request.upgrade({ Upgrade: "echo" });
   *   await conn.readable.pipeTo(conn.writable);
   * });
   * using conn = server.connect();
   * const head = "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
   * await conn.write(new TextEncoder().encode(`${head}hello`));
   * await conn.closeWrite();
   * const [line, ...lines] = (await new Response(conn.readable).text()).split("\r\n");
   * console.log(line, lines.at(-1)); // HTTP/1.1 101 Switching Protocols hello
   * ```
   */
  upgrade(headers?: FieldsInit | null): Promise<ClientConn> {
    return this.#exchange.upgrade(headers);
  }

  /**
   * Hands the connection over without sending anything, for a library that answers itself,
   * or a handler that has begun to write to {@linkcode Request.client} and goes on when it
   * has returned. It is yours then: you close it, also where the handler throws.
   *
   * @returns The connection; its first bytes are those that the client sent behind the request.
   * @throws {TypeError} The request was answered, or its body was not read.
   *
   * @example
   * ```ts
   * import { serveInMemory } from "@asynchttp/server/testing";
   *
   * await using server = serveInMemory(async (request) => {
   *   using conn = request.hijack();
   *   await conn.write(new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"));
   * });
   * console.log(await (await server.fetch("/")).text()); // hi
   * ```
   */
  hijack(): ClientConn {
    return this.#exchange.hijack();
  }

  /**
   * Sends header lines, and only them: no status line, no empty line. For handlers
   * that write their response to {@linkcode Request.client} themselves; also after
   * {@linkcode Request.hijack}.
   *
   * @param headers The header fields.
   * @returns Resolves when the system has them.
   * @throws {TypeError} The request was answered before, or a field cannot be sent.
   * @throws {Error} Its name is `"ConnectionLost"`: the client has gone, or the server has cut the connection.
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
  sendHeaders(headers: FieldsInit): Promise<void> {
    return this.#exchange.sendHeaders(headers);
  }

  #targetUri(): URL {
    const { head, localAddr, forwarded } = this.#exchange;
    const scheme = forwarded?.scheme ?? this.#scheme;
    return head.url(scheme, hostOf(localAddr), forwarded?.host);
  }

  async #text(): Promise<string> {
    await this.#exchange.body.readWhole();
    return this.body;
  }

  async #typed(): Promise<Response> {
    return typedContent(await this.#exchange.body.readWhole(), this.headers);
  }

  /** Not async: a response in memory is sent at once, and no promise but its own is waited for. */
  #respondWith(response: Response): Promise<void> {
    const switchProtocols = response?.status === 101 ? protocolSwitches.get(this) : undefined;
    if (switchProtocols !== undefined) {
      return ignoreRejection(Promise.resolve(switchProtocols(response)));
    }
    const parts = partsOf(response);
    return parts instanceof Promise
      ? ignoreRejection(this.#respondLater(parts))
      : this.#exchange.respond(parts);
  }

  async #respondLater(coming: Promise<ResponseParts>): Promise<void> {
    const parts = await coming;
    try {
      await this.#exchange.respond(parts);
    } catch (error) {
      cancelUnread(parts.content, error);
      throw error;
    }
  }
}

/** A Response that comes too late may hold a connection of the handler's. What was sent in part is cancelled by then. */
function cancelUnread(content: unknown, reason: unknown): void {
  if (content instanceof ReadableStream && !content.locked) ignoreRejection(content.cancel(reason));
}

const decoder = new TextDecoder();

/** The prefix of an IPv4-mapped IPv6 address (RFC 4291, 2.5.5.2). */
const IPV4_MAPPED = /^::ffff:(?=\d+\.)/i;

function hostOf(address: Deno.Addr): string {
  if (!("hostname" in address)) return "localhost";
  const { hostname, port } = address;
  return `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}
