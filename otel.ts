/**
 * Traces and metrics by OpenTelemetry: an entry of its own, since it loads `@opentelemetry/api`
 * from npm.
 *
 * @module
 */
export { openTelemetry, setRoute, type Telemetry } from "./src/otel/telemetry.ts";
