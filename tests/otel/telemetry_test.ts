/** The entry `./otel`: what Deno's own exporter sends to a receiver of OTLP over HTTP. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import { exchangeBytes, launch, servingWell, testWith } from "../server/tools.ts";

interface Attribute {
  readonly key: string;
  readonly value: { readonly [type: string]: unknown };
}

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  readonly events: readonly { readonly name: string }[];
  readonly status: { readonly code: number };
}

interface Point {
  readonly attributes: readonly Attribute[];
  readonly count?: string;
  readonly sum?: number;
  readonly explicitBounds?: readonly number[];
  readonly asInt?: string;
  readonly asDouble?: number;
}

interface Metric {
  readonly name: string;
  readonly unit: string;
  readonly histogram?: { readonly dataPoints: readonly Point[] };
  readonly sum?: { readonly dataPoints: readonly Point[] };
}

const SCOPE = "@asynchttp/server";

/** What the exporter has sent of our scope. */
class Received {
  readonly spans: Span[] = [];
  /** By name; the exporter sends totals, so the last one holds. */
  readonly metrics = new Map<string, Metric>();

  // deno-lint-ignore no-explicit-any
  take(path: string, body: any): void {
    for (const { scopeSpans } of path === "/v1/traces" ? body.resourceSpans : []) {
      for (const { scope, spans } of scopeSpans) {
        if (scope.name === SCOPE) this.spans.push(...spans);
      }
    }
    for (const { scopeMetrics } of path === "/v1/metrics" ? body.resourceMetrics : []) {
      for (const { scope, metrics } of scopeMetrics) {
        for (const metric of scope.name === SCOPE ? metrics : []) {
          this.metrics.set(metric.name, metric);
        }
      }
    }
  }
}

function valuesOf(attributes: readonly Attribute[]): { [key: string]: unknown } {
  return Object.fromEntries(
    attributes.map(({ key, value }) => {
      const [type, each] = Object.entries(value)[0]!;
      return [key, type === "intValue" ? Number(each) : each];
    }),
  );
}

