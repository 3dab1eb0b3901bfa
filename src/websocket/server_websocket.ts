/**
 * The server's end of a WebSocket, in the shape of the Web's `WebSocket`, over one of `ws`.
 *
 * The events are genuine. What a listener throws, or the promise that it returns rejects with,
 * is reported, and closes this connection with 1011; `dispatchEvent` alone would let it end the
 * process.
 */
// @ts-types="@types/ws"
import type { WebSocket as Connection } from "ws";

/** What a socket needs of its server. */
export interface SocketOptions {
  readonly url: string;
  /** Bytes that may wait to be sent. */
  readonly maxBufferedAmount: number;
  /** Receives the errors of listeners. */
  readonly onError: (error: unknown) => void;
}

/** Statuses that may be sent in a close frame (RFC 6455, 7.4). */
const CLOSE_CODE = /^(?:1000|1001|1002|1003|1007|1008|1009|101[0-4]|[34]\d{3})$/;
const MAX_REASON_BYTES = 123;
const INTERNAL_ERROR = 1011;
const ABNORMAL_CLOSURE = 1006;

/** A listener, by the types of Deno alone: those of Node, which `ws` brings along, differ. */
type Listener = ((event: Event) => unknown) | { handleEvent(event: Event): unknown };

/** A WebSocket that opens when its request is answered. */
export class ServerWebSocket extends EventTarget implements WebSocket {
  readonly CONNECTING = 0;
  readonly OPEN = 1;
  readonly CLOSING = 2;
  readonly CLOSED = 3;
  readonly #options: SocketOptions;
  /** Null before it opens, and where it never does. */
  #connection: Connection | null = null;
  #refused = false;
  #binaryType: BinaryType = "blob";
  readonly #guards = new WeakMap<object, EventListener>();
  readonly #handlers = new Map<string, EventListener>();

  constructor(options: SocketOptions) {
    super();
    this.#options = options;
  }

  get url(): string {
    return this.#options.url;
  }

  get readyState(): number {
    return this.#connection?.readyState ?? (this.#refused ? this.CLOSED : this.CONNECTING);
  }

  get protocol(): string {
    return this.#connection?.protocol ?? "";
  }

  get extensions(): string {
    return this.#connection?.extensions ?? "";
  }

  get bufferedAmount(): number {
    return this.#connection?.bufferedAmount ?? 0;
  }

  get binaryType(): BinaryType {
    return this.#binaryType;
  }

