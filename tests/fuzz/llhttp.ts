/**
 * The other side: llhttp, the parser of Node, in strict mode, in the WebAssembly build that
 * undici ships. Here it parses requests; undici parses responses with it.
 *
 * It pauses after each message, and so reports where the message ends.
 */
import wasm from "npm:undici@8.12.4/lib/llhttp/llhttp_simd-wasm.js";
import type { FieldPair } from "../../src/wire/fields.ts";
import { latin1 } from "../../src/wire/latin1.ts";
import { BodyStore } from "./verdict.ts";
import type { Message, Outcome, Verdict } from "./verdict.ts";

const REQUEST = 1;
const OK = 0;
const PAUSED = 21;
const PAUSED_UPGRADE = 22;
const MAX_INPUT_BYTES = 1 << 20;

interface Exports {
  readonly memory: WebAssembly.Memory;
  _initialize(): void;
  malloc(size: number): number;
  llhttp_alloc(type: number): number;
  llhttp_reset(parser: number): void;
  llhttp_execute(parser: number, at: number, length: number): number;
  llhttp_resume(parser: number): void;
  llhttp_resume_after_upgrade(parser: number): void;
  llhttp_get_error_pos(parser: number): number;
  llhttp_get_error_reason(parser: number): number;
  llhttp_errno_name(errno: number): number;
  llhttp_get_http_major(parser: number): number;
  llhttp_get_http_minor(parser: number): number;
  llhttp_get_method(parser: number): number;
  llhttp_method_name(method: number): number;
  llhttp_get_upgrade(parser: number): number;
  llhttp_should_keep_alive(parser: number): number;
}

/** A request as llhttp reports it: offsets in the input, not copies. */
class TheirMessage implements Message {
  method = "";
  target = "";
  version = "";
  headComplete = false;
  body: Uint8Array;
  end: number | null = null;
  persistent = true;
  handedOver = false;
  readonly bodyStart: number;
  readonly #bytes: Uint8Array;
  /** Four offsets a field: the start and end of its name, and of its value. */
  readonly #places: number[] = [];
  #fieldCount = 0;

  constructor(bytes: Uint8Array, bodies: BodyStore) {
    this.#bytes = bytes;
    this.bodyStart = bodies.length;
    this.body = bodies.from(bodies.length);
  }

  get fields(): readonly FieldPair[] {
    return this.#pairs(0, this.#fieldCount);
  }

  get trailers(): readonly FieldPair[] {
    return this.#pairs(this.#fieldCount, this.#places.length);
  }

  name(start: number, length: number): void {
    this.#places.push(start, start + length, -1, -1);
  }

  value(start: number, length: number): void {
    const places = this.#places;
    if (places[places.length - 2] === -1) places[places.length - 2] = start;
    places[places.length - 1] = start + length;
  }

  completeHead(): void {
    this.headComplete = true;
    this.#fieldCount = this.#places.length;
  }

