/**
 * A strict HTTP/1.1 server for Deno on raw TCP, with the API of Nim's `std/asynchttpserver`.
 *
 * One callback handles every request, and can take over the socket. You can write the accept
 * loop yourself; a guard pauses it before the process runs out of descriptors. Every limit and
 * timeout has a safe default.
 *
 * @example
 * ```ts
 * import { AsyncHttpServer } from "@asynchttp/server";
 *
 * const server = new AsyncHttpServer();
 * const serving = server.serve(0, (request) => request.respond(200, "Hello, World!"), {
 *   address: "127.0.0.1",
 * });
 * console.log(await (await fetch(`http://127.0.0.1:${server.getPort()}/`)).text()); // Hello, World!
 * server.close();
 * await serving;
 * ```
 *
 * @module
 */
export {
  AsyncHttpServer,
  type ListenOptions,
  newAsyncHttpServer,
  type ServeOptions,
  type ShutdownOptions,
  type ShutdownResult,
} from "./src/server/server.ts";
export type { Handler, Request, RespondOptions } from "./src/connection/request.ts";
export {
  type FetchHandler,
  fetchHandler,
  type FetchInfo,
  streaming,
} from "./src/connection/handlers.ts";
export type { AsyncHttpServerOptions, ForwardedOptions } from "./src/server/options.ts";
export type { Limits, Timeouts } from "./src/limits.ts";
export { accessLog, type AccessLogOptions } from "./src/server/access_log.ts";
export {
  type ErrorResponse,
  HttpError,
  type Profile,
  type RejectCode,
  type ResponseRejectCode,
} from "./src/errors.ts";
export { type EncodableResponse, ResponseEncodeStream } from "./src/web/encode_stream.ts";
export type { AnsweredRequest } from "./src/wire/response_encoder.ts";
export type { FieldsInit } from "./src/fields_init.ts";
export { maxDescriptorsFallback } from "./src/server/fd_guard.ts";
export type { ConnectionInfo } from "./src/connection/context.ts";
export type { OutcomeRequest, RequestOutcome, ResponseEnd } from "./src/connection/outcome.ts";
export type { ResponseProgress } from "./src/connection/response_state.ts";
export {
  type BodyMode,
  type ParsedHead,
  type ParsedRequest,
  RequestParseStream,
  type RequestParseStreamOptions,
  type StreamLimits,
  type WholeRequest,
} from "./src/web/parse_stream.ts";
export { ParseStreamError } from "./src/web/parser_input.ts";
export type { MessageLimits } from "./src/wire/parser_options.ts";
export type { BodyLength } from "./src/wire/message_framing.ts";
export type { Framing } from "./src/wire/request_framing.ts";
export type { ClientConn } from "./src/net/raw_conn.ts";
export type { ProxyProtocolOptions } from "./src/net/proxied_conn.ts";
export type { StreamPair } from "./src/net/stream_conn.ts";
export type { ServerStats } from "./src/stats.ts";
export type { Content } from "./src/web/content.ts";
export type { Protocol } from "./src/wire/version.ts";
