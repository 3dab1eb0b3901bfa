/** What the parts of a connection share. */
import type { Limits, Timeouts } from "../limits.ts";
import type { Clock } from "../net/clock.ts";
import type { Throughput } from "../net/throughput.ts";
import type { Transport } from "../net/transport.ts";
import type { BodyMemory } from "./body_memory.ts";
import type { Observer } from "./observer.ts";
import type { RequestReader } from "./request_reader.ts";

/** What an exchange, and the body of its request, need of their connection. */
export interface ConnectionContext {
  readonly reader: RequestReader;
  readonly transport: Transport;
  readonly clock: Clock;
  /** How fast the client sends the body. */
  readonly readThroughput: Throughput;
  readonly limits: Readonly<Limits>;
  readonly timeouts: Readonly<Timeouts>;
  /** The memory of all bodies of the server. */
  readonly bodyMemory: BodyMemory;
  /** Whether a response may say that the connection persists. */
  readonly persistent: boolean;
  /** Limits the handler of the current request to `ms` milliseconds from now. */
  limitHandler(ms: number): void;
  /** Whether another request is read, where the response has promised it. */
  readonly takesNext: boolean;
  /** Measures the requests; made when first asked for. */
  readonly observer: Observer;
  /** Ends the connection when everything is written, or after `timeouts.linger`. */
  closeSoon(): void;
  /** The same, in order: over TLS with `close_notify`, so that the client can tell it from a cut. */
  endSoon(): void;
}
