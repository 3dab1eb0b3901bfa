/**
 * A response whose content is a stream: its chunks are written as they come, no faster
 * than the client reads them.
 */
import type { Transport } from "../net/transport.ts";
import { encodeChunkEnd, encodeChunkSize, encodeLastChunk } from "../wire/chunked.ts";
import { fieldsToSend, isTrailerName } from "../wire/fields.ts";
import type { FieldPair } from "../wire/fields.ts";
import type { ResponseFraming } from "../wire/response_framing.ts";

/** Reads the source of a response. */
export type SourceReader = ReadableStreamDefaultReader<Uint8Array>;

/** Below this a chunk is copied behind its size line: one write instead of two. */
const LARGE_CHUNK = 65_536;

/** So many turns of the microtask queue a chunk that is there already may take. */
const SOON = 4;

/** Writes the content of one response. */
export class ResponseBody {
  readonly #transport: Transport;
  readonly #reader: SourceReader;
  readonly #framing: ResponseFraming;
  readonly #trailers: (() => HeadersInit) | undefined;
  #sent = 0;
  /** Is the CRLF behind the last chunk still to be sent? */
  #endOwed = false;

  constructor(
    transport: Transport,
    reader: SourceReader,
    framing: ResponseFraming,
    trailers: (() => HeadersInit) | undefined,
  ) {
    this.#transport = transport;
    this.#reader = reader;
    this.#framing = framing;
    this.#trailers = trailers;
  }

  /**
   * Writes everything, `first` being a chunk that was read already. On a fault the
   * source is cancelled, with the reason.
   *
   * @throws {ConnectionLost} The client has gone.
   * @throws What the source threw, or a TypeError for what it must not give.
   */
  async send(first?: ReadableStreamReadResult<Uint8Array>): Promise<void> {
    // A source that waits would not hear that the client has gone.
    const { promise: lost, reject } = Promise.withResolvers<never>();
    const forget = this.#transport.whenLost(reject);
    try {
      await Promise.race([this.#pump(first), lost]);
    } catch (error) {
      this.#reader.cancel(error).catch(() => {});
      throw error;
    } finally {
      forget();
    }
  }

  async #pump(first?: ReadableStreamReadResult<Uint8Array>): Promise<void> {
    await this.#transport.flush();
    let { done, value } = first ?? await this.#reader.read();
    while (!done) {
      this.#write(checkedChunk(value));
      await this.#transport.flush();
      const next = this.#reader.read();
      if (this.#endOwed) await this.#endUnlessSoon(next);
      ({ done, value } = await next);
    }
    this.#end();
    await this.#transport.flush();
  }

  /**
   * What ends a large chunk goes out with the size line of the next one, where that is
   * there at once: two writes a chunk instead of three.
   */
  async #endUnlessSoon(next: Promise<unknown>): Promise<void> {
    let come = false;
    const told = () => come = true;
    next.then(told, told);
    for (let i = 0; i < SOON && !come; i++) await null;
    if (come) return;
    this.#endChunk();
    await this.#transport.flush();
  }

  #endChunk(): void {
    if (this.#endOwed) encodeChunkEnd(this.#transport.out);
    this.#endOwed = false;
  }

  #write(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    const { givenLength, chunked } = this.#framing;
    this.#sent += chunk.length;
    if (givenLength !== null && this.#sent > givenLength) {
      throw new TypeError(`The content is longer than its Content-Length of ${givenLength}`);
    }
    const { out } = this.#transport;
    const isLarge = chunk.length >= LARGE_CHUNK;
    this.#endChunk();
    if (chunked) encodeChunkSize(out, chunk.length);
    if (isLarge) this.#transport.enqueue(chunk);
    else out.copy(chunk);
    this.#endOwed = chunked;
    if (!isLarge) this.#endChunk();
  }

  #end(): void {
    const { givenLength, chunked } = this.#framing;
    if (givenLength !== null && this.#sent < givenLength) {
      throw new TypeError(
        `The content ended after ${this.#sent} bytes of its Content-Length of ${givenLength}`,
      );
    }
    this.#endChunk();
    if (chunked) encodeLastChunk(this.#transport.out, trailersToSend(this.#trailers));
  }
}

function trailersToSend(trailers: (() => HeadersInit) | undefined): readonly FieldPair[] {
  const fields = fieldsToSend(trailers?.());
  for (const [name] of fields) {
    if (!isTrailerName(name)) {
      throw new TypeError(`Field "${name}" must not be sent as a trailer (RFC 9110, 6.5.1)`);
    }
  }
  return fields;
}

function checkedChunk(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new TypeError(`A chunk of the content must be a Uint8Array: got ${typeof value}`);
}
