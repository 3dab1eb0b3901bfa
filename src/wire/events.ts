/** The events that both parsers return, besides the heads. */
import { NO_FIELDS } from "./fields.ts";
import type { Fields } from "./fields.ts";

/** A piece of a body: a view that becomes invalid when more input is pushed. */
export interface BodyData {
  /** The name of the event. */
  readonly type: "data";
  /** The bytes, without their transfer coding; at least one. */
  readonly bytes: Uint8Array;
}

/** The end of a message. */
export interface MessageEnd {
  /** The name of the event. */
  readonly type: "end";
  /** The trailer fields; none unless the body was chunked. */
  readonly trailers: Fields;
}

/** The input holds no complete event: more must be pushed before the next one. */
export interface NeedData {
  /** The name of the event. */
  readonly type: "need-data";
}

export const NEED_DATA: NeedData = Object.freeze({ type: "need-data" });
/** The end of a message without trailers. */
export const END: MessageEnd = Object.freeze({ type: "end", trailers: NO_FIELDS });
