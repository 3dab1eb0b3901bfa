/** Error answers: the one place where they are written, and those that time makes. */
import { errorResponseTo, HttpError } from "../errors.ts";
import type { ErrorResponse } from "../errors.ts";
import { report } from "./context.ts";
import type { ResolvedOptions } from "./context.ts";
import type { Transport } from "../net/transport.ts";
import { contentBytes } from "../web/content.ts";
import { fieldsToSend } from "../wire/fields.ts";
import { encodeHead } from "../wire/response_encoder.ts";

/** Queues the answer to an error: the one that `onReject` wants, else the standard one. */
export function sendErrorResponse(
  error: HttpError,
  options: ResolvedOptions,
  transport: Transport,
  method: string,
  date: string,
): void {
  const standard = errorResponseTo(error, options.profile);
  const wanted = wantedAnswer(error, options, transport);
  try {
    sendAnswer({ ...standard, ...wanted }, transport, method, date);
  } catch (fault) {
    report(options, fault);
    sendAnswer(standard, transport, method, date);
  }
}

function wantedAnswer(
  error: HttpError,
  options: ResolvedOptions,
  transport: Transport,
): Partial<ErrorResponse> | void {
  try {
    return options.onReject?.(error, transport);
  } catch (fault) {
    report(options, fault);
  }
}

function sendAnswer(
  { status, statusText, headers, body = "" }: ErrorResponse,
  transport: Transport,
  method: string,
  date: string,
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
  if (sendsContent) transport.enqueue(content);
}

export function headTimeout(): HttpError {
  return new HttpError(
    408,
    "head-timeout",
    "The head of the request did not arrive in time (RFC 9110, 15.5.9)",
  );
}

export function bodyTimeout(): HttpError {
  return new HttpError(
    408,
    "body-timeout",
    "The body of the request did not arrive in time (RFC 9110, 15.5.9)",
  );
}

export function handlerTimeout(): HttpError {
  return new HttpError(503, "handler-timeout", "The request took too long to serve");
}
