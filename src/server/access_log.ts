/**
 * A line for each request, in a format that log tools read.
 *
 * What a client sends may hold quotes, controls and any byte above ASCII. Everything but printable
 * ASCII is escaped, the quote and the backslash too, so that no client can end a field or a line:
 * in the combined format as nginx does it (`\x22`), because a quote that is merely preceded by a
 * backslash still ends the field for patterns such as `"[^"]*"`, which filters of fail2ban use.
 */
import type { RequestOutcome } from "../connection/outcome.ts";
import { checkRecord, isFunction, isOneOf } from "../validate.ts";
import { writeToStdout } from "./stdout_lines.ts";

/**
 * Options for {@linkcode accessLog}.
 *
 * @example
 * ```ts
 * import { accessLog, type AccessLogOptions } from "@asynchttp/server";
 * import { serveInMemory } from "@asynchttp/server/testing";
 *
 * const options: AccessLogOptions = {
 *   format: "json",
 *   write: (line) => console.log(JSON.parse(line).status), // 200
 * };
 * const onResponse = accessLog(options);
 * await using server = serveInMemory((request) => request.respond(200, "hello"), { onResponse });
 * await (await server.fetch("/")).text();
 * ```
 */
export interface AccessLogOptions {
  /**
   * The format of a line: "combined", that of Apache and nginx, which goaccess, fail2ban and
   * most log shippers read, or "json", an object.
   *
   * @default {"combined"}
   */
  format?: "combined" | "json";
  /**
   * Called with each line, without a line end. What it throws, or its promise is rejected with,
   * goes to `onError`.
   *
   * @default {writes to stdout: asynchronously, many lines at once, at most 1 MiB ahead of a reader that is slow}
   */
  write?: (line: string) => void | Promise<void>;
}

const CHECKS = { format: isOneOf("combined", "json"), write: isFunction };

const FORMATS = { combined: combinedLine, json: jsonLine };

/**
 * Makes a hook for `onResponse` that logs each request: those that were answered, and those that
 * were refused before a handler saw them.
 *
 * The line is ASCII without controls, whatever the client has sent. The time is that of the
 * request's first byte, in UTC.
 *
 * - "combined": `client - - [time] "request line" status bytes "referer" "user agent"`. Where no
 *   status was sent, it is 499 if the client has gone and 444 otherwise, as in nginx.
 * - "json": an object with `time` (ISO 8601), `client`, `line`, `method`, `target`, `status`
 *   (null where none was sent), `bytes`, `headMs`, `totalMs`, `ended`, `rejection`, `referer` and
 *   `userAgent`.
 *
 * @param options The format, and where lines go.
 * @returns A hook for `onResponse`.
 * @throws {TypeError} An option is unknown or has the wrong type.
 *
 * @example
 * ```ts
 * import { accessLog, AsyncHttpServer } from "@asynchttp/server";
 *
 * const logged = Promise.withResolvers<string>();
 * const onResponse = accessLog({ format: "combined", write: logged.resolve });
 * await using server = new AsyncHttpServer({ onResponse });
 * const serving = server.serve(0, (request) => request.respond(200, "Hello, World!\n"), {
 *   address: "127.0.0.1",
 * });
 * const headers = { "User-Agent": 'a"b' };
 * await (await fetch(`http://127.0.0.1:${server.getPort()}/`, { headers })).text();
 * console.log(await logged.promise);
 * // 127.0.0.1 - - [26/Nov/2026:22:11:07 +0000] "GET / HTTP/1.1" 200 14 "-" "a\x22b"
 * server.close();
 * await serving;
 * ```
 */
export function accessLog(options: AccessLogOptions = {}): (outcome: RequestOutcome) => void {
  checkRecord("options of accessLog", options, CHECKS);
  const { format = "combined", write = writeToStdout } = options;
  const lineOf = FORMATS[format];
  return (outcome) => write(lineOf(outcome));
}

function combinedLine(outcome: RequestOutcome): string {
  const { request, bytesSent, startedAt } = outcome;
  const client = clientOf(request.remoteAddr).replace(/[^!#-[\]-~]/g, hexEscape);
  const { headers, line } = request;
  return `${client} - - [${timeOf(startedAt)}] "${field(line)}" ${
    statusOf(outcome)
  } ${bytesSent} ` +
    `"${field(headers.get("referer"))}" "${field(headers.get("user-agent"))}"`;
}

function jsonLine(outcome: RequestOutcome): string {
  const { request, status, bytesSent, startedAt, headMs, totalMs, ended, rejection } = outcome;
  const { line, method, target, headers, remoteAddr } = request;
  const text = JSON.stringify({
    time: new Date(startedAt).toISOString(),
    client: clientOf(remoteAddr),
    line,
    method,
    target,
    status,
    bytes: bytesSent,
    headMs,
    totalMs,
    ended,
    rejection,
    referer: headers.get("referer"),
    userAgent: headers.get("user-agent"),
  });
  // JSON allows these as they are; terminals, and readers that split at U+0085, do not.
  return text.replace(/[^ -~]/g, unicodeEscape);
}

/** A Unix socket has no address of the client: `unix:`, as in nginx. */
function clientOf(addr: Deno.Addr): string {
  return "hostname" in addr ? addr.hostname : `${addr.transport}:`;
}

function field(text: string | null): string {
  return text ? text.replace(/[^ !#-[\]-~]/g, hexEscape) : "-";
}

/** The log tools take lines with a numeric status only. */
function statusOf({ status, ended }: RequestOutcome): number {
  return status ?? (ended === "client-gone" ? 499 : 444);
}

/** `26/Nov/2026:22:11:07 +0000` */
function timeOf(ms: number): string {
  const [, day, month, year, time] = new Date(ms).toUTCString().split(" ");
  return `${day}/${month}/${year}:${time} +0000`;
}

function hexEscape(char: string): string {
  return `\\x${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}

function unicodeEscape(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
