/**
 * Both readers of responses: `ResponseParser`, and llhttp in strict mode as undici uses it.
 *
 * Each reads up to the end of the input, the last response of its connection, or a rejection.
 */
import wasm from "npm:undici@8.12.4/lib/llhttp/llhttp_simd-wasm.js";
import { HttpError } from "../../../src/errors.ts";
import type { FieldPair } from "../../../src/wire/fields.ts";
import { ResponseParser } from "../../../src/wire/response_parser.ts";
import { textOf } from "../../fixtures.ts";

/** A response, or an interim one, whose head is complete. */
export interface Response {
  status: number;
  version: string;
  reason: string;
  fields: readonly FieldPair[];
  trailers: readonly FieldPair[];
  body: string;
  /** The offset behind its last byte; null if that was not reached. */
  end: number | null;
  /** Whether another response may follow. */
  persistent: boolean;
}

/** What one side makes of the input. */
export interface Verdict {
  readonly responses: readonly Response[];
  readonly outcome: "ok" | "incomplete" | "refused";
  /** Why it was refused. */
  readonly reason: string;
}

/** Reads the responses to requests of one method; the input ends behind the bytes. */
export type Reader = (bytes: Uint8Array, method: string) => Verdict;

/** More than any input has. */
const MAX_RESPONSES = 64;

/** Reads with our parser. */
export function readOurs(bytes: Uint8Array, method: string): Verdict {
  const parser = new ResponseParser({ maxInterim: MAX_RESPONSES });
  for (let i = 0; i < MAX_RESPONSES; i++) parser.expect({ method, upgrade: "a" });
  parser.input.push(bytes);
  const responses: Response[] = [];
  try {
    const isWhole = readAll(parser, responses, () => bytes.length - parser.input.length);
    return { responses, outcome: isWhole ? "ok" : "incomplete", reason: "" };
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    if (error.code === "incomplete-message") {
      return { responses, outcome: "incomplete", reason: "" };
    }
    return { responses, outcome: "refused", reason: `${error.code}: ${error.message}` };
  }
}

function readAll(parser: ResponseParser, responses: Response[], used: () => number): boolean {
  for (let isFinished = false;;) {
    const event = parser.next();
    const response = responses.at(-1)!;
    switch (event.type) {
      case "need-data":
        if (isFinished || (parser.bodyRemaining !== Infinity && response?.end !== null)) {
          return parser.input.length === 0;
        }
        parser.finish();
        isFinished = true;
        break;
      case "head":
      case "interim":
        responses.push({
          status: event.status,
          version: `${event.protocol.major}.${event.protocol.minor}`,
          reason: event.statusText,
          fields: event.fields.pairs(),
          trailers: [],
          body: "",
          end: event.type === "interim" ? used() : null,
          persistent: event.type === "interim" || event.framing.persistent,
        });
        break;
      case "data":
        response.body += textOf(event.bytes);
        break;
      case "switched":
        response.end = used();
        return true;
      case "end":
        response.end = used();
        response.trailers = event.trailers.pairs();
        if (!response.persistent) return true;
    }
  }
}

const RESPONSE = 2;
const OK = 0;
const PAUSED = 21;
const PAUSED_UPGRADE = 22;
/** What `on_headers_complete` returns: there is no body, whatever the fields say. */
const SKIP_BODY = 1;
const HANDED_OVER = 2;
const MAX_INPUT_BYTES = 1 << 16;

interface Exports {
  readonly memory: WebAssembly.Memory;
  _initialize(): void;
  malloc(size: number): number;
  llhttp_alloc(type: number): number;
  llhttp_reset(parser: number): void;
  llhttp_execute(parser: number, at: number, length: number): number;
  llhttp_finish(parser: number): number;
  llhttp_resume(parser: number): void;
  llhttp_get_error_pos(parser: number): number;
  llhttp_get_error_reason(parser: number): number;
  llhttp_errno_name(errno: number): number;
  llhttp_get_http_major(parser: number): number;
  llhttp_get_http_minor(parser: number): number;
  llhttp_get_status_code(parser: number): number;
  llhttp_should_keep_alive(parser: number): number;
}

/** llhttp as a reader of responses. */
export class LlhttpResponses {
  readonly #exports: Exports;
  readonly #parser: number;
  readonly #base: number;
  #responses: Response[] = [];
  /** Names and values of the section that is being read. */
  #pairs: [name: string, value: string][] = [];
  #open: Response | null = null;
  #headComplete = false;
  #method = "";

