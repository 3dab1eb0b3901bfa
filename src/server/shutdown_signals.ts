/**
 * Shuts a server down on the signals with which a service manager, or a terminal, asks a
 * process to end.
 *
 * While a listener is there, a signal no longer ends the process by itself: each listener is
 * removed when the server has ended, or a process that hangs afterwards could only be killed.
 */
import { platform } from "../platform.ts";

/** What a signal ends. */
interface Stoppable {
  shutdown(options: { grace?: number }): Promise<unknown>;
}

/** Shuts a server down with grace on the first signal, and at once on the second. */
export class ShutdownSignals implements Disposable {
  readonly #server: Stoppable;
  readonly #grace: number | undefined;
  readonly #signals = platform().shutdownSignals;
  readonly #stop = () => this.#shutDown();
  #ending: Promise<unknown> | undefined;

  /** Listens until it is disposed of. */
  constructor(server: Stoppable, grace?: number) {
    this.#server = server;
    this.#grace = grace;
    for (const signal of this.#signals) Deno.addSignalListener(signal, this.#stop);
  }

  /** The shutdown that a signal has begun; undefined if there was none. */
  get ending(): Promise<unknown> | undefined {
    return this.#ending;
  }

  [Symbol.dispose](): void {
    for (const signal of this.#signals) Deno.removeSignalListener(signal, this.#stop);
  }

  /** A shutdown without grace also ends the grace period of the one before. */
  #shutDown(): void {
    if (this.#ending === undefined) this.#ending = this.#server.shutdown({ grace: this.#grace });
    else this.#server.shutdown({ grace: 0 });
  }
}
