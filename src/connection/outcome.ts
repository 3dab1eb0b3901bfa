/** What became of a request: the vocabulary of `onResponse` and `request.completed`. */
import type { HttpError } from "../errors.ts";

/**
 * How a response ended: a closed set, made for labels and for `switch`.
 *
 * - "complete": the system has taken all of it. Whether the client has read it, no server knows.
 * - "client-gone": the client closed or reset the connection before that.
 * - "cut": the server ended it: a timeout, a source or a handler that failed within the response,
 *   a shutdown whose grace was over, or a handler that closed the connection without a response.
 * - "handed-over": the connection belongs to the handler, or to another protocol.
 *
 * @example
 * ```ts
 * import type { ResponseEnd } from "@asynchttp/server";
 * import { serveInMemory } from "@asynchttp/server/testing";
 *
 * const ends: Partial<Record<ResponseEnd, number>> = {};
 * await using server = serveInMemory((request) => request.respond(200, "hello"), {
 *   onResponse: ({ ended }) => ends[ended] = (ends[ended] ?? 0) + 1,
 * });
 * await (await server.fetch("/")).text();
 * console.log(ends); // { complete: 1 }
 * ```
 */
export type ResponseEnd = "complete" | "client-gone" | "cut" | "handed-over";

/**
 * The request of an outcome.
 *
 * @example
 * ```ts
 * import type { OutcomeRequest } from "@asynchttp/server";
 * import { serveInMemory } from "@asynchttp/server/testing";
 *
 * const agentOf = ({ headers }: OutcomeRequest) => headers.get("user-agent") ?? "unknown";
 * const agents: string[] = [];
 * await using server = serveInMemory((request) => request.respond(200), {
 *   onResponse: ({ request }) => agents.push(agentOf(request)),
 * });
 * await server.fetch("/", { headers: { "User-Agent": "probe/1" } });
 * console.log(agents); // [ "probe/1" ]
 * ```
 */
export interface OutcomeRequest {
  /**
   * The request line as the client sent it, one character a byte; of a refused one the part that
   * arrived. It may hold any bytes but CR and LF: escape it before you print it.
   */
  readonly line: string;
  /** The method; `""` where the request line was refused, or did not arrive whole. */
  readonly method: string;
  /** The request-target as the client sent it; `""` where it is not known. */
  readonly target: string;
  /** The HTTP version, such as `"HTTP/1.1"`; `""` where it is not known. */
  readonly version: string;
  /** The header fields, made on first access; empty for a head that was refused. */
  readonly headers: Headers;
  /** The address of the server's end. */
  readonly localAddr: Deno.Addr;
  /** The address of the client, as `request.remoteAddr` has it. */
  readonly remoteAddr: Deno.Addr;
  /** The address of the socket's other end, as `request.peerAddr` has it. */
  readonly peerAddr: Deno.Addr;
}

/**
 * What became of one request.
 *
 * @example A line for each request that took long or failed
 * ```ts
 * import type { RequestOutcome } from "@asynchttp/server";
 * import { serveInMemory } from "@asynchttp/server/testing";
 *
 * function onResponse({ request, status, totalMs, ended }: RequestOutcome) {
 *   if (totalMs < 1000 && ended === "complete" && (status ?? 500) < 500) return;
 *   console.log(request.method, request.target, status, ended); // GET /a 500 complete
 * }
 * const onError = () => {};
 * await using server = serveInMemory(() => Promise.reject(), { onResponse, onError });
 * await (await server.fetch("/a")).text();
 * ```
 */
export interface RequestOutcome {
  /** The request, as far as it is known. */
  readonly request: OutcomeRequest;
  /**
   * The status of the response: 101 of an upgrade; also of a response that the handler wrote to
   * `request.client`, if it began with a status line. `null` where none was sent.
   */
  readonly status: number | null;
  /**
   * The bytes of content that the system has taken: without head, chunk sizes and trailers. Of a
   * response that the handler wrote to `request.client` all bytes count.
   */
  readonly bytesSent: number;
  /** When its first byte was there to be read, in milliseconds since the epoch. */
  readonly startedAt: number;
  /** Milliseconds, by the monotonic clock, until the system took the head of the response; `null` where none was sent. */
  readonly headMs: number | null;
  /** Milliseconds, by the monotonic clock, until the end. */
  readonly totalMs: number;
  /** How the response ended. */
  readonly ended: ResponseEnd;
  /** Why the request was rejected; `null` where it was not. */
  readonly rejection: HttpError["code"] | null;
  /** Whether a handler was called. */
  readonly handled: boolean;
}
