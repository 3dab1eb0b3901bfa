/** Error responses: the one place where they are written, and the errors of timeouts. */
import { errorResponseTo, HttpError } from "../errors.ts";
import type { ErrorResponse } from "../errors.ts";
import { report } from "./context.ts";
import type { ResolvedOptions } from "./context.ts";
import type { Observation } from "./observation.ts";
import type { Transport } from "../net/transport.ts";
import type { BadBodyCode } from "../web/bad_body.ts";
import { contentBytes } from "../web/content.ts";
import { fieldsToSend } from "../wire/fields.ts";
import { encodeHead } from "../wire/response_encoder.ts";

/** Queues the response to an error: the one that `onReject` returns, else the standard one. */
export function sendErrorResponse(
  error: HttpError,
  options: ResolvedOptions,
  transport: Transport,
  method: string,
  date: string,
  observation: Observation | null,
): void {
  const standard = errorResponseTo(error, options.profile);
  const custom = customResponse(error, options, transport);
  try {
    send({ ...standard, ...custom }, transport, method, date, observation);
  } catch (fault) {
    report(options, fault);
    send(standard, transport, method, date, observation);
  }
}

function customResponse(
  error: HttpError,
  options: ResolvedOptions,
  transport: Transport,
): Partial<ErrorResponse> | void {
  try {
    const { localAddr, remoteAddr, peerAddr } = transport;
    const returned = options.onReject?.(error, { localAddr, remoteAddr, peerAddr });
    if (!(returned instanceof Promise)) return returned;
    // The response does not wait for a hook: only its failure matters.
    returned.catch((fault) => report(options, fault));
  } catch (fault) {
    report(options, fault);
  }
}

function send(
  { status, statusText, headers, body = "" }: ErrorResponse,
  transport: Transport,
  method: string,
  date: string,
  observation: Observation | null,
): void {
  const content = contentBytes(body);
  const { sendsContent } = encodeHead(transport.out, {
    method,
    minor: 1,
    status,
    statusText,
    fields: fieldsToSend(headers),
    size: content.length,
    persistent: false,
    date,
  });
  observation?.headQueued(status);
  if (sendsContent) transport.enqueue(content);
  observation?.contentQueued();
}

/** The head of a request took longer than `timeouts.head`. */
export function headTimeout(): HttpError {
  return new HttpError(
    408,
    "head-timeout",
    "The head of the request did not arrive in time (RFC 9110, 15.5.9)",
  );
}

/** A body stood still for `timeouts.body`, or came slower than `limits.minRate`. */
export function bodyTimeout(): HttpError {
  return new HttpError(
    408,
    "body-timeout",
    "The body of the request did not arrive in time (RFC 9110, 15.5.9)",
  );
}

/** A handler has read a body as what it is not, and let the error pass. */
export function badBody(code: BadBodyCode, cause: unknown): HttpError {
  return new HttpError(400, code, BAD_BODY[code], { cause });
}

const BAD_BODY: { readonly [code in BadBodyCode]: string } = {
  "bad-json": "The body must be JSON (RFC 8259)",
  "bad-form":
    "The body must be a form: multipart/form-data (RFC 7578) or application/x-www-form-urlencoded",
};

/** A handler took longer than `timeouts.handler`. */
export function handlerTimeout(): HttpError {
  return new HttpError(503, "handler-timeout", "The request took too long to serve");
}
