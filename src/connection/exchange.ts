/**
 * One request with its response: how much of one was read and of the other sent.
 *
 * Writes responses and hands the connection over; `ResponseBody` writes streamed content, and
 * `RequestBody` writes `100 Continue`. Every move of a response goes through the table in
 * `response_state.ts`.
 */
import { HttpError } from "../errors.ts";
import type { FieldsInit } from "../fields_init.ts";
import { ignoreRejection } from "../ignore_rejection.ts";
import { RawConn } from "../net/raw_conn.ts";
import { contentBytes, isShortAscii, streamOf } from "../web/content.ts";
import type { ResponseParts } from "../web/response_parts.ts";
import { fieldsToSend } from "../wire/fields.ts";
import { requestAllowsReuse } from "../wire/request_framing.ts";
import type { Forwarded } from "../wire/forwarded.ts";
import type { RequestHead } from "../wire/request_head.ts";
import { encodeBareHead, encodeFields, encodeHead } from "../wire/response_encoder.ts";
import { checkBareFields, upgradeFields } from "../wire/response_framing.ts";
import type { ResponseFraming } from "../wire/response_framing.ts";
import type { ConnectionContext } from "./connection_context.ts";
import { DisconnectWatch } from "./disconnect_watch.ts";
import type { Observation } from "./observation.ts";
import { ObservedRejection } from "./observed_rejection.ts";
import { nextStep, responseMayPersist } from "./keep_alive.ts";
import type { NextStep } from "./keep_alive.ts";
import type { RequestOutcome } from "./outcome.ts";
import { RequestBody } from "./request_body.ts";
import { ResponseBody } from "./response_body.ts";
import type { SourceReader } from "./response_body.ts";
import { checkMove, nextState, requestIsOver } from "./response_state.ts";
import type { ResponseProgress, ResponseState } from "./response_state.ts";

/**
 * Where a response that was sent whole is.
 *
 * - "unsent": there is none, or it is a stream.
 * - "queued": it goes out with the responses to the pipelined requests behind it.
 * - "flushing": it is being written.
 */
export type Delivery = "unsent" | "queued" | "flushing";

/** One request with its response. */
export class Exchange {
  readonly head: RequestHead;
  /** What trusted proxies say about the request; null where there are none. */
  readonly forwarded: Forwarded | null;
  readonly #connection: ConnectionContext;
  /** What is measured; null where nothing asks for it. */
  #observation: Observation | null;
  /** Created on first access where the request has none: most have none. */
  #body: RequestBody | undefined;
  #state: ResponseState = "unanswered";
  #delivery: Delivery = "unsent";
  /** What both heads have said so far. */
  #persistent: boolean;
  /** Whether responses before this one were still to be written when the connection was handed over. */
  #hijackedBehindWrites = false;
  #conn: RawConn | undefined;
  /** The response that is a stream. */
  #streaming: Promise<void> | undefined;
  /** The source whose first chunk is awaited. */
  #starting: SourceReader | undefined;
  /** Created when the client's end matters. */
  #watch: DisconnectWatch | undefined;
  /** What `respond` returned for a response that was sent whole. */
  #responded: Promise<void> | undefined;
  /** The last attempt that failed: the handler may not have looked at it. */
  #failure: ObservedRejection | null = null;
  /** What the handler has chosen. */
  #handlerTimeout: number | undefined;
  /**
   * Whether the wait for the handler has a limit; undefined until the handler has returned a
   * promise. A limit cannot be added later: a wait that allows for one makes requests of async
   * handlers take half as long again (pipelined, without a socket; measured).
   */
  isTimed: boolean | undefined;

  constructor(
    connection: ConnectionContext,
    head: RequestHead,
    forwarded: Forwarded | null = null,
    observation: Observation | null = null,
  ) {
    this.#connection = connection;
    this.head = head;
    this.forwarded = forwarded;
    this.#observation = observation;
    if (head.framing.body !== 0) this.#body = new RequestBody(connection, head.framing);
    this.#persistent = requestAllowsReuse(head);
  }

