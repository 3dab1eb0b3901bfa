/**
 * One request with its response: what has been read of the one and sent of the other.
 *
 * It is the only place that writes to a connection while a request is being served,
 * and it knows, when the handler is done, whether another request may follow.
 */
import type { Clock } from "./clock.ts";
import type { Inbound } from "./inbound.ts";
import { RawConn } from "./raw_conn.ts";
import type { Transport } from "./transport.ts";
import { BodyCollector } from "./wire/body_collector.ts";
import { contentBytes } from "./wire/content.ts";
import type { Content } from "./wire/content.ts";
import { fieldsToSend } from "./wire/fields.ts";
import type { FieldPair } from "./wire/fields.ts";
import type { RequestHead } from "./wire/head.ts";
import { encodeFields, encodeHead } from "./wire/response_encoder.ts";

/** What an exchange needs of its connection. */
export interface Link {
  readonly inbound: Inbound;
  readonly transport: Transport;
  readonly clock: Clock;
  /** May the connection persist, as far as the server is concerned? */
  readonly persistent: boolean;
}

/** A response before it is encoded. */
interface ResponseParts {
  readonly status: number;
  readonly statusText: string | undefined;
  readonly fields: readonly FieldPair[];
  readonly content: Uint8Array;
}

/**
 * What has been sent.
 *
 * - "unanswered": nothing.
 * - "answered": a response, whole, whether the system has it yet or not.
 * - "raw": bytes of the handler's own. Where they end is the handler's secret, so the connection ends with them.
 * - "over": the connection has gone on, or ends. A handler that is late must not write into
 *   somebody else's answer, or read somebody else's request.
 */
type Sent = "unanswered" | "answered" | "raw" | "over";

/** One request with its response. */
export class Exchange {
  readonly head: RequestHead;
  /** The whole body, once `receive` has resolved. */
  body: Uint8Array = NO_BYTES;
  readonly #link: Link;
  #sent: Sent = "unanswered";
  /** Does the handler read the connection's input itself? What is left of it then is no request. */
  #inputTaken = false;
  #persistent: boolean;
  #conn: RawConn | undefined;
  /** Why an attempt to answer failed: the handler may not have looked at it. */
  #failure: unknown;

  constructor(link: Link, head: RequestHead) {
    this.#link = link;
    this.head = head;
    // A client that was refused another protocol may already speak it (hardening: a refused upgrade closes).
    this.#persistent = head.framing.persistent && head.framing.upgrade === null;
  }

  /** Has nothing been sent, so that an error can still be answered? */
  get unanswered(): boolean {
    return this.#sent === "unanswered";
  }

  /** Has the whole response been sent, so that whatever fails now does the client no harm? */
  get complete(): boolean {
    return this.#sent === "answered";
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

  /**
   * Reads the whole body.
   *
   * @throws {HttpError} It is refused.
   * @throws {ConnectionLost} The client has gone.
   */
  async receive(): Promise<void> {
    const { body, expectsContinue } = this.head.framing;
    const { inbound, transport } = this.#link;
    const collector = new BodyCollector(body === "chunked" ? 0 : body);
    // The limits are looked at first: who is told 413 is not told 100.
    let event = inbound.parser.next();
    if (expectsContinue) {
      transport.out.latin1("HTTP/1.1 100 Continue\r\n\r\n");
      await transport.flush();
    }
    for (;;) {
      if (event.type === "end") break;
      if (event.type === "data") collector.add(event.bytes);
      event = (await inbound.next())!;
    }
    this.body = collector.bytes();
  }

  /**
   * Sends a response, head and content in one write where the content is small.
   *
   * Rejects where nothing can be sent, and has then sent nothing.
   */
  respond(
    status: number,
    content: Content | undefined,
    headers: HeadersInit | undefined,
    statusText: string | undefined,
  ): Promise<void> {
    let copied: boolean;
    try {
      this.#mustBe("unanswered");
      const fields = fieldsToSend(headers);
      copied = this.#encode({ status, statusText, fields, content: contentBytes(content) });
    } catch (error) {
      return this.#failed(error);
    }
    return this.#flush(copied);
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
  get conn(): Deno.Conn {
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
        this.#endByHandler();
        transport.closeWhenFlushed();
      },
    });
  }

  /** Nothing more is sent or read by the handler. */
  seal(): void {
    this.#sent = "over";
  }

  /** The handler is done: may another request follow? Resolves when the connection is ready for what comes. */
  async finish(): Promise<boolean> {
    const { transport, persistent } = this.#link;
    const reuse = this.#sent === "answered" && this.#persistent && !this.#inputTaken && persistent;
    this.seal();
    if (!reuse || transport.congested) await transport.flush();
    return reuse;
  }

  /** True when the content was copied, so that its owner may do with it as he likes. */
  #encode({ status, statusText, fields, content }: ResponseParts): boolean {
    const { transport, clock, persistent } = this.#link;
    const framing = encodeHead(transport.out, {
      method: this.head.method,
      minor: this.head.protocol.minor,
      status,
      statusText,
      fields,
      size: content.length,
      persistent: persistent && this.#persistent && !this.#inputTaken,
      date: clock.date,
    });
    this.#sent = "answered";
    this.#persistent = framing.persistent;
    return framing.sendsContent ? transport.enqueue(content) : true;
  }

  /**
   * Resolves when the system has the response. While further requests of a pipelining
   * client are waiting it resolves at once, unless too much is queued, or bytes of the
   * handler's own: the answers to those requests then go out together with the next
   * write (the same load with a write for each answer reaches a twentieth of the rate).
   */
  #flush(copied: boolean): Promise<void> {
    const { transport, inbound } = this.#link;
    const done = transport.flush();
    const goesOn = copied && this.#persistent && inbound.hasUnread && !transport.congested;
    return goesOn ? DONE : done;
  }

  #writeRaw(bytes: Uint8Array): Promise<void> {
    try {
      if (this.#sent === "over") throw isOver();
      if (this.#sent === "answered") {
        throw new TypeError("Cannot write to the socket: the request has already been answered");
      }
      this.#sent = "raw";
      this.#link.transport.enqueue(bytes);
    } catch (error) {
      return this.#failed(error);
    }
    return this.#link.transport.flush();
  }

  #mustBe(sent: Sent): void {
    if (this.#sent === sent) return;
    if (this.#sent === "over") throw isOver();
    throw new TypeError(
      this.#sent === "raw"
        ? "Cannot respond: the handler has written to the socket itself"
        : "Cannot respond: the request has already been answered",
    );
  }

  /** The handler ends the connection: after its answer, or after bytes of its own. */
  #endByHandler(): void {
    this.#persistent = false;
    if (this.#sent === "unanswered") this.#sent = "raw";
  }

  /** A rejection that nobody needs to look at: what it says is kept for `onError`. */
  #failed(error: unknown): Promise<never> {
    this.#failure = error;
    const rejection = Promise.reject<never>(error);
    rejection.catch(() => {});
    return rejection;
  }
}

const NO_BYTES = new Uint8Array(0);
const DONE: Promise<void> = Promise.resolve();

function isOver(): TypeError {
  return new TypeError("The request is over: its handler has returned, or it was refused");
}
