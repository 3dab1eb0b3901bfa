/**
 * Watches for the client's end while its request is being handled.
 *
 * It costs a read ahead, so it starts only where it is asked for: a handler that looks at
 * its signal, and a response that is a stream.
 */
import type { Transport } from "../net/transport.ts";
import type { RequestBody } from "./request_body.ts";
import type { RequestReader } from "./request_reader.ts";

/** How many bytes are read ahead while a handler runs: one buffer, with which the next request begins. */
const MAX_READ_AHEAD_BYTES = 16_384;

/** Watches the client of one exchange. */
export class DisconnectWatch {
  readonly #reader: RequestReader;
  readonly #transport: Transport;
  readonly #body: RequestBody;
  #controller: AbortController | undefined;
  /** Why the client's end aborts a signal that is asked for later. */
  #reason: unknown;
  #unsubscribe: (() => void) | undefined;
  #onHalfClose: (() => void) | undefined;
  #halfClosed = false;
  #state: "new" | "watching" | "stopped" = "new";

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

  /** Watches for a loss at once, and for the end of the input once the body is in. */
  start(): void {
    if (this.#state !== "new") return;
    this.#state = "watching";
    this.#unsubscribe = this.#transport.onLost((lost) => this.abort(lost));
    this.#body.whenEnded((failure) => {
      if (this.#state !== "watching") return;
      if (failure !== null) return this.abort(failure);
      this.#reader.readAhead(MAX_READ_AHEAD_BYTES, (reason, gone) => {
        if (gone) this.#transport.fail(reason);
        this.abort(reason);
        if (!gone) this.#clientHalfClosed();
      });
    });
  }

  /** Calls `callback` when the client closes its side: at once, where it has. */
  onHalfClose(callback: () => void): void {
    this.start();
    this.#onHalfClose = callback;
    if (this.#halfClosed) callback();
  }

  #clientHalfClosed(): void {
    this.#halfClosed = true;
    this.#onHalfClose?.();
  }

  /** Aborts the signal, where the handler has asked for it. */
  abort(reason: unknown): void {
    if (this.#state !== "watching") return;
    this.#reason ??= reason;
    this.#controller?.abort(reason);
  }

  /** Aborts nothing any more: the handler is done. */
  stop(): void {
    if (this.#state === "watching") {
      this.#reader.stopReadingAhead();
      this.#unsubscribe?.();
    }
    this.#state = "stopped";
    this.#reason = undefined;
  }
}
