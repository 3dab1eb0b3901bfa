/**
 * The head of a request: the bytes up to the empty line.
 *
 * ```abnf
 * request-line = method SP request-target SP HTTP-version
 * ```
 */
import { HttpError } from "../errors.ts";
import type { Profile } from "../errors.ts";
import { perLimits } from "../limits.ts";
import type { Limits } from "../limits.ts";
import { FieldSection } from "./section_reader.ts";
import type { Fields } from "./fields.ts";
import { decideRequest } from "./request_framing.ts";
import type { Framing } from "./request_framing.ts";
import type { ReadBuffer } from "./read_buffer.ts";
import { latin1 } from "./latin1.ts";
import { LineReader } from "./section_reader.ts";
import { CR, LF, SP, spells } from "./syntax.ts";
import { parseUrl, targetAuthority, targetForm, targetPath } from "./target.ts";
import type { TargetForm } from "./target.ts";
import { readVersion, VERSION_BYTES } from "./version.ts";
import type { Protocol } from "./version.ts";

/**
 * The head of a request, and the decisions about it. Immutable, because requests may share one.
 *
 * It keeps its text alive, and so does every slice of it of 13 characters or more, such as the
 * value of a field that a handler stores; nothing keeps the read buffer alive.
 *
 * @example
 * ```ts
 * import { type RequestHead, RequestParser } from "@asynchttp/server/wire";
 *
 * const logged = (head: RequestHead) => `${head.method} ${head.url("https", "localhost")}`;
 *
 * const parser = new RequestParser();
 * parser.input.push(new TextEncoder().encode("GET /a?b HTTP/1.1\r\nHost: example.com\r\n\r\n"));
 * const head = parser.next();
 * if (head.type === "head") console.log(logged(head)); // GET https://example.com/a?b
 * ```
 */
export class RequestHead {
  /** The name of the event. */
  readonly type = "head";
  /** The method as it was sent. */
  readonly method: string;
  /** The HTTP version. */
  readonly protocol: Protocol;
  /** The header fields as they were sent. */
  readonly fields: Fields;
  /** The decisions about the request. */
  readonly framing: Framing;
  readonly #line: RequestLine;
  readonly #text: string;

  /**
   * `text` is the whole head.
   *
   * @ignore Made by the parser.
   */
  constructor(line: RequestLine, text: string, fields: Fields, framing: Framing) {
    this.method = line.method;
    this.protocol = line.protocol;
    this.fields = fields;
    this.framing = framing;
    this.#line = line;
    this.#text = text;
  }

  /** Which of the four forms the target has (RFC 9112, 3.2). */
  get targetForm(): TargetForm {
    return this.#line.form;
  }

  /** The request-target as received. */
  get target(): string {
    return this.#text.slice(this.#line.targetStart, this.#line.targetEnd);
  }

  /**
   * Returns the target URI (RFC 9112, 3.3). The host of an absolute-form target takes precedence
   * over the Host field.
   *
   * @param scheme That of the connection, even if an absolute-form target has another one.
   * @param localHost The host, with a port if need be, for an HTTP/1.0 request that names none, and in place of a name that a URL cannot hold (`web.1`).
   * @param forwardedHost The word of a trusted proxy, which takes precedence over all but the destination of a tunnel.
   * @returns A new object for each call.
   * @throws {TypeError} `localHost` is needed, and is not a host.
   *
   * @example
   * ```ts
   * import { RequestParser } from "@asynchttp/server/wire";
   *
   * const parser = new RequestParser();
   * parser.input.push(new TextEncoder().encode("GET /a HTTP/1.0\r\n\r\n"));
   * const head = parser.next();
   * if (head.type !== "head") throw new Error("The head is not complete");
   * console.log(head.url("http", "localhost:8080").href); // http://localhost:8080/a
   * ```
   */
  url(scheme: "http" | "https", localHost: string, forwardedHost: string | null = null): URL {
    const target = this.target;
    const named = targetAuthority(this.targetForm, target);
    const authority = (this.targetForm === "authority" ? named : forwardedHost ?? named) ??
      this.framing.host ?? localHost;
    const path = targetPath(this.targetForm, target);
    return parseUrl(`${scheme}://${authority}${path}`) ??
      new URL(`${scheme}://${localHost}${path}`);
  }

  /**
   * Whether the bytes of the head are these, one per character.
   *
   * @ignore Only the parser calls it.
   */
  isSpelled(text: string): boolean {
    return text === this.#text;
  }
}

