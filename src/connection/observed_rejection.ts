/**
 * A rejected promise that may be ignored, and that knows whether it was.
 *
 * A promise that rejects without a listener ends the process, so every rejection that a
 * handler gets counts as handled. But a `respond` that fails unheard, with bytes of the
 * handler's own behind it, sends these without a status line: `onError` must hear of it, and
 * must not where the handler has caught the error.
 */

/** A rejection that counts as handled. */
export class ObservedRejection extends Promise<never> {
  readonly reason: unknown;
  #isHeard = false;

  /** Derived promises are ordinary ones: their constructor takes no reason. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  constructor(reason: unknown) {
    super((_resolve, reject) => reject(reason));
    this.reason = reason;
    super.then(undefined, () => {});
  }

  /** Whether it has a listener; `await` is one. */
  get isHeard(): boolean {
    return this.#isHeard;
  }

  override then<T, U>(
    onFulfilled?: ((value: never) => T | PromiseLike<T>) | null,
    onRejected?: ((reason: unknown) => U | PromiseLike<U>) | null,
  ): Promise<T | U> {
    this.#isHeard = true;
    return super.then(onFulfilled, onRejected);
  }
}
