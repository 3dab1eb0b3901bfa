/**
 * One request with its response: what has been read of the one and sent of the other.
 *
 * It is the only place that writes to a connection while a request is being served,
 * and it knows, when the handler is done, whether another request may follow.
 */
import { DisconnectWatch } from "./disconnect_watch.ts";
import type { Clock } from "../net/clock.ts";
import { ignoreRejection } from "../ignore_rejection.ts";
import type { RequestReader } from "./request_reader.ts";
import type { Limits } from "../limits.ts";
import type { Throughput } from "../net/throughput.ts";
import { RawConn } from "../net/raw_conn.ts";
import { RequestBody } from "./request_body.ts";
import { ResponseBody } from "./response_body.ts";
import type { SourceReader } from "./response_body.ts";
import { isOver, REFUSALS } from "./response_state.ts";
import type { ResponseState } from "./response_state.ts";
import type { Transport } from "../net/transport.ts";
import { contentBytes, isShortAscii, streamOf } from "../web/content.ts";
import type { ResponseParts } from "../web/response_parts.ts";
import { fieldsToSend } from "../wire/fields.ts";
import type { RequestHead } from "../wire/request_head.ts";
import { encodeBareHead, encodeFields, encodeHead } from "../wire/response_encoder.ts";
import { upgradeFields } from "../wire/response_framing.ts";
import type { ResponseFraming } from "../wire/response_framing.ts";

/** What an exchange needs of its connection. */
export interface ConnectionContext {
  readonly reader: RequestReader;
  readonly transport: Transport;
  readonly clock: Clock;
  /** How fast the client sends the body. */
  readonly pace: Throughput;
  readonly limits: Readonly<Limits>;
  /** May the connection persist, as far as the server is concerned? */
  readonly persistent: boolean;
  /** Ends it when everything is written, or after `timeouts.linger`. */
  closeSoon(): void;
}

/** What becomes of the connection behind an exchange. */
export type Outcome = "reuse" | "last" | "handed over";

/** One request with its response. */
export class Exchange {
  readonly head: RequestHead;
  readonly #connection: ConnectionContext;
  /** Made when it is first asked for, where the request has none: most have none. */
  #body: RequestBody | undefined;
  #sent: ResponseState = "unanswered";
  /** Does the handler read the connection's input itself? What is left of it then is no request. */
  #inputTaken = false;
  #persistent: boolean;
  /** Were answers to requests before it still to be written when the connection was handed over? */
  #answersBefore = false;
  #conn: RawConn | undefined;
  #streaming: Promise<void> | undefined;
  /** Made when somebody wants to hear of the client's end. */
  #watch: DisconnectWatch | undefined;
  /** What the answer gave, for the handler that ends with it. */
  #answering: Promise<void> | undefined;
  /** Why an attempt to answer failed: the handler may not have looked at it. */
  #failure: unknown;

  constructor(link: ConnectionContext, head: RequestHead) {
    this.#connection = link;
    this.head = head;
    // Where there is no body its end is there already.
    if (head.framing.body === 0) link.reader.parser.next();
    else this.#body = new RequestBody(link.reader, link.transport, link.pace, head.framing);
    // A client that was refused another protocol, or a tunnel, may already be speaking
    // through it: its bytes must not be read as requests.
    this.#persistent = head.framing.persistent && head.framing.upgrade === null &&
      head.method !== "CONNECT";
  }

  /** The body, if it has one. */
  get body(): RequestBody {
    const { reader, transport, pace } = this.#connection;
    return this.#body ??= new RequestBody(reader, transport, pace, this.head.framing);
  }

  /** Has the request been read to its end? */
  get received(): boolean {
    return this.head.framing.body === 0 || this.body.complete;
  }

  /** Has nothing been sent, so that an error can still be answered? */
  get unanswered(): boolean {
    return this.#sent === "unanswered";
  }

  /** Has the whole response been sent, so that whatever fails now does the client no harm? */
  get complete(): boolean {
    return this.#sent === "answered" || this.#sent === "handed over";
  }

  /** Is there nobody left to answer? */
  get cutOff(): boolean {
    return this.#connection.transport.closed;
  }

  /** Why the last attempt to answer failed, if one did. */
  get failure(): unknown {
    return this.#failure;
  }

  get localAddr(): Deno.Addr {
    return this.#connection.transport.localAddr;
  }

  get remoteAddr(): Deno.Addr {
    return this.#connection.transport.remoteAddr;
  }

  /** Aborts when the client goes while the handler runs; costs a read ahead, but only who asks. */
  get signal(): AbortSignal {
    return this.#watching().signal;
  }

