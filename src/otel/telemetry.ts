/**
 * Spans and metrics of a server, by the API of OpenTelemetry. What exports them, Deno with
 * `OTEL_DENO=true` or an SDK from npm, is not known here.
 *
 * A span must be active while the handler runs, so it is made when the handler is called, with the
 * time at which the request began; the outcome of the request ends it. Its duration and that in
 * the histogram are the same, as the conventions want it.
 */
import {
  type Attributes,
  type Context,
  context,
  createContextKey,
  type Histogram,
  metrics,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TextMapGetter,
  trace,
  type Tracer,
  type UpDownCounter,
} from "@opentelemetry/api";
import { isStreaming, streaming } from "../connection/handlers.ts";
import type { RequestOutcome } from "../connection/outcome.ts";
import { exchangeOf } from "../connection/request.ts";
import type { Handler, Request } from "../connection/request.ts";
import { HttpError } from "../errors.ts";
import { logError } from "../net/exhaustion.ts";
import {
  activeAttributes,
  durationAttributes,
  outcomeAttributes,
  refusedAttributes,
  requestAttributes,
  spanName,
} from "./attributes.ts";

const SCOPE = "@asynchttp/server";

/** Seconds, as the conventions advise. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

const CALL = createContextKey("a traced call of a handler");

const HEADERS: TextMapGetter<Headers> = {
  get: (headers, name) => headers.get(name) ?? undefined,
  keys: (headers) => [...headers.keys()],
};

/**
 * What {@linkcode openTelemetry} returns.
 *
 * @example
 * ```ts
 * import { openTelemetry, type Telemetry } from "@asynchttp/server/otel";
 * import { serveInMemory } from "@asynchttp/server/testing";
 *
 * const telemetry: Telemetry = openTelemetry();
 * await using server = serveInMemory(
 *   telemetry.traced((request) => request.respond(200, "hello")),
 *   { onResponse: telemetry.onResponse },
 * );
 * console.log(await (await server.fetch("/")).text()); // hello
 * ```
 */
export interface Telemetry {
  /**
   * Wraps a handler: each call has a span, which is active within it, and is measured.
   *
   * @param handler Any handler, also one that `streaming` or `fetchHandler` has made.
   * @returns A handler for `serve`, `acceptRequest` or `serveConnection`.
   */
  readonly traced: (handler: Handler) => Handler;
  /** A hook for the option `onResponse`: tells of requests that were refused before a handler was called. */
  readonly onResponse: (outcome: RequestOutcome) => void;
}

/**
 * Makes server spans, and the metrics `http.server.request.duration` (seconds) and
 * `http.server.active_requests`, by the semantic conventions for HTTP.
 *
 * The trace context of the client (W3C `traceparent`, `tracestate`, `baggage`) is taken over, so
 * that `fetch` in a handler continues the trace. Call it once the exporter is registered; Deno's
 * own, which `OTEL_DENO=true` turns on, always is. Without one, nothing is recorded.
 *
 * @returns A wrapper for handlers, and a hook for `onResponse`.
 *
 * @example
 * ```ts
 * import { AsyncHttpServer } from "@asynchttp/server";
 * import { openTelemetry, setRoute } from "@asynchttp/server/otel";
 *
 * const { traced, onResponse } = openTelemetry();
 * await using server = new AsyncHttpServer({ onResponse });
 * const handler = traced((request) => {
 *   setRoute("/users/:id");
 *   return request.respond(200, "Hello, World!\n");
 * });
 * const serving = server.serve(0, handler, { address: "127.0.0.1" });
 * const response = await fetch(`http://127.0.0.1:${server.getPort()}/users/1`);
 * console.log(await response.text()); // Hello, World!
 * server.close();
 * await serving;
 * ```
 */
export function openTelemetry(): Telemetry {
  const instruments = createInstruments();
  return {
    traced(handler) {
      const traced: Handler = (request) => new TracedCall(instruments, request).run(handler);
      return isStreaming(handler) ? streaming(traced) : traced;
    },
    onResponse(outcome) {
      if (!outcome.handled) recordRefusal(instruments, outcome);
    },
  };
}

