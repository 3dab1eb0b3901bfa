/**
 * One connection from its first byte to its last: one exchange after another.
 *
 * Whatever goes wrong here ends here. A refused request becomes one answer and a
 * lingering close; a client that has gone ends the connection without a word; an
 * error of a handler's goes to `onError`.
 */
import type { Clock, Subscriber } from "../net/clock.ts";
import { ConnectionLost, HttpError } from "../errors.ts";
import { Exchange } from "./exchange.ts";
import type { ConnectionContext } from "./exchange.ts";
import { HandlerRunner } from "./handler_runner.ts";
import type { HandlerWatch } from "./handler_runner.ts";
import { RequestReader } from "./request_reader.ts";
import type { Limits } from "../limits.ts";
import { report } from "./context.ts";
import type { ServerContext } from "./context.ts";
import { Throughput } from "../net/throughput.ts";
import { bodyTimeout, headTimeout, sendErrorResponse } from "./error_response.ts";
import type { Handler } from "./request.ts";
import type { ByteConn } from "../net/stream_conn.ts";
import { Transport } from "../net/transport.ts";
import type { RequestHead } from "../wire/request_head.ts";

/**
 * Where a connection stands.
 *
 * - "idle": between two requests, or before the first; no byte of the next one has come.
 * - "head": a head is on its way in.
 * - "busy": a request is being received, handled, or answered.
 * - "draining": what the handler has left of the body is being dropped.
 * - "lingering": all is said, the client may still be sending.
 * - "handed over": it is somebody else's.
 */
type Phase = "idle" | "head" | "busy" | "draining" | "lingering" | "handed over";

/** One connection. */
export class Connection implements Subscriber, ConnectionContext, HandlerWatch {
  readonly reader: RequestReader;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly limits: Readonly<Limits>;
  /** Part of {@linkcode ConnectionContext}. */
  readonly pace: Throughput;
  /** The turn in which it began to wait for a request: the lowest has waited longest. */
  waitsSince = 0;
  readonly #context: ServerContext;
  readonly #handling: HandlerRunner;
  readonly #writePace: Throughput;
  #phase: Phase = "idle";
  /** When the phase must be over: one number, rewritten when the phase changes; no timer. */
  #deadline = Infinity;
  #served = 0;
  /** Is no further request wanted? */
  #keepAliveDisabled = false;

  constructor(conn: ByteConn, handler: Handler, shared: ServerContext) {
    const { limits, timeouts } = shared.options;
    this.pace = new Throughput(shared.clock, timeouts.body, limits.minRate);
    this.#writePace = new Throughput(shared.clock, timeouts.write, limits.minRate);
    this.transport = new Transport(conn, this.#writePace);
    this.reader = new RequestReader(this.transport, shared.options);
    this.clock = shared.clock;
    this.limits = limits;
    this.#context = shared;
    this.#handling = new HandlerRunner(
      handler,
      "handshake" in conn ? "https" : "http",
      this,
      shared,
    );
  }

  /** Part of {@linkcode ConnectionContext}: no, once the server is closing, or after so many requests. */
  get persistent(): boolean {
    return !this.#keepAliveDisabled && this.#served < this.limits.requestsPerConnection;
  }