  /** The body; an empty one where the request has none. */
  get body(): RequestBody {
    return this.#body ??= new RequestBody(this.#connection, this.head.framing);
  }

  /** Whether the request was read to its end. */
  get received(): boolean {
    return this.head.framing.body === 0 || this.body.complete;
  }

  /** Whether nothing was sent, so that an error can still be answered. */
  get unanswered(): boolean {
    return this.#state === "unanswered" || this.#state === "starting";
  }

  /** Whether the whole response was sent, so that a later failure does the client no harm. */
  get complete(): boolean {
    return this.#state === "answered" || this.#state === "hijacked";
  }

  /** How much of the response was sent. */
  get progress(): ResponseProgress {
    if (this.unanswered) return "unsent";
    return this.complete ? "complete" : "partial";
  }

  /** Why the body was rejected; null if it was not. */
  get bodyRejection(): HttpError | null {
    return this.#body?.rejection ?? null;
  }

  /** Whether the connection is closed. */
  get cutOff(): boolean {
    return this.#connection.transport.closed;
  }

  /** The connection that it is part of. */
  get connection(): ConnectionContext {
    return this.#connection;
  }

  /** What is measured; null where nothing asks for it. */
  get observation(): Observation | null {
    return this.#observation;
  }

  /** What becomes of the request. It is measured from here on, where nothing has asked before. */
  get completed(): Promise<RequestOutcome> {
    if (this.#observation === null) {
      if (!this.unanswered) {
        throw new TypeError(
          "Cannot observe the request: its response has begun, read request.completed before",
        );
      }
      this.#observation = this.#connection.observer.observe(this.head, this.forwarded);
      this.#observation.called();
    }
    return this.#observation.done;
  }

  /** Why the last attempt to respond failed; undefined if none has, or the handler has heard of it. */
  get unheardFailure(): unknown {
    return this.#failure === null || this.#failure.isHeard ? undefined : this.#failure.reason;
  }

  /** Why the last attempt to respond failed, if one did. */
  get failure(): unknown {
    return this.#failure?.reason;
  }

  get localAddr(): Deno.Addr {
    return this.#connection.transport.localAddr;
  }

  /** The address of the client. */
  get remoteAddr(): Deno.Addr {
    return this.forwarded?.client ?? this.#connection.transport.remoteAddr;
  }

  /** The address of the other end of the socket. */
  get peerAddr(): Deno.Addr {
    return this.#connection.transport.peerAddr;
  }

  /** How many milliseconds the handler may take; a change starts the time anew. */
  get handlerTimeout(): number {
    return this.#handlerTimeout ?? this.#connection.timeouts.handler;
  }

