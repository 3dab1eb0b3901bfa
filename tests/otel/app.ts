/** The server that tests/otel/telemetry_test.ts traces, with Deno's own exporter. */
import { trace } from "@opentelemetry/api";
import { AsyncHttpServer, fetchHandler, type Request, streaming } from "@asynchttp/server";
import { openTelemetry, setRoute } from "@asynchttp/server/otel";

const { traced, onResponse } = openTelemetry();
const server = new AsyncHttpServer({ onResponse, onError: () => {} });

const web = fetchHandler(async (request) => {
  await request.text();
  setRoute("/web");
  return new Response(trace.getActiveSpan()?.spanContext().spanId);
});

async function app(request: Request): Promise<void> {
  await Promise.resolve();
  const { pathname } = request.url;
  if (pathname === "/throws") throw new RangeError("too far");
  if (pathname === "/web") return await web(request);
  if (pathname === "/large") {
    request.maxBody = 1;
    await request.text();
  }
  if (pathname === "/fetch") {
    const response = await fetch(`${Deno.env.get("OTEL_EXPORTER_OTLP_ENDPOINT")}/echo`);
    return await request.respond(200, await response.text());
  }
  if (pathname === "/cut") {
    return await request.respond(200, ReadableStream.from(failing()));
  }
  if (pathname.startsWith("/users/")) setRoute("/users/:id");
  const span = trace.getActiveSpan()!;
  span.setAttribute("app.seen", true);
  if (pathname === "/stop") server.close();
  await request.respond(pathname === "/teapot" ? 418 : 200, span.spanContext().spanId);
}

async function* failing() {
  yield new TextEncoder().encode("a");
  await Promise.resolve();
  throw new Error("the source fails");
}

await server.serve(0, traced(streaming(app)), {
  address: "127.0.0.1",
  onListen: () => console.log(`Listening on http://127.0.0.1:${server.getPort()}/`),
});
