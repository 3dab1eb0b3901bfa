/** `upgradeWebSocket`, in the shape of `Deno.upgradeWebSocket`; frames are spoken by `ws`. */
import type { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
// @ts-types="@types/ws"
import { WebSocketServer } from "ws";
// @ts-types="@types/ws"
import type { WebSocket as Connection } from "ws";
import { Connection as HttpConnection } from "../connection/connection.ts";
import { report } from "../connection/context.ts";
import type { ServerContext } from "../connection/context.ts";
import { exchangeOf, prepareSwitch, Request } from "../connection/request.ts";
import type { FieldsInit } from "../fields_init.ts";
import { checkRecord, isBoolean, isCount, isText } from "../validate.ts";
import { sourceOf } from "../web/lazy_request.ts";
import { fieldsToSend } from "../wire/fields.ts";
import type { FieldPair } from "../wire/fields.ts";
import { ConnDuplex } from "./conn_duplex.ts";
import { chosenProtocol, refusalOf } from "./handshake.ts";
import { startHeartbeat } from "./heartbeat.ts";
import { guardInflate } from "./inflate_guard.ts";
import { ServerWebSocket } from "./server_websocket.ts";

/**
 * Options for {@linkcode upgradeWebSocket}.
 *
 * @example
 * ```ts
 * import { AsyncHttpServer, fetchHandler } from "@asynchttp/server";
 * import { upgradeWebSocket, type UpgradeWebSocketOptions } from "@asynchttp/server/websocket";
 *
 * const options: UpgradeWebSocketOptions = { protocols: ["chat.v2", "chat.v1"], idleTimeout: 60 };
 * await using server = new AsyncHttpServer();
 * const serving = server.serve(
 *   0,
 *   fetchHandler((request) => upgradeWebSocket(request, options).response),
 *   { address: "127.0.0.1" },
 * );
 *
 * const client = new WebSocket(`ws://127.0.0.1:${server.getPort()}/`, ["chat.v1"]);
 * await new Promise((resolve) => client.onopen = resolve);
 * console.log(client.protocol); // chat.v1
 * const closed = new Promise((resolve) => client.onclose = resolve);
 * client.close();
 * await closed;
 * server.close();
 * await serving;
 * ```
 */
export interface UpgradeWebSocketOptions {
  /**
   * The subprotocols that the server speaks, most preferred first. The first that the client
   * offers is chosen, none if it offers none of them (RFC 6455, 4.2.2).
   *
   * @default {[]}
   */
  protocols?: readonly string[];
  /**
   * The one subprotocol that the server speaks, as in `Deno.upgradeWebSocket`; short for a list
   * of one.
   *
   * @default {undefined}
   */
  protocol?: string;
  /**
   * Seconds of silence after which the client is pinged, and again so many until it is given up,
   * as in `Deno.upgradeWebSocket`; 0 switches both off. Any byte counts as a sign of life.
   *
   * @default {30}
   */
  idleTimeout?: number;
  /**
   * Origins whose pages may connect, besides those of the server's own host: as a browser sends
   * them, such as `"https://example.com"`; `"*"` for all. Clients that send no `Origin` are no
   * browsers, and may connect (RFC 6455, 10.2).
   *
   * @default {[]}
   */
  allowedOrigins?: readonly string[];
  /**
   * The largest message, in bytes, decompressed; a larger one closes the connection with 1009.
   *
   * @default {1048576}
   */
  maxPayload?: number;
  /**
   * Bytes that may wait to be sent when `send` is called. A client that leaves more unread is
   * cut off: what it does not read stays in the memory of the server.
   *
   * @default {16777216}
   */
  maxBufferedAmount?: number;
  /**
   * Whether messages are compressed where the client offers it (RFC 7692), each on its own. Data
   * of an attacker beside a secret in one message then reveals the secret by its length.
   *
   * @default {false}
   */
  compression?: boolean;
}

/**
 * A WebSocket, and the response that opens it: that of `Deno.upgradeWebSocket`.
 *
 * @example A request that asks for no WebSocket is refused
 * ```ts
 * import { fetchHandler } from "@asynchttp/server";
 * import { serveInMemory } from "@asynchttp/server/testing";
 * import { upgradeWebSocket, type WebSocketUpgrade } from "@asynchttp/server/websocket";
 *
 * await using server = serveInMemory(fetchHandler((request) => {
 *   const { socket, response }: WebSocketUpgrade = upgradeWebSocket(request);
 *   socket.onclose = ({ code }) => console.log(code); // 1006: it never opens
 *   return response;
 * }));
 * console.log((await server.fetch("/")).status); // 426
 * ```
 */
export interface WebSocketUpgrade {
  /** The server's end, which opens when the response is sent; closed where it is a refusal. */
  readonly socket: WebSocket;
  /** Answers the request: status 101, or that of a refusal. */
  readonly response: Response;
}

/**
 * Takes a request for a WebSocket.
 *
 * Respond with the `response` that it returns, and use the `socket` as the Web's `WebSocket`. It
 * opens when the response is sent, with the header fields that were added to it.
 *
 * What is wrong with a request is a response, never an exception: 426 where it asks for no
 * WebSocket, 400 where its handshake is malformed, 403 where it comes from a page of another
 * host. Its socket never opens, and has an error event and a close event with code 1006.
 *
 * A listener that fails is reported to `onError`, and closes its connection with 1011. When the
 * server closes it closes each socket with 1001, and `shutdown` waits for them.
 *
 * @param request The request of a handler, or the Web `Request` of a `fetchHandler`.
 * @param options The subprotocols, allowed origins and bounds.
 * @returns The socket, and the response that opens it.
 * @throws {TypeError} The request is not one of this module's, or was answered or upgraded before, or an option is unknown or has the wrong type.
 * @throws {RangeError} A number is out of range.
 *
 * @example Echo
 * ```ts
 * import { AsyncHttpServer, fetchHandler } from "@asynchttp/server";
 * import { upgradeWebSocket } from "@asynchttp/server/websocket";
 *
 * await using server = new AsyncHttpServer();
 * const serving = server.serve(0, fetchHandler((request) => {
 *   const { socket, response } = upgradeWebSocket(request);
 *   socket.onmessage = ({ data }) => socket.send(data);
 *   return response;
 * }), { address: "127.0.0.1" });
 *
 * const client = new WebSocket(`ws://127.0.0.1:${server.getPort()}/`);
 * client.onopen = () => client.send("hello");
 * console.log(await new Promise((resolve) => client.onmessage = ({ data }) => resolve(data))); // hello
 * const closed = new Promise((resolve) => client.onclose = resolve);
 * client.close();
 * await closed;
 * server.close();
 * await serving;
 * ```
 */
export function upgradeWebSocket(
  request: globalThis.Request | Request,
  options: UpgradeWebSocketOptions = {},
): WebSocketUpgrade {
  const resolved = resolveOptions(options);
  const own = ownRequest(request);
  const { unanswered, head, connection } = exchangeOf(own);
  if (!unanswered) throw new TypeError("Cannot upgrade: the request has already been answered");
  const { method, url, headers, hasBody } = own;
  const socket = new ServerWebSocket({
    url: url.href.replace(/^http/, "ws"),
    maxBufferedAmount: resolved.maxBufferedAmount,
    onError: (error) => report(HttpConnection.serverOf(connection).options, error, own),
  });
  const opening = { method, url, headers, hasBody, upgrade: head.framing.upgrade };
  const refusal = refusalOf(opening, resolved.allowedOrigins);
  if (refusal !== null) {
    socket.fail(refusal.text);
    return { socket, response: new Response(`${refusal.text}\n`, refusal) };
  }
  prepareSwitch(own, (response) => open(own, response.headers, socket, resolved));
  return { socket, response: new Response(null, { status: 101 }) };
}

type ResolvedOptions = Required<Omit<UpgradeWebSocketOptions, "protocol">>;

const CHECKS = {
  protocols: areTexts,
  protocol: isText,
  idleTimeout: isCount(0),
  allowedOrigins: areTexts,
  maxPayload: isCount(1),
  maxBufferedAmount: isCount(0),
  compression: isBoolean,
};

function resolveOptions(options: UpgradeWebSocketOptions): ResolvedOptions {
  checkRecord("options of upgradeWebSocket", options, CHECKS);
  return {
    protocols: options.protocols ?? (options.protocol === undefined ? [] : [options.protocol]),
    idleTimeout: options.idleTimeout ?? 30,
    allowedOrigins: options.allowedOrigins ?? [],
    maxPayload: options.maxPayload ?? 1_048_576,
    maxBufferedAmount: options.maxBufferedAmount ?? 16_777_216,
    compression: options.compression ?? false,
  };
}

function areTexts(name: string, value: unknown): void {
  if (Array.isArray(value)) return value.forEach((each) => isText(name, each));
  throw new TypeError(`Option ${name} must be an array of strings: got ${value}`);
}

function ownRequest(request: globalThis.Request | Request): Request {
  const own = request instanceof Request ? request : sourceOf(request);
  if (own instanceof Request) return own;
  throw new TypeError(
    "Cannot upgrade: the request is neither one of this server nor the one that fetchHandler passes on",
  );
}

/** Takes the connection over: sends 101, and lets frames follow. */
function open(
  request: Request,
  headers: FieldsInit,
  socket: ServerWebSocket,
  options: ResolvedOptions,
): void {
  // Closed before it was opened: there is nothing to open.
  if (socket.readyState === socket.CLOSED) throw new TypeError("The socket was closed");
  // An object like a Response has fields of any kind, and `ws` sends them as they are.
  const fields = fieldsToSend(headers);
  const duplex = new ConnDuplex(request.hijack());
  const server = HttpConnection.serverOf(exchangeOf(request).connection);
  serverOf(fields, options).handleUpgrade(
    openingMessage(request.headers, options),
    duplex,
    new Uint8Array() as Buffer, // Reads of the connection first return what has come too early.
    (connection) => {
      guardInflate(connection);
      socket.open(connection);
      watch(connection, socket, duplex, server, options.idleTimeout * 1000);
    },
  );
  if (socket.readyState === socket.CONNECTING) socket.fail("The handshake has failed");
}

/** A server for one handshake: it holds no sockets, and options differ from request to request. */
function serverOf(fields: readonly FieldPair[], options: ResolvedOptions): WebSocketServer {
  const { maxPayload } = options;
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    // For `ws` 0 means no limit.
    maxPayload: maxPayload === Infinity ? 0 : maxPayload,
    // A window that is kept between messages costs 300 KB a connection.
    perMessageDeflate: options.compression &&
      { serverNoContextTakeover: true, clientNoContextTakeover: true },
  });
  server.on("headers", (lines) => {
    for (const [name, value] of fields) {
      if (!OF_THE_HANDSHAKE.test(name)) lines.push(`${name}: ${value}`);
    }
  });
  return server;
}

