/**
 * One connection from its first byte to its last: one exchange after another.
 *
 * Errors end here. A request that is rejected becomes one response and a lingering close;
 * a client that has gone ends the connection silently; an error of a handler's is reported
 * to `onError`.
 *
 * ```text
 * idle ───► head ───► busy ◄──► draining      any but detached ───► closing ───► lingering
 *   └──────────────► │  │
 *                    │  └► detached
 * idle or head ◄─────┘
 * ```
 */
import { ConnectionLost, HttpError } from "../errors.ts";
import type { Limits, Timeouts } from "../limits.ts";
import type { Clock, Subscriber } from "../net/clock.ts";
import { Deadline } from "../net/deadline.ts";
import { behindProxy } from "../net/proxied_conn.ts";
import type { ByteConn } from "../net/stream_conn.ts";
import { Throughput } from "../net/throughput.ts";
import { Transport } from "../net/transport.ts";
import { moved } from "../transitions.ts";
import type { Transitions } from "../transitions.ts";
import { decideForwarded } from "../wire/forwarded.ts";
import type { Forwarded, ForwardedRules } from "../wire/forwarded.ts";
import type { RequestHead } from "../wire/request_head.ts";
import type { BodyMemory } from "./body_memory.ts";
import { report } from "./context.ts";
import type { ServerContext } from "./context.ts";
import { bodyTimeout, headTimeout, sendErrorResponse } from "./error_response.ts";
import { Exchange } from "./exchange.ts";
import type { ConnectionContext } from "./connection_context.ts";
import { HandlerRunner } from "./handler_runner.ts";
import type { NextStep } from "./keep_alive.ts";
import { Observer } from "./observer.ts";
import type { Handler } from "./request.ts";
import { RequestReader } from "./request_reader.ts";

/**
 * Where a connection stands.
 *
 * - "idle": between two requests, or before the first; no byte of the next one has come.
 * - "head": a head is arriving.
 * - "busy": a request is being received, handled, or answered.
 * - "draining": the rest of a body that the handler has left is being dropped.
 * - "closing": the last response is being written, and our side is being closed behind it.
 * - "lingering": our side is closed; the client may still be sending.
 * - "detached": it belongs to the handler.
 */
type Phase = "idle" | "head" | "busy" | "draining" | "closing" | "lingering" | "detached";

const PHASES: Transitions<Phase> = {
  idle: ["busy", "head", "closing"],
  head: ["busy", "closing"],
  busy: ["idle", "head", "draining", "closing", "detached"],
  draining: ["busy", "closing"],
  closing: ["lingering"],
  lingering: [],
  detached: [],
};

/** Bytes per second at which a client reads what the kernel has buffered for it, at the least. */
const MIN_DRAIN_RATE = 4096;

/** One connection. */
export class Connection implements Subscriber, ConnectionContext {
  readonly reader: RequestReader;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly limits: Readonly<Limits>;
  readonly timeouts: Readonly<Timeouts>;
  /** Part of {@linkcode ConnectionContext}. */
  readonly bodyMemory: BodyMemory;
  /** Part of {@linkcode ConnectionContext}. */
  readonly readThroughput: Throughput;
  /** When it became idle, by a counter of all connections: the lowest has idled longest. */
  idleSince = 0;
  /** `idleSince` as of the last tick, and as of the last tick at which it had not changed. */
  #idleAtTick = -1;
  #staleSince = -1;
  readonly #context: ServerContext;
  readonly #handlers: HandlerRunner;
  readonly #writeThroughput: Throughput;
  #phase: Phase = "idle";
  /** When the phase must be over; set again when the phase changes. */
  readonly #deadline = new Deadline();
  /** When a lingering connection must be over, however much its client sends. */
  readonly #lingerEnd = new Deadline();
  #bytesInBefore = 0;
  #served = 0;
  /** How the fields of this peer about its clients are read; undefined where it is not trusted. */
  #forwarded: ForwardedRules | undefined;
  /** Whether the current request is the last one. */
  #keepAliveDisabled = false;
  /** Whether the next response says that the connection ends. */
  #endAnnounced = false;
  /** Null where nothing asks what becomes of the requests. */
  #observer: Observer | null = null;