  set handlerTimeout(ms: number) {
    // The next request of the connection has a time of its own.
    if (this.#state === "sealed" || this.#state === "hijacked") throw requestIsOver();
    if (this.isTimed === false) throw new TypeError(UNTIMED);
    this.#handlerTimeout = ms;
    this.#connection.limitHandler(ms);
  }

  /** Aborts when the client goes while the handler runs. It costs a read ahead, for a handler that asks. */
  get signal(): AbortSignal {
    return this.#disconnectWatch().signal;
  }

  /** A streamed response, which the handler need not have waited for. */
  get streaming(): Promise<void> | undefined {
    return this.#streaming;
  }

  /** Where a response that was sent whole is. */
  get delivery(): Delivery {
    return this.#delivery;
  }

  /** Whether a handler that returned `handling` ends with its response: most do. */
  endsWith(handling: Promise<void>): boolean {
    return handling === this.#responded && this.#failure === null;
  }

  /** What follows on the connection, now that the handler is done. */
  get nextStep(): NextStep {
    const { reader, takesNext } = this.#connection;
    return nextStep(this.#state, reader.position, this.#persistent && takesNext);
  }

  /** Sends a response. Rejects where it cannot be sent, and has then sent nothing. */
  respond(parts: ResponseParts): Promise<void> {
    try {
      checkMove(this.#state, "starting");
      return this.#respond(parts);
    } catch (error) {
      return this.#failed(error);
    }
  }

  /** Sends an interim response (RFC 9110, 15.2); HTTP/1.0 has none. */
  inform(status: number, headers: FieldsInit | null | undefined): Promise<void> {
    const { transport } = this.#connection;
    try {
      if (!Number.isInteger(status) || status < 102 || status > 199) {
        throw new RangeError(
          `Status of an interim response must be an integer from 102 to 199: got ${status}`,
        );
      }
      const fields = fieldsToSend(headers);
      checkMove(this.#state, "starting");
      checkBareFields(fields);
      if (this.head.protocol.minor === 0) return DONE;
      encodeBareHead(transport.out, status, fields);
    } catch (error) {
      return this.#failed(error);
    }
    return transport.flush();
  }

  /** Sends header lines as they are; the handler writes what belongs around them. */
  sendHeaders(headers: FieldsInit): Promise<void> {
    try {
      const fields = fieldsToSend(headers);
      this.#mustTakeRawBytes();
      encodeFields(this.#connection.transport.out, fields);
    } catch (error) {
      return this.#failed(error);
    }
    return this.#connection.transport.flush();
  }

  /** The connection as a `Deno.Conn`: a handler that uses it ends the connection with this exchange. */
  get conn(): RawConn {
    // Of the connection: which client it was that a proxy forwards is a matter of each request.
    const { localAddr, remoteAddr } = this.#connection.transport;
    return this.#conn ??= new RawConn({
      localAddr,
      remoteAddr,
      setNoDelay: this.#connection.transport.setNoDelay,
      read: (into) => this.#readRaw(into),
      write: (bytes) => this.#writeRaw(bytes),
      closeWrite: () => this.#closeWriteRaw(),
      close: () => this.#closeRaw(),
    });
  }

  /** Accepts the protocol that the client offers: what follows on the connection is the handler's. */
  upgrade(headers: FieldsInit | null | undefined): Promise<RawConn> {
    const { upgrade } = this.head.framing;
    const { transport } = this.#connection;
    const tunnel = this.head.method === "CONNECT";
    try {
      if (upgrade === null && !tunnel) {
        throw new TypeError(NOTHING_OFFERED);
      }
      const given = fieldsToSend(headers);
      checkBareFields(given);
      const fields = tunnel ? given : upgradeFields(upgrade!, given);
      const conn = this.hijack();
      const status = tunnel ? 200 : 101;
      encodeBareHead(transport.out, status, fields);
      this.#observation?.handedOver(status);
      return ignoreRejection(transport.flush().then(() => conn));
    } catch (error) {
      return this.#failed(error);
    }
  }

  /** Hands the connection over, with the bytes that were not read; also behind raw bytes. */
  hijack(): RawConn {
    checkMove(this.#state, "hijacked");
    if (!this.received) {
      throw new TypeError("Cannot hand the connection over: the request has a body, read it first");
    }
    const { conn } = this;
    this.#body?.releaseMemory();
    this.#watch?.stop();
    this.#hijackedBehindWrites = !this.#connection.transport.flushed;
    this.#move("hijacked");
    this.#observation?.handedOver();
    return conn;
  }

  /** Tells the handler to stop, if it listens. */
  abort(reason: Error): void {
    this.#watch?.abort(reason);
  }

  /** Lets the handler send and read nothing more. */
  seal(): void {
    if (this.#state === "starting") this.#cancel(this.#starting!, requestIsOver());
    if (this.#state !== "hijacked") this.#move("sealed");
    this.#body?.seal();
    this.#watch?.stop();
  }

  /** The only assignment of the state. */
  #move(to: ResponseState): void {
    this.#state = nextState(this.#state, to);
  }

  #disconnectWatch(): DisconnectWatch {
    if (this.#watch === undefined) {
      const { reader, transport } = this.#connection;
      this.#watch = new DisconnectWatch(reader, transport, this.body);
      if (this.#state === "sealed" || this.#state === "hijacked") this.#watch.stop();
    }
    return this.#watch;
  }

  #respond(parts: ResponseParts): Promise<void> {
    const { content, trailers } = parts;
    if (content instanceof ReadableStream) return this.#respondStream(content, parts);
    // Trailers need chunks, and HTTP/1.0 has none.
    if (trailers !== undefined && this.head.protocol.minor > 0) {
      return this.#respondStream(streamOf(contentBytes(content)), parts);
    }
    if (typeof content === "string" && isShortAscii(content)) {
      return this.#respondShort(content, parts);
    }
    const bytes = contentBytes(content);
    const framing = this.#encodeHead(parts, bytes.length);
    this.#move("answered");
    return this.#deliver(framing.sendsContent ? this.#connection.transport.enqueue(bytes) : true);
  }

  /** Not through an encoder: the native one takes longer than all else about a short response. */
  #respondShort(text: string, parts: ResponseParts): Promise<void> {
    const framing = this.#encodeHead(parts, text.length);
    this.#move("answered");
    if (framing.sendsContent) this.#connection.transport.out.latin1(text);
    return this.#deliver(true);
  }

  #respondStream(stream: ReadableStream<Uint8Array>, parts: ResponseParts): Promise<void> {
    const source = stream.getReader();
    this.#move("starting");
    this.#streaming = this.#stream(source, parts).catch((error) => this.#streamFailed(error));
    return ignoreRejection(this.#streaming);
  }

  /** Cuts the connection at once, so that the client can tell: the handler may wait for anything. */
  #streamFailed(error: unknown): Promise<never> {
    if (error instanceof HttpError) this.#observation?.rejected(error.code);
    if (this.#state === "streaming") this.#connection.closeSoon();
    return this.#failed(error);
  }

  async #stream(source: SourceReader, parts: ResponseParts): Promise<void> {
    const { transport, clock, timeouts } = this.#connection;
    const { framing, first } = await this.#startStream(source, parts);
    if (framing.sendsContent) {
      const body = new ResponseBody(
        transport,
        source,
        framing,
        parts.trailers,
        this.#observation,
      );
      const watch = this.#disconnectWatch();
      watch.onUncertain(() =>
        body.limitSilence(clock, timeouts.halfClosed, () => watch.isUncertain)
      );
      await body.send(first);
    } else {
      this.#cancel(source);
    }
    checkMove(this.#state, "answered");
    this.#move("answered");
    this.#observation?.ended();
    await transport.flush();
  }

  /**
   * Sends the head of a stream's response. What fails here has sent nothing.
   *
   * While the client waits for `100 Continue` the first chunk comes first: it may be made
   * of the body, and 100 can only be sent before the head.
   */
  async #startStream(source: SourceReader, parts: ResponseParts) {
    try {
      const first = this.#body?.continueDue ? await this.#firstChunk(source) : undefined;
      const framing = this.#encodeHead(parts, null);
      this.#move("streaming");
      return { framing, first };
    } catch (error) {
      // Unless it was sealed meanwhile: a late failure does not give the request back.
      if (this.#state === "starting") this.#move("unanswered");
      this.#cancel(source, error);
      throw error;
    }
  }

  /** A source that waits is cancelled when the client goes, and by `seal`. */
  async #firstChunk(source: SourceReader): Promise<ReadableStreamReadResult<Uint8Array>> {
    this.#starting = source;
    const forget = this.#connection.transport.onLost((lost) => this.#cancel(source, lost));
    this.#disconnectWatch().start();
    try {
      return await source.read();
    } finally {
      forget();
    }
  }

  #cancel(source: SourceReader, reason?: unknown): void {
    ignoreRejection(source.cancel(reason));
  }

  /** A getter of the fields, or the `toString` of a value, may respond itself: the move is checked behind them. */
  #encodeHead(parts: ResponseParts, size: number | null): ResponseFraming {
    const { transport, clock } = this.#connection;
    const fields = fieldsToSend(parts.headers);
    checkMove(this.#state, size === null ? "streaming" : "starting");
    const framing = encodeHead(transport.out, {
      method: this.head.method,
      minor: this.head.protocol.minor,
      status: parts.status,
      statusText: parts.statusText,
      fields,
      size,
      persistent: this.#mayPersist(),
      date: clock.date,
    });
    this.#persistent = framing.persistent;
    this.#body?.disableContinue();
    this.#observation?.headQueued(parts.status);
    return framing;
  }

  #mayPersist(): boolean {
    const { persistent, reader, limits } = this.#connection;
    return this.#persistent && persistent &&
      responseMayPersist(reader.position, this.#body?.isDrainable(limits.drain) ?? false);
  }

  /**
   * Resolves when the system has the response. While further requests of a pipelining
   * client are waiting it resolves at once, unless too much is queued, or bytes of the
   * handler's own: the responses to those requests then go out together with the next
   * write (the same load with a write for each reaches a twentieth of the rate).
   */
  #deliver(copied: boolean): Promise<void> {
    const { transport, reader } = this.#connection;
    this.#observation?.contentQueued();
    const shared = copied && this.#persistent && reader.hasUnread && !transport.congested;
    this.#delivery = shared ? "queued" : "flushing";
    if (!shared) return this.#responded = transport.flushSoon();
    transport.flushLate();
    return this.#responded = DONE;
  }

