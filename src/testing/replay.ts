/** Plays back an archive: `replay`. */
import type { FetchHandler } from "../connection/handlers.ts";
import { checkRecord, isFunction } from "../validate.ts";
import type { Har, HarEntry, HarResponse } from "./har.ts";

/**
 * Options for {@linkcode replay}.
 *
 * @example What the archive lacks is an error of the test
 * ```ts
 * import { fetchHandler } from "@asynchttp/server";
 * import { record, replay, type ReplayOptions, serveInMemory } from "@asynchttp/server/testing";
 *
 * const options: ReplayOptions = {
 *   otherwise: ({ url }) => Response.json({ missing: url }, { status: 500 }),
 * };
 * const { archive } = record(() => new Response("hi"));
 * await using server = serveInMemory(fetchHandler(replay(archive(), options)));
 * console.log((await server.fetch("/")).status); // 500
 * ```
 */
export interface ReplayOptions {
  /**
   * Responds to requests that the archive does not have.
   *
   * @default {a response of 404 that names the request}
   */
  otherwise?: FetchHandler;
}

/**
 * Makes a handler that responds from an HTTP Archive (HAR 1.2): one of {@linkcode record}, or
 * one that a browser has saved.
 *
 * An entry is found by its method, path and query; the host does not count, because the archive
 * is played back elsewhere. Entries that are equal in these follow one another, and the last one
 * is repeated. Nothing is read of a request's body.
 *
 * @param har The archive.
 * @param options What else is responded.
 * @returns A function for `fetchHandler`, or in place of `fetch`.
 * @throws {TypeError} `har` is not an archive, or an option is unknown or has the wrong type.
 *
 * @example
 * ```ts
 * import { fetchHandler } from "@asynchttp/server";
 * import { record, replay, serveInMemory } from "@asynchttp/server/testing";
 *
 * let count = 0;
 * const { handler, archive } = record((_: Request) => new Response(`number ${++count}`));
 * for (let i = 0; i < 2; i++) await (await handler(new Request("http://a.example/x"))).text();
 *
 * await using server = serveInMemory(fetchHandler(replay(archive())));
 * for (let i = 0; i < 3; i++) console.log(await (await server.fetch("/x")).text()); // number 1, 2, 2
 * console.log((await server.fetch("/y")).status); // 404
 * ```
 */
export function replay(har: Har, options: ReplayOptions = {}): FetchHandler {
  checkRecord("options of replay", options, { otherwise: isFunction });
  const { otherwise = notRecorded } = options;
  const queues = queuesOf(har);
  return (request, info) => {
    const queue = queues.get(keyOf(request.method, request.url));
    if (queue === undefined) return otherwise(request, info);
    return responseOf((queue.length > 1 ? queue.shift()! : queue[0]!).response);
  };
}

function queuesOf(har: Har): Map<string, HarEntry[]> {
  const entries: unknown = har?.log?.entries;
  if (!Array.isArray(entries)) {
    throw new TypeError("An archive is wanted, as record returns it: got no log.entries");
  }
  const queues = new Map<string, HarEntry[]>();
  for (const entry of entries as HarEntry[]) {
    const key = keyOf(entry.request.method, entry.request.url);
    queues.set(key, [...queues.get(key) ?? [], entry]);
  }
  return queues;
}

function keyOf(method: string, url: string): string {
  const { pathname, search } = new URL(url);
  return `${method} ${pathname}${search}`;
}

function notRecorded({ method, url }: globalThis.Request): Response {
  return new Response(`The archive has no ${keyOf(method, url)}\n`, { status: 404 });
}

function responseOf({ status, statusText, headers, content }: HarResponse): Response {
  const { text = "", encoding } = content;
  // A Response of a string would have a Content-Type that the archive may lack.
  const body = encoding === "base64" ? Uint8Array.fromBase64(text) : new TextEncoder().encode(text);
  const fields = headers
    .filter(({ name }) => !OF_THE_CONNECTION.test(name))
    .map(({ name, value }): [string, string] => [name, value]);
  return new Response(NULL_BODY.has(status) ? null : body, { status, statusText, headers: fields });
}

/**
 * Fields about how the content was sent, which does not hold for this response: archives have
 * the content decoded. Those of HTTP/2 begin with a colon.
 */
const OF_THE_CONNECTION =
  /^(?::.*|connection|content-encoding|content-length|date|keep-alive|transfer-encoding)$/i;

const NULL_BODY: ReadonlySet<number> = new Set([204, 205, 304]);
