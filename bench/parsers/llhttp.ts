/**
 * Node's parser, in the WebAssembly build that undici ships, with the leanest callbacks
 * that keep what a server needs: they record positions and create no strings.
 */
import wasm from "npm:undici@8.12.4/lib/llhttp/llhttp_simd-wasm.js";
import { latin1 } from "../../src/wire/latin1.ts";
import type { Field, Parser } from "./parser.ts";

const REQUEST = 1;
const OK = 0;
const LARGEST = 1 << 20;

interface Exports {
  readonly memory: WebAssembly.Memory;
  _initialize(): void;
  malloc(size: number): number;
  llhttp_alloc(type: number): number;
  llhttp_execute(parser: number, at: number, length: number): number;
  llhttp_get_method(parser: number): number;
  llhttp_should_keep_alive(parser: number): number;
}

/** Positions within the current request. */
class Places {
  method = 0;
  persistent = true;
  target = { start: 0, end: 0 };
  /** Four per field: start and end of its name, start and end of its value. */
  readonly fields: number[] = [];

  /** Records a name or more of it. */
  name(start: number, end: number): void {
    const { fields } = this;
    if (fields.at(-1) === -1) fields[fields.length - 3] = end;
    else fields.push(start, end, -1, -1);
  }

  /** Records a value or more of it. */
  value(start: number, end: number): void {
    const { fields } = this;
    if (fields[fields.length - 2] === -1) fields[fields.length - 2] = start;
    fields[fields.length - 1] = end;
  }
}

export class Llhttp implements Parser {
  complete = 0;
  readonly #exports: Exports;
  readonly #parser: number;
  readonly #base: number;
  readonly #memory: Uint8Array;
  /** The position in memory at which the bytes of the current request end. */
  #end: number;
  #places = new Places();

  constructor() {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(wasm), { env: this.#env() });
    this.#exports = instance.exports as unknown as Exports;
    this.#exports._initialize();
    this.#parser = this.#exports.llhttp_alloc(REQUEST);
    this.#end = this.#base = this.#exports.malloc(LARGEST);
    this.#memory = new Uint8Array(this.#exports.memory.buffer);
  }

  prepare(bytes: Uint8Array): Uint8Array {
    return bytes;
  }

  feed(bytes: Uint8Array): void {
    const { complete } = this;
    const start = this.#end;
    this.#memory.set(bytes, start);
    this.#end += bytes.length;
    const errno = this.#exports.llhttp_execute(this.#parser, start, bytes.length);
    if (errno !== OK) throw new Error(`llhttp failed with error ${errno}`);
    if (this.complete > complete) this.#end = this.#base;
  }

  fields(): readonly Field[] {
    const { fields } = this.#places;
    return Array.from({ length: fields.length / 4 }, (_, i) => [
      latin1(this.#memory, fields[4 * i]!, fields[4 * i + 1]!),
      latin1(this.#memory, fields[4 * i + 2]!, fields[4 * i + 3]!),
    ]);
  }

  #env() {
    return {
      wasm_on_message_begin: () => {
        this.#places = new Places();
        return OK;
      },
      wasm_on_url: (_: number, at: number, length: number) => {
        const { target } = this.#places;
        if (target.start === 0) target.start = at;
        target.end = at + length;
        return OK;
      },
      wasm_on_status: () => OK,
      wasm_on_header_field: (_: number, at: number, length: number) => {
        this.#places.name(at, at + length);
        return OK;
      },
      wasm_on_header_value: (_: number, at: number, length: number) => {
        this.#places.value(at, at + length);
        return OK;
      },
      wasm_on_headers_complete: (parser: number) => {
        this.#places.method = this.#exports.llhttp_get_method(parser);
        this.#places.persistent = this.#exports.llhttp_should_keep_alive(parser) === 1;
        return OK;
      },
      wasm_on_body: () => OK,
      wasm_on_message_complete: () => {
        this.complete++;
        return OK;
      },
    };
  }
}