  set binaryType(type: BinaryType) {
    if (type !== "blob" && type !== "arraybuffer") return;
    this.#binaryType = type;
    // The type of `ws` lacks "blob", which it takes.
    if (this.#connection !== null) this.#connection.binaryType = type as "arraybuffer";
  }

  get onopen(): WebSocket["onopen"] {
    return this.#handlers.get("open") as WebSocket["onopen"] ?? null;
  }

  set onopen(handler: WebSocket["onopen"]) {
    this.#setHandler("open", handler);
  }

  get onmessage(): WebSocket["onmessage"] {
    return this.#handlers.get("message") as WebSocket["onmessage"] ?? null;
  }

  set onmessage(handler: WebSocket["onmessage"]) {
    this.#setHandler("message", handler);
  }

  get onerror(): WebSocket["onerror"] {
    return this.#handlers.get("error") as WebSocket["onerror"] ?? null;
  }

  set onerror(handler: WebSocket["onerror"]) {
    this.#setHandler("error", handler);
  }

  get onclose(): WebSocket["onclose"] {
    return this.#handlers.get("close") as WebSocket["onclose"] ?? null;
  }

  set onclose(handler: WebSocket["onclose"]) {
    this.#setHandler("close", handler);
  }

  /** Sends a message; a peer that leaves too many bytes unread is cut off. */
  send(data: string | ArrayBufferLike | Blob | ArrayBufferView): void {
    if (this.readyState === this.CONNECTING) {
      throw new DOMException("Cannot send: the socket is not open yet", "InvalidStateError");
    }
    if (this.#connection === null) return;
    if (this.readyState === this.OPEN && this.bufferedAmount > this.#options.maxBufferedAmount) {
      return this.cut(`The client does not read: ${this.bufferedAmount} bytes wait to be sent`);
    }
    // The callback takes the errors of a connection that ends meanwhile.
    this.#connection.send(snapshot(data) as Uint8Array, { binary: isBinary(data) }, () => {});
  }

  /** Starts the closing handshake. */
  close(code?: number, reason: string = ""): void {
    if (code !== undefined && !CLOSE_CODE.test(String(code))) {
      throw new DOMException(
        `Close code must be one that may be sent, such as 1000 or 3000 to 4999: got ${code}`,
        "InvalidAccessError",
      );
    }
    const { length } = encoder.encode(reason);
    if (length > MAX_REASON_BYTES) {
      throw new DOMException(
        `Close reason must have at most ${MAX_REASON_BYTES} bytes: got ${length}`,
        "SyntaxError",
      );
    }
    if (this.#connection === null) this.#refused = true;
    else this.#connection.close(code, reason);
  }

  /** Opens over a connection whose handshake is complete. */
  open(connection: Connection): void {
    this.#connection = connection;
    this.binaryType = this.#binaryType;
    const { origin } = new URL(this.url);
    connection.on("message", (bytes, isBinary) => {
      // `ws` delivers a text as the bytes that it has found to be UTF-8.
      const data = isBinary ? bytes : String(bytes);
      this.dispatchEvent(new MessageEvent("message", { data, origin }));
    });
    connection.on("error", (error) => this.#reportLost(error));
    connection.on("close", (code, reason) => this.#dispatchClose(code, String(reason)));
    this.dispatchEvent(new Event("open"));
  }

  /** Ends without having opened: the events come as in a browser. */
  fail(message: string): void {
    this.#refused = true;
    queueMicrotask(() => {
      this.#reportLost(new Error(message));
      this.#dispatchClose(ABNORMAL_CLOSURE, "");
    });
  }

  /** Ends the connection at once. */
  cut(message: string): void {
    this.#reportLost(new Error(message));
    this.#connection?.terminate();
  }

  override addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void {
    super.addEventListener(type, listener && this.#guarded(listener), options);
  }

  override removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions,
  ): void {
    super.removeEventListener(type, listener && this.#guarded(listener), options);
  }

  #setHandler(type: string, handler: unknown): void {
    const before = this.#handlers.get(type);
    if (before !== undefined) this.removeEventListener(type, before);
    this.#handlers.delete(type);
    if (typeof handler !== "function") return;
    this.#handlers.set(type, handler as EventListener);
    this.addEventListener(type, handler as EventListener);
  }

  /** The listener whose failures are reported; always the same one, so that it can be removed. */
  #guarded(listener: EventListenerOrEventListenerObject): EventListener {
    let guard = this.#guards.get(listener);
    if (guard === undefined) {
      guard = (event) => this.#call(listener as Listener, event as Event);
      this.#guards.set(listener, guard);
    }
    return guard;
  }

  #call(listener: Listener, event: Event): void {
    try {
      const returned: unknown = typeof listener === "function"
        ? listener.call(this, event)
        : listener.handleEvent(event);
      if (returned instanceof Promise) returned.catch((error) => this.#listenerFailed(error));
    } catch (error) {
      this.#listenerFailed(error);
    }
  }

  #listenerFailed(error: unknown): void {
    this.#options.onError(error);
    if (this.readyState === this.OPEN) this.close(INTERNAL_ERROR);
  }

  #reportLost(error: Error): void {
    this.dispatchEvent(new ErrorEvent("error", { error, message: error.message }));
  }

  #dispatchClose(code: number, reason: string): void {
    const wasClean = code !== ABNORMAL_CLOSURE;
    this.dispatchEvent(new CloseEvent("close", { code, reason, wasClean }));
  }
}

const encoder = new TextEncoder();

/** The bytes as they are now: the caller may change its buffer before the frame is written. */
function snapshot(data: unknown): Uint8Array | Blob {
  if (data instanceof Blob) return data;
  if (data instanceof ArrayBuffer || data instanceof SharedArrayBuffer) {
    return new Uint8Array(data).slice();
  }
  if (!ArrayBuffer.isView(data)) return encoder.encode(String(data));
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
}

function isBinary(data: unknown): boolean {
  return typeof data === "object" && data !== null;
}
