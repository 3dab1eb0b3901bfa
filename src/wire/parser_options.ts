/** The options of the two parsers: their types, their defaults, their checks. */
import type { Profile } from "../errors.ts";
import { DEFAULT_LIMITS } from "../limits.ts";
import type { Limits } from "../limits.ts";
import { checkRecord, countsOf, isCount, isOneOf, isRecord, withDefaults } from "../validate.ts";

/**
 * The limits of one message; those of a connection are not a parser's.
 *
 * @example
 * ```ts
 * import { HttpError, type MessageLimits, RequestParser } from "@asynchttp/server/wire";
 *
 * const limits: Partial<MessageLimits> = { headers: 1 };
 * const parser = new RequestParser({ limits });
 * parser.input.push(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n"));
 * try {
 *   parser.next();
 * } catch (error) {
 *   if (error instanceof HttpError) console.log(error.code); // too-many-fields
 * }
 * ```
 */
export type MessageLimits = Pick<
  Limits,
  "line" | "head" | "headers" | "chunkLine" | "chunkExtensions" | "trailers" | "trailerFields"
>;

/**
 * Options for {@linkcode RequestParser}.
 *
 * @example
 * ```ts
 * import { HttpError, RequestParser, type RequestParserOptions } from "@asynchttp/server/wire";
 *
 * const options: RequestParserOptions = { maxBody: 1 };
 * const parser = new RequestParser(options);
 * const sent = "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi";
 * parser.input.push(new TextEncoder().encode(sent));
 * parser.next(); // the head, whose owner could still set parser.maxBody
 * try {
 *   parser.next();
 * } catch (error) {
 *   if (error instanceof HttpError) console.log(error.status, error.code); // 413 body-too-large
 * }
 * ```
 */
export interface RequestParserOptions {
  /**
   * The largest body of a request, in bytes.
   *
   * @default {8388608}
   */
  readonly maxBody?: number;
  /**
   * Whether a POST must have a Content-Length or a Transfer-Encoding: it must in the `"original"` profile.
   *
   * @default {"rfc"}
   */
  readonly profile?: Profile;
  /**
   * The largest sizes and counts in a request; each has a default of its own.
   *
   * @default {the default of each}
   */
  readonly limits?: Partial<MessageLimits>;
}

/**
 * Options for {@linkcode ResponseParser}.
 *
 * @example
 * ```ts
 * import { HttpError, ResponseParser, type ResponseParserOptions } from "@asynchttp/server/wire";
 *
 * const options: ResponseParserOptions = { maxInterim: 1 };
 * const parser = new ResponseParser(options);
 * parser.expect({ method: "GET" });
 * parser.input.push(new TextEncoder().encode("HTTP/1.1 103 Early Hints\r\n\r\n".repeat(2)));
 * console.log(parser.next().type); // interim
 * try {
 *   parser.next();
 * } catch (error) {
 *   if (error instanceof HttpError) console.log(error.status, error.code); // 502 too-many-interim
 * }
 * ```
 */
export interface ResponseParserOptions {
  /**
   * The largest body of a response, in bytes. Not bounded by default: it is returned in pieces,
   * and nothing is collected.
   *
   * @default {Infinity}
   */
  readonly maxBody?: number;
  /**
   * The largest number of interim responses before one final response. Without a bound a server
   * could send them forever. undici and Node have none, Go had 5 and bounds their bytes.
   *
   * @default {32}
   */
  readonly maxInterim?: number;
  /**
   * The largest sizes and counts in a response; each has a default of its own.
   *
   * @default {the default of each}
   */
  readonly limits?: Partial<MessageLimits>;
}

/** The default of `maxBody` for requests, which is that of Nim's server. */
export const MAX_REQUEST_BODY = 8_388_608;

/** The defaults of the limits of one message. */
export const MESSAGE_LIMITS: MessageLimits = {
  line: DEFAULT_LIMITS.line,
  head: DEFAULT_LIMITS.head,
  headers: DEFAULT_LIMITS.headers,
  chunkLine: DEFAULT_LIMITS.chunkLine,
  chunkExtensions: DEFAULT_LIMITS.chunkExtensions,
  trailers: DEFAULT_LIMITS.trailers,
  trailerFields: DEFAULT_LIMITS.trailerFields,
};

const areMessageLimits = isRecord(countsOf(MESSAGE_LIMITS));

const REQUEST_CHECKS = {
  maxBody: isCount(0),
  profile: isOneOf("original", "rfc"),
  limits: areMessageLimits,
};

const RESPONSE_CHECKS = {
  maxBody: isCount(0),
  maxInterim: isCount(0),
  limits: areMessageLimits,
};

/**
 * The options of a request parser, checked. A class, so that a server can check them once for
 * all its connections, and a parser can tell that they are.
 */
export class RequestParserSettings implements RequestParserOptions {
  readonly limits: Readonly<Limits>;
  readonly profile: Profile;
  readonly maxBody: number;

  constructor(limits: Readonly<Limits>, profile: Profile, maxBody: number) {
    this.limits = limits;
    this.profile = profile;
    this.maxBody = maxBody;
  }
}

/**
 * Checks the options of a request parser, and fills in the defaults.
 *
 * @throws {TypeError} An option is unknown or has the wrong type.
 * @throws {RangeError} A number is out of range.
 */
export function requestParserSettings(options: RequestParserOptions): RequestParserSettings {
  if (options instanceof RequestParserSettings) return options;
  checkRecord("options", options, REQUEST_CHECKS);
  const { maxBody = MAX_REQUEST_BODY, profile = "rfc", limits } = options;
  return new RequestParserSettings(limitsWith(limits), profile, maxBody);
}

/** The options of a response parser, checked. */
export interface ResponseParserSettings {
  readonly limits: Readonly<Limits>;
  readonly maxBody: number;
  readonly maxInterim: number;
}

/** Checks the options of a response parser as {@linkcode requestParserSettings} does. */
export function responseParserSettings(options: ResponseParserOptions): ResponseParserSettings {
  checkRecord("options", options, RESPONSE_CHECKS);
  const { maxBody = Infinity, maxInterim = 32, limits } = options;
  return { limits: limitsWith(limits), maxBody, maxInterim };
}

/** With the same limits all parsers derive their rules once: see `perLimits`. */
function limitsWith(limits: Partial<MessageLimits> | undefined): Readonly<Limits> {
  return limits === undefined ? DEFAULT_LIMITS : withDefaults<Limits>(DEFAULT_LIMITS, limits);
}
