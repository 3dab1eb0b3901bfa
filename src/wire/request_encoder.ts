/**
 * Requests as bytes (RFC 9112, 3 to 7), as strict as the parser: each head is parsed before it is
 * returned, so that what is encoded here is read there, with the same decisions, and no rule has
 * a second implementation.
 *
 * What only a sender must hold is checked here.
 */
import type { HttpError } from "../errors.ts";
import type { FieldsInit } from "../fields_init.ts";
import { DEFAULT_LIMITS } from "../limits.ts";
import { fieldsToSend, listMembers } from "./fields.ts";
import type { FieldPair } from "./fields.ts";
import { MessageEncoder } from "./message_encoder.ts";
import type { EncodedHead } from "./message_encoder.ts";
import { ReadBuffer } from "./read_buffer.ts";
import { requestAllowsReuse } from "./request_framing.ts";
import { HeadParser } from "./request_head.ts";
import type { RequestHead } from "./request_head.ts";
import { checkSize, encodeFields } from "./response_encoder.ts";
import { isNamed } from "./response_framing.ts";
import type { AwaitedResponse } from "./response_head.ts";
import { consistsOf, decimal, TEXT } from "./syntax.ts";
import { targetAuthority } from "./target.ts";
import { WriteBuffer } from "./write_buffer.ts";

/**
 * The head of a request to send.
 *
 * @example
 * ```ts
 * import { RequestEncoder, type RequestToSend } from "@asynchttp/server/wire";
 *
 * const request: RequestToSend = { method: "GET", target: "/a?b", fields: { Host: "example.com" } };
 * const bytes = new RequestEncoder().head(request);
 * console.log(new TextDecoder().decode(bytes).split("\r\n"));
 * // [ "GET /a?b HTTP/1.1", "Host: example.com", "", "" ]
 * ```
 */
export interface RequestToSend {
  /** The method. */
  readonly method: string;
  /** The request-target: `/path?query`, a whole URL to a proxy, `host:port` with CONNECT, `*` with OPTIONS. */
  readonly target: string;
  /**
   * The header fields. `Host` is needed in HTTP/1.1.
   *
   * @default {none}
   */
  readonly fields?: FieldsInit | null;
  /**
   * The size of the content in bytes; null if it is not known, and then it is sent in chunks unless
   * `fields` have a `Content-Length`.
   *
   * @default {0}
   */
  readonly size?: number | null;
  /**
   * The minor HTTP version.
   *
   * @default {1}
   */
  readonly minor?: 0 | 1;
}

/**
 * Encodes one request after another.
 *
 * @example A request with a body
 * ```ts
 * import { RequestEncoder, ResponseParser } from "@asynchttp/server/wire";
 *
 * const encoder = new RequestEncoder();
 * const body = new TextEncoder().encode("hi");
 * const bytes = [
 *   encoder.head({ method: "PUT", target: "/a", fields: { Host: "example.com" }, size: 2 }),
 *   encoder.data(body),
 *   encoder.end(),
 * ];
 * console.log(new TextDecoder().decode(bytes[0]).split("\r\n")[0]); // PUT /a HTTP/1.1
 *
 * const parser = new ResponseParser();
 * parser.expect(encoder.awaited);
 * ```
 */
export class RequestEncoder extends MessageEncoder {
  #awaited: AwaitedResponse = { method: "", upgrade: null };

  /** The last request, for `expect` of a {@linkcode ResponseParser}. */
  get awaited(): AwaitedResponse {
    return this.#awaited;
  }

  /**
   * Encodes the head of a request.
   *
   * @param request Method, target, fields, and the size of the content.
   * @returns The bytes to send.
   * @throws {RangeError} `size` is neither null nor an integer from 0 on.
   * @throws {TypeError} A part is invalid, a strict server would reject the request, the one before it has not ended, or none may follow it.
   *
   * @example
   * ```ts
   * import { RequestEncoder } from "@asynchttp/server/wire";
   *
   * const bytes = new RequestEncoder().head({ method: "POST", target: "/", fields: { Host: "x" } });
   * console.log(new TextDecoder().decode(bytes).split("\r\n"));
   * // [ "POST / HTTP/1.1", "Host: x", "Content-Length: 0", "", "" ]
   * ```
   */
  head(request: RequestToSend): Uint8Array {
    return this.begin(() => {
      const encoded = encodeRequestHead(request);
      const { method, framing } = encoded.head;
      this.#awaited = { method, upgrade: framing.upgrade };
      return encoded;
    });
  }
}

/**
 * Returns a head as bytes, as its receiver reads it, and how its content is sent.
 *
 * @throws {RangeError} `size` is neither null nor an integer from 0 on.
 * @throws {TypeError} A part is invalid.
 */