  #pairs(from: number, to: number): FieldPair[] {
    const pairs: FieldPair[] = [];
    for (let i = from; i < to; i += 4) {
      const [a, b, c, d] = this.#places.slice(i, i + 4) as [number, number, number, number];
      // llhttp leaves the whitespace after a value to its caller.
      const value = latin1(this.#bytes, c, d).replace(/[ \t]+$/, "");
      pairs.push([latin1(this.#bytes, a, b), value]);
    }
    return pairs;
  }
}

/** A parser that is reset for each input. */
export class Llhttp {
  readonly #exports: Exports;
  readonly #parser: number;
  readonly #base: number;
  readonly #bodies = new BodyStore();
  readonly #names = new Map<number, string>();
  #memory: Uint8Array;
  #bytes: Uint8Array = new Uint8Array(0);
  #messages: TheirMessage[] = [];
  #open: TheirMessage | null = null;

  constructor() {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(wasm), { env: this.#env() });
    this.#exports = instance.exports as unknown as Exports;
    this.#exports._initialize();
    this.#parser = this.#exports.llhttp_alloc(REQUEST);
    this.#base = this.#exports.malloc(MAX_INPUT_BYTES);
    this.#memory = new Uint8Array(this.#exports.memory.buffer);
  }

  /** Parses requests up to the end of the input, the last request of its connection, or a rejection. */
  read(bytes: Uint8Array): Verdict {
    if (bytes.length > MAX_INPUT_BYTES) {
      throw new RangeError(`At most ${MAX_INPUT_BYTES} bytes can be read`);
    }
    this.#bytes = bytes;
    this.#bodies.clear();
    this.#messages = [];
    this.#open = null;
    this.#memory.set(bytes, this.#base);
    this.#exports.llhttp_reset(this.#parser);
    return this.#execute(this.#base + bytes.length);
  }

  #execute(end: number): Verdict {
    const parser = this.#parser;
    for (let at = this.#base;;) {
      const errno = this.#exports.llhttp_execute(parser, at, end - at);
      if (errno === OK) return this.#verdict(this.#open ? "incomplete" : "ok", end);
      at = this.#exports.llhttp_get_error_pos(parser);
      if (errno === PAUSED) {
        if (this.#complete(at) === "last") return this.#verdict("ok", at);
        this.#exports.llhttp_resume(parser);
      } else if (errno === PAUSED_UPGRADE) {
        this.#exports.llhttp_resume_after_upgrade(parser);
      } else {
        return this.#verdict("refused", at, this.#reason(errno));
      }
    }
  }

  /** Ends the current message. After an Upgrade parsing continues: whether the protocol changes is not known here. */
  #complete(at: number): "last" | "another" {
    const message = this.#open!;
    message.end = at - this.#base;
    message.handedOver = this.#exports.llhttp_get_upgrade(this.#parser) === 1;
    message.persistent = this.#exports.llhttp_should_keep_alive(this.#parser) === 1;
    this.#open = null;
    return message.method === "CONNECT" || !message.persistent ? "last" : "another";
  }

  #verdict(outcome: Outcome, at: number, reason = ""): Verdict {
    const messages = this.#messages.filter((message) => message.headComplete);
    return { messages, outcome, reason, at: at - this.#base };
  }

  #reason(errno: number): string {
    const reason = this.#exports.llhttp_get_error_reason(this.#parser);
    const name = this.#text(this.#exports.llhttp_errno_name(errno));
    return `${name}: ${reason === 0 ? "" : this.#text(reason)}`;
  }

  #text(at: number): string {
    return latin1(this.#memory, at, this.#memory.indexOf(0, at));
  }

  #methodName(): string {
    const method = this.#exports.llhttp_get_method(this.#parser);
    let name = this.#names.get(method);
    if (name === undefined) {
      name = this.#text(this.#exports.llhttp_method_name(method));
      this.#names.set(method, name);
    }
    return name;
  }

  #version(): string {
    const parser = this.#parser;
    return `${this.#exports.llhttp_get_http_major(parser)}.${
      this.#exports.llhttp_get_http_minor(parser)
    }`;
  }

  #env() {
    const proceed = () => OK;
    return {
      wasm_on_status: proceed,
      wasm_on_message_begin: () => {
        this.#open = new TheirMessage(this.#bytes, this.#bodies);
        this.#messages.push(this.#open);
        return OK;
      },
      wasm_on_url: (_: number, at: number, length: number) => {
        const start = at - this.#base;
        this.#open!.target += latin1(this.#bytes, start, start + length);
        return OK;
      },
      wasm_on_header_field: (_: number, at: number, length: number) => {
        this.#open!.name(at - this.#base, length);
        return OK;
      },
      wasm_on_header_value: (_: number, at: number, length: number) => {
        this.#open!.value(at - this.#base, length);
        return OK;
      },
      wasm_on_headers_complete: () => {
        this.#open!.method = this.#methodName();
        this.#open!.version = this.#version();
        this.#open!.completeHead();
        return OK;
      },
      wasm_on_body: (_: number, at: number, length: number) => {
        const start = at - this.#base;
        this.#bodies.add(this.#bytes.subarray(start, start + length));
        this.#open!.body = this.#bodies.from(this.#open!.bodyStart);
        return OK;
      },
      wasm_on_message_complete: () => PAUSED,
    };
  }
}
