/**
 * Watches for the client's end while its request is being handled.
 *
 * It costs a read ahead, so it starts only where it is asked for: a handler that looks at
 * its signal, and a response that is a stream.
 *
 * ```text
 * new ───► watching ───► stopped
 *  └───────────────────►
 * ```
 */
import type { ConnectionLost } from "../errors.ts";
import type { Transport } from "../net/transport.ts";
import { moved } from "../transitions.ts";
import type { Transitions } from "../transitions.ts";
import type { RequestBody } from "./request_body.ts";
import type { InputWatcher, RequestReader } from "./request_reader.ts";

/** How many bytes are read ahead while a handler runs: one buffer, with which the next request begins. */
const MAX_READ_AHEAD_BYTES = 16_384;

/** Whether a client is watched: not yet, now, or no more. */
type WatchState = "new" | "watching" | "stopped";

const TRANSITIONS: Transitions<WatchState> = {
  new: ["stopped", "watching"],
  watching: ["stopped"],
  stopped: ["stopped"],
};

/** Watches the client of one exchange. */
export class DisconnectWatch implements InputWatcher {
  readonly #reader: RequestReader;
  readonly #transport: Transport;
  readonly #body: RequestBody;
  #controller: AbortController | undefined;
  /** Why the client's end aborts a signal that is asked for later. */
  #reason: unknown;
  #unsubscribe: (() => void) | undefined;
  #onUncertain: (() => void) | undefined;
  #halfClosed = false;
  #full = false;
  #state: WatchState = "new";

  constructor(reader: RequestReader, transport: Transport, body: RequestBody) {
    this.#reader = reader;
    this.#transport = transport;
    this.#body = body;
  }

  /** Aborts when the client goes, closes its side, or sends a body that is rejected; never once the watch has stopped. */
  get signal(): AbortSignal {
    this.start();
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Watches for a loss, and for the end of the input: at once, where no body is being read. */
  start(): void {
    if (this.#state !== "new") return;
    this.#move("watching");
    this.#unsubscribe = this.#transport.onLost((lost) => this.abort(lost));
    if (this.#body.unread) this.#readAhead();
    this.#body.whenEnded((failure) => {
      if (this.#state !== "watching") return;
      if (failure !== null) this.abort(failure);
      else this.#readAhead();
    });
  }

  /**
   * Calls `callback` when it becomes uncertain whether the client is there: at once, where it is.
   */
  onUncertain(callback: () => void): void {
    this.start();
    this.#onUncertain = callback;
    if (this.isUncertain) callback();
  }

  /**
   * Whether the client may have gone without being noticed: it has closed its side, or sent more
   * than is read ahead, and no body is being read.
   */
  get isUncertain(): boolean {
    return this.#halfClosed || (this.#full && (this.#body.unread || this.#body.complete));
  }

  /** Part of {@linkcode InputWatcher}. */
  gone(reason: ConnectionLost): void {
    this.#transport.fail(reason);
    this.abort(reason);
  }

  /** Part of {@linkcode InputWatcher}. */
  halfClosed(reason: ConnectionLost): void {
    this.abort(reason);
    this.#halfClosed = true;
    this.#onUncertain?.();
  }

  /** Part of {@linkcode InputWatcher}. */
  full(): void {
    this.#full = true;
    this.#onUncertain?.();
  }

  #readAhead(): void {
    this.#full = false;
    this.#reader.readAhead(MAX_READ_AHEAD_BYTES, this);
  }

  /** Aborts the signal, where the handler has asked for it. */
  abort(reason: unknown): void {
    if (this.#state !== "watching") return;
    this.#reason ??= reason;
    this.#controller?.abort(reason);
  }

  /** Stops watching: the handler is done, and its signal must not abort any more. */
  stop(): void {
    if (this.#state === "watching") {
      this.#reader.stopReadingAhead();
      this.#unsubscribe?.();
    }
    this.#move("stopped");
    this.#reason = undefined;
  }

  #move(to: WatchState): void {
    this.#state = moved(TRANSITIONS, this.#state, to);
  }
}
