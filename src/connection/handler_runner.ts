/**
 * A handler at work on one request after another of a connection: what it is given, what
 * is waited for, and what becomes of it when it fails.
 */
import { ConnectionLost, HttpError } from "../errors.ts";
import { QUEUED } from "./exchange.ts";
import type { Exchange } from "./exchange.ts";
import { ignoreRejection } from "../ignore_rejection.ts";
import { report } from "./context.ts";
import type { ServerContext } from "./context.ts";
import { handlerTimeout } from "./error_response.ts";
import { Request } from "./request.ts";
import type { Handler } from "./request.ts";
import { isStreaming } from "./handlers.ts";

/** Who looks at the clock while a handler works. */
export interface HandlerWatch {
  /** The time that a handler may take begins: {@linkcode HandlerRunner.expire} ends it. */
  handlerBegins(): void;
}

/** Has the requests of one connection handled. */
export class HandlerRunner {
  readonly #handler: Handler;
  readonly #streaming: boolean;
  readonly #scheme: "http" | "https";
  readonly #watch: HandlerWatch;
  readonly #context: ServerContext;
  /** Ends the wait for a handler that takes too long. */
  #expire: ((reason: HttpError) => void) | undefined;

  constructor(
    handler: Handler,
    scheme: "http" | "https",
    watch: HandlerWatch,
    shared: ServerContext,
  ) {
    this.#handler = handler;
    this.#streaming = isStreaming(handler);
    this.#scheme = scheme;
    this.#watch = watch;
    this.#context = shared;
  }

  /** One request and its response: what is left to wait for until its handler is done. */
  handle(exchange: Exchange): Promise<void> | void {
    if (!this.#streaming && !exchange.received) return this.#receiveAndHandle(exchange);
    const request = new Request(exchange, this.#scheme);
    const handling = this.#call(request, exchange);
    if (handling === undefined || handling !== exchange.answering) {
      return this.#whenHandled(handling, request, exchange);
    }
    // Most handlers end with their answer.
    if (handling !== QUEUED) return handling;
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
  }

  /** A stream's response goes on when its handler has returned. */
  async #whenStreamed(request: Request, exchange: Exchange): Promise<void> {
    try {
      await exchange.streaming;
    } catch (error) {
      this.#handlerFailed(error, request, exchange);
    }
  }

  /** The handler has had its time. */
  expire(): void {
    this.#expire?.(handlerTimeout());
  }

  #call(request: Request, exchange: Exchange): Promise<void> | void {
    try {
      const handling = this.#handler(request);
      const inTime = handling === undefined || this.#context.options.timeouts.handler === Infinity;
      return inTime ? handling : this.#inTime(handling, exchange);
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
    this.#watch.handlerBegins();
    try {
      await Promise.race([ignoreRejection(handling), expired]);
    } finally {
      this.#expire = undefined;
    }
  }

  /**
   * Before the first byte an error is answered; within a response of unknown length it can
   * only be cut off. A body that was refused while the handler was reading it is the
   * client's fault, and no news for `onError`.
   */
  #handlerFailed(error: unknown, request: Request, exchange: Exchange): void {
    const { unanswered, complete } = exchange;
    if (error instanceof ConnectionLost) {
      exchange.seal();
      throw error;
    }
    const refused = error instanceof HttpError ? error : null;
    if (refused === null) report(this.#context.options, error, request);
    if (complete) return;
    exchange.seal();
    if (unanswered) throw refused ?? internalError("handler-failed", error);
    if (refused !== null) this.#context.counters.reject(refused.code);
    throw new ConnectionLost("The handler failed within its response", { cause: error });
  }
}

function internalError(code: "handler-failed" | "not-answered", cause: unknown): HttpError {
  return new HttpError(500, code, "Internal Server Error", { cause });
}
