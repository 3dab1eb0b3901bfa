/** Runs one connection over a script, with a manual clock. */
import { AssertionError } from "@std/assert";
import { Clock } from "../../src/net/clock.ts";
import { Connection } from "../../src/connection/connection.ts";
import { BodyMemory } from "../../src/connection/body_memory.ts";
import type { ServerContext } from "../../src/connection/context.ts";
import { HandedOver } from "../../src/connection/handed_over.ts";
import { Scheduler } from "../../src/net/scheduler.ts";
import { LinkedList } from "../../src/net/linked_list.ts";
import { resolveOptions } from "../../src/server/options.ts";
import type { AsyncHttpServerOptions } from "../../src/server/options.ts";
import type { Handler, Request } from "../../src/connection/request.ts";
import { Counters } from "../../src/stats.ts";
import { nextTurn } from "../../src/net/next_turn.ts";
import { ScriptedConn } from "./scripted_conn.ts";
import type { Faults, Step } from "./scripted_conn.ts";

/** Sun, 06 Nov 1994 08:49:37 GMT: the date of RFC 9110. */
export const NOW = 784_111_777_000;
export const DATE = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";

/** Polls no sockets: a scripted connection has none, and does not share the real ones' line. */
export class PollAtOnce {
  poll(): Promise<void> {
    return Promise.resolve();
  }
  close(): void {}
  readonly isSlow = false;
}

/** A clock that is moved by hand, and ticks before it moves: deadlines set by then count from there. */
export class ManualClock extends Clock {
  override tick(now: number, wall: number = now): void {
    super.tick(this.now, wall);
    super.tick(now, wall);
  }
}

/** A started connection. */
export interface Run {
  readonly conn: ScriptedConn;
  readonly connection: Connection;
  readonly clock: ManualClock;
  readonly counters: Counters;
  readonly scheduler: Scheduler;
  readonly bodyMemory: BodyMemory;
  /** The errors that `onError` received. */
  readonly errors: unknown[];
  /** Resolves when the connection has ended. */
  readonly done: Promise<void>;
}

/** Starts a connection. */
export function start(
  script: readonly Step[],
  handler: Handler,
  options: AsyncHttpServerOptions = {},
  faults: Faults = {},
  lingering: ServerContext["lingering"] = new LinkedList(),
  bodyMemory: BodyMemory = new BodyMemory(options.maxBodyMemory ?? Infinity),
): Run {
  const errors: unknown[] = [];
  const clock = new ManualClock();
  clock.tick(NOW);
  const counters = new Counters();
  const conn = new ScriptedConn(script, faults);
  const scheduler = new Scheduler(new PollAtOnce(), () => 0, clock);
  const connection = new Connection(conn, handler, {
    options: resolveOptions({ onError: (error) => void errors.push(error), ...options }),
    clock,
    counters,
    scheduler,
    lingering,
    bodyMemory,
    handedOver: new HandedOver(),
  });
  return {
    conn,
    connection,
    clock,
    scheduler,
    bodyMemory,
    counters,
    errors,
    done: connection.run().then(() => throwFailedAssertion(errors)),
  };
}

/** An assertion within a handler is an error of the handler, which the server reports and goes on. */
function throwFailedAssertion(errors: readonly unknown[]): void {
  for (const error of errors) if (error instanceof AssertionError) throw error;
}

/** Runs a connection to its end; returns all bytes that the client received. */
export async function converse(
  script: readonly Step[],
  handler: Handler = echo,
  options: AsyncHttpServerOptions = {},
  faults: Faults = {},
): Promise<Run & { readonly output: string }> {
  const run = start(script, handler, options, faults);
  await run.done;
  return { ...run, output: run.conn.output };
}

/** Responds with the method, the target and the body of its request. */
export function echo(request: Request): Promise<void> {
  return request.respond(200, `${request.method} ${request.target} ${request.body}`);
}

/** Returns the response of {@linkcode echo}, byte for byte. */
export function echoed(content: string, connection = ""): string {
  return response("200 OK", content, connection);
}

/** Returns a response with only the fields that every response has. */
export function response(status: string, content: string, connection = ""): string {
  const field = connection && `Connection: ${connection}\r\n`;
  return `HTTP/1.1 ${status}\r\n${DATE}${field}Content-Length: ${content.length}\r\n\r\n${content}`;
}

/** Returns an error response, byte for byte. */
export function refused(status: string, message: string): string {
  const type = "Content-Type: text/plain; charset=utf-8\r\n";
  return `HTTP/1.1 ${status}\r\n${type}${DATE}Connection: close\r\nContent-Length: ${
    message.length + 1
  }\r\n\r\n${message}\n`;
}

/** The smallest request that the parser rejects: it has no Host. */
export const BAD_REQUEST = "GET / HTTP/1.1\r\n\r\n";

/** The response to {@linkcode BAD_REQUEST}, byte for byte. */
export const BAD_RESPONSE: string = refused(
  "400 Bad Request",
  "An HTTP/1.1 request needs a Host (RFC 9112, 3.2)",
);

/** Lets everything run that is ready in this turn of the event loop or the next. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve();
  await nextTurn();
  for (let i = 0; i < 50; i++) await Promise.resolve();
}
