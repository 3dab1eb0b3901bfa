/**
 * Runs a connection's handler: gives it one request after another, waits for what must be
 * waited for, and decides what its failure means.
 */
import { ConnectionLost, HttpError } from "../errors.ts";
import { badBodyCode } from "../web/bad_body.ts";
import { report } from "./context.ts";
import type { ServerContext } from "./context.ts";
import { badBody, handlerTimeout } from "./error_response.ts";
import type { Exchange } from "./exchange.ts";
import { isStreaming } from "./handlers.ts";
import { Request } from "./request.ts";
import type { Handler } from "./request.ts";

/** Runs the handler of one connection. */
export class HandlerRunner {
  readonly #handler: Handler;
  readonly #isStreaming: boolean;
  readonly #scheme: "http" | "https";
  readonly #context: ServerContext;
  /** Ends the wait for a handler that takes too long. */
  #expire: ((reason: HttpError) => void) | undefined;

  constructor(
    handler: Handler,
    scheme: "http" | "https",
    context: ServerContext,
  ) {
    this.#handler = handler;
    this.#isStreaming = isStreaming(handler);
    this.#scheme = scheme;
    this.#context = context;
  }

  /** Handles one request. Returns what is left to wait for; nothing where the response is queued. */
  handle(exchange: Exchange): Promise<void> | void {
    if (!this.#isStreaming && !exchange.received) return this.#receiveAndHandle(exchange);
    const request = new Request(exchange, this.#scheme);
    exchange.observation?.called();
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
    if (exchange.cutOff) throw new ConnectionLost("The connection was closed", { by: "server" });
    await this.handle(exchange);
  }

  /** Apart from `#whenStreamed`: an async function keeps a slot for each of its variables while it waits. */
  async #whenHandled(
    handling: Promise<void> | void,
    request: Request,
    exchange: Exchange,
  ): Promise<void> {
    let returned: unknown;
    try {
      if (handling !== undefined) returned = await handling;
    } catch (error) {
      this.#handlerFailed(error, request, exchange);
    }
    if (exchange.streaming !== undefined) await this.#whenStreamed(request, exchange);
    if (exchange.unanswered) this.#notAnswered(request, exchange, returned);
    const { unheardFailure, progress } = exchange;
    if (unheardFailure !== undefined) {
      report(this.#context.options, unheardFailure, request, progress);
    }
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
      if (handling === undefined) return;
      exchange.isTimed = exchange.handlerTimeout !== Infinity;
      return exchange.isTimed ? this.#inTime(handling, exchange) : handling;
    } catch (error) {
      this.#handlerFailed(error, request, exchange);
    }
  }

  #notAnswered(request: Request, exchange: Exchange, returned: unknown): never {
    exchange.seal();
    const { failure } = exchange;
    const message = `${NOT_ANSWERED}: ${remedyFor(returned)}`;
    const error = new TypeError(message, failure === undefined ? {} : { cause: failure });
    report(this.#context.options, error, request, "unsent");
    throw internalError("not-answered", error);
  }

  /** Waits for a handler, but not longer than it may take. */
  async #inTime(handling: Promise<void>, exchange: Exchange): Promise<void> {
    const { promise: expired, reject } = Promise.withResolvers<never>();
    this.#expire = (reason) => {
      exchange.abort(reason);
      reject(reason);
    };
    exchange.connection.limitHandler(exchange.handlerTimeout);
    try {
      return await Promise.race([handling, expired]);
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
    const { unanswered, complete, progress } = exchange;
    if (error instanceof ConnectionLost) {
      exchange.seal();
      throw error;
    }
    const rejection = rejectionBehind(error);
    if (rejection === null) report(this.#context.options, error, request, progress);
    if (complete) return;
    exchange.seal();
    if (unanswered) throw rejection ?? internalError("handler-failed", error);
    if (rejection !== null) {
      this.#context.counters.reject(rejection.code);
      exchange.observation?.rejected(rejection.code);
    }
    throw new ConnectionLost("The handler failed within its response", {
      cause: error,
      by: "server",
    });
  }
}

/** The rejection of the client's request that a handler has let pass; null if the error is its own. */
function rejectionBehind(error: unknown): HttpError | null {
  if (error instanceof HttpError) return error;
  const code = badBodyCode(error);
  return code === undefined ? null : badBody(code, error);
}

const NOT_ANSWERED = "The handler returned without having answered the request";

/** What to write instead; the usual slips are those of a port from `Deno.serve`, and a missing `await`. */
function remedyFor(returned: unknown): string {
  return returned instanceof Response
    ? "it returned a Response, wrap it in fetchHandler, or call request.respondWith(response)"
    : "call request.respond(), and await whatever comes before it";
}

function internalError(code: "handler-failed" | "not-answered", cause: unknown): HttpError {
  return new HttpError(500, code, "Internal Server Error", { cause });
}
