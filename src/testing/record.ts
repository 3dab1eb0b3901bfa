/** Records requests and responses as HAR 1.2: `record`. */
import { checkRecord, isBoolean, isCount } from "../validate.ts";
import type { Har, HarContent, HarEntry, HarPair, HarRequest, HarResponse } from "./har.ts";

/**
 * A function from a Web `Request` to a Web `Response`: a handler, an application, or `fetch`. What
 * else it takes is passed on.
 *
 * @example A fetch that adds a field
 * ```ts
 * import { type Exchanging, record } from "@asynchttp/server/testing";
 *
 * const application: Exchanging<[]> = ({ headers }) => new Response(headers.get("authorization"));
 * const signed: Exchanging<[]> = (request) => {
 *   request.headers.set("Authorization", "Bearer abc");
 *   return application(request);
 * };
 * const { handler } = record(signed);
 * console.log(await (await handler(new Request("http://localhost/"))).text()); // Bearer abc
 * ```
 */
export type Exchanging<Rest extends unknown[]> = (
  request: globalThis.Request,
  ...rest: Rest
) => Response | Promise<Response>;

/**
 * Options for {@linkcode record}.
 *
 * @example
 * ```ts
 * import { record, type RecordOptions } from "@asynchttp/server/testing";
 *
 * const options: RecordOptions = { maxBody: 3 };
 * const { handler, archive } = record(() => new Response("hello"), options);
 * await (await handler(new Request("http://localhost/"))).text();
 * const { size, text } = archive().log.entries[0]!.response.content;
 * console.log(size, text); // 5 undefined
 * ```
 */
export interface RecordOptions {
  /**
   * The largest body that is recorded, in bytes; of a larger one only the size is.
   *
   * @default {1048576}
   */
  maxBody?: number;
  /**
   * Whether `Authorization`, `Cookie`, `Proxy-Authorization` and `Set-Cookie` are recorded. An
   * archive is meant to be shared; browsers leave them out, too.
   *
   * @default {false}
   */
  sensitive?: boolean;
}

/**
 * A function whose exchanges are recorded.
 *
 * @example
 * ```ts
 * import { record, type Recording } from "@asynchttp/server/testing";
 *
 * const recording: Recording<[]> = record(() => new Response("hi"));
 * await (await recording.handler(new Request("http://localhost/"))).text();
 * const file = JSON.stringify(recording.archive()); // for the network tools of a browser
 * console.log(file.startsWith('{"log":{"version":"1.2"')); // true
 * ```
 */
export interface Recording<Rest extends unknown[]> {
  /** The function, to be used in place of the one that was given. */
  readonly handler: (request: globalThis.Request, ...rest: Rest) => Promise<Response>;
  /**
   * Returns what was recorded.
   *
   * @returns The archive of all exchanges whose responses were read to their end, cancelled or failed.
   */
  readonly archive: () => Har;
}

/**
 * Records every request and response of a function as an HTTP Archive (HAR 1.2), which the
 * network tools of browsers open and {@linkcode replay} plays back.
 *
 * The function may be the application of a `fetchHandler`, the `fetch` of the platform, or that
 * of `serveInMemory`. Bodies are recorded as they pass, and stay as fast as they are.
 *
 * @param handler The function.
 * @param options What is recorded.
 * @returns The function to use in its place, and the archive.
 * @throws {TypeError} An option is unknown or has the wrong type.
 * @throws {RangeError} A number is out of range.
 *
 * @example
 * ```ts
 * import { record, serveInMemory } from "@asynchttp/server/testing";
 *
 * await using server = serveInMemory((request) => request.respond(200, "hello"));
 * const { handler, archive } = record(server.fetch);
 * await (await handler(new Request("http://localhost/a"))).text();
 * const { request, response } = archive().log.entries[0]!;
 * console.log(request.url, response.status, response.content.text); // http://localhost/a 200 hello
 * ```
 */
export function record<Rest extends unknown[]>(
  handler: Exchanging<Rest>,
  options: RecordOptions = {},
): Recording<Rest> {
  checkRecord("options of record", options, { maxBody: isCount(0), sensitive: isBoolean });
  const { maxBody = 1_048_576, sensitive = false } = options;
  // In the order of the requests; undefined until the response is over.
  const entries: (HarEntry | undefined)[] = [];
  return {
    handler: async (request, ...rest) => {
      const index = entries.push(undefined) - 1;
      const exchange = new Recorded(request, maxBody, sensitive);
      const response = await handler(exchange.request, ...rest);
      return exchange.follow(response, (entry) => entries[index] = entry);
    },
    archive: () => archiveOf(entries.filter((entry) => entry !== undefined)),
  };
}

function archiveOf(entries: readonly HarEntry[]): Har {
  return { log: { version: "1.2", creator: CREATOR, entries } };
}

const CREATOR = { name: "@asynchttp/server", version: "1" };

