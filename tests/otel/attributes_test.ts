/** The attributes of requests by the semantic conventions, and what holds without an exporter. */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { INVALID_SPAN_CONTEXT, type Span, trace, type Tracer } from "@opentelemetry/api";
import type { Request, RequestOutcome } from "@asynchttp/server";
import { streaming } from "@asynchttp/server";
import { openTelemetry, setRoute } from "@asynchttp/server/otel";
import { isStreaming } from "../../src/connection/handlers.ts";
import {
  outcomeAttributes,
  refusedAttributes,
  requestAttributes,
} from "../../src/otel/attributes.ts";
import { GET } from "../fixtures.ts";
import { converse, settle, start } from "../connection/harness.ts";
import { EOF } from "../connection/scripted_conn.ts";
import { silencedConsole } from "../connection/silenced_console.ts";

const TCP: Deno.Addr = { transport: "tcp", hostname: "192.0.2.1", port: 7 };
const UNIX: Deno.Addr = { transport: "unix", path: "/a" };

function attributesOf(url: string, addr = TCP) {
  const headers = new Headers();
  const protocol = { orig: "HTTP/1.0" };
  const request = { url: new URL(url), method: "GET", headers, protocol };
  return requestAttributes({ ...request, remoteAddr: addr, peerAddr: addr } as unknown as Request);
}

Deno.test("otel: server.port is that of the scheme where the URL has none", () => {
  assertEquals(attributesOf("http://a/")["server.port"], 80);
  assertEquals(attributesOf("https://a/")["server.port"], 443);
  assertEquals(attributesOf("https://a:8443/")["server.port"], 8443);
});

Deno.test("otel: an IPv6 address has no brackets, a client on a Unix socket no address", () => {
  assertEquals(attributesOf("http://[::1]/", UNIX), {
    "http.request.method": "GET",
    "url.scheme": "http",
    "url.path": "/",
    "server.address": "::1",
    "server.port": 80,
    "network.protocol.version": "1.0",
  });
});

Deno.test("otel: signatures in a query are redacted", () => {
  const { "url.query": query } = attributesOf(
    "http://a/?Signature=x&a=1&sig=&big=2&X-Goog-Signature=y",
  );
  assertEquals(query, "Signature=REDACTED&a=1&sig=REDACTED&big=2&X-Goog-Signature=REDACTED");
});

Deno.test("otel: of a refused request line neither method nor version is made up", () => {
  const request = {
    method: "",
    version: "",
    headers: new Headers(),
    remoteAddr: TCP,
    peerAddr: UNIX,
  };
  assertEquals(refusedAttributes(request as unknown as RequestOutcome["request"]), {
    "http.request.method": "_OTHER",
    "client.address": "192.0.2.1",
  });
});

Deno.test("otel: error.type is what was thrown, how the response was cut short, or a 5xx", () => {
  const typeOf = (status: number | null, ended: string, thrown: string | null = null) =>
    outcomeAttributes({ status, ended } as RequestOutcome, thrown)["error.type"];
  assertEquals(typeOf(500, "complete", "TypeError"), "TypeError");
  assertEquals(typeOf(200, "cut", "Error"), "cut");
  assertEquals(typeOf(null, "client-gone"), "client-gone");
  assertEquals(typeOf(503, "complete"), "503");
  assertEquals(typeOf(404, "complete"), undefined);
  assertEquals(typeOf(101, "handed-over"), undefined);
});

Deno.test("otel: a traced handler streams where the handler does", () => {
  const { traced } = openTelemetry();
  assertEquals(isStreaming(traced(streaming(() => {}))), true);
  assertEquals(isStreaming(traced(() => {})), false);
});

Deno.test("otel: without an exporter requests are answered, and errors reach onError", async () => {
  const { traced, onResponse } = openTelemetry();
  setRoute("/nowhere");
  const errors: unknown[] = [];
  const onError = (error: unknown) => void errors.push(error);
  const handler = traced((request) => {
    setRoute("/");
    if (request.method === "OPTIONS") throw new RangeError("too far");
    if (request.method === "DELETE") return Promise.reject("no error");
    return request.respond(200, "hello");
  });
  for (const method of ["GET", "OPTIONS", "DELETE"]) {
    const run = start([GET.replace("GET", method), EOF], handler, { onResponse, onError });
    await run.done;
  }
  await start([GET.replace("Host", "Hos"), EOF], handler, { onResponse, onError }).done;
  assertEquals(errors.map(String), ["RangeError: too far", "no error"]);
  assertThrows(() => traced(() => {})(undefined as unknown as Request), TypeError);
});

Deno.test("otel: an SDK that fails at the end of a request ends nothing else", async () => {
  using errors = silencedConsole();
  const failing: Span = Object.assign(trace.wrapSpanContext(INVALID_SPAN_CONTEXT), {
    end() {
      throw new Error("the SDK fails");
    },
  });
  const tracer = { startSpan: () => failing } as unknown as Tracer;
  assert(trace.setGlobalTracerProvider({ getTracer: () => tracer }));
  try {
    const handler = openTelemetry().traced((request) => request.respond(200));
    const { output } = await converse([GET, EOF], handler);
    await settle();
    assertMatch(output, /^HTTP\/1\.1 200 /);
  } finally {
    trace.disable();
  }
  assertEquals(errors.log.map((values) => values.map(String)), [
    ["OpenTelemetry failed:", "Error: the SDK fails"],
  ]);
});
