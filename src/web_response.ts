/** A Web `Response`, or what looks like one, as a response on the wire. */
import type { Exchange } from "./exchange.ts";
import type { Content } from "./wire/content.ts";
import { isNamed } from "./wire/response_framing.ts";

/**
 * Sends a Web `Response`. Whatever has its members will do: several frameworks bring
 * types of their own, or another realm's.
 */
export async function sendResponse(exchange: Exchange, response: Response): Promise<void> {
  const { status, statusText, headers } = checked(response);
  await exchange.respond({
    status,
    statusText: statusText === "" ? undefined : statusText,
    headers: hopByHopRemoved(headers),
    content: await contentOf(response),
    trailers: undefined,
  });
}

function checked(response: Response): Response {
  if (typeof response !== "object" || response === null || typeof response.status !== "number") {
    throw new TypeError(`A handler of Web requests must return a Response: got ${typeof response}`);
  }
  if (response.bodyUsed || response.body?.locked) {
    throw new TypeError("Cannot send the Response: its body has been used, or is locked");
  }
  return response;
}

/**
 * The response of a `fetch` that is passed on still says how it came here; how it goes
 * on is for this connection to say (RFC 9110, 7.6.1).
 */
function hopByHopRemoved(headers: Headers): [string, string][] {
  return [...headers].filter(([name]) =>
    !isNamed(name, "transfer-encoding") && !isNamed(name, "keep-alive")
  );
}

/**
 * A body that is there at once goes out with its length, in one write; the rest of a
 * stream is sent as it comes.
 */
async function contentOf(response: Response): Promise<Content | ReadableStream<Uint8Array>> {
  return await Promise.resolve(response.body);
}