/** Fields that let others in (Chrome's "sanitized" archives lack the same). */
const SENSITIVE = /^(?:authorization|cookie|proxy-authorization|set-cookie)$/;

/** One exchange while it is recorded. */
class Recorded {
  /** The request to pass on: the body of the original passes through the recording. */
  readonly request: globalThis.Request;
  readonly #started = new Date();
  readonly #begin = performance.now();
  readonly #body: RecordedBody;
  readonly #isRecorded: (name: string) => boolean;
  readonly #maxBody: number;

  constructor(request: globalThis.Request, maxBody: number, sensitive: boolean) {
    this.#maxBody = maxBody;
    this.#isRecorded = (name) => sensitive || !SENSITIVE.test(name);
    this.#body = new RecordedBody(maxBody);
    this.request = request.body === null ? request : new Request(request, {
      body: this.#body.of(request.body, () => {}),
      duplex: "half",
    } as RequestInit);
  }

  /** Returns the response to pass on; calls `done` with the entry at its end. */
  follow(response: Response, done: (entry: HarEntry) => void): Response {
    const wait = performance.now() - this.#begin;
    const content = new RecordedBody(this.#maxBody);
    const finish = () => done(this.#entry(response, content, wait));
    if (response.body === null) {
      finish();
      return response;
    }
    const { status, statusText, headers, url } = response;
    const body = content.of(response.body, finish);
    const followed = new Response(body, { status, statusText, headers });
    return Object.defineProperty(followed, "url", { value: url });
  }

  #entry(response: Response, content: RecordedBody, wait: number): HarEntry {
    const time = performance.now() - this.#begin;
    return {
      startedDateTime: this.#started.toISOString(),
      time,
      request: this.#requestOf(),
      response: this.#responseOf(response, content),
      cache: {},
      timings: { send: 0, wait, receive: time - wait },
    };
  }

  #requestOf(): HarRequest {
    const { method, url, headers } = this.request;
    const { searchParams } = new URL(url);
    const mimeType = headers.get("content-type") ?? "";
    const text = this.#body.size === 0 ? undefined : this.#body.text();
    return {
      method,
      url: url.replace(/#.*$/, ""),
      queryString: [...searchParams].map(([name, value]) => ({ name, value })),
      ...text === undefined ? {} : { postData: { mimeType, text } },
      ...this.#message(headers, this.#body.size),
    };
  }

  #responseOf({ status, statusText, headers }: Response, content: RecordedBody): HarResponse {
    return {
      status,
      statusText,
      content: content.content(headers.get("content-type") ?? ""),
      redirectURL: headers.get("location") ?? "",
      ...this.#message(headers, content.size),
    };
  }

  #message(headers: Headers, bodySize: number) {
    const fields: HarPair[] = [...headers]
      .filter(([name]) => this.#isRecorded(name))
      .map(([name, value]) => ({ name, value }));
    return { httpVersion: "HTTP/1.1", cookies: [], headers: fields, headersSize: -1, bodySize };
  }
}

/** A body, recorded while it passes. */
class RecordedBody {
  readonly #maxBytes: number;
  #chunks: Uint8Array<ArrayBuffer>[] = [];
  /** How many bytes have passed. */
  size = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Returns the same stream; calls `done` at its end, however it ends. */
  of(
    stream: ReadableStream<Uint8Array<ArrayBuffer>>,
    done: () => void,
  ): ReadableStream<Uint8Array<ArrayBuffer>> {
    const reader = stream.getReader();
    return new ReadableStream({
      pull: async (controller) => {
        try {
          const { done: ended, value } = await reader.read();
          if (!ended) return controller.enqueue(this.#kept(value));
        } catch (error) {
          done();
          throw error;
        }
        done();
        controller.close();
      },
      cancel: (reason) => {
        done();
        return reader.cancel(reason);
      },
    }, { highWaterMark: 0 });
  }

  /** The body as text; undefined where it was too large. */
  text(): string | undefined {
    return this.#isWhole() ? new TextDecoder().decode(this.#bytes()) : undefined;
  }

  /** The body as the archive has it: text where it is UTF-8, else in base64. */
  content(mimeType: string): HarContent {
    const { size } = this;
    if (!this.#isWhole()) return { size, mimeType, comment: "Too large to be recorded" };
    try {
      return { size, mimeType, text: STRICT.decode(this.#bytes()) };
    } catch {
      return { size, mimeType, text: this.#bytes().toBase64(), encoding: "base64" };
    }
  }

  #kept(chunk: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    this.size += chunk.length;
    if (this.#isWhole()) this.#chunks.push(chunk.slice());
    else this.#chunks = [];
    return chunk;
  }

  #isWhole(): boolean {
    return this.size <= this.#maxBytes;
  }

  #bytes(): Uint8Array {
    const bytes = new Uint8Array(this.size);
    let at = 0;
    for (const chunk of this.#chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return bytes;
  }
}

/** A BOM is part of the content. */
const STRICT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
