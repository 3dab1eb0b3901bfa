/**
 * An HTTP/1.1 server for Deno on raw TCP, with the API of Nim's `std/asynchttpserver`:
 * the accept loop in your hands, a descriptor guard, one callback, the socket within
 * reach, and a safe default for every limit.
 *
 * @example
 * ```ts
 * import { AsyncHttpServer } from "@asynchttp/server";
 *
 * const server = new AsyncHttpServer();
 * const serving = server.serve(0, (request) => request.respond(200, "Hello, World!"));
 * console.log(await (await fetch(`http://127.0.0.1:${server.getPort()}/`)).text()); // Hello, World!
 * server.close();
 * await serving;
 * ```
 *
 * @module
 */
export { type ErrorResponse, HttpError, type Profile, type RejectCode } from "./src/errors.ts";
export { maxDescriptorsFallback } from "./src/fd_guard.ts";
export { type FetchHandler, fetchHandler } from "./src/fetch.ts";
export type { Limits, Timeouts } from "./src/limits.ts";
export type { AsyncHttpServerOptions, ConnectionInfo } from "./src/options.ts";
export {
  type ParsedRequest,
  RequestParseStream,
  type RequestParseStreamOptions,
} from "./src/parse_stream.ts";
export type { Handler, Request, RespondOptions } from "./src/request.ts";
export {
  AsyncHttpServer,
  type ListenOptions,
  newAsyncHttpServer,
  type ServeOptions,
  type ShutdownResult,
} from "./src/server.ts";
export type { StreamPair } from "./src/stream_conn.ts";
export { streaming } from "./src/streaming.ts";
export type { ServerStats } from "./src/stats.ts";
export type { Content } from "./src/wire/content.ts";
export type { Protocol } from "./src/wire/head.ts";