function encodeRequestHead(
  { method, target, fields: init, size = 0, minor = 1 }: RequestToSend,
): EncodedHead & { readonly head: RequestHead } {
  checkSize(size);
  const given = fieldsToSend(init);
  const fields = [...given, ...lengthFields(method, minor, size, given)];
  const { bytes, head } = parsed(method, target, minor, fields);
  const { body } = head.framing;
  checkHost(head);
  checkContent(head);
  checkConnection(fields);
  const length = body === "chunked" ? null : body;
  const framing = {
    sendsContent: body !== 0,
    length,
    chunked: body === "chunked",
    persistent: requestAllowsReuse(head),
  };
  return { bytes, head, framing };
}

/** Methods whose request says that its content is empty (RFC 9110, 8.6). */
const ANTICIPATES_CONTENT: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH"]);

/** Returns the field that is added for the length of the content. */
function lengthFields(
  method: string,
  minor: number,
  size: number | null,
  given: readonly FieldPair[],
): readonly FieldPair[] {
  if (given.some(([name]) => isNamed(name, "transfer-encoding"))) {
    throw new TypeError("Transfer-Encoding must not be given: the encoder chooses it");
  }
  const lengths = given.filter(([name]) => isNamed(name, "content-length"));
  if (lengths.length > 0) {
    const [, value] = lengths[0]!;
    if (size === null || decimal(value) === size) return [];
    throw new TypeError(
      `Content-Length ${
        JSON.stringify(value)
      } does not match the size of ${size} bytes: omit it, the encoder adds it`,
    );
  }
  if (size === null) {
    if (minor >= 1) return [["Transfer-Encoding", "chunked"]];
    throw new TypeError("The size of the content must be known: HTTP/1.0 has no chunks");
  }
  if (size === 0 && !ANTICIPATES_CONTENT.has(method)) return [];
  return [["Content-Length", String(size)]];
}

/** Returns the head as bytes, and as it is parsed. */
function parsed(
  method: string,
  target: string,
  minor: number,
  fields: readonly FieldPair[],
): { readonly bytes: Uint8Array; readonly head: RequestHead } {
  const bytes = encodedHead(method, target, minor, fields);
  const input = new ReadBuffer();
  input.push(bytes);
  try {
    return { bytes, head: new HeadParser(UNBOUNDED, "rfc").parse(input)! };
  } catch (error) {
    // The caller is at fault here, not a client.
    throw new TypeError((error as HttpError).message, { cause: error });
  }
}

/** The receiver's limits are not known. */
const UNBOUNDED = { ...DEFAULT_LIMITS, line: Infinity, head: Infinity, headers: Infinity };

function encodedHead(
  method: string,
  target: string,
  minor: number,
  fields: readonly FieldPair[],
): Uint8Array {
  const line = `${method} ${target} HTTP/1.${minor}`;
  // A character above U+00FF would lose its upper byte, and U+010A would become a line ending.
  if (!consistsOf(line, TEXT)) {
    throw new TypeError(
      `Invalid method, target or version: ${
        JSON.stringify(line)
      } has a control or a character above U+00FF (RFC 9112, 3)`,
    );
  }
  const out = new WriteBuffer();
  out.latin1(`${line}\r\n`);
  encodeFields(out, fields);
  out.latin1("\r\n");
  return out.take();
}

/** RFC 9112, 3.2: the Host of a target that names one is "identical to that authority component". */
function checkHost({ targetForm, target, framing }: RequestHead): void {
  const authority = targetAuthority(targetForm, target);
  if (authority === null || framing.host === null || framing.host === authority) return;
  throw new TypeError(
    `Host must be that of the target ${JSON.stringify(authority)}: got ${
      JSON.stringify(framing.host)
    } (RFC 9112, 3.2)`,
  );
}

/** RFC 9110, 9.3.6 and 9.3.8: these have no content. */
const WITHOUT_CONTENT: ReadonlySet<string> = new Set(["CONNECT", "TRACE"]);

function checkContent({ method, framing, fields }: RequestHead): void {
  if (framing.body !== 0 && WITHOUT_CONTENT.has(method)) {
    throw new TypeError(`A ${method} must not have content (RFC 9110, 9.3)`);
  }
  if (framing.body === 0 && hasField(fields.pairs(), "expect")) {
    throw new TypeError("Expect must not be given without content (RFC 9110, 10.1.1)");
  }
}

/** RFC 9110, 7.8 and 10.1.4: these are for the next recipient only, and Connection must say so. */
const HOP_BY_HOP = ["upgrade", "te"];

function checkConnection(fields: readonly FieldPair[]): void {
  const options = fields.filter(([name]) => isNamed(name, "connection"))
    .flatMap(([, value]) => listMembers(value));
  for (const name of HOP_BY_HOP) {
    if (hasField(fields, name) && !options.some((option) => isNamed(option, name))) {
      throw new TypeError(`Field "${name}" needs "Connection: ${name}" (RFC 9110, 7.6.1)`);
    }
  }
}

function hasField(fields: readonly FieldPair[], lower: string): boolean {
  return fields.some(([name]) => isNamed(name, lower));
}
