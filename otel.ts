/**
 * Traces and metrics by OpenTelemetry: an entry of its own, since it loads `@opentelemetry/api`
 * from npm.
 *
 * @example
 * ```ts
 * import { openTelemetry } from "@asynchttp/server/otel";
 * import { serveInMemory } from "@asynchttp/server/testing";
 *
 * const { traced, onResponse } = openTelemetry();
 * await using server = serveInMemory(traced((request) => request.respond(200)), { onResponse });
 * console.log((await server.fetch("/")).status); // 200
 * ```
 *
 * @module
 */
export { openTelemetry, setRoute, type Telemetry } from "./src/otel/telemetry.ts";