/**
 * Names the route of the current request, within a handler that is traced: it becomes part of the
 * span's name, and `http.route` of span and duration. Elsewhere it does nothing.
 *
 * @param route A template such as `"/users/:id"`, never the path itself: each value is a series.
 *
 * @example
 * ```ts
 * import { openTelemetry, setRoute } from "@asynchttp/server/otel";
 * import { serveInMemory } from "@asynchttp/server/testing";
 *
 * const { traced } = openTelemetry();
 * const handler = traced((request) => {
 *   const [, id] = /^\/users\/(\d+)$/.exec(request.url.pathname) ?? [];
 *   if (id === undefined) return request.respond(404); // has no route
 *   setRoute("/users/:id");
 *   return request.respond(200, `user ${id}`);
 * });
 * await using server = serveInMemory(handler);
 * console.log(await (await server.fetch("/users/1")).text()); // user 1
 * ```
 */
export function setRoute(route: string): void {
  const call = context.active().getValue(CALL);
  if (call instanceof TracedCall) call.setRoute(route);
}

interface Instruments {
  readonly tracer: Tracer;
  readonly duration: Histogram;
  readonly active: UpDownCounter;
}

function createInstruments(): Instruments {
  const meter = metrics.getMeter(SCOPE);
  return {
    tracer: trace.getTracer(SCOPE),
    duration: meter.createHistogram("http.server.request.duration", {
      description: "Duration of HTTP server requests.",
      unit: "s",
      advice: { explicitBucketBoundaries: BUCKETS },
    }),
    active: meter.createUpDownCounter("http.server.active_requests", {
      description: "Number of active HTTP server requests.",
      unit: "{request}",
    }),
  };
}

/** One call of a handler. */
class TracedCall {
  readonly #instruments: Instruments;
  readonly #request: Request;
  readonly #remote: Context;
  readonly #span: Span;
  #route: string | null = null;
  #thrown: string | null = null;

  constructor(instruments: Instruments, request: Request) {
    const { completed, headers, method } = request;
    this.#instruments = instruments;
    this.#request = request;
    this.#remote = propagation.extract(ROOT_CONTEXT, headers, HEADERS);
    this.#span = instruments.tracer.startSpan(spanName(method, null), {
      kind: SpanKind.SERVER,
      startTime: exchangeOf(request).observation!.startedAt,
      attributes: requestAttributes(request),
    }, this.#remote);
    const attributes = activeAttributes(request);
    instruments.active.add(1, attributes);
    completed.then((outcome) => {
      instruments.active.add(-1, attributes);
      this.#end(outcome);
    }).catch((fault) => logError(fault, "OpenTelemetry failed"));
  }

  setRoute(route: string): void {
    this.#route = route;
    this.#span.updateName(spanName(this.#request.method, route));
    this.#span.setAttribute("http.route", route);
  }

  run(handler: Handler): void | Promise<void> {
    const within = trace.setSpan(this.#remote, this.#span).setValue(CALL, this);
    try {
      const running = context.with(within, handler, undefined, this.#request);
      return running instanceof Promise ? running.catch((error) => this.#failed(error)) : running;
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Notes an error of the handler; that of a body which the client sent wrong is none. */
  #failed(error: unknown): never {
    if (!(error instanceof HttpError)) {
      this.#thrown = error instanceof Error ? error.name : typeof error;
      this.#span.recordException(error instanceof Error ? error : String(error));
    }
    throw error;
  }

  #end(outcome: RequestOutcome): void {
    const attributes = outcomeAttributes(outcome, this.#thrown);
    this.#span.setAttributes(attributes);
    endSpan(this.#span, outcome, attributes);
    const { url } = this.#request;
    this.#instruments.duration.record(outcome.totalMs / 1000, {
      ...durationAttributes(outcome, url, this.#route),
      ...attributes,
    });
  }
}

/** Records a request that no handler has seen. It is never active: it is known by its end. */
function recordRefusal({ tracer, duration }: Instruments, outcome: RequestOutcome): void {
  const { request, startedAt, totalMs } = outcome;
  const attributes = outcomeAttributes(outcome, null);
  const span = tracer.startSpan(spanName(request.method, null), {
    kind: SpanKind.SERVER,
    startTime: startedAt,
    attributes: { ...refusedAttributes(request), ...attributes },
  }, propagation.extract(ROOT_CONTEXT, request.headers, HEADERS));
  endSpan(span, outcome, attributes);
  duration.record(totalMs / 1000, { ...durationAttributes(outcome, null, null), ...attributes });
}

function endSpan(span: Span, { startedAt, totalMs }: RequestOutcome, attributes: Attributes): void {
  if (attributes["error.type"] !== undefined) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end(startedAt + totalMs);
}
