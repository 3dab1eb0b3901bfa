/** The events that both parsers return, besides the heads. */
import { NO_FIELDS } from "./fields.ts";
import type { Fields } from "./fields.ts";

/**
 * A piece of a body: a view that becomes invalid when more input is pushed.
 *
 * @example
 * ```ts
 * import { type BodyData, RequestParser } from "@asynchttp/server/wire";
 *
 * const body: Uint8Array[] = [];
 * const keep = ({ bytes }: BodyData) => body.push(bytes.slice()); // a copy outlives the next push
 *
 * const parser = new RequestParser();
 * const head = "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n";
 * for (const piece of [head, "he", "llo"]) {
 *   parser.input.push(new TextEncoder().encode(piece));
 *   for (let event = parser.next(); event.type !== "need-data"; event = parser.next()) {
 *     if (event.type === "data") keep(event);
 *   }
 * }
 * console.log(await new Blob(body as BlobPart[]).text()); // hello
 * ```
 */
export interface BodyData {
  /** The name of the event. */
  readonly type: "data";
  /** The bytes, without their transfer coding; at least one. */
  readonly bytes: Uint8Array;
}

/**
 * The end of a message.
 *
 * @example
 * ```ts
 * import { type MessageEnd, RequestParser } from "@asynchttp/server/wire";
 *
 * const parser = new RequestParser();
 * const head = "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
 * parser.input.push(new TextEncoder().encode(`${head}0\r\nDigest: abc\r\n\r\n`));
 * parser.next(); // the head
 * const { trailers } = parser.next() as MessageEnd;
 * console.log(trailers.pairs()); // [ [ "Digest", "abc" ] ]
 * ```
 */
export interface MessageEnd {
  /** The name of the event. */
  readonly type: "end";
  /** The trailer fields; none unless the body was chunked. */
  readonly trailers: Fields;
}

/**
 * The input holds no complete event: more must be pushed before the next one.
 *
 * @example
 * ```ts
 * import { type NeedData, RequestParser } from "@asynchttp/server/wire";
 *
 * const wanting: NeedData["type"] = "need-data";
 * const parser = new RequestParser();
 * for (const piece of ["GET / HT", "TP/1.1\r\nHost: x\r\n\r\n"]) {
 *   parser.input.push(new TextEncoder().encode(piece));
 *   console.log(parser.next().type === wanting); // true, false
 * }
 * ```
 */
export interface NeedData {
  /** The name of the event. */
  readonly type: "need-data";
}

export const NEED_DATA: NeedData = Object.freeze({ type: "need-data" });
/** The end of a message without trailers. */
export const END: MessageEnd = Object.freeze({ type: "end", trailers: NO_FIELDS });