  constructor(conn: ByteConn, handler: Handler, context: ServerContext) {
    const { clock, options } = context;
    const { limits, timeouts } = options;
    const scheme = "handshake" in conn ? "https" : "http";
    this.readThroughput = new Throughput(clock, timeouts.body, limits.minRate);
    this.#writeThroughput = new Throughput(clock, timeouts.write, limits.minRate, MIN_DRAIN_RATE);
    // Over TLS the header has come before the handshake: `tlsListener` reads it.
    const bytes = scheme === "http" ? behindProxy(conn, options.proxyProtocol) : conn;
    this.transport = new Transport(bytes, this.#writeThroughput, context.scheduler);
    this.reader = new RequestReader(this.transport, options.parser);
    this.clock = clock;
    this.limits = limits;
    this.timeouts = timeouts;
    this.bodyMemory = context.bodyMemory;
    this.#context = context;
    if (options.onResponse !== undefined) this.#observer = this.#newObserver();
    this.#handlers = new HandlerRunner(handler, scheme, context);
  }

  /** Returns what the connections of its server share: for the entries that build on a connection. */
  static serverOf(connection: ConnectionContext): ServerContext {
    return (connection as Connection).#context;
  }

  /** Part of {@linkcode ConnectionContext}: false once the server is closing, or after so many requests. */
  get persistent(): boolean {
    return this.takesNext && !this.#endAnnounced &&
      this.#served < this.limits.requestsPerConnection;
  }

  /** Part of {@linkcode ConnectionContext}. */
  get takesNext(): boolean {
    return !this.#keepAliveDisabled;
  }

  /** Part of {@linkcode ConnectionContext}. */
  get observer(): Observer {
    return this.#observer ??= this.#newObserver();
  }

  /** Serves requests until none may follow. Never rejects. */
  async run(): Promise<void> {
    const subscription = this.clock.subscribe(this);
    this.#context.scheduler.join();
    // The first head is due from the accept on: a client that sends nothing is the cheapest attack.
    this.#enter("idle", this.timeouts.head);
    try {
      await this.#serve();
    } catch (error) {
      if (!(error instanceof ConnectionLost)) report(this.#context.options, error);
    } finally {
      this.clock.unsubscribe(subscription);
      this.#context.scheduler.leave();
      if (this.#phase !== "detached") this.transport.close();
    }
  }

  /**
   * Makes the next response say that the connection ends. A client that is told never sends a
   * request into a close; so a connection whose response has promised more, or that idles,
   * stays open for one request.
   */
  announceEnd(): void {
    this.#endAnnounced = true;
  }

  /** Makes the current request the last one; closes a connection that has none. */
  disableKeepAlive(): void {
    this.#keepAliveDisabled = true;
    if (!this.isIdle) return;
    // A request that crosses our close is answered by the kernel, with a reset that destroys
    // what the client has not read of the response before (RFC 9112, 9.6).
    if (this.#served > 0) this.#halfClose().catch(() => this.destroy());
    else this.transport.closeWhenFlushed();
  }

  /** Part of {@linkcode ConnectionContext}. */
  limitHandler(ms: number): void {
    this.#deadline.set(ms);
  }

  /** Closes an idle connection at once, to have its descriptor. */
  closeIfIdle(): void {
    if (this.isIdle) this.destroy();
  }

  /** Whether there is no request, nor the beginning of one. */
  get isIdle(): boolean {
    return this.#phase === "idle" && !this.reader.hasUnread;
  }

  /** Whether it has idled for at least the time between two ticks. */
  get isStale(): boolean {
    return this.isIdle && this.#staleSince === this.idleSince;
  }

  /** Whether the last response is sent, and only the client's close is awaited. */
  get isLingering(): boolean {
    return this.#isEnding && this.transport.flushed;
  }

  /** Whether our side is closed, or is being closed: no request is served any more. */
  get #isEnding(): boolean {
    return this.#phase === "closing" || this.#phase === "lingering";
  }

  /** Closes the connection now, whatever is going on. */
  destroy(): void {
    this.transport.close();
  }

  /** Part of {@linkcode ConnectionContext}. */
  closeSoon(): void {
    if (this.transport.flushed) this.destroy();
    else this.#destroyAfter(this.transport.flush());
  }

  /** Part of {@linkcode ConnectionContext}. */
  endSoon(): void {
    if (!this.transport.closed) this.#destroyAfter(this.transport.end());
  }

  /** Closes the connection when `ending` settles, or after `timeouts.linger`. */
  #destroyAfter(ending: Promise<void>): void {
    const deadline = new Deadline();
    deadline.set(this.timeouts.linger);
    const subscription = this.clock.subscribe({
      tick: (now) => deadline.isOver(now) && this.destroy(),
    });
    const close = () => {
      this.clock.unsubscribe(subscription);
      this.destroy();
    };
    ending.then(close, close);
  }

  /** Part of {@linkcode Subscriber}. */
  tick(now: number): void {
    if (this.#phase === "idle") {
      this.transport.releaseMemory();
      this.reader.releaseMemory();
      if (this.#idleAtTick === this.idleSince) this.#staleSince = this.idleSince;
      this.#idleAtTick = this.idleSince;
    }
    if (this.#phase === "lingering") this.#extendLinger(now);
    if (this.#deadline.isOver(now)) this.#expire();
    if (this.readThroughput.isTooSlow(now)) this.reader.interrupt(bodyTimeout());
    if (this.#writeThroughput.isTooSlow(now)) {
      this.transport.fail(
        new ConnectionLost("The client does not read, or too slowly", { by: "server" }),
      );
    }
  }

  /** Ends a phase that has taken too long. */
  #expire(): void {
    this.#deadline.set(Infinity);
    switch (this.#phase) {
      case "idle":
        return this.disableKeepAlive();
      case "head":
        return this.reader.interrupt(headTimeout());
      case "busy":
        return this.#handlers.expire();
      default:
        return this.destroy();
    }
  }

  /** Serves one request after another, until none may follow. */
  async #serve(): Promise<void> {
    try {
      const header = this.transport.proxyHeader();
      if (header !== undefined) await header;
      this.#trustPeer();
      for (;;) {
        // A read may bring nothing: that is no byte yet.
        while (!this.reader.hasUnread) {
          // A client that is still being sent its response does not idle.
          if (!this.transport.flushed) await this.transport.flush();
          else if (this.#keepAliveDisabled || !await this.#firstByte() || this.#isEnding) {
            return await this.#inputEnded();
          }
        }
        this.#observer?.requestArrives();
        let head = this.reader.headAtHand() ?? await this.#restOfHead();
        // A read may succeed before our close and resolve after it: the response has nowhere to go.
        if (head === null || this.transport.closed) return await this.#inputEnded();
        let exchange: Exchange | null = this.#begin(head);
        const handling = this.#handlers.handle(exchange);
        if (handling !== undefined) await handling;
        const step = exchange.nextStep;
        if (this.#continuesAtOnce(step)) exchange.seal();
        else if (!await this.#conclude(exchange, step)) return;
        // A function that waits keeps its variables: an idle connection would keep its last request.
        head = exchange = null;
        const turn = this.reader.hasUnread ? this.reader.beforeBuffered() : null;
        if (turn !== null) await turn;
      }
    } catch (error) {
      if (error instanceof HttpError) await this.#reject(error);
      else await this.#fail(error);
    }
  }

  /** Decides whether the peer's fields about its clients are believed. */
  #trustPeer(): void {
    const { forwarded } = this.#context.options;
    if (forwarded?.from.includes(this.transport.remoteAddr)) this.#forwarded = forwarded;
  }

  /** Writes the responses that are queued, where the connection has not failed itself. */
  async #fail(error: unknown): Promise<never> {
    if (error instanceof ConnectionLost) this.#observer?.fails(error);
    if (!this.transport.flushed) {
      this.#enter("closing", this.timeouts.linger);
      await this.transport.flush().catch(() => {});
    }
    throw error;
  }

  /** Ends after the client does; or before it, and then it may still be sending. */
  async #inputEnded(): Promise<void> {
    if (this.#keepAliveDisabled) await this.#linger();
    else await this.transport.end();
  }

  /** The next head, of which a part has arrived. The deadline of the first runs since the accept. */
  #restOfHead(): Promise<RequestHead | null> {
    this.#move("head");
    if (this.#served > 0) this.#deadline.set(this.timeouts.head);
    return this.reader.readHead();
  }

  #newObserver(): Observer {
    const { options } = this.#context;
    const onFault = (fault: unknown) => report(options, fault);
    return new Observer(this.transport, this.clock, options.onResponse, onFault);
  }

  #begin(head: RequestHead): Exchange {
    const forwarded = this.#forwardedOf(head);
    this.#move("busy");
    this.#deadline.set(Infinity);
    this.#served++;
    this.#context.counters.requests++;
    return new Exchange(this, head, forwarded, this.#observer?.begin(head, forwarded) ?? null);
  }

  #forwardedOf(head: RequestHead): Forwarded | null {
    if (this.#forwarded === undefined) return null;
    try {
      return decideForwarded(head.fields, this.#forwarded);
    } catch (error) {
      // What is refused is this request, whose head has left the input.
      this.#observer?.begin(head, null);
      throw error;
    }
  }

  /** Waits for the next request to begin; false when the client sends no more. */
  #firstByte(): Promise<boolean> {
    if (this.#served > 0) this.#enter("idle", this.timeouts.idle);
    this.idleSince = ++this.#context.counters.waits;
    this.reader.releaseBuffer();
    return this.reader.more();
  }

  #enter(phase: Phase, ms: number): void {
    this.#move(phase);
    this.#deadline.set(ms);
  }

  /** The only assignment of the phase. */
  #move(phase: Phase): void {
    if (phase !== this.#phase) this.#phase = moved(PHASES, this.#phase, phase);
  }

  /** Fast path: response complete, request read, output not congested. */
  #continuesAtOnce(step: NextStep): boolean {
    return step === "reuse" && !this.transport.congested;
  }

  /** Ends an exchange; true where another request may follow. */
  async #conclude(exchange: Exchange, step: NextStep): Promise<boolean> {
    exchange.observation?.rawEnded();
    if (step === "detach") {
      this.#move("detached");
      return false;
    }
    exchange.seal();
    if (step === "close" || this.transport.congested) await this.transport.flush();
    if (step === "reuse" || (step === "drain" && await this.#drain(exchange))) return true;
    if (this.#clientIsDone(exchange)) await this.transport.end();
    else await this.#linger();
    return false;
  }

  /** Whether the client has announced its last request and sent all of it: nothing can meet a closed socket then. */
  #clientIsDone({ head, received }: Exchange): boolean {
    return !head.framing.persistent && received && !this.reader.hasUnread;
  }

  /** Reads and drops the rest of a body that the handler has left. */
  async #drain({ body }: Exchange): Promise<boolean> {
    this.#enter("draining", this.timeouts.drain);
    try {
      const drained = await body.drain(this.limits.drain);
      this.#enter("busy", Infinity);
      return drained;
    } catch (error) {
      // The body is rejected, but the request was answered: one response is enough.
      if (error instanceof HttpError) return false;
      throw error;
    }
  }

  async #reject(error: HttpError): Promise<void> {
    const { clock, options, counters } = this.#context;
    counters.reject(error.code);
    const observation = this.#observer?.refuse(error.code, () => this.reader.refusedLine) ?? null;
    sendErrorResponse(
      error,
      options,
      this.transport,
      this.reader.method,
      clock.date,
      observation,
    );
    await this.transport.flush();
    await this.#linger();
  }

