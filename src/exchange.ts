/**
 * One request with its response: what has been read of the one and sent of the other.
 *
 * It is the only place that writes to a connection while a request is being served,
 * and it knows, when the handler is done, whether another request may follow.
 */
import { ClientWatch } from "./client_watch.ts";
import type { Clock } from "./clock.ts";
import { handled } from "./handled.ts";
import type { Inbound } from "./inbound.ts";
import type { Limits } from "./limits.ts";
import type { Pace } from "./pace.ts";
import { RawConn } from "./raw_conn.ts";
import { RequestBody } from "./request_body.ts";
import { ResponseStream } from "./response_stream.ts";
import type { SourceReader } from "./response_stream.ts";
import { isOver, REFUSALS } from "./sent.ts";
import type { Sent } from "./sent.ts";
import type { Transport } from "./transport.ts";
import { contentBytes, isShortAscii, streamOf } from "./wire/content.ts";
import type { Content } from "./wire/content.ts";
import { fieldsToSend } from "./wire/fields.ts";
import type { RequestHead } from "./wire/head.ts";
import { encodeBareHead, encodeFields, encodeHead } from "./wire/response_encoder.ts";
import type { ResponseFraming } from "./wire/response_framing.ts";
import { upgradeFields } from "./wire/upgrade.ts";

/** What an exchange needs of its connection. */
export interface Link {
  readonly inbound: Inbound;
  readonly transport: Transport;
  readonly clock: Clock;
  /** How fast the client sends the body. */
  readonly pace: Pace;
  readonly limits: Readonly<Limits>;
  /** May the connection persist, as far as the server is concerned? */
  readonly persistent: boolean;
  /** Ends it when everything is written, or after `timeouts.linger`. */
  closeSoon(): void;
}

/** A response as the handler gives it. */
export interface ResponseParts {
  readonly status: number;
  readonly content: Content | ReadableStream<Uint8Array> | undefined;
  readonly headers: HeadersInit | undefined;
  readonly statusText: string | undefined;
  readonly trailers: (() => HeadersInit) | undefined;
}

/** What becomes of the connection behind an exchange. */
export type Outcome = "reuse" | "last" | "handed over";

/** One request with its response. */
export class Exchange {
  readonly head: RequestHead;
  readonly #link: Link;
  /** Made when it is first asked for, where the request has none: most have none. */
  #body: RequestBody | undefined;
  #sent: Sent = "unanswered";
  /** Does the handler read the connection's input itself? What is left of it then is no request. */
  #inputTaken = false;
  #persistent: boolean;
  /** Were answers to requests before it still to be written when the connection was handed over? */
  #answersBefore = false;
  #conn: RawConn | undefined;
  #streaming: Promise<void> | undefined;
  /** Made when somebody wants to hear of the client's end. */
  #watch: ClientWatch | undefined;
  /** What the answer gave, for the handler that ends with it. */
  #answering: Promise<void> | undefined;
  /** Why an attempt to answer failed: the handler may not have looked at it. */
  #failure: unknown;

  constructor(link: Link, head: RequestHead) {
    this.#link = link;
    this.head = head;
    // Where there is no body its end is there already.
    if (head.framing.body === 0) link.inbound.parser.next();
    else this.#body = new RequestBody(link.inbound, link.transport, link.pace, head.framing);
    // A client that was refused another protocol, or a tunnel, may already be speaking
    // through it: its bytes must not be read as requests.
    this.#persistent = head.framing.persistent && head.framing.upgrade === null &&
      head.method !== "CONNECT";
  }

  /** The body, if it has one. */
  get body(): RequestBody {
    const { inbound, transport, pace } = this.#link;
    return this.#body ??= new RequestBody(inbound, transport, pace, this.head.framing);
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
    return this.#link.transport.closed;
  }

  /** Why the last attempt to answer failed, if one did. */
  get failure(): unknown {
    return this.#failure;
  }

  get localAddr(): Deno.Addr {
    return this.#link.transport.localAddr;
  }