/**
 * What is known of the request line of a head that was refused; `""` stands for what is not.
 *
 * @example
 * ```ts
 * import { HttpError, type RefusedLine, RequestParser } from "@asynchttp/server/wire";
 *
 * const parser = new RequestParser();
 * parser.input.push(new TextEncoder().encode("GET /a HTTP/1.1\r\nHost : x\r\n\r\n"));
 * try {
 *   parser.next();
 * } catch (error) {
 *   if (!(error instanceof HttpError)) throw error;
 *   const { method, target }: RefusedLine = parser.refusedLine;
 *   console.log(error.code, method, target); // bad-field GET /a
 * }
 * ```
 */
export interface RefusedLine {
  /** As much of the line as has arrived, within `limits.line`. */
  readonly line: string;
  /** The method, as the client sent it. */
  readonly method: string;
  /** The request-target, as the client sent it. */
  readonly target: string;
  /** The HTTP version, such as `"HTTP/1.1"`. */
  readonly version: string;
}

/** A parsed request line. Offsets are relative to its start: the buffer may move before the head is complete. */
interface RequestLine {
  readonly method: string;
  readonly form: TargetForm;
  readonly targetStart: number;
  readonly targetEnd: number;
  readonly protocol: Protocol;
}

const headRules = perLimits((limits) => ({
  maxBytes: limits.head,
  tooLarge: () => headTooLarge(limits.head),
  maxLineBytes: limits.line,
  lineTooLong: () => fieldLineTooLong(limits.line),
  maxFields: limits.headers,
  tooManyFields: () => tooManyFields(limits.headers),
}));

/** Parses one head after another from the buffer of a connection. */
export class HeadParser {
  readonly #limits: Readonly<Limits>;
  readonly #profile: Profile;
  readonly #lines: LineReader;
  readonly #section: FieldSection;
  #emptyLineSkipped = false;
  #line: RequestLine | null = null;
  #method = "";
  #last: RequestHead | null = null;
  #lastLength = 0;

  constructor(limits: Readonly<Limits>, profile: Profile) {
    this.#limits = limits;
    this.#profile = profile;
    const rules = headRules(limits);
    this.#lines = new LineReader(rules);
    this.#section = new FieldSection(rules);
  }

  /** The method of the last request line; empty while the next one is incomplete. */
  get method(): string {
    return this.#method;
  }

  /** How far behind the start of the head the line is that is being read, in bytes. */
  get lineStart(): number {
    return this.#lines.start;
  }