  #readRaw(into: Uint8Array): Promise<number | null> {
    if (this.#state === "sealed") return this.#failed(requestIsOver());
    return this.#connection.reader.readRaw(into);
  }

  #writeRaw(bytes: Uint8Array): Promise<void> {
    const { transport } = this.#connection;
    try {
      this.#mustTakeRawBytes();
    } catch (error) {
      return this.#failed(error);
    }
    transport.enqueue(bytes);
    this.#observation?.wrote(bytes);
    return transport.flush();
  }

  #mustTakeRawBytes(): void {
    if (this.#state === "hijacked") return;
    if (this.#state === "streaming" || this.#state === "starting" || this.#state === "answered") {
      throw new TypeError("Cannot write to the socket: the request has already been answered");
    }
    checkMove(this.#state, "raw");
    this.#move("raw");
  }

  #closeWriteRaw(): Promise<void> {
    if (this.#state === "sealed") return this.#failed(requestIsOver());
    this.#endByHandler();
    return this.#connection.transport.closeWrite();
  }

  #closeRaw(): void {
    if (this.#state === "sealed") return;
    const { transport } = this.#connection;
    if (this.#state !== "hijacked") {
      this.#endByHandler();
      return void ignoreRejection(transport.end());
    }
    // As any socket is closed: a peer that does not read cannot keep it open.
    const isLate = this.#hijackedBehindWrites || transport.awaitsTurn;
    if (transport.endsWithSocket && !isLate) transport.close();
    else this.#connection.endSoon();
  }

  /** The handler ends the connection: after its response, or after bytes of its own. */
  #endByHandler(): void {
    this.#persistent = false;
    if (this.#state === "raw") this.#observation?.rawEnded();
    if (this.#state === "unanswered") this.#move("raw");
  }

  /** Returns a rejection that the handler may ignore; it is then reported to `onError`. */
  #failed(error: unknown): Promise<never> {
    return this.#failure = new ObservedRejection(error);
  }
}

const UNTIMED =
  "Cannot set handlerTimeout any more: the handler has begun to wait without one; set it before the first await, or set the option timeouts.handler, which it can change at any time";

const DONE: Promise<void> = Promise.resolve();

const NOTHING_OFFERED =
  "Cannot upgrade: the request offers no other protocol (RFC 9110, 7.8), respond with 426 where its field Upgrade is absent";
