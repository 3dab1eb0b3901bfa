/**
 * A Web `Request` that is created when it is first needed.
 *
 * Creating a genuine one takes 4 µs, half the time of a whole request; most handlers read
 * only its method and URL. So they get an object with the prototype of `Request` that
 * implements those, and creates a genuine one to which it delegates everything else. It
 * also forwards the state that the platform keeps in symbols of the instance, so that
 * `fetch(request)`, `new Request(request)` and `request.clone()` accept it.
 */
import { ignoreRejection } from "../ignore_rejection.ts";
import { formOf, notingBadJson, typedContent } from "./bad_body.ts";

const WebRequest = globalThis.Request;

/** The parts of a Web `Request`. */
export interface RequestSource {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly hasBody: boolean;
  readonly stream: ReadableStream<Uint8Array>;
  readonly trailers: Promise<Headers>;
  readonly signal: AbortSignal;
}

/** Called before a body is read whole through its stream: it takes memory then. */
export type KeepBody = (source: RequestSource) => void;

/** Method names that the Fetch standard converts to upper case. */
const NORMALIZED = /^(?:DELETE|GET|HEAD|OPTIONS|POST|PUT)$/i;

class LazyRequest {
  readonly #source: RequestSource;
  readonly #keepBody: KeepBody;
  #genuine: globalThis.Request | undefined;

  constructor(source: RequestSource, keepBody: KeepBody) {
    this.#source = source;
    this.#keepBody = keepBody;
  }

  /** Returns what a lazy request was made of; undefined for any other request. */
  static sourceOf(request: object): RequestSource | undefined {
    return #source in request ? request.#source : undefined;
  }

  get method(): string {
    const { method } = this.#source;
    return NORMALIZED.test(method) ? method.toUpperCase() : method;
  }

  get url(): string {
    return this.#source.url.href;
  }

  get headers(): Headers {
    return this.#genuine?.headers ?? this.#source.headers;
  }

  get signal(): AbortSignal {
    return this.#source.signal;
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    return this.#kept().arrayBuffer();
  }

  blob(): Promise<Blob> {
    return this.#kept().blob();
  }

  bytes(): Promise<Uint8Array> {
    return this.#kept().bytes();
  }

  text(): Promise<string> {
    return this.#kept().text();
  }

  json(): Promise<unknown> {
    return jsonOf(this.#kept());
  }

  formData(): Promise<FormData> {
    return formDataOf(this.#kept());
  }

  #kept(): globalThis.Request {
    this.#keepBody(this.#source);
    return this.genuine();
  }

  /** Returns the genuine `Request`; it includes earlier changes to `headers`. */
  genuine(): globalThis.Request {
    return this.#genuine ??= genuineRequest(this.#source);
  }
}

function jsonOf(request: globalThis.Request): Promise<unknown> {
  return notingBadJson(WebRequest.prototype.json.call(request));
}

/** In two steps: an error of the first, such as a body that was read before, is not the client's. */
async function formDataOf(request: globalThis.Request): Promise<FormData> {
  return formOf(typedContent(await request.arrayBuffer(), request.headers));
}

function genuineRequest(source: RequestSource): globalThis.Request {
  ignoreRejection(source.trailers);
  return new WebRequest(source.url, {
    method: source.method,
    headers: source.headers,
    body: source.hasBody ? source.stream : null,
    signal: source.signal,
    duplex: "half",
  } as RequestInit);
}

Object.setPrototypeOf(LazyRequest.prototype, WebRequest.prototype);
for (const key of Object.getOwnPropertySymbols(new WebRequest("http://localhost/"))) {
  Object.defineProperty(LazyRequest.prototype, key, {
    get(this: LazyRequest) {
      return Reflect.get(this.genuine(), key);
    },
    set(this: LazyRequest, value: unknown) {
      Reflect.set(this.genuine(), key, value);
    },
  });
}

/** A request for the test whether the platform accepts a lazy one; with a client's request the test would consume the body. */
const PROBE = {
  method: "GET",
  url: new URL("http://localhost/probe"),
  headers: new Headers(),
  hasBody: false,
  signal: new AbortController().signal,
  trailers: Promise.resolve(new Headers()),
} as unknown as RequestSource;

function fakeRequest(source: RequestSource, keepBody: KeepBody): globalThis.Request {
  return new LazyRequest(source, keepBody) as unknown as globalThis.Request;
}

/** Whether the platform accepts the lazy object as a `Request`; a later Deno may keep its state elsewhere. */
function isAcceptedAsRequest(): boolean {
  try {
    return new WebRequest(fakeRequest(PROBE, () => {})).url === PROBE.url.href;
  } catch {
    return false;
  }
}

/** Returns a request as a Web `Request`, created lazily if the platform accepts that. */
export const lazyRequest: (source: RequestSource, keepBody: KeepBody) => globalThis.Request =
  isAcceptedAsRequest() ? fakeRequest : rememberedRequest;

/** What requests were made of that are genuine from the beginning. */
const sources = new WeakMap<globalThis.Request, RequestSource>();

function rememberedRequest(source: RequestSource, keepBody: KeepBody): globalThis.Request {
  const request = genuineRequest(source);
  sources.set(request, source);
  const kept = () => {
    keepBody(source);
    return request;
  };
  return Object.assign(request, {
    arrayBuffer: () => WebRequest.prototype.arrayBuffer.call(kept()),
    blob: () => WebRequest.prototype.blob.call(kept()),
    bytes: () => WebRequest.prototype.bytes.call(kept()),
    text: () => WebRequest.prototype.text.call(kept()),
    json: () => jsonOf(kept()),
    formData: () => formDataOf(kept()),
  });
}

/** Returns what {@linkcode lazyRequest} has made `request` of; undefined for any other request. */
export function sourceOf(request: globalThis.Request): RequestSource | undefined {
  return LazyRequest.sourceOf(request) ?? sources.get(request);
}
