/**
 * An eye on the client while its request is being worked on: has it gone?
 *
 * It costs a read ahead, so it is opened only for who asks: a handler that looks at its
 * signal, and a response that is a stream.
 */
import type { RequestReader } from "./request_reader.ts";
import type { RequestBody } from "./request_body.ts";
import type { Transport } from "../net/transport.ts";

/** Watches the client of one exchange. */
export class DisconnectWatch {
  readonly #reader: RequestReader;
  readonly #transport: Transport;
  readonly #body: RequestBody;
  #aborter: AbortController | undefined;
  /** Why, for who asks late. */
  #gone: unknown;
  #forgetLost: (() => void) | undefined;
  #state: "closed" | "open" | "over" = "closed";

  constructor(reader: RequestReader, transport: Transport, body: RequestBody) {
    this.#reader = reader;
    this.#transport = transport;
    this.#body = body;
  }

  /** Aborts when the client goes, closes its side, or sends a body that is refused; never once it is over. */
  get signal(): AbortSignal {
    this.open();
    if (this.#aborter === undefined) {
      this.#aborter = new AbortController();
      if (this.#gone !== undefined) this.#aborter.abort(this.#gone);
    }
    return this.#aborter.signal;
  }

  /** Begins to watch: at once for a loss, and for the end of the input when the body is in. */
  open(): void {
    if (this.#state !== "closed") return;
    this.#state = "open";
    this.#forgetLost = this.#transport.whenLost((lost) => this.abort(lost));
    this.#body.whenEnded((failure) => {
      if (this.#state !== "open") return;
      if (failure !== null) return this.abort(failure);
      this.#reader.watch((reason, gone) => {
        if (gone) this.#transport.fail(reason);
        this.abort(reason);
      });
    });
  }

  /** Tells the handler to stop, if it listens. */
  abort(reason: unknown): void {
    if (this.#state !== "open") return;
    this.#gone ??= reason;
    this.#aborter?.abort(reason);
  }

  /** The handler is done: nothing aborts any more. */
  close(): void {
    if (this.#state === "open") {
      this.#reader.unwatch();
      this.#forgetLost?.();
    }
    this.#state = "over";
    this.#gone = undefined;
  }
}
