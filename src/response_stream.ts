/**
 * A response whose content is a stream: its chunks are written as they come, no faster
 * than the client reads them.
 */
import type { Transport } from "./transport.ts";
import { encodeChunkEnd, encodeChunkSize, encodeLastChunk } from "./wire/chunked.ts";
import { fieldsToSend, isTrailerName } from "./wire/fields.ts";
import type { FieldPair } from "./wire/fields.ts";
import type { ResponseFraming } from "./wire/response_framing.ts";

/** Reads the source of a response. */
export type SourceReader = ReadableStreamDefaultReader<Uint8Array>;

/** Below this a chunk is copied behind its size line: one write instead of two. */
const LARGE_CHUNK = 65_536;

/** Writes the content of one response. */
export class ResponseStream {
  readonly #transport: Transport;
  readonly #reader: SourceReader;
  readonly #framing: ResponseFraming;
  readonly #trailers: (() => HeadersInit) | undefined;
  #sent = 0;

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
      ({ done, value } = await this.#reader.read());
    }
    this.#end();
    await this.#transport.flush();
  }

  #write(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    const { givenLength, chunked } = this.#framing;
    this.#sent += chunk.length;
    if (givenLength !== null && this.#sent > givenLength) {
      throw new TypeError(`The content is longer than its Content-Length of ${givenLength}`);
    }
    const { out } = this.#transport;
    if (chunked) encodeChunkSize(out, chunk.length);
    if (chunk.length < LARGE_CHUNK) out.copy(chunk);
    else this.#transport.enqueue(chunk);
    if (chunked) encodeChunkEnd(out);
  }

  #end(): void {
    const { givenLength, chunked } = this.#framing;
    if (givenLength !== null && this.#sent < givenLength) {
      throw new TypeError(
        `The content ended after ${this.#sent} bytes of its Content-Length of ${givenLength}`,
      );
    }
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