  constructor() {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(wasm), { env: this.#env() });
    this.#exports = instance.exports as unknown as Exports;
    this.#exports._initialize();
    this.#parser = this.#exports.llhttp_alloc(RESPONSE);
    this.#base = this.#exports.malloc(MAX_INPUT_BYTES);
  }

  /** Reads with llhttp. */
  readonly read: Reader = (bytes, method) => {
    this.#responses = [];
    this.#open = null;
    this.#method = method;
    new Uint8Array(this.#exports.memory.buffer).set(bytes, this.#base);
    this.#exports.llhttp_reset(this.#parser);
    return this.#execute(this.#base + bytes.length);
  };

  #execute(end: number): Verdict {
    const parser = this.#parser;
    for (let at = this.#base;;) {
      const errno = this.#exports.llhttp_execute(parser, at, end - at);
      if (errno === OK) return this.#finish(end);
      at = this.#exports.llhttp_get_error_pos(parser);
      if (errno !== PAUSED && errno !== PAUSED_UPGRADE) {
        return this.#verdict("refused", this.#reason(errno));
      }
      if (this.#complete(at) === "last") return this.#verdict("ok");
      this.#exports.llhttp_resume(parser);
    }
  }

  /** Ends the input: a body until close is complete now. */
  #finish(end: number): Verdict {
    if (this.#open === null) return this.#verdict("ok");
    const errno = this.#exports.llhttp_finish(this.#parser);
    if (errno !== OK && errno !== PAUSED) return this.#verdict("incomplete");
    if (this.#open === null) return this.#verdict("ok");
    if (!this.#headComplete) return this.#verdict("incomplete");
    this.#complete(end);
    return this.#verdict("ok");
  }

  #complete(at: number): "last" | "another" {
    const response = this.#open!;
    response.end = at - this.#base;
    const isInterim = response.status < 200 && response.status !== 101;
    response.persistent = isInterim ||
      this.#exports.llhttp_should_keep_alive(this.#parser) === 1;
    response.trailers = this.#takePairs();
    this.#open = null;
    const isLast = response.status === 101 || opensTunnel(this.#method, response.status);
    return isLast || !response.persistent ? "last" : "another";
  }

  #verdict(outcome: Verdict["outcome"], reason = ""): Verdict {
    return { responses: this.#responses, outcome, reason };
  }

  #reason(errno: number): string {
    const reason = this.#exports.llhttp_get_error_reason(this.#parser);
    return `${this.#text(this.#exports.llhttp_errno_name(errno))}: ${this.#text(reason)}`;
  }

  #text(at: number): string {
    if (at === 0) return "";
    const memory = new Uint8Array(this.#exports.memory.buffer);
    return textOf(memory.subarray(at, memory.indexOf(0, at)));
  }

  #slice(at: number, length: number): string {
    return textOf(new Uint8Array(this.#exports.memory.buffer, at, length));
  }

  #takePairs(): FieldPair[] {
    return this.#pairs.splice(0).map(([name, value]) => [name, value.replace(/[ \t]+$/, "")]);
  }

  #completeHead(): number {
    const response = this.#open!;
    const { llhttp_get_http_major: major, llhttp_get_http_minor: minor } = this.#exports;
    response.status = this.#exports.llhttp_get_status_code(this.#parser);
    response.version = `${major(this.#parser)}.${minor(this.#parser)}`;
    response.fields = this.#takePairs();
    this.#headComplete = true;
    this.#responses.push(response);
    if (opensTunnel(this.#method, response.status) || response.status === 101) return HANDED_OVER;
    return this.#method === "HEAD" ? SKIP_BODY : OK;
  }

  #env() {
    return {
      wasm_on_url: () => OK,
      wasm_on_message_begin: () => {
        this.#pairs = [];
        this.#headComplete = false;
        this.#open = {
          ...{ status: 0, version: "", reason: "", fields: [], trailers: [], body: "" },
          ...{ end: null, persistent: true },
        };
        return OK;
      },
      wasm_on_status: (_: number, at: number, length: number) => {
        this.#open!.reason += this.#slice(at, length);
        return OK;
      },
      wasm_on_header_field: (_: number, at: number, length: number) => {
        this.#pairs.push([this.#slice(at, length), ""]);
        return OK;
      },
      wasm_on_header_value: (_: number, at: number, length: number) => {
        this.#pairs.at(-1)![1] += this.#slice(at, length);
        return OK;
      },
      wasm_on_headers_complete: () => this.#completeHead(),
      wasm_on_body: (_: number, at: number, length: number) => {
        this.#open!.body += this.#slice(at, length);
        return OK;
      },
      wasm_on_message_complete: () => PAUSED,
    };
  }
}

function opensTunnel(method: string, status: number): boolean {
  return method === "CONNECT" && status >= 200 && status < 300;
}
