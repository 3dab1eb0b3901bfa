/** Node's former parser, in JavaScript. It creates all strings while it parses. */
import { Buffer } from "node:buffer";
import { HTTPParser } from "npm:http-parser-js@0.5.10";
import type { Field, Parser } from "./parser.ts";

export class HttpParserJs implements Parser {
  complete = 0;
  readonly #parser = new HTTPParser(HTTPParser.REQUEST);
  #flat: readonly string[] = [];

  constructor() {
    this.#parser[HTTPParser.kOnHeadersComplete] = ({ headers }) => {
      this.#flat = headers;
    };
    this.#parser[HTTPParser.kOnBody] = () => {};
    this.#parser[HTTPParser.kOnMessageComplete] = () => {
      this.complete++;
    };
  }

  prepare(bytes: Uint8Array): Uint8Array {
    return Buffer.from(bytes);
  }

  feed(bytes: Uint8Array): void {
    const read = this.#parser.execute(bytes as Buffer);
    if (read instanceof Error) throw read;
  }

  fields(): readonly Field[] {
    const flat = this.#flat;
    return Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i]!, flat[2 * i + 1]!]);
  }
}
