/**
 * What one side makes of a text, in words that both sides share.
 *
 * A verdict is `"waits"`, `"refused"`, with the status where the RFC gives one
 * (`"refused 501"`), or `"accepted"` with the number of bytes taken and what they mean.
 */
import { HttpError } from "../../src/errors.ts";
import type { FieldPair } from "../../src/wire/fields.ts";
import type { RequestHead } from "../../src/wire/request_head.ts";
import { RequestParser } from "../../src/wire/request_parser.ts";
import { textOf } from "../fixtures.ts";
import { parserOptions } from "../wire/runners.ts";

/** A verdict about a text. */
export type Verdict = string;

/** The text is the beginning of a message. */
export const WAITS = "waits";
/** No text that begins so is a message. */
export const REFUSED = "refused";

/** The facts of a head that are compared. */
export interface HeadFacts {
  readonly method: string;
  readonly target: string;
  readonly form: string;
  readonly version: string;
  readonly fields: readonly FieldPair[];
  readonly body: number | "chunked";
}

/** Returns the verdict about an accepted head that ends at `end`. */
export function acceptedHead(end: number, facts: HeadFacts): Verdict {
  const { method, target, form, version, fields, body } = facts;
  return `accepted ${end}: ${JSON.stringify([method, target, form, version, fields, body])}`;
}

/** Returns the verdict about an accepted body that ends at `end`. */
export function acceptedBody(end: number, data: string, trailers: readonly FieldPair[]): Verdict {
  return `accepted ${end}: ${JSON.stringify([data, trailers])}`;
}

/** A way to read a text that arrives in pieces. */
export type Reader = (pieces: readonly string[]) => Verdict;

const OPTIONS = parserOptions({ profile: "rfc", maxBody: Infinity });
/** The statuses that the RFC gives to texts of these grammars; others are no matter of grammar. */
const COMPARED_STATUS = new Set([413, 501]);

/** Reads one head with the parser. */
export function readHead(pieces: readonly string[]): Verdict {
  return read(pieces, (parser, length) => {
    const event = parser.next();
    if (event.type !== "head") return WAITS;
    return acceptedHead(length - parser.input.length, factsOf(event));
  });
}

function factsOf(head: RequestHead): HeadFacts {
  return {
    method: head.method,
    target: head.target,
    form: head.targetForm,
    version: head.protocol.orig,
    fields: head.fields.pairs(),
    body: head.framing.body,
  };
}

const CHUNKED_HEAD = "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";

/** Reads one chunked body with the parser. */
export function readChunked(pieces: readonly string[]): Verdict {
  const body = { data: "" };
  return read([CHUNKED_HEAD, ...pieces], (parser, length) => {
    for (;;) {
      const event = parser.next();
      if (event.type === "need-data") return WAITS;
      if (event.type === "data") body.data += textOf(event.bytes);
      if (event.type === "end") {
        const end = length - parser.input.length - CHUNKED_HEAD.length;
        return acceptedBody(end, body.data, event.trailers.pairs());
      }
    }
  });
}

/** Feeds the pieces to a parser, and asks for a verdict after each, up to the first that is final. */
function read(
  pieces: readonly string[],
  ask: (parser: RequestParser, length: number) => Verdict,
): Verdict {
  const parser = new RequestParser(OPTIONS);
  let length = 0;
  try {
    for (const piece of pieces) {
      parser.input.push(bytesOf(piece));
      length += piece.length;
      const verdict = ask(parser, length);
      if (verdict !== WAITS) return verdict;
    }
    return WAITS;
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    return COMPARED_STATUS.has(error.status) ? `${REFUSED} ${error.status}` : REFUSED;
  }
}

const memory = new Uint8Array(1024);

/** As that of the fixtures, but in memory that is reused: this runs ten million times. */
function bytesOf(text: string): Uint8Array {
  for (let i = 0; i < text.length; i++) memory[i] = text.charCodeAt(i);
  return memory.subarray(0, text.length);
}
