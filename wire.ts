/**
 * HTTP/1.1 without I/O: bytes in, events out, and values in, bytes out, for both directions. No
 * socket, no promise, no clock: for clients, proxies, test tools and captures, on every runtime.
 *
 * The parsers throw nothing but an {@linkcode HttpError}, whatever the bytes; the encoders throw a
 * `TypeError` or a `RangeError` for what must not be sent, and have encoded nothing then.
 *
 * @example
 * ```ts
 * import { RequestParser } from "@asynchttp/server/wire";
 *
 * const parser = new RequestParser();
 * parser.input.push(new TextEncoder().encode("GET /a HTTP/1.1\r\nHost: x\r\n\r\n"));
 * const head = parser.next();
 * if (head.type === "head") console.log(head.method, head.target); // GET /a
 * console.log(parser.next().type, parser.next().type); // end need-data
 * ```
 *
 * @module
 */
export { HttpError, type Profile, type RejectCode, type ResponseRejectCode } from "./src/errors.ts";
export type { FieldsInit } from "./src/fields_init.ts";
export type { Limits } from "./src/limits.ts";
export type { BodyData, MessageEnd, NeedData } from "./src/wire/events.ts";
export type { FieldPair, Fields } from "./src/wire/fields.ts";
export type { EncoderState, MessageEncoder } from "./src/wire/message_encoder.ts";
export type { BodyLength } from "./src/wire/message_framing.ts";
export type {
  MessageLimits,
  RequestParserOptions,
  ResponseParserOptions,
} from "./src/wire/parser_options.ts";
export type { ReadBuffer } from "./src/wire/read_buffer.ts";
export { RequestEncoder, type RequestToSend } from "./src/wire/request_encoder.ts";
export type { Framing } from "./src/wire/request_framing.ts";
export type { RefusedLine, RequestHead } from "./src/wire/request_head.ts";
export { type RequestEvent, RequestParser } from "./src/wire/request_parser.ts";
export {
  type AnsweredRequest,
  ResponseEncoder,
  type ResponseToSend,
} from "./src/wire/response_encoder.ts";
export type {
  AwaitedResponse,
  ContentLength,
  ReceivedFraming,
  ResponseHead,
} from "./src/wire/response_head.ts";
export { type ResponseEvent, ResponseParser, type Switched } from "./src/wire/response_parser.ts";
export { reasonPhrase } from "./src/wire/status.ts";
export type { TargetForm } from "./src/wire/target.ts";
export type { Protocol } from "./src/wire/version.ts";
