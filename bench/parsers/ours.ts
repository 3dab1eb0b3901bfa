/** This parser as a connection uses it; it checks and decides what the others leave to callers. */
import { NO_FIELDS } from "../../src/wire/fields.ts";
import type { Fields } from "../../src/wire/fields.ts";
import { RequestParser } from "../../src/wire/request_parser.ts";
import type { Field, Parser } from "./parser.ts";

export class Ours implements Parser {
  complete = 0;
  readonly #parser = new RequestParser({ profile: "original" });
  #fields: Fields = NO_FIELDS;

  prepare(bytes: Uint8Array): Uint8Array {
    return bytes;
  }

  feed(bytes: Uint8Array): void {
    this.#parser.input.push(bytes);
    for (let event = this.#parser.next(); event.type !== "need-data"; event = this.#parser.next()) {
      if (event.type === "head") this.#fields = event.fields;
      else if (event.type === "end") this.complete++;
    }
  }

  fields(): readonly Field[] {
    return this.#fields.pairs();
  }
}
