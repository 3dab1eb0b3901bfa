/** Requests and servers for the tests of Web handlers. */
import { fetchHandler } from "@asynchttp/server";
import type { FetchHandler } from "@asynchttp/server";
import { serving, servingWell } from "./tools.ts";
import type { Serving } from "./tools.ts";

export const TEXT = "content-type: text/plain;charset=UTF-8\r\n";
export const PLAIN = "Content-Type: text/plain; charset=utf-8\r\n";
export const SERVER_ERROR =
  `HTTP/1.1 500 Internal Server Error\r\n${PLAIN}Connection: close\r\nContent-Length: 22\r\n\r\n` +
  "Internal Server Error\n";

/** Runs a server while `use` runs; returns the errors that `onError` received. */
export function servingFetch(handler: FetchHandler, ...rest: Serving): Promise<unknown[]> {
  return serving(fetchHandler(handler), ...rest);
}

/** Does the same, and asserts that no error is reported. */
export function servingFetchWell(handler: FetchHandler, ...rest: Serving): Promise<void> {
  return servingWell(fetchHandler(handler), ...rest);
}

/** Returns a request with a body and additional fields. */
export function post(body: string, ...fields: string[]): string {
  const lines = ["POST / HTTP/1.1", "Host: x", ...fields, `Content-Length: ${body.length}`];
  return `${lines.join("\r\n")}\r\n\r\n${body}`;
}

/** Removes the Date field, which no test can predict. */
export function dateless(text: string): string {
  return text.replaceAll(/Date: [^\r]{29}\r\n/g, "");
}