  /** Serves requests until nothing may follow. Never rejects. */
  async run(): Promise<void> {
    const node = this.clock.subscribe(this);
    // The first head is due from the accept on: a client that says nothing at all is the cheapest attack.
    this.#deadline = this.clock.now + this.#context.options.timeouts.head;
    try {
      await this.#serve();
    } catch (error) {
      if (!(error instanceof ConnectionLost)) report(this.#context.options, error);
    } finally {
      this.clock.unsubscribe(node);
      if (this.#phase !== "handed over") this.transport.close();
    }
  }

  /** The request being served is the last one; a connection without one ends now. */
  disableKeepAlive(): void {
    this.#keepAliveDisabled = true;
    if (!this.isIdle) return;
    // A request that crosses our close is answered by the kernel, with a reset that destroys
    // what the client has not read of the answer before (RFC 9112, 9.6).
    if (this.#served > 0) this.#halfClose().catch(() => this.destroy());
    else this.transport.closeWhenFlushed();
  }

  /** Part of {@linkcode HandlerWatch}. */
  handlerBegins(): void {
    this.#enter("busy", this.#context.options.timeouts.handler);
  }

  /** Ends a connection that waits, to have its descriptor now. */
  closeIfIdle(): void {
    if (this.isIdle) this.destroy();
  }

  /** Is there no request, not even the beginning of one? */
  get isIdle(): boolean {
    return this.#phase === "idle" && !this.reader.hasUnread;
  }

  /** Is all said, and only the client's close awaited? */
  get isLingering(): boolean {
    return this.#phase === "lingering";
  }

  /** Ends now, whatever is going on. */
  destroy(): void {
    this.transport.close();
  }

  /** Part of {@linkcode ConnectionContext}. */
  closeSoon(): void {
    if (this.transport.flushed) return this.destroy();
    const deadline = this.clock.now + this.#context.options.timeouts.linger;
    const node = this.clock.subscribe({ tick: (now) => now >= deadline && this.destroy() });
    const close = () => {
      this.clock.unsubscribe(node);
      this.destroy();
    };
    this.transport.flush().then(close, close);
  }

  /** Part of {@linkcode Subscriber}. */
  tick(now: number): void {
    if (this.#phase === "idle") {
      this.transport.releaseMemory();
      this.reader.parser.releaseMemory();
    }
    if (now >= this.#deadline) this.#overdue();
    if (this.pace.breached(now)) this.reader.interrupt(bodyTimeout());
    if (this.#writePace.breached(now)) {
      this.transport.fail(new ConnectionLost("The client does not read, or too slowly"));
    }
  }

  /** A phase has taken too long. */
  #overdue(): void {
    this.#deadline = Infinity;
    switch (this.#phase) {
      case "idle":
        return this.disableKeepAlive();
      case "head":
        return this.reader.interrupt(headTimeout());
      case "busy":
        return this.#handling.expire();
      default:
        return this.destroy();
    }
  }

  /** One request and its response after another, until nothing may follow. */
  async #serve(): Promise<void> {
    try {
      for (;;) {
        // A read may bring nothing: that is no byte yet.
        while (!this.reader.hasUnread) {
          // A client that is still being sent its answer does not idle.
          if (!this.transport.flushed) await this.transport.flush();
          else if (this.#keepAliveDisabled || !await this.#firstByte() || this.isLingering) {
            return await this.#ended();
          }
        }
        let head = this.#headAtHand() ?? await this.#restOfHead();
        // A read may succeed before our close and be heard of after it: who would be answered?
        if (head === null || this.transport.closed) return await this.#ended();
        let exchange: Exchange | null = this.#begin(head);
        const handling = this.#handling.handle(exchange);
        if (handling !== undefined) await handling;
        if (!this.#mayFollowAtOnce(exchange) && !await this.#mayFollow(exchange)) return;
        // A function that waits keeps its variables: an idle connection would keep its last request.
        head = exchange = null;
      }
    } catch (error) {
      if (error instanceof HttpError) await this.#refuse(error);
      else await this.#fail(error);
    }
  }

  /** What was answered before is written still; what has failed itself cannot be. */
  async #fail(error: unknown): Promise<never> {
    if (!this.transport.flushed) {
      this.#enter("lingering", this.#context.options.timeouts.linger);
      await this.transport.flush().catch(() => {});
    }
    throw error;
  }

  /** The client sends no more; or we do not want any, and it may be sending still. */
  async #ended(): Promise<void> {
    if (this.#keepAliveDisabled) await this.#linger();
    else await this.transport.flush();
  }

  /** The head of the next request, where all of it is there. */
  #headAtHand(): RequestHead | null {
    if (this.#served === 0) this.#phase = "head";
    else this.#enter("head", this.#context.options.timeouts.head);
    const event = this.reader.parser.next();
    return event.type === "head" ? event : null;
  }

  /** The head of the next request; null when the client sends no more. */
  async #restOfHead(): Promise<RequestHead | null> {
    const event = await this.reader.next();
    return event !== null && event.type === "head" ? event : null;
  }

  #begin(head: RequestHead): Exchange {
    this.#phase = "busy";
    this.#deadline = Infinity;
    this.#served++;
    this.#context.counters.requests++;
    return new Exchange(this, head);
  }

  /** Waits for the next request to begin; false when the client sends no more. */
  #firstByte(): Promise<boolean> {
    if (this.#served > 0) this.#enter("idle", this.#context.options.timeouts.idle);
    this.waitsSince = ++this.#context.counters.waits;
    this.reader.releaseMemory();
    return this.reader.more();
  }

  #enter(phase: Phase, ms: number): void {
    this.#phase = phase;
    this.#deadline = this.clock.now + ms;
  }

  /** Has all been said and read, as it mostly has? */
  #mayFollowAtOnce(exchange: Exchange): boolean {
    const mayFollow = exchange.outcome === "reuse" && exchange.received &&
      !this.transport.congested;
    if (mayFollow) exchange.seal();
    return mayFollow;
  }

  /** May another request follow, once the rest of this one is out of the way? */
  async #mayFollow(exchange: Exchange): Promise<boolean> {
    const { outcome } = exchange;
    if (outcome === "handed over") {
      this.#phase = "handed over";
      return false;
    }
    exchange.seal();
    if (outcome === "last" || this.transport.congested) await this.transport.flush();
    if (outcome === "reuse" && (exchange.received || await this.#drain(exchange))) return true;
    if (this.#clientIsDone(exchange)) await this.transport.end();
    else await this.#linger();
    return false;
  }

  /** Has the client said that it sends no more, and sent no more? Then nothing of its can meet a closed socket. */
  #clientIsDone(exchange: Exchange): boolean {
    return !exchange.head.framing.persistent && exchange.received && !this.reader.hasUnread;
  }

  /** Reads and drops what the handler has left of the body. */
  async #drain({ body }: Exchange): Promise<boolean> {
    const { limits, timeouts } = this.#context.options;
    this.#enter("draining", timeouts.drain);
    try {
      return await body.drain(limits.drain);
    } catch (error) {
      // It was refused, but the request was answered already: one answer is enough.
      if (error instanceof HttpError) return false;
      throw error;
    }
  }

  async #refuse(error: HttpError): Promise<void> {
    const { clock, options, counters } = this.#context;
    counters.reject(error.code);
    sendErrorResponse(error, options, this.transport, this.reader.parser.method, clock.date);
    await this.transport.flush();
    await this.#linger();
  }

  /**
   * Closing a socket with unread input makes the kernel send a reset, and the client
   * may lose the answer that it has not read yet. So only our side is closed, and what
   * still comes is dropped, within bounds, until the client closes its own (RFC 9112, 9.6).
   */
  async #linger(): Promise<void> {
    await this.#halfClose();
    await this.reader.drop(this.limits.linger);
  }

  #halfClose(): Promise<void> {
    if (!this.isLingering) this.#enter("lingering", this.#context.options.timeouts.linger);
    return this.transport.closeWrite();
  }
}
