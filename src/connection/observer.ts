/**
 * The requests of a connection that are under observation and not over, in their order, and the
 * hook that is told what became of them. A connection has one where `onResponse` is given, or a handler has
 * asked for `request.completed`.
 */
import type { ConnectionLost, HttpError } from "../errors.ts";
import type { Clock } from "../net/clock.ts";
import type { Transport } from "../net/transport.ts";
import { headersOf } from "../web/lazy_headers.ts";
import { NO_FIELDS } from "../wire/fields.ts";
import type { Forwarded } from "../wire/forwarded.ts";
import type { RefusedLine, RequestHead } from "../wire/request_head.ts";
import { beginningNow, Observation } from "./observation.ts";
import type { Beginning } from "./observation.ts";
import type { OutcomeRequest, RequestOutcome } from "./outcome.ts";

/** Observes the requests of one connection. */
export class Observer {
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #onResponse: ((outcome: RequestOutcome) => void) | undefined;
  readonly #onFault: (fault: unknown) => void;
  readonly #running: Observation[] = [];
  #beginning: Beginning | null = null;
  /** Which side has ended the connection, where a read was the first to find out. */
  #lostBy: "client" | "server" | null = null;

  /** `onFault` receives what the hook throws. */
  constructor(
    transport: Transport,
    clock: Clock,
    onResponse: ((outcome: RequestOutcome) => void) | undefined,
    onFault: (fault: unknown) => void,
  ) {
    this.#transport = transport;
    this.#clock = clock;
    this.#onResponse = onResponse;
    this.#onFault = onFault;
    transport.onProgress(this.#progressed);
    transport.onLost((lost) => this.#lost(this.#lostBy ?? lost.by));
  }

  /** The first byte of a request is there. */
  requestArrives(): void {
    this.#beginning ??= beginningNow(this.#clock);
  }

  /** Observes a request whose head was read, if the server observes all of them. */
  begin(head: RequestHead, forwarded: Forwarded | null): Observation | null {
    return this.#onResponse === undefined ? null : this.observe(head, forwarded);
  }

  /** Observes a request whose head was read. */
  observe(head: RequestHead, forwarded: Forwarded | null): Observation {
    return this.#add(new ReadRequest(head, forwarded, this.#transport));
  }

  /**
   * Observes a rejection: of the request that is being handled, or of a head. Returns null where
   * nothing has asked for it, or the connection was lost before, and the outcome told.
   */
  refuse(code: HttpError["code"], line: () => RefusedLine): Observation | null {
    let observation = this.#running.at(-1) ?? null;
    if (observation === null || observation.isAnswered) {
      if (this.#onResponse === undefined || this.#transport.closed) return null;
      observation = this.#add(refusedRequest(line(), this.#transport));
    }
    observation.rejected(code);
    return observation;
  }

  /** The connection fails: what is not answered by now will not be. */
  fails({ by }: ConnectionLost): void {
    this.#lostBy ??= by;
  }

  #add(request: OutcomeRequest): Observation {
    const beginning = this.#beginning ?? beginningNow(this.#clock);
    this.#beginning = null;
    const observation = new Observation(
      request,
      this.#transport,
      this.#clock,
      beginning,
      this.#progressed,
    );
    this.#running.push(observation);
    return observation;
  }

  readonly #progressed = (): void => {
    for (;;) {
      const outcome = this.#running[0]?.progressed() ?? null;
      if (outcome === null) return;
      this.#running.shift();
      this.#tell(outcome);
    }
  };

  #lost(by: "client" | "server"): void {
    for (const observation of this.#running.splice(0)) this.#tell(observation.lost(by));
  }

  #tell(outcome: RequestOutcome): void {
    try {
      const returned: unknown = this.#onResponse?.(outcome);
      if (returned instanceof Promise) returned.catch(this.#onFault);
    } catch (fault) {
      this.#onFault(fault);
    }
  }
}

/** A request whose head was read: its strings are made when they are asked for. */
class ReadRequest implements OutcomeRequest {
  readonly #head: RequestHead;
  readonly localAddr: Deno.Addr;
  readonly remoteAddr: Deno.Addr;
  readonly peerAddr: Deno.Addr;
  #headers: Headers | undefined;

  constructor(head: RequestHead, forwarded: Forwarded | null, transport: Transport) {
    this.#head = head;
    this.localAddr = transport.localAddr;
    this.remoteAddr = forwarded?.client ?? transport.remoteAddr;
    this.peerAddr = transport.peerAddr;
  }

  get line(): string {
    return `${this.method} ${this.target} ${this.version}`;
  }

  get method(): string {
    return this.#head.method;
  }

  get target(): string {
    return this.#head.target;
  }

  get version(): string {
    return this.#head.protocol.orig;
  }

  get headers(): Headers {
    return this.#headers ??= headersOf(this.#head.fields);
  }
}

function refusedRequest(line: RefusedLine, transport: Transport): OutcomeRequest {
  const { localAddr, remoteAddr, peerAddr } = transport;
  return { ...line, headers: headersOf(NO_FIELDS), localAddr, remoteAddr, peerAddr };
}
