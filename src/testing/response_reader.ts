/**
 * Reads responses from a source of bytes, by the parser of the entry `./wire`: what two clients
 * could read in two ways is an error.
 */
import type { FieldPair } from "../wire/fields.ts";
import type { BodyData, MessageEnd } from "../wire/events.ts";
import { ResponseParser } from "../wire/response_parser.ts";
import type { ResponseEvent } from "../wire/response_parser.ts";
import type { ResponseHead } from "../wire/response_head.ts";

/** A source of bytes. */
export interface ByteSource {
  /** Reads into `into`; resolves to the number of bytes, null at the end. */
  read(into: Uint8Array): Promise<number | null>;
}

/** A response whose head was read. */
export interface ReceivedResponse {
  readonly status: number;
  readonly statusText: string;
  readonly fields: readonly FieldPair[];
  /** Null where the response has none (RFC 9112, 6.3). */
  readonly content: ReadableStream<Uint8Array<ArrayBuffer>> | null;
}

/** An event that is no request for more input. */
type CompleteEvent = Exclude<ResponseEvent, { readonly type: "need-data" }>;

/** Reads one response after another. */
export class ResponseReader {
  readonly #source: ByteSource;
  readonly #parser = new ResponseParser({ maxInterim: Infinity, limits: LIMITS });
  /** Whether the final response to the last request is still to come. */
  #isAwaited = false;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /**
   * Reads the head of the next response to a request with this method; interim responses count.
   * The content of the one before must have been read.
   *
   * @throws {TypeError} The response is malformed, or ends within its head.
   */
  async next(method: string): Promise<ReceivedResponse> {
    if (!this.#isAwaited) this.#parser.expect({ method, upgrade: ANY });
    this.#isAwaited = true;
    const head = await this.#event() as ResponseHead;
    const { status, statusText, fields, framing, type } = head;
    const hasContent = type === "head" && framing.content !== "switched";
    if (type === "head") this.#isAwaited = false;
    const content = hasContent ? await this.#content(head, method) : null;
    return { status, statusText, fields: fields.pairs(), content };
  }

  /** A response whose end is there with its head has no content, unless its fields say that it is empty. */
  async #content(
    { status, framing }: ResponseHead,
    method: string,
  ): Promise<ReadableStream<Uint8Array<ArrayBuffer>> | null> {
    if (framing.content !== 0) return this.#stream();
    await this.#event();
    const isNull = method === "HEAD" || status === 204 || status === 304;
    return isNull ? null : new Blob([]).stream();
  }

  #stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return new ReadableStream({
      pull: async (controller) => {
        const event = await this.#event() as BodyData | MessageEnd;
        if (event.type === "data") controller.enqueue(event.bytes.slice());
        else controller.close();
      },
    }, { highWaterMark: 0 });
  }

  /** @throws {TypeError} The response is malformed, or ends too early. */
  async #event(): Promise<CompleteEvent> {
    for (;;) {
      const event = this.#parsed(() => this.#parser.next());
      if (event.type !== "need-data") return event;
      await this.#fill();
    }
  }

  async #fill(): Promise<void> {
    const { input } = this.#parser;
    const count = await this.#source.read(input.space());
    if (count === null) this.#parsed(() => this.#parser.finish());
    else input.filled(count);
  }

  #parsed<T>(parse: () => T): T {
    try {
      return parse();
    } catch (error) {
      const { message } = error as Error;
      throw new TypeError(`The response is malformed: ${message}`, { cause: error });
    }
  }
}

/** The server under test may send much, but not without end. */
const LIMITS = {
  line: 65_536,
  head: 65_536,
  headers: Infinity,
  trailers: 65_536,
  trailerFields: Infinity,
};

/** The caller decides what becomes of 101. */
const ANY = "any protocol";