/** Fields that `ws` writes itself, and those of a body, which 101 has not. */
const OF_THE_HANDSHAKE =
  /^(?:connection|upgrade|sec-websocket-.*|content-length|content-type|transfer-encoding)$/i;

/** What `ws` reads of a request, as it was decided: one subprotocol at most. */
function openingMessage(headers: Headers, options: ResolvedOptions): IncomingMessage {
  const protocol = chosenProtocol(headers, options.protocols);
  const extensions = headers.get("sec-websocket-extensions");
  return {
    method: "GET",
    headers: {
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": headers.get("sec-websocket-key"),
      ...protocol === "" ? {} : { "sec-websocket-protocol": protocol },
      ...extensions === null ? {} : { "sec-websocket-extensions": extensions },
    },
  } as unknown as IncomingMessage;
}

/** Lets the connection end with its peer's silence, and with the server. */
function watch(
  connection: Connection,
  socket: ServerWebSocket,
  duplex: ConnDuplex,
  { clock, handedOver }: ServerContext,
  idleMs: number,
): void {
  const { promise: done, resolve } = Promise.withResolvers<void>();
  const stop = idleMs === 0 ? () => {} : startHeartbeat(clock, idleMs, {
    bytesIn: () => duplex.bytesIn,
    ping: () => connection.ping(),
    giveUp: () => socket.cut(`The client was silent for ${idleMs / 500} seconds`),
  });
  connection.on("close", () => {
    stop();
    resolve();
  });
  handedOver.add({
    close: () => socket.close(1001, "The server is closing"),
    destroy: () => connection.terminate(),
    done,
  });
}