  /** Sends a response. Rejects where nothing can be sent, and has then sent nothing. */
  respond(parts: ResponseParts): Promise<void> {
    const { content, trailers } = parts;
    try {
      this.#mustBe("unanswered");
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
      this.#sent = "answered";
      return this.#flush(framing.sendsContent ? this.#connection.transport.enqueue(bytes) : true);
    } catch (error) {
      return this.#failed(error);
    }
  }

  /** Sends an interim response (RFC 9110, 15.2); HTTP/1.0 knows none. */
  inform(status: number, headers: HeadersInit | undefined): Promise<void> {
    const { transport } = this.#connection;
    try {
      if (!Number.isInteger(status) || status < 102 || status > 199) {
        throw new RangeError(
          `Status of an interim response must be an integer from 102 to 199: got ${status}`,
        );
      }
      this.#mustBe("unanswered");
      const fields = fieldsToSend(headers);
      if (this.head.protocol.minor === 0) return DONE;
      encodeBareHead(transport.out, status, fields);
    } catch (error) {
      return this.#failed(error);
    }
    return transport.flush();
  }

  /** Sends header lines as they are; the handler writes what belongs around them. */
  sendHeaders(headers: HeadersInit): Promise<void> {
    try {
      if (this.#sent !== "raw") this.#mustBe("unanswered");
      const fields = fieldsToSend(headers);
      this.#sent = "raw";
      encodeFields(this.#connection.transport.out, fields);
    } catch (error) {
      return this.#failed(error);
    }
    return this.#connection.transport.flush();
  }

  /** The socket within reach: whoever uses it ends the connection with this exchange. */
  get conn(): RawConn {
    const { reader, transport } = this.#connection;
    return this.#conn ??= new RawConn({
      localAddr: transport.localAddr,
      remoteAddr: transport.remoteAddr,
      read: (into) => {
        if (this.#sent === "over") return this.#failed(isOver());
        this.#inputTaken = true;
        return reader.readRaw(into);
      },
      write: (bytes) => this.#writeRaw(bytes),
      closeWrite: () => {
        if (this.#sent === "over") return this.#failed(isOver());
        this.#endByHandler();
        return transport.closeWrite();
      },
      close: () => {
        if (this.#sent === "over") return;
        // Its new owner closes it as any socket is closed: a peer that does not read cannot keep it.
        if (this.#sent === "handed over") {
          const isLate = this.#answersBefore || transport.awaitsTurn;
          return isLate ? this.#connection.closeSoon() : transport.close();
        }
        this.#endByHandler();
        transport.closeWhenFlushed();
      },
    });
  }

  /** Accepts the protocol that the client offers: what follows on the connection is the handler's. */
  upgrade(headers: HeadersInit | undefined): Promise<Deno.Conn> {
    const { upgrade } = this.head.framing;
    const { transport } = this.#connection;
    const tunnel = this.head.method === "CONNECT";
    try {
      if (upgrade === null && !tunnel) {
        throw new TypeError("Cannot upgrade: the request offers no other protocol (RFC 9110, 7.8)");
      }
      const given = fieldsToSend(headers);
      const fields = tunnel ? given : upgradeFields(upgrade!, given);
      const conn = this.hijack();
      encodeBareHead(transport.out, tunnel ? 200 : 101, fields);
      return ignoreRejection(transport.flush().then(() => conn));
    } catch (error) {
      return this.#failed(error);
    }
  }

  /** Hands the connection over, with the bytes that nobody has read. */
  hijack(): Deno.Conn {
    this.#mustBe("unanswered");
    if (!this.received) {
      throw new TypeError("Cannot hand the connection over: the request has a body, read it first");
    }
    const { conn } = this;
    this.#watch?.close();
    this.#answersBefore = !this.#connection.transport.flushed;
    this.#sent = "handed over";
    return conn;
  }

  /** Tells the handler to stop, if it listens. */
  abort(reason: Error): void {
    this.#watch?.abort(reason);
  }

  /** Nothing more is sent or read by the handler. */
  seal(): void {
    if (this.#sent !== "handed over") this.#sent = "over";
    this.#watch?.close();
  }

  /** A streamed response, which the handler need not have waited for. */
  get streaming(): Promise<void> | undefined {
    return this.#streaming;
  }

  /** What the answer resolves: {@linkcode QUEUED}, or when the system has it; undefined before it, and for a stream. */
  get answering(): Promise<void> | undefined {
    return this.#answering;
  }

  /** The handler is done: may another request follow? */
  get outcome(): Outcome {
    if (this.#sent === "handed over") return "handed over";
    const reuse = this.#sent === "answered" && this.#persistent && !this.#inputTaken;
    return reuse && this.#connection.persistent ? "reuse" : "last";
  }

  /** To make bytes of a text, by an encoder that is native, takes longer than all else about a short answer. */
  #respondShort(text: string, parts: ResponseParts): Promise<void> {
    const framing = this.#encodeHead(parts, text.length);
    this.#sent = "answered";
    if (framing.sendsContent) this.#connection.transport.out.latin1(text);
    return this.#flush(true);
  }

  #watching(): DisconnectWatch {
    if (this.#watch === undefined) {
      this.#watch = new DisconnectWatch(
        this.#connection.reader,
        this.#connection.transport,
        this.body,
      );
      if (this.#sent === "over" || this.#sent === "handed over") this.#watch.close();
    }
    return this.#watch;
  }

  #respondStream(stream: ReadableStream<Uint8Array>, parts: ResponseParts): Promise<void> {
    const reader = stream.getReader();
    this.#sent = "streaming";
    this.#streaming = this.#stream(reader, parts).catch((error) => this.#failed(error));
    return ignoreRejection(this.#streaming);
  }

  async #stream(reader: SourceReader, parts: ResponseParts): Promise<void> {
    const { transport } = this.#connection;
    const { framing, first } = await this.#beginStream(reader, parts);
    if (framing.sendsContent) {
      this.#watching().open();
      await new ResponseBody(transport, reader, framing, parts.trailers).send(first);
    } else {
      reader.cancel().catch(() => {});
    }
    this.#sent = "answered";
    await transport.flush();
  }

  /**
   * Sends the head of a stream's response. What fails here has sent nothing.
   *
   * While the client waits for `100 Continue` the first chunk comes first: it may be
   * made of the body, and 100 can only be said before the head.
   */
  async #beginStream(reader: SourceReader, parts: ResponseParts) {
    try {
      const first = this.#body?.continueDue ? await reader.read() : undefined;
      return { framing: this.#encodeHead(parts, null), first };
    } catch (error) {
      this.#sent = "unanswered";
      reader.cancel(error).catch(() => {});
      throw error;
    }
  }

  #encodeHead(parts: ResponseParts, size: number | null): ResponseFraming {
    const { transport, clock, limits, persistent } = this.#connection;
    const framing = encodeHead(transport.out, {
      method: this.head.method,
      minor: this.head.protocol.minor,
      status: parts.status,
      statusText: parts.statusText,
      fields: fieldsToSend(parts.headers),
      size,
      persistent: persistent && this.#persistent && !this.#inputTaken &&
        (this.#body === undefined || this.#body.isDrainable(limits.drain)),
      date: clock.date,
    });
    this.#persistent = framing.persistent;
    this.#body?.disableContinue();
    return framing;
  }

  /**
   * Resolves when the system has the response. While further requests of a pipelining
   * client are waiting it resolves at once, unless too much is queued, or bytes of the
   * handler's own: the answers to those requests then go out together with the next
   * write (the same load with a write for each answer reaches a twentieth of the rate).
   */
  #flush(copied: boolean): Promise<void> {
    const { transport, reader } = this.#connection;
    const goesOn = copied && this.#persistent && reader.hasUnread && !transport.congested;
    if (goesOn) transport.flushLate();
    return this.#answering = goesOn ? QUEUED : transport.flushSoon();
  }

  #writeRaw(bytes: Uint8Array): Promise<void> {
    const { transport } = this.#connection;
    if (this.#sent === "over") return this.#failed(isOver());
    if (this.#sent !== "handed over" && this.#sent !== "raw") {
      if (this.#sent !== "unanswered") {
        return this.#failed(
          new TypeError("Cannot write to the socket: the request has already been answered"),
        );
      }
      this.#sent = "raw";
    }
    transport.enqueue(bytes);
    return transport.flush();
  }

  #mustBe(sent: ResponseState): void {
    if (this.#sent === sent) return;
    if (this.#sent === "over") throw isOver();
    throw new TypeError(REFUSALS[this.#sent]);
  }

  /** The handler ends the connection: after its answer, or after bytes of its own. */
  #endByHandler(): void {
    this.#persistent = false;
    if (this.#sent === "unanswered") this.#sent = "raw";
  }

  /** A rejection that nobody needs to look at: what it says is kept for `onError`. */
  #failed(error: unknown): Promise<never> {
    this.#failure = error;
    return ignoreRejection(Promise.reject<never>(error));
  }
}

const DONE: Promise<void> = Promise.resolve();

/** What a copied answer to a pipelined request resolves: it goes out with those behind it. */
export const QUEUED: Promise<void> = Promise.resolve();
