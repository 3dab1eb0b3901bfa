/** Names the first difference between two verdicts on the same responses. */
import type { Response, Verdict } from "./readers.ts";

/** A difference. */
export interface Difference {
  readonly kind: string;
  /** Whether a response, or the end of one, is read that the other side does not have. */
  readonly dangerous: boolean;
}

/** Returns the first difference; null if there is none. */
export function compare(
  ours: Verdict,
  theirs: Verdict,
  text: string,
  method: string,
): Difference | null {
  for (let i = 0;; i++) {
    const [our, their] = [ours.responses[i], theirs.responses[i]];
    if (!isComplete(our) || !isComplete(their)) {
      return compareLast(ours, theirs, our, their, text, method);
    }
    const fault = faultOf(our, their);
    if (fault !== null) return { kind: `${fault}${htab(text)}`, dangerous: true };
    if (our.persistent !== their.persistent) {
      return their.persistent
        ? { kind: `we close, they go on${whyClosed(our, method) || htab(text)}`, dangerous: false }
        : { kind: `they close, we go on${whyKept(our) || htab(text)}`, dangerous: true };
    }
  }
}

function isComplete(response: Response | undefined): response is Response {
  return response !== undefined && response.end !== null;
}

function faultOf(our: Response, their: Response): string | null {
  const parts = ["status", "version", "reason", "fields", "end", "body", "trailers"] as const;
  const differs = (part: typeof parts[number]) =>
    JSON.stringify(our[part]) !== JSON.stringify(their[part]);
  const part = parts.find(differs);
  return part === undefined ? null : `${part} differs`;
}

/** Compares a response that is complete on one side at most. */
function compareLast(
  ours: Verdict,
  theirs: Verdict,
  our: Response | undefined,
  their: Response | undefined,
  text: string,
  method: string,
): Difference | null {
  const weRefuse = ours.outcome === "refused" && !isComplete(our);
  const theyRefuse = theirs.outcome === "refused" && !isComplete(their);
  if (weRefuse) {
    return theyRefuse ? null : { kind: `we refuse: ${nameOf(ours.reason)}`, dangerous: false };
  }
  if (theyRefuse) {
    if (isComplete(our)) {
      const why = whyRefused(our, ours, theirs, text, method) ?? theirs.reason;
      return { kind: `they refuse, we accept: ${why}`, dangerous: true };
    }
    return { kind: "they refuse sooner", dangerous: false };
  }
  if (isComplete(our)) return { kind: "they wait, we go on", dangerous: true };
  if (isComplete(their)) return { kind: `we wait, they go on${htab(text)}`, dangerous: true };
  return null;
}

/** Our code, and what tells its messages apart. */
function nameOf(reason: string): string {
  const [code, message] = reason.split(": ", 2) as [string, string];
  return `${code}${/ both /.test(message) ? ", both" : ""}`;
}

const HTAB = "HTAB behind a value";

/** Says whether an HTAB stands behind a value that llhttp interprets, from which it trims SP only. */
function htab(text: string): string {
  return /\r\n(connection|transfer-encoding|content-length):[ \t]*[^ \t\r][^\r]*\t/i.test(text)
    ? `: ${HTAB}`
    : "";
}

/** Their refusals that a rule explains; each condition is as narrow as its rule. */
function whyRefused(
  our: Response,
  ours: Verdict,
  theirs: Verdict,
  text: string,
  method: string,
): string | undefined {
  const isTunnel = method === "CONNECT" && our.status >= 200 && our.status < 300;
  const isAboutLength = /CONTENT_LENGTH|TRANSFER_ENCODING/.test(theirs.reason);
  if (isTunnel && isAboutLength) return "length of a tunnel";
  if (isAboutLength && hasFramingTrailer(our)) return FRAMING_TRAILER;
  if (isAboutLength && htab(text) !== "") return HTAB;
  if (theirs.reason.startsWith("HPE_INVALID_VERSION") && /^1\.[2-9]$/.test(our.version)) {
    return "HTTP/1.2 to HTTP/1.9";
  }
  if (/^HPE_STRICT: .*chunk extensions/.test(theirs.reason)) {
    return "whitespace in a chunk extension";
  }
  const before = ours.responses[ours.responses.indexOf(our) - 1];
  const isBehindInterim = before !== undefined && before.status < 200;
  return theirs.reason.startsWith("HPE_CLOSED_CONNECTION") && isBehindInterim
    ? "a response behind an interim one that closes"
    : undefined;
}

const FRAMING_TRAILER = "framing fields among the trailers";

function hasFramingTrailer({ trailers }: Response): boolean {
  const framing = /^(content-length|transfer-encoding|connection)$/i;
  return trailers.some(([name]) => framing.test(name));
}

/** Why a response follows ours. */
function whyKept(our: Response): string {
  return hasFramingTrailer(our) ? `: ${FRAMING_TRAILER}` : "";
}

/** Why no response follows ours. */
function whyClosed({ status, version, fields }: Response, method: string): string {
  if (status === 101) return ": 101";
  if (method === "CONNECT" && status < 300) return ": a tunnel";
  const options = fields.filter(([name]) => /^connection$/i.test(name)).map(([, value]) => value);
  const both = /close/i.test(options.join()) && /keep-alive/i.test(options.join());
  return version === "1.0" && both ? ": HTTP/1.0 with close and keep-alive" : "";
}
