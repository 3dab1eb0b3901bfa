/**
 * The decisions about a request, made once, when its head is complete.
 *
 * The length of the body, whether the connection may persist, what the client expects,
 * the host of the request: each dangerous field has one function here, and later code
 * reads the decision, never the field. No decision depends on the method (a server and a
 * proxy that disagree on whether a GET has a body see different messages: TE.0, CL.0).
 */
import { HttpError, quoted } from "../errors.ts";
import type { Profile } from "../errors.ts";
import { listMembers } from "./fields.ts";
import type { Fields } from "./fields.ts";
import {
  connectionOptions,
  dangerousFields,
  decideBody,
  decidePersistence,
} from "./message_framing.ts";
import type { BodyLength } from "./message_framing.ts";
import { isToken } from "./syntax.ts";
import { isHost } from "./target.ts";

/**
 * The decisions about a request.
 *
 * @example
 * ```ts
 * import { type Framing, RequestParser } from "@asynchttp/server/wire";
 *
 * const parser = new RequestParser();
 * const sent = "PUT / HTTP/1.1\r\nHost: x:80\r\nContent-Length: 2\r\nConnection: close\r\n\r\n";
 * parser.input.push(new TextEncoder().encode(sent));
 * const head = parser.next();
 * if (head.type !== "head") throw new Error("The head is not complete");
 * const { body, persistent, host }: Framing = head.framing;
 * console.log(body, persistent, host); // 2 false x:80
 * ```
 */
export interface Framing {
  /** The length of the body. */
  readonly body: BodyLength;
  /** Whether the client lets another request follow. */
  readonly persistent: boolean;
  /** Whether the client waits for `100 Continue` before it sends the body. */
  readonly expectsContinue: boolean;
  /** The protocols that the client offers to upgrade to; null if there are none. */
  readonly upgrade: string | null;
  /** The value of Host; null if an HTTP/1.0 request has none. */
  readonly host: string | null;
}

/** Makes all decisions about a request; `minor` is its minor HTTP version. */
export function decideRequest(
  method: string,
  minor: number,
  fields: Fields,
  profile: Profile,
): Framing {
  const found = dangerousFields(fields);
  const host = decideHost(minor, found.host);
  const connection = connectionOptions(found.connection);
  const body = decideBody(minor, found.contentLength, found.transferEncoding);
  if (body === null && method === "POST" && profile === "original") {
    throw new HttpError(
      411,
      "length-required",
      "A POST must have a Content-Length or be chunked: send Content-Length: 0 where it has no body (RFC 9110, 15.5.12)",
    );
  }
  return {
    body: body ?? 0,
    persistent: decidePersistence(minor, connection),
    expectsContinue: decideExpect(minor, found.expect) && body !== null && body !== 0,
    upgrade: decideUpgrade(minor, connection, found.upgrade),
    host,
  };
}

/**
 * Whether the request lets another one follow.
 *
 * A client that was refused another protocol, or a tunnel, may already be speaking
 * through it: its bytes must not be read as requests.
 */
export function requestAllowsReuse(
  { framing, method }: {
    readonly framing: Pick<Framing, "persistent" | "upgrade">;
    readonly method: string;
  },
): boolean {
  return framing.persistent && framing.upgrade === null && method !== "CONNECT";
}

/** The host that was validated last: nearly all requests to a server name the same one. As a slice, it keeps one head alive. */
let lastHost: string | null = null;

/** RFC 9112, 3.2: "400 to any HTTP/1.1 request message that lacks a Host header field and to any that contains more than one". */
function decideHost(minor: number, values: string[]): string | null {
  if (values.length === 0) {
    if (minor === 0) return null;
    throw badHost("An HTTP/1.1 request needs a Host (RFC 9112, 3.2)");
  }
  if (values.length > 1) throw badHost("A request must have only one Host (RFC 9112, 3.2)");
  const host = values[0]!;
  if (host === lastHost) return host;
  if (!isHost(host)) {
    throw badHost(`Host must be a host with an optional port: got ${quoted(host)} (RFC 9110, 7.2)`);
  }
  return lastHost = host;
}

/** RFC 9110, 10.1.1: ignores expectations in HTTP/1.0, rejects any but 100-continue. */
function decideExpect(minor: number, values: string[]): boolean {
  if (minor === 0 || values.length === 0) return false;
  if (values.length === 1 && values[0]!.toLowerCase() === "100-continue") return true;
  throw new HttpError(
    417,
    "expectation-failed",
    `The only expectation that can be met is 100-continue: got ${
      quoted(values.join(", "))
    } (RFC 9110, 10.1.1)`,
  );
}

/**
 * RFC 9110, 7.8: ignores Upgrade in HTTP/1.0, and if Connection does not name it. Ignores
 * `h2c` too: it is obsolete (RFC 9113, 3.1), and some clients offer it with every request.
 */
function decideUpgrade(minor: number, connection: string[], values: string[]): string | null {
  if (minor === 0 || values.length === 0 || !connection.includes("upgrade")) return null;
  const offered = listMembers(values.join(",")).filter((protocol) =>
    protocol.split("/").every(isToken) && protocol.toLowerCase() !== "h2c"
  );
  return offered.length === 0 ? null : offered.join(", ");
}

function badHost(message: string): HttpError {
  return new HttpError(400, "bad-host", message);
}