  get remoteAddr(): Deno.Addr {
    return this.#link.transport.remoteAddr;
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
      return this.#flush(framing.sendsContent ? this.#link.transport.enqueue(bytes) : true);
    } catch (error) {
      return this.#failed(error);
    }
  }

  /** Sends an interim response (RFC 9110, 15.2); HTTP/1.0 knows none. */
  inform(status: number, headers: HeadersInit | undefined): Promise<void> {
    const { transport } = this.#link;
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
      encodeFields(this.#link.transport.out, fields);
    } catch (error) {
      return this.#failed(error);
    }
    return this.#link.transport.flush();
  }

  /** The socket within reach: whoever uses it ends the connection with this exchange. */
  get conn(): RawConn {
    const { inbound, transport } = this.#link;
    return this.#conn ??= new RawConn({
      localAddr: transport.localAddr,
      remoteAddr: transport.remoteAddr,
      read: (into) => {
        if (this.#sent === "over") return this.#failed(isOver());
        this.#inputTaken = true;
        return inbound.readRaw(into);
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
          return isLate ? this.#link.closeSoon() : transport.close();
        }
        this.#endByHandler();
        transport.closeWhenFlushed();
      },
    });
  }

  /** Accepts the protocol that the client offers: what follows on the connection is the handler's. */
  upgrade(headers: HeadersInit | undefined): Promise<Deno.Conn> {
    const { upgrade } = this.head.framing;
    const { transport } = this.#link;
    const tunnel = this.head.method === "CONNECT";
    try {
      if (upgrade === null && !tunnel) {
        throw new TypeError("Cannot upgrade: the request offers no other protocol (RFC 9110, 7.8)");
      }
      const given = fieldsToSend(headers);
      const fields = tunnel ? given : upgradeFields(upgrade!, given);
      const conn = this.hijack();
      encodeBareHead(transport.out, tunnel ? 200 : 101, fields);
      return handled(transport.flush().then(() => conn));
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
    this.#answersBefore = !this.#link.transport.flushed;
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
    return reuse && this.#link.persistent ? "reuse" : "last";
  }

  /** To make bytes of a text, by an encoder that is native, takes longer than all else about a short answer. */
  #respondShort(text: string, parts: ResponseParts): Promise<void> {
    const framing = this.#encodeHead(parts, text.length);
    this.#sent = "answered";
    if (framing.sendsContent) this.#link.transport.out.latin1(text);
    return this.#flush(true);
  }

  #watching(): ClientWatch {
    if (this.#watch === undefined) {
      this.#watch = new ClientWatch(this.#link.inbound, this.#link.transport, this.body);
      if (this.#sent === "over" || this.#sent === "handed over") this.#watch.close();
    }
    return this.#watch;
  }

  #respondStream(stream: ReadableStream<Uint8Array>, parts: ResponseParts): Promise<void> {
    const reader = stream.getReader();
    this.#sent = "streaming";
    this.#streaming = this.#stream(reader, parts).catch((error) => this.#failed(error));
    return handled(this.#streaming);
  }

  async #stream(reader: SourceReader, parts: ResponseParts): Promise<void> {
    const { transport } = this.#link;
    const { framing, first } = await this.#beginStream(reader, parts);
    if (framing.sendsContent) {
      this.#watching().open();
      await new ResponseStream(transport, reader, framing, parts.trailers).send(first);
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
    const { transport, clock, limits, persistent } = this.#link;
    const framing = encodeHead(transport.out, {
      method: this.head.method,
      minor: this.head.protocol.minor,
      status: parts.status,
      statusText: parts.statusText,
      fields: fieldsToSend(parts.headers),
      size,
      persistent: persistent && this.#persistent && !this.#inputTaken &&
        (this.#body === undefined || this.#body.mayBePassed(limits.drain)),
      date: clock.date,
    });
    this.#persistent = framing.persistent;
    this.#body?.forgoContinue();
    return framing;
  }

  /**
   * Resolves when the system has the response. While further requests of a pipelining
   * client are waiting it resolves at once, unless too much is queued, or bytes of the
   * handler's own: the answers to those requests then go out together with the next
   * write (the same load with a write for each answer reaches a twentieth of the rate).
   */
  #flush(copied: boolean): Promise<void> {
    const { transport, inbound } = this.#link;
    const goesOn = copied && this.#persistent && inbound.hasUnread && !transport.congested;
    if (goesOn) transport.flushLate();
    return this.#answering = goesOn ? QUEUED : transport.flushSoon();
  }

  #writeRaw(bytes: Uint8Array): Promise<void> {
    const { transport } = this.#link;
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

  #mustBe(sent: Sent): void {
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
    return handled(Promise.reject<never>(error));
  }
}

const DONE: Promise<void> = Promise.resolve();

/** What a copied answer to a pipelined request resolves: it goes out with those behind it. */
export const QUEUED: Promise<void> = Promise.resolve();
