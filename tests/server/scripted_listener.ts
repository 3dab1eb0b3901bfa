/** A listener that follows a script: connections, and errors as Deno throws them. */

/** What an accept gives. */
export type Outcome = Deno.Conn | Error;

/** A `Deno.Listener` without a socket. Behind its last outcome nobody comes any more. */
export class ScriptedListener implements Deno.Listener {
  readonly addr: Deno.NetAddr = { transport: "tcp", hostname: "127.0.0.1", port: 8080 };
  /** How many outcomes are left. */
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
