/** The verdict of `RequestParser`, as a connection would read it. */
import { HttpError } from "../../src/errors.ts";
import { NO_FIELDS } from "../../src/wire/fields.ts";
import type { FieldPair, Fields } from "../../src/wire/fields.ts";
import type { RequestHead } from "../../src/wire/request_head.ts";
import { RequestParser } from "../../src/wire/request_parser.ts";
import { parserOptions } from "../wire/runners.ts";
import { BodyStore } from "./verdict.ts";
import type { Message, Verdict } from "./verdict.ts";

const OPTIONS = parserOptions({ profile: "rfc" });

const bodies = new BodyStore();

/** A request from our parser; creates its field pairs only for a comparison. */
class OurMessage implements Message {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly persistent: boolean;
  readonly handedOver: boolean;
  body: Uint8Array = bodies.from(bodies.length);
  end: number | null = null;
  readonly #fields: Fields;
  #trailers: Fields = NO_FIELDS;
  readonly #bodyStart = bodies.length;

  constructor(head: RequestHead) {
    this.method = head.method;
    this.target = head.target;
    this.version = `${head.protocol.major}.${head.protocol.minor}`;
    this.persistent = head.framing.persistent;
    this.handedOver = head.method === "CONNECT" || head.framing.upgrade !== null;
    this.#fields = head.fields;
  }

  get fields(): readonly FieldPair[] {
    return this.#fields.pairs();
  }

  get trailers(): readonly FieldPair[] {
    return this.#trailers.pairs();
  }

  data(bytes: Uint8Array): void {
    bodies.add(bytes);
    this.body = bodies.from(this.#bodyStart);
  }

  complete(trailers: Fields, end: number): void {
    this.#trailers = trailers;
    this.end = end;
  }
}

/** Parses requests up to the end of the input, the last request of its connection, or a rejection. */
export function readOurs(bytes: Uint8Array): Verdict {
  bodies.clear();
  const parser = new RequestParser(OPTIONS);
  parser.input.push(bytes);
  const messages: OurMessage[] = [];
  const used = () => bytes.length - parser.input.length;
  try {
    const outcome = readAll(parser, messages, used) ? "ok" : "incomplete";
    return { messages, outcome, reason: "", at: used() };
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    return { messages, outcome: "refused", reason: `${error.code}: ${error.message}`, at: used() };
  }
}

/** Parses all messages; returns whether the input ended, or was left, between two of them. */
function readAll(parser: RequestParser, messages: OurMessage[], used: () => number): boolean {
  for (;;) {
    const event = parser.next();
    if (event.type === "head") {
      messages.push(new OurMessage(event));
    } else if (event.type === "need-data") {
      return endsBetween(parser);
    } else {
      const message = messages.at(-1)!;
      if (event.type === "data") message.data(event.bytes);
      else message.complete(event.trailers, used());
      if (message.end !== null && (message.handedOver || !message.persistent)) return true;
    }
  }
}

function endsBetween(parser: RequestParser): boolean {
  try {
    return parser.finish();
  } catch (error) {
    if (error instanceof HttpError && error.code === "incomplete-message") return false;
    throw error;
  }
}
