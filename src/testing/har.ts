/** The HTTP Archive format, HAR 1.2, which the network tools of browsers read and write. */

/**
 * An archive.
 *
 * @example Read an archive that a browser has saved
 * ```ts
 * import type { Har } from "@asynchttp/server/testing";
 *
 * const saved = `{ "log": { "version": "1.2", "creator": { "name": "a", "version": "1" }, "entries": [] } }`;
 * const { log }: Har = JSON.parse(saved);
 * console.log(log.entries.length); // 0
 * ```
 */
export interface Har {
  /** All of its content. */
  readonly log: {
    /** The version of the format. */
    readonly version: "1.2";
    /** The program that has made the archive. */
    readonly creator: { readonly name: string; readonly version: string };
    /** Requests with their responses, in the order in which they were made. */
    readonly entries: readonly HarEntry[];
  };
}

/**
 * A request with its response.
 *
 * @example
 * ```ts
 * import { type HarEntry, record } from "@asynchttp/server/testing";
 *
 * const isSlow = ({ time }: HarEntry) => time > 1000;
 *
 * const { handler, archive } = record(() => new Response("hi"));
 * await (await handler(new Request("http://localhost/"))).text();
 * console.log(archive().log.entries.filter(isSlow).length); // 0
 * ```
 */
export interface HarEntry {
  /** When the request was made, in ISO 8601. */
  readonly startedDateTime: string;
  /** Milliseconds from the request to the end of the response. */
  readonly time: number;
  /** The request. */
  readonly request: HarRequest;
  /** The response. */
  readonly response: HarResponse;
  /** The use of a cache: none. */
  readonly cache: Readonly<Record<string, never>>;
  /** Milliseconds of sending, of waiting for the head, and of receiving the content. */
  readonly timings: { readonly send: number; readonly wait: number; readonly receive: number };
  /** What was left out. */
  readonly comment?: string;
}

/**
 * A name with its value: of a field, of a parameter, or of a cookie.
 *
 * @example
 * ```ts
 * import { type HarPair, record } from "@asynchttp/server/testing";
 *
 * const line = ({ name, value }: HarPair) => `${name}: ${value}`;
 *
 * const { handler, archive } = record(() => new Response(null, { headers: { A: "b" } }));
 * await handler(new Request("http://localhost/"));
 * console.log(archive().log.entries[0]!.response.headers.map(line)); // [ "a: b" ]
 * ```
 */
export interface HarPair {
  /** The name. */
  readonly name: string;
  /** The value. */
  readonly value: string;
}

/**
 * What requests and responses share.
 *
 * @example
 * ```ts
 * import { type HarMessage, record } from "@asynchttp/server/testing";
 *
 * const valueOf = ({ headers }: HarMessage, name: string) =>
 *   headers.find((header) => header.name === name)?.value;
 *
 * const { handler, archive } = record(() => Response.json({}));
 * await (await handler(new Request("http://localhost/", { headers: { A: "b" } }))).text();
 * const { request, response } = archive().log.entries[0]!;
 * console.log(valueOf(request, "a"), valueOf(response, "content-type")); // b application/json
 * ```
 */
export interface HarMessage {
  /** The version, such as `"HTTP/1.1"`. */
  readonly httpVersion: string;
  /** Cookies: none, because they are among the header fields if anywhere. */
  readonly cookies: readonly HarPair[];
  /** The header fields. */
  readonly headers: readonly HarPair[];
  /** Bytes of the head; -1 where they are not known. */
  readonly headersSize: number;
  /** Bytes of the body; -1 where they are not known. */
  readonly bodySize: number;
}

/**
 * A request.
 *
 * @example
 * ```ts
 * import { type HarRequest, record } from "@asynchttp/server/testing";
 *
 * const logged = ({ method, url, postData }: HarRequest) => `${method} ${url} ${postData?.text}`;
 *
 * const { handler, archive } = record(async (request) => new Response(await request.text()));
 * const request = new Request("http://localhost/a", { method: "POST", body: "hi" });
 * await (await handler(request)).text();
 * console.log(logged(archive().log.entries[0]!.request)); // POST http://localhost/a hi
 * ```
 */
export interface HarRequest extends HarMessage {
  /** The method. */
  readonly method: string;
  /** The URL, without its fragment. */
  readonly url: string;
  /** The parameters of the query. */
  readonly queryString: readonly HarPair[];
  /** The body. */
  readonly postData?: { readonly mimeType: string; readonly text: string };
}

/**
 * A response.
 *
 * @example
 * ```ts
 * import { type HarResponse, record } from "@asynchttp/server/testing";
 *
 * const isRedirect = ({ status, redirectURL }: HarResponse) => status < 400 && redirectURL !== "";
 *
 * const { handler, archive } = record(() => Response.redirect("http://localhost/b"));
 * await handler(new Request("http://localhost/a"));
 * console.log(isRedirect(archive().log.entries[0]!.response)); // true
 * ```
 */
export interface HarResponse extends HarMessage {
  /** The status code. */
  readonly status: number;
  /** The reason phrase. */
  readonly statusText: string;
  /** The content. */
  readonly content: HarContent;
  /** The `Location` field, `""` where there is none. */
  readonly redirectURL: string;
}

/**
 * The content of a response.
 *
 * @example
 * ```ts
 * import { type HarContent, record } from "@asynchttp/server/testing";
 *
 * const bytesOf = ({ text = "", encoding }: HarContent) =>
 *   encoding === "base64" ? Uint8Array.fromBase64(text) : new TextEncoder().encode(text);
 *
 * const { handler, archive } = record(() => new Response(new Uint8Array([0xff, 0xd8])));
 * await (await handler(new Request("http://localhost/a.jpg"))).bytes();
 * console.log(bytesOf(archive().log.entries[0]!.response.content)); // Uint8Array(2) [ 255, 216 ]
 * ```
 */
export interface HarContent {
  /** Bytes. */
  readonly size: number;
  /** The `Content-Type`, `""` where there is none. */
  readonly mimeType: string;
  /** The content, as text or in the encoding. */
  readonly text?: string;
  /** How `text` is encoded, if it is not text. */
  readonly encoding?: "base64";
  /** Why `text` is missing. */
  readonly comment?: string;
}