/** Runs the app, and sends it the requests; returns what it has exported until its end. */
async function runApp(): Promise<Exported> {
  const received = new Received();
  const responses: string[] = [];
  await servingWell(async (request) => {
    if (request.url.pathname === "/echo") {
      return await request.respond(200, request.headers.get("traceparent") ?? "none");
    }
    received.take(request.url.pathname, JSON.parse(request.body));
    await request.respond(200, "{}", { "Content-Type": "application/json" });
  }, async (receiver) => {
    const environment = {
      OTEL_DENO: "true",
      OTEL_DENO_CONSOLE: "ignore",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${receiver}`,
    };
    const settings = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    const app = fileURLToPath(new URL("app.ts", import.meta.url));
    await using running = launch("env", ...settings, Deno.execPath(), "run", "-A", app);
    const [, port] = await running.line(/^Listening on http:\/\/127\.0\.0\.1:(\d+)\//);
    for (const each of REQUESTS) responses.push(await exchangeBytes(Number(port), each));
    // The exporter sends what it has when the process ends.
    assertEquals((await running.status).code, 0);
  });
  return Object.assign(received, { responses });
}

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = "b7ad6b7169203331";

function request(line: string, ...fields: string[]): string {
  return [`${line} HTTP/1.1`, "Host: example.org:81", "Connection: close", ...fields, "", ""].join(
    "\r\n",
  );
}

/** The span of a path. */
function spanOf({ spans }: Received, path: string): Span {
  const found = spans.filter(({ attributes }) => valuesOf(attributes)["url.path"] === path);
  assertEquals(found.length, 1, path);
  return found[0]!;
}

const REQUESTS: readonly string[] = [
  request("GET /users/1?q=2&sig=abc", `traceparent: 00-${TRACE}-${PARENT}-01`, "User-Agent: a/1"),
  request("BREW /teapot"),
  request("GET /throws"),
  request("GET /cut"),
  request("POST /web", "Content-Length: 3") + "abc",
  request("POST /large", "Content-Length: 3") + "abc",
  "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
  request("GET /fetch"),
  request("GET /stop"),
];

interface Exported extends Received {
  /** What the clients have got, in the order of the requests. */
  readonly responses: readonly string[];
}

let exported: Promise<Exported> | undefined;

/** One run for all tests: the first one starts the app, and waits for its end. */
function received(): Promise<Exported> {
  return exported ??= runApp();
}

testWith("env", "otel: Deno's exporter sends a span for each request", async () => {
  assertEquals((await received()).spans.length, REQUESTS.length);
});

testWith(
  "env",
  "otel: a span has the attributes of the conventions, and the client's trace",
  async () => {
    const all = await received();
    const span = spanOf(all, "/users/1");
    assertEquals([span.traceId, span.parentSpanId, span.kind], [TRACE, PARENT, 2]);
    assertEquals([span.name, span.status.code], ["GET /users/:id", 0]);
    assert(all.responses[0]!.endsWith(span.spanId), "another span was active in the handler");
    const { "network.peer.port": port, ...attributes } = valuesOf(span.attributes);
    assert(Number(port) > 0);
    assertEquals(attributes, {
      "http.request.method": "GET",
      "http.response.status_code": 200,
      "http.route": "/users/:id",
      "url.scheme": "http",
      "url.path": "/users/1",
      "url.query": "q=2&sig=REDACTED",
      "server.address": "example.org",
      "server.port": 81,
      "client.address": "127.0.0.1",
      "network.peer.address": "127.0.0.1",
      "network.protocol.version": "1.1",
      "user_agent.original": "a/1",
      "app.seen": true,
    });
  },
);

testWith(
  "env",
  "otel: without a traceparent a trace begins, and the span is active in fetchHandler",
  async () => {
    const all = await received();
    const span = spanOf(all, "/web");
    assertEquals([span.parentSpanId, span.name], ["", "POST /web"]);
    assertMatch(span.traceId, /^[0-9a-f]{32}$/);
    assert(all.responses[4]!.includes(span.spanId), "another span was active in the handler");
  },
);

testWith("env", "otel: fetch in a handler continues its trace", async () => {
  const all = await received();
  const { traceId } = spanOf(all, "/fetch");
  assertMatch(all.responses.at(-2)!, new RegExp(`\r\n\r\n00-${traceId}-[0-9a-f]{16}-01$`));
});

testWith("env", "otel: an unknown method is _OTHER, and a 4xx is no error", async () => {
  const span = spanOf(await received(), "/teapot");
  const attributes = valuesOf(span.attributes);
  assertEquals(span.name, "HTTP");
  assertEquals(attributes["http.request.method"], "_OTHER");
  assertEquals(attributes["http.request.method_original"], "BREW");
  assertEquals([attributes["error.type"], span.status.code], [undefined, 0]);
});

testWith("env", "otel: a handler that throws, and a response that is cut, are errors", async () => {
  const thrown = spanOf(await received(), "/throws");
  const attributes = valuesOf(thrown.attributes);
  assertEquals(attributes["http.response.status_code"], 500);
  assertEquals([attributes["error.type"], thrown.status.code], ["RangeError", 2]);
  assertEquals(thrown.events.map(({ name }) => name), ["exception"]);
  const cut = spanOf(await received(), "/cut");
  assertEquals([valuesOf(cut.attributes)["error.type"], cut.status.code], ["cut", 2]);
});

testWith(
  "env",
  "otel: a body that is refused while the handler reads it is no error of the handler",
  async () => {
    const span = spanOf(await received(), "/large");
    const attributes = valuesOf(span.attributes);
    assertEquals(attributes["http.response.status_code"], 413);
    assertEquals([attributes["error.type"], span.status.code], [undefined, 0]);
    assertEquals(span.events, []);
  },
);

testWith("env", "otel: a request that was refused before a handler has a span, too", async () => {
  const { spans } = await received();
  const refused = spans.filter(({ attributes }) =>
    valuesOf(attributes)["http.response.status_code"] === 400
  );
  assertEquals(refused.length, 1);
  assertEquals(valuesOf(refused[0]!.attributes)["client.address"], "127.0.0.1");
});

testWith(
  "env",
  "otel: the duration is that of the spans, in seconds, with the advised buckets",
  async () => {
    const { metrics, spans } = await received();
    const { unit, histogram } = metrics.get("http.server.request.duration")!;
    const points = histogram!.dataPoints;
    assertEquals(unit, "s");
    const bounds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
    assertEquals(points[0]!.explicitBounds, bounds);
    assertEquals(points.reduce((sum, { count }) => sum + Number(count), 0), spans.length);
    const routed = points.filter(({ attributes }) => {
      return valuesOf(attributes)["http.route"] === "/users/:id";
    });
    assertEquals(routed.map(({ attributes }) => valuesOf(attributes)), [{
      "http.request.method": "GET",
      "http.response.status_code": 200,
      "http.route": "/users/:id",
      "network.protocol.version": "1.1",
      "url.scheme": "http",
    }]);
    const { startTimeUnixNano, endTimeUnixNano } = spanOf(await received(), "/users/1");
    const nanoseconds = Number(BigInt(endTimeUnixNano) - BigInt(startTimeUnixNano));
    // The exporter's times come from a double of milliseconds, precise to about 250 ns.
    assert(Math.abs(routed[0]!.sum! - nanoseconds / 1e9) < 2e-6);
  },
);

testWith("env", "otel: no request is active at the end", async () => {
  const { metrics } = await received();
  const { unit, sum } = metrics.get("http.server.active_requests")!;
  assertEquals(unit, "{request}");
  for (const { attributes, asInt, asDouble } of sum!.dataPoints) {
    assertEquals(Number(asInt ?? asDouble), 0, JSON.stringify(attributes));
  }
  assertEquals(sum!.dataPoints.length, 3); // GET, POST, _OTHER
});