  /**
   * Closing a socket with unread input makes the kernel send a reset, and the client may
   * lose the response that it has not read yet. So only our side is closed, and what still
   * arrives is dropped, within bounds, until the client closes its own (RFC 9112, 9.6).
   */
  async #linger(): Promise<void> {
    await this.#halfClose();
    const node = this.#context.lingering.add(this);
    this.#limitLingering();
    try {
      await this.reader.drop(this.limits.linger);
    } finally {
      this.#context.lingering.remove(node);
    }
  }

  /** The client's time to close begins when our side is closed: until then it is still being sent its response. */
  async #halfClose(): Promise<void> {
    if (this.#isEnding) return await this.transport.closeWrite();
    this.#enter("closing", Infinity);
    await this.transport.closeWrite();
    this.#enter("lingering", this.timeouts.linger);
    this.#lingerEnd.set(this.timeouts.lingerTotal);
    this.#bytesInBefore = this.reader.bytesIn;
  }

  /** Not while the server closes: then each connection lingers, and no newcomer needs its place. */
  #limitLingering(): void {
    const { lingering } = this.#context;
    if (!this.#keepAliveDisabled && lingering.size > this.limits.lingering) {
      lingering.first?.destroy();
    }
  }

  /** A client that is still sending has not read the response yet, and gets more time, within a bound. */
  #extendLinger(now: number): void {
    if (this.#lingerEnd.isOver(now)) return this.destroy();
    if (this.reader.bytesIn === this.#bytesInBefore) return;
    this.#bytesInBefore = this.reader.bytesIn;
    this.#deadline.set(this.timeouts.linger);
  }
}
