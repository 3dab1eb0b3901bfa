/** A listener that follows a script of connections and of errors that Deno throws. */

/** The outcome of an accept. */
export type Outcome = Deno.Conn | Error;

/** A `Deno.Listener` without a socket. After its last outcome, accepts stay pending. */
export class ScriptedListener implements Deno.Listener {
  readonly addr: Deno.NetAddr = { transport: "tcp", hostname: "127.0.0.1", port: 8080 };
  /** The number of remaining outcomes. */
  readonly outcomes: Outcome[];
  readonly #closed = Promise.withResolvers<never>();

  constructor(outcomes: readonly Outcome[]) {
    this.outcomes = [...outcomes];
    this.#closed.promise.catch(() => {});
  }

  accept(): Promise<Deno.Conn> {
    const outcome = this.outcomes.shift();
    if (outcome === undefined) return this.#closed.promise;
    return outcome instanceof Error ? Promise.reject(outcome) : Promise.resolve(outcome);
  }

  close(): void {
    this.#closed.reject(new Deno.errors.BadResource("Listener has been closed"));
  }

  ref(): void {}
  unref(): void {}

  [Symbol.asyncIterator](): never {
    throw new Error("The server accepts by accept()");
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