  /** Consumes the next head of `input`; returns null if it is incomplete. */
  parse(input: ReadBuffer): RequestHead | null {
    const candidate = this.#line === null ? headOfLength(this.#lastLength, input) : "";
    if (this.#last?.isSpelled(candidate)) return this.#reuse(this.#last, input);
    this.#line ??= this.#readRequestLine(input);
    if (this.#line === null || !this.#section.read(this.#lines, input)) return null;
    return this.#last = this.#take(input, this.#line, candidate);
  }

  /** Consumes a complete head; `candidate` is its text if it has the same length. */
  #take(input: ReadBuffer, line: RequestLine, candidate: string): RequestHead {
    const length = this.#lines.start;
    const text = candidate.length === length ? candidate : textOf(input, length);
    const fields = this.#section.take(text);
    this.#lines.reset();
    // Before the head is consumed: an error leaves the input where the head begins.
    const framing = decideRequest(line.method, line.protocol.minor, fields, this.#profile);
    input.consume(length);
    this.#reset();
    this.#lastLength = length;
    return new RequestHead(line, text, fields, framing);
  }

  /** Reuses the previous head when its bytes are identical, as on most keep-alive connections. */
  #reuse(last: RequestHead, input: ReadBuffer): RequestHead {
    input.consume(this.#lastLength);
    this.#method = last.method;
    this.#reset();
    return last;
  }

  /** The request line of the head that was refused at the start of `input`. */
  refusedLine(input: ReadBuffer): RefusedLine {
    const { bytes, start } = input;
    const limit = Math.min(input.end, start + this.#limits.line);
    let end = start;
    while (end < limit && bytes[end] !== CR && bytes[end] !== LF) end++;
    const line = latin1(bytes, start, end);
    if (this.#line === null) return { line, method: "", target: "", version: "" };
    const { method, targetStart, targetEnd, protocol } = this.#line;
    return { line, method, target: line.slice(targetStart, targetEnd), version: protocol.orig };
  }

  /** Prepares for the next head. */
  #reset(): void {
    this.#lines.reset();
    this.#line = null;
    this.#emptyLineSkipped = false;
  }

  /** Releases the previous head, which the next one could have reused. */
  releaseMemory(): void {
    this.#last = null;
    this.#lastLength = 0;
  }

  /**
   * Checks the line as soon as it is complete: a client of another protocol gets its error
   * response without having to send header lines, which it never will.
   */
  #readRequestLine(input: ReadBuffer): RequestLine | null {
    this.#method = "";
    if (!this.#skipEmptyLine(input)) return null;
    const lineEnd = this.#lines.find(input, this.#limits.line, requestLineTooLong);
    if (lineEnd === -1) return null;
    const { bytes, start } = input;
    const read = requestLine(bytes, start, start + this.#lines.tokenEnd, start + lineEnd);
    this.#lines.next();
    this.#method = read.method;
    return read;
  }

  /**
   * RFC 9112, 2.2: "a server that is expecting to receive and parse a request-line
   * SHOULD ignore at least one empty line (CRLF) received prior to the request-line".
   * Skips one and no more, because a client could send them forever.
   */
  #skipEmptyLine(input: ReadBuffer): boolean {
    if (this.#emptyLineSkipped || input.length === 0) return input.length > 0;
    const { bytes, start } = input;
    if (bytes[start] !== CR) return true;
    if (input.length === 1) return false;
    if (bytes[start + 1] === LF) {
      input.consume(2);
      this.#emptyLineSkipped = true;
    }
    return input.length > 0;
  }
}

/**
 * Returns the first `length` bytes of `input` if a head may end there: a head of another
 * length is not worth decoding. Returns no text where an empty line is still to be skipped.
 */
function headOfLength(length: number, input: ReadBuffer): string {
  const { bytes, start, end } = input;
  const at = start + length;
  const mayEnd = length > 0 && at <= end && bytes[at - 1] === LF && bytes[at - 3] === LF;
  return mayEnd && bytes[start] !== CR ? textOf(input, length) : "";
}

function textOf({ bytes, start }: ReadBuffer, length: number): string {
  return latin1(bytes, start, start + length);
}

function requestLine(
  bytes: Uint8Array,
  start: number,
  methodEnd: number,
  end: number,
): RequestLine {
  if (methodEnd === start || bytes[methodEnd] !== SP) {
    throw badRequestLine("The request line must begin with a method and one space");
  }
  const method = methodName(bytes, start, methodEnd);
  const targetStart = methodEnd + 1;
  let at = targetStart;
  while (at < end && bytes[at] !== SP) at++;
  if (at === targetStart || at === end) {
    throw badRequestLine(
      "The request line must be a method, a request-target and a version, with one space between",
    );
  }
  const versionStart = at + 1;
  const protocol = end - versionStart === VERSION_BYTES ? readVersion(bytes, versionStart) : null;
  if (protocol === null) {
    throw badRequestLine("The request line must end with one space and a version such as HTTP/1.1");
  }
  const form = targetForm(method, bytes, targetStart, at);
  return { method, form, targetStart: targetStart - start, targetEnd: at - start, protocol };
}

const METHODS = ["GET", "POST", "PUT", "HEAD", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"];

/** Returns a shared string for common methods, instead of creating one per request. */
function methodName(bytes: Uint8Array, start: number, end: number): string {
  for (const name of METHODS) {
    if (name.length === end - start && spells(bytes, start, name)) return name;
  }
  return latin1(bytes, start, end);
}

function badRequestLine(message: string): HttpError {
  return new HttpError(400, "bad-request-line", `${message} (RFC 9112, 3)`);
}

/** Expects the line as far as it has been read in `bytes[at..at + limit]`. */
function requestLineTooLong(bytes: Uint8Array, at: number, limit: number): HttpError {
  const isMethodTooLong = !bytes.subarray(at, at + limit + 1).includes(SP);
  return new HttpError(
    413,
    isMethodTooLong ? "method-too-long" : "request-line-too-long",
    `The request line must be at most ${limit} bytes long`,
  );
}

function fieldLineTooLong(limit: number): HttpError {
  return new HttpError(
    413,
    "field-line-too-long",
    `A header line must be at most ${limit} bytes long`,
  );
}

function tooManyFields(limit: number): HttpError {
  return new HttpError(
    400,
    "too-many-fields",
    `A request must have at most ${limit} header fields`,
  );
}

function headTooLarge(limit: number): HttpError {
  return new HttpError(
    431,
    "head-too-large",
    `The head of a request must be at most ${limit} bytes long`,
  );
}
