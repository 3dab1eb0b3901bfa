/**
 * Chunks of a `WritableStream` as the input of a parser, one at a time: the write of a chunk ends
 * when all of it was parsed and more is wanted. So one chunk is in memory, whatever is parsed.
 */
import { HttpError } from "../errors.ts";
import type { RequestEvent, RequestParser } from "../wire/request_parser.ts";
import { inspected } from "../validate.ts";

/** An event that is no request for more input. */
export type CompleteEvent = Exclude<RequestEvent, { readonly type: "need-data" }>;

/**
 * A rejected request, with its place in the stream.
 *
 * @example
 * ```ts
 * import { ParseStreamError, RequestParseStream } from "@asynchttp/server";
 *
 * const sent = "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/9.1\r\n\r\n";
 * try {
 *   await Array.fromAsync(new Blob([sent]).stream().pipeThrough(new RequestParseStream()));
 * } catch (error) {
 *   if (!(error instanceof ParseStreamError)) throw error;
 *   console.log(error.code, error.offset); // unsupported-version 27
 * }
 * ```
 */
export class ParseStreamError extends HttpError {
  /**
   * The byte of the stream at which the request was rejected, from 0. In a head this is the first
   * of the line that is at fault, or of the head where that is not one line; in a body it is where
   * the parser stands; of a request that is incomplete it is the end.
   */
  readonly offset: number;

  /**
   * Creates an error with a place.
   *
   * @param cause The error without it.
   * @param offset The byte of the stream.
   */
  constructor(cause: HttpError, offset: number) {
    const message = `${cause.message}, at byte ${offset} of the stream`;
    super(cause.status, cause.code, message, { cause });
    this.offset = offset;
  }
}

/** The bytes that one parser reads. */
export class ParserInput {
  readonly #parser: RequestParser;
  #received = 0;
  #ended = false;
  #failure: { readonly reason: unknown } | null = null;
  /** The write of the chunk that is being parsed. */
  #writing: PromiseWithResolvers<void> | null = null;
  /** The wait for the next chunk; true when it has come. */
  #waiting: PromiseWithResolvers<boolean> | null = null;

  constructor(parser: RequestParser) {
    this.#parser = parser;
  }

  /** Parses a chunk; resolves when all of it was parsed and more is wanted. */
  write(chunk: Uint8Array): Promise<void> {
    if (!(chunk instanceof Uint8Array)) {
      throw new TypeError(`A chunk must be a Uint8Array: got ${inspected(chunk)}`);
    }
    this.#parser.input.push(chunk);
    this.#received += chunk.length;
    this.#writing = Promise.withResolvers();
    this.#settle(true);
    return this.#writing.promise;
  }

  /** Ends the input. */
  end(): void {
    this.#ended = true;
    this.#settle(false);
  }

  /** Ends the input with an error, which the reader of the next event receives. */
  fail(reason: unknown): void {
    this.#failure ??= { reason };
    this.#writing?.reject(reason);
    this.#waiting?.reject(reason);
  }

  /** Returns the next event; null where the input ends between two requests. */
  async next(): Promise<CompleteEvent | null> {
    for (;;) {
      if (this.#failure !== null) throw this.#failure.reason;
      const event = this.#parse();
      if (event.type !== "need-data") return event;
      if (!await this.#more()) return this.#finish();
    }
  }

  #parse(): RequestEvent {
    try {
      return this.#parser.next();
    } catch (error) {
      throw error instanceof HttpError ? this.located(error) : error;
    }
  }

  /** Returns an error with the place that was reached: in a head that is a line, or its beginning. */
  located(error: HttpError): ParseStreamError {
    return new ParseStreamError(error, this.#offset + this.#parser.lineStart);
  }

  #finish(): null {
    try {
      this.#parser.finish();
      return null;
    } catch (error) {
      throw new ParseStreamError(error as HttpError, this.#received);
    }
  }

  /** How many bytes of the stream were parsed. */
  get #offset(): number {
    return this.#received - this.#parser.input.length;
  }

  #more(): Promise<boolean> {
    if (this.#ended) return Promise.resolve(false);
    this.#writing?.resolve();
    this.#writing = null;
    this.#waiting = Promise.withResolvers();
    return this.#waiting.promise;
  }

  #settle(hasMore: boolean): void {
    this.#waiting?.resolve(hasMore);
    this.#waiting = null;
  }
}
