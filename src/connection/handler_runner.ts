/**
 * Runs a connection's handler: gives it one request after another, waits for what must be
 * waited for, and decides what its failure means.
 */
import { ConnectionLost, HttpError } from "../errors.ts";
import { ignoreRejection } from "../ignore_rejection.ts";
import { report } from "./context.ts";
import type { ServerContext } from "./context.ts";
import { handlerTimeout } from "./error_response.ts";
import type { Exchange } from "./exchange.ts";
import { isStreaming } from "./handlers.ts";
import { Request } from "./request.ts";
import type { Handler } from "./request.ts";

/** Counts the time that a handler takes. */
export interface HandlerTimer {
  /** Starts `timeouts.handler`; when it is over, {@linkcode HandlerRunner.expire} is called. */
  startHandlerTimeout(): void;
}

/** Runs the handler of one connection. */
export class HandlerRunner {
  readonly #handler: Handler;
  readonly #isStreaming: boolean;
  readonly #scheme: "http" | "https";
  readonly #timer: HandlerTimer;
  readonly #context: ServerContext;
  /** Ends the wait for a handler that takes too long. */
  #expire: ((reason: HttpError) => void) | undefined;

  constructor(
    handler: Handler,
    scheme: "http" | "https",
    timer: HandlerTimer,
    context: ServerContext,
  ) {
    this.#handler = handler;
    this.#isStreaming = isStreaming(handler);
    this.#scheme = scheme;
    this.#timer = timer;
    this.#context = context;
  }

  /** Handles one request. Returns what is left to wait for; nothing where the response is queued. */
  handle(exchange: Exchange): Promise<void> | void {
    if (!this.#isStreaming && !exchange.received) return this.#receiveAndHandle(exchange);
    const request = new Request(exchange, this.#scheme);
    const handling = this.#call(request, exchange);
    if (handling === undefined || !exchange.endsWith(handling)) {
      return this.#whenHandled(handling, request, exchange);
    }
    if (exchange.delivery !== "queued") return handling;
  }

  /** Ends the wait for the handler: it has had its time. */
  expire(): void {
    this.#expire?.(handlerTimeout());
  }

  async #receiveAndHandle(exchange: Exchange): Promise<void> {
    try {
      await exchange.body.readWhole();
    } catch (error) {
      exchange.seal();
      throw error;
    }
    if (exchange.cutOff) throw new ConnectionLost("The connection was closed");
    await this.handle(exchange);
  }

  /** Short, and in two parts: a function that waits keeps a place for each of its variables. */
  async #whenHandled(
    handling: Promise<void> | void,
    request: Request,
    exchange: Exchange,
  ): Promise<void> {
    try {
      if (handling !== undefined) await handling;
    } catch (error) {
      this.#handlerFailed(error, request, exchange);
    }
    if (exchange.streaming !== undefined) await this.#whenStreamed(request, exchange);
    if (exchange.unanswered) this.#notAnswered(request, exchange);
    const { unheardFailure } = exchange;
    if (unheardFailure !== undefined) report(this.#context.options, unheardFailure, request);
  }

  /** A streamed response goes on when its handler has returned. */
  async #whenStreamed(request: Request, exchange: Exchange): Promise<void> {
    try {
      await exchange.streaming;
    } catch (error) {
      this.#handlerFailed(error, request, exchange);
    }
  }

  #call(request: Request, exchange: Exchange): Promise<void> | void {
    try {
      const handling = this.#handler(request);
      const isTimed = handling !== undefined &&
        this.#context.options.timeouts.handler !== Infinity;
      return isTimed ? this.#inTime(handling, exchange) : handling;
    } catch (error) {
      this.#handlerFailed(error, request, exchange);
    }
  }

  #notAnswered(request: Request, exchange: Exchange): never {
    exchange.seal();
    const error = new Error("The handler returned without having answered the request", {
      cause: exchange.failure,
    });
    report(this.#context.options, error, request);
    throw internalError("not-answered", error);
  }

  /** Waits for a handler, but not longer than it may take. */
  async #inTime(handling: Promise<void>, exchange: Exchange): Promise<void> {
    const { promise: expired, reject } = Promise.withResolvers<never>();
    this.#expire = (reason) => {
      exchange.abort(reason);
      reject(reason);
    };
    this.#timer.startHandlerTimeout();
    try {
      await Promise.race([ignoreRejection(handling), expired]);
    } finally {
      this.#expire = undefined;
    }
  }

  /**
   * Before the first byte an error is answered; within a response it can only cut the
   * connection. A body that was rejected while the handler was reading it is the client's
   * fault, and not reported to `onError`.
   */
  #handlerFailed(error: unknown, request: Request, exchange: Exchange): void {
    const { unanswered, complete } = exchange;
    if (error instanceof ConnectionLost) {
      exchange.seal();
      throw error;
    }
    const rejection = error instanceof HttpError ? error : null;
    if (rejection === null) report(this.#context.options, error, request);
    if (complete) return;
    exchange.seal();
    if (unanswered) throw rejection ?? internalError("handler-failed", error);
    if (rejection !== null) this.#context.counters.reject(rejection.code);
    throw new ConnectionLost("The handler failed within its response", { cause: error });
  }
}

function internalError(code: "handler-failed" | "not-answered", cause: unknown): HttpError {
  return new HttpError(500, code, "Internal Server Error", { cause });
}
