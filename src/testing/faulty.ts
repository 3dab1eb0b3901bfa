/** A server that fails as planned, for tests of clients: `faulty`. */
import { scheduler } from "../net/scheduler.ts";
import { Connection } from "../connection/connection.ts";
import type { ServerContext } from "../connection/context.ts";
import { BodyMemory } from "../connection/body_memory.ts";
import { isStreaming, streaming } from "../connection/handlers.ts";
import { exchangeOf } from "../connection/request.ts";
import type { Handler, Request } from "../connection/request.ts";
import { nextTurn } from "../net/next_turn.ts";
import { systemClock } from "../net/clock.ts";
import type { Clock } from "../net/clock.ts";
import { Deadline } from "../net/deadline.ts";
import { Counters } from "../stats.ts";
import { encodeChunkEnd, encodeChunkSize, encodeLastChunk } from "../wire/chunked.ts";
import { WriteBuffer } from "../wire/write_buffer.ts";
import { FaultPlan } from "./fault_plan.ts";
import type { Fault, PlannedFault } from "./fault_plan.ts";
import { FaultyConn } from "./faulty_conn.ts";
import type { ByteFault, Pause } from "./faulty_conn.ts";

/**
 * Makes a handler that fails as planned: for tests of clients, over sockets or in memory.
 *
 * Each request is hit by the first fault of the plan that does; one that is hit by none gets the
 * response of `handler`. Faults are done to the bytes of the response that `handler` gives, which
 * then says `Connection: close`. In memory, delays pass by the clock of the server.
 *
 * @param handler The handler that responds.
 * @param plan The faults, in order, with the requests that they hit.
 * @param seed Decides together with the probabilities; the same seed repeats a run.
 * @returns A handler for `serve`, `acceptRequest`, `serveConnection` or `serveInMemory`.
 * @throws {TypeError} A fault is unknown, or an option of it is missing, unknown or has the wrong type.
 * @throws {RangeError} A number is out of range.
 *
 * @example A client that tries again
 * ```ts
 * import { AsyncHttpServer } from "@asynchttp/server";
 * import { faulty } from "@asynchttp/server/testing";
 *
 * const handler = faulty((request) => request.respond(200, "done ".repeat(100)), [
 *   { fault: "unavailable", times: 2 },
 *   { fault: "cut", afterBytes: 200, times: 1 },
 * ]);
 *
 * await using server = new AsyncHttpServer();
 * const serving = server.serve(0, handler, { address: "127.0.0.1" });
 * const url = `http://127.0.0.1:${server.getPort()}/`;
 *
 * async function persistently(): Promise<string> {
 *   for (;;) {
 *     try {
 *       const response = await fetch(url);
 *       const text = await response.text();
 *       if (response.ok) return text;
 *       console.log(response.status); // 503, twice
 *     } catch (error) {
 *       console.log((error as Error).name); // TypeError
 *     }
 *   }
 * }
 * console.log((await persistently()).length); // 500
 * server.close();
 * await serving;
 * ```
 */
export function faulty(
  handler: Handler,
  plan: readonly PlannedFault[],
  seed: number = 1,
): Handler {
  const faults = new FaultPlan(plan, seed);
  const wrapped: Handler = (request) => {
    const fault = faults.next();
    return fault === null ? handler(request) : fail(request, fault, handler);
  };
  return isStreaming(handler) ? streaming(wrapped) : wrapped;
}

async function fail(request: Request, fault: Fault, handler: Handler): Promise<void> {
  const server = Connection.serverOf(exchangeOf(request).connection);
  const pause = pauseBy(server.clock);
  switch (fault.fault) {
    case "delay":
      await pause(fault.ms);
      return await handler(request);
    case "unavailable":
      return await request.respond(503, "Service Unavailable\n", retryAfter(fault.retryAfter));
    default:
      return await damage(request, fault, handler, server, pause);
  }
}

function retryAfter(seconds: number | undefined): HeadersInit {
  return seconds === undefined ? {} : { "Retry-After": String(seconds) };
}

/** Lets `handler` respond to the same request over a connection that damages the response. */
async function damage(
  request: Request,
  fault: ByteFault,
  handler: Handler,
  server: ServerContext,
  pause: Pause,
): Promise<void> {
  await request.text();
  const bytes = encoded(request);
  const conn = new FaultyConn(request.hijack(), bytes, request.method, fault, pause);
  await new Connection(conn, handler, forOneRequest(server)).run();
}

/**
 * The same server, for a request that it has counted, and found to be within its limits. What a
 * fault slows down is not the client's fault.
 */
function forOneRequest(server: ServerContext): ServerContext {
  const { options } = server;
  const limits = { ...options.limits, requestsPerConnection: 1, minRate: 0 };
  const timeouts = { ...options.timeouts, write: Infinity, handler: Infinity };
  return {
    ...server,
    // The server tells the outcome itself: it has handed the connection over.
    options: { ...options, limits, timeouts, maxBody: Infinity, onResponse: undefined },
    counters: new Counters(),
    scheduler,
    bodyMemory: new BodyMemory(Infinity),
  };
}

/** The request as it came, but for its expectation, which was met when its body was read. */
function encoded({ method, target, protocol, rawHeaders, bytes }: Request): Uint8Array {
  const fields = rawHeaders.filter(([name]) => name.toLowerCase() !== "expect");
  const lines = [
    `${method} ${target} ${protocol.orig}`,
    ...fields.map((field) => field.join(": ")),
  ];
  const isChunked = fields.some(([name]) => name.toLowerCase() === "transfer-encoding");
  const out = new WriteBuffer();
  out.latin1(`${lines.join("\r\n")}\r\n\r\n`);
  if (isChunked && bytes.length > 0) encodeChunkSize(out, bytes.length);
  out.copy(bytes);
  if (isChunked && bytes.length > 0) encodeChunkEnd(out);
  if (isChunked) encodeLastChunk(out, []);
  return out.take();
}

/** Pauses by the clock of the server; that of the process is too coarse for it. */
function pauseBy(clock: Clock): Pause {
  if (clock === systemClock) return (ms) => ms === 0 ? nextTurn() : timer(ms);
  return (ms) => ms === 0 ? nextTurn() : untilOver(clock, ms);
}

function timer(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function untilOver(clock: Clock, ms: number): Promise<void> {
  const deadline = new Deadline();
  deadline.set(ms);
  return new Promise((resolve) => {
    const subscription = clock.subscribe({
      tick(now) {
        if (!deadline.isOver(now)) return;
        clock.unsubscribe(subscription);
        resolve();
      },
    });
  });
}
