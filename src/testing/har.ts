/** The HTTP Archive format, HAR 1.2, which the network tools of browsers read and write. */

/** An archive. */
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

/** A request with its response. */
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

/** A name with its value: of a field, of a parameter, or of a cookie. */
export interface HarPair {
  /** The name. */
  readonly name: string;
  /** The value. */
  readonly value: string;
}

/** What requests and responses share. */
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

/** A request. */
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

/** A response. */
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

/** The content of a response. */
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
