/** The content of a response that is a stream: written as it comes, no faster than the client reads. */
import { ConnectionLost } from "../errors.ts";
import type { FieldsInit } from "../fields_init.ts";
import { ignoreRejection } from "../ignore_rejection.ts";
import type { Clock, Subscriber } from "../net/clock.ts";
import type { Transport } from "../net/transport.ts";
import { encodeChunkEnd } from "../wire/chunked.ts";
import { ContentEncoder } from "../wire/content_encoder.ts";
import { contentChunk } from "../web/content.ts";
import type { Observation } from "./observation.ts";
import type { ResponseFraming } from "../wire/response_framing.ts";

/** Reads the source of a response. */
export type SourceReader = ReadableStreamDefaultReader<Uint8Array>;

/** Bytes: below this content is copied behind what is queued, one write instead of two. */
const MIN_UNCOPIED_CONTENT = 65_536;

/**
 * The same for a chunk, which has a size line of its own each time. Chunks of 64 KiB, those of
 * files and of `fetch`, take a fourth less of the processor copied, those of 128 KiB a tenth more.
 */
const MIN_UNCOPIED_CHUNK = 131_072;

/** How many turns of the microtask queue a chunk that is there already takes at the most. */
const MAX_MICROTASKS = 4;

/** Writes the content of one response. */
export class ResponseBody implements Subscriber {
  readonly #transport: Transport;
  readonly #reader: SourceReader;
  readonly #chunked: boolean;
  readonly #content: ContentEncoder;
  readonly #trailers: (() => FieldsInit) | undefined;
  readonly #observation: Observation | null;
  readonly #lost = Promise.withResolvers<never>();
  /** Whether the CRLF behind the last chunk is still to be sent. */
  #endOwed = false;
  #ended = false;
  /** Ends what `limitSilence` has started. */
  #stopTiming: (() => void) | undefined;
  #maxSilence = Infinity;
  #mayHaveGone = () => false;
  /** Since which tick nothing was sent, and how much had been sent by then. */
  #silentSince = 0;
  #sentBefore = -1;

  constructor(
    transport: Transport,
    reader: SourceReader,
    framing: ResponseFraming,
    trailers: (() => FieldsInit) | undefined,
    observation: Observation | null,
  ) {
    this.#transport = transport;
    this.#reader = reader;
    this.#chunked = framing.chunked;
    this.#content = new ContentEncoder(framing.givenLength, framing.chunked);
    this.#trailers = trailers;
    this.#observation = observation;
  }

  /**
   * Writes everything; `first` is a chunk that was read before. On a fault cancels the
   * source with the reason.
   *
   * @throws {ConnectionLost} The client has gone.
   * @throws {TypeError} The source gives something that is no Uint8Array, or too much or too little of it.
   * @throws What the source threw.
   */
  async send(first?: ReadableStreamReadResult<Uint8Array>): Promise<void> {
    // Raced, because a source that waits does not notice that the client has gone.
    const forget = this.#transport.onLost(this.#lost.reject);
    try {
      await Promise.race([this.#pump(first), this.#lost.promise]);
    } catch (error) {
      this.#reader.cancel(error).catch(() => {});
      throw error;
    } finally {
      forget();
      this.#ended = true;
      this.#stopTiming?.();
    }
  }

  /** From now on gives up a source that is silent for `ms` while the client may have gone. */
  limitSilence(clock: Clock, ms: number, mayHaveGone: () => boolean): void {
    if (this.#ended || this.#stopTiming !== undefined) return;
    this.#maxSilence = ms;
    this.#mayHaveGone = mayHaveGone;
    const subscription = clock.subscribe(this);
    this.#stopTiming = () => clock.unsubscribe(subscription);
  }

  /** Part of {@linkcode Subscriber}. What waits for the client is not silent. */
  tick(now: number): void {
    const isSilent = this.#content.sent === this.#sentBefore && this.#transport.flushed;
    if (!isSilent || !this.#mayHaveGone()) {
      this.#sentBefore = this.#content.sent;
      this.#silentSince = now;
    } else if (now - this.#silentSince >= this.#maxSilence) {
      this.#lost.reject(new ConnectionLost("The client may have gone, and nothing is sent"));
    }
  }

  async #pump(first?: ReadableStreamReadResult<Uint8Array>): Promise<void> {
    await this.#transport.flush();
    let { done, value } = first ?? await this.#reader.read();
    while (!done) {
      this.#write(contentChunk(value));
      await this.#transport.flush();
      const next = this.#reader.read();
      if (this.#endOwed) await this.#endUnlessSoon(next);
      ({ done, value } = await next);
    }
    this.#end();
    await this.#transport.flush();
  }

  /**
   * Sends the end of a large chunk with the size line of the next one, where that is there
   * at once: two writes a chunk instead of three.
   */
  async #endUnlessSoon(next: Promise<unknown>): Promise<void> {
    let settled = false;
    const settle = () => settled = true;
    next.then(settle, settle);
    for (let i = 0; i < MAX_MICROTASKS && !settled; i++) await null;
    if (settled) return;
    this.#endChunk();
    await this.#transport.flush();
  }

  #endChunk(): void {
    if (this.#endOwed) encodeChunkEnd(this.#transport.out);
    this.#endOwed = false;
  }

  #write(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    const { out } = this.#transport;
    const isLarge = chunk.length >= (this.#chunked ? MIN_UNCOPIED_CHUNK : MIN_UNCOPIED_CONTENT);
    this.#endChunk();
    this.#content.begin(out, chunk.length);
    this.#observation?.pieceFollows(chunk.length);
    if (isLarge) this.#transport.enqueue(chunk);
    else out.copy(chunk);
    this.#endOwed = this.#chunked;
    if (!isLarge) this.#endChunk();
  }

  #end(): void {
    this.#endChunk();
    this.#content.end(this.#transport.out, () => returnedBy(this.#trailers));
  }
}

function returnedBy(trailers: (() => FieldsInit) | undefined): FieldsInit | null | undefined {
  const returned: unknown = trailers?.();
  if (returned instanceof Promise) {
    ignoreRejection(returned);
    throw new TypeError("Option trailers must return header fields: got a Promise");
  }
  return returned as FieldsInit | null | undefined;
}
