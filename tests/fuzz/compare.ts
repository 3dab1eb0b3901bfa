/**
 * Finds the first difference between two verdicts on the same bytes, and names its kind.
 *
 * "We" are `RequestParser`, "they" are llhttp.
 */
import type { FieldPair } from "../../src/wire/fields.ts";
import { hasHtab, HTAB, nameOfOurs, nameOfTheirs } from "./refusals.ts";
import type { Message, Verdict } from "./verdict.ts";

/** A difference between two verdicts on the same input. */
export interface Disagreement {
  /** The name by which it is counted, and explained in `known.ts`. */
  readonly kind: string;
  /** Whether a proxy in front of us that parses as they do would forward a request that it has not seen. */
  readonly dangerous: boolean;
}

export const THEY_REFUSE = "they refuse, we accept";
export const WE_REFUSE = "we refuse, they do not";
/** They have rejected a message whose rest we still wait for. */
export const SOONER = "they refuse sooner";

/** Returns the first difference, an ignored Upgrade only if no other follows; null if there is none. */
export function compare(bytes: Uint8Array, ours: Verdict, theirs: Verdict): Disagreement | null {
  const most = Math.max(ours.messages.length, theirs.messages.length);
  let passed: Disagreement | null = null;
  for (let i = 0; i < most; i++) {
    const [our, their] = [ours.messages[i], theirs.messages[i]];
    if (our === undefined || their === undefined || our.end === null || their.end === null) {
      return compareLast(bytes, ours, theirs, i) ?? passed;
    }
    const found = compareComplete(our, their) ?? compareAfter(our, their);
    if (found !== null && found.kind !== IGNORED_UPGRADE) {
      return CAUSED_BY_HTAB.test(found.kind) && hasHtab(bytes, startOf(ours, i))
        ? { ...found, kind: `${found.kind}: ${HTAB}` }
        : found;
    }
    passed ??= found;
    if (our.handedOver || !our.persistent) return passed;
  }
  return compareLast(bytes, ours, theirs, most) ?? passed;
}

const CAUSED_BY_HTAB =
  /^(message boundaries differ: end|they close, we go on|we close, they go on|we stop \(upgrade\), they go on)$/;

/** Returns the offset at which message `at` begins. */
function startOf({ messages }: Verdict, at: number): number {
  return messages[at - 1]?.end ?? 0;
}

/** Compares a message that is complete on both sides: it must be the same. */
function compareComplete(our: Message, their: Message): Disagreement | null {
  const fault = headFault(our, their) ?? bodyFault(our, their);
  return fault === null ? null : dangerous(fault);
}

function headFault(our: Message, their: Message): string | null {
  if (our.method !== their.method) return "method differs";
  if (our.target !== their.target) return "target differs";
  if (our.version !== their.version) return "version differs";
  return samePairs(our.fields, their.fields) ? null : "fields differ";
}

function bodyFault(our: Message, their: Message): string | null {
  if (our.end !== their.end) return boundary(our, "end");
  if (!sameBytes(our.body, their.body)) return boundary(our, "body");
  return samePairs(our.trailers, their.trailers) ? null : "trailers differ";
}

function boundary(our: Message, what: string): string {
  return `message boundaries differ: ${saysBodyOfConnect(our) ? "body of CONNECT" : what}`;
}

/** Whether a CONNECT declares a body: llhttp gives the first byte after its head to the tunnel in any case. */
function saysBodyOfConnect({ method, fields }: Message): boolean {
  return method === "CONNECT" &&
    fields.some(([name]) => /^(content-length|transfer-encoding)$/i.test(name));
}

const IGNORED_UPGRADE = "they stop (upgrade): we ignore it";

/** Compares whether another message may follow one that is complete on both sides. */
function compareAfter(our: Message, their: Message): Disagreement | null {
  if (our.handedOver) return their.handedOver ? null : safe("we stop (upgrade), they go on");
  if (our.persistent && !their.persistent) {
    return dangerous(`they close, we go on${whyClosed(their)}`);
  }
  if (!our.persistent && their.persistent) return safe(`we close, they go on${whyKept(our)}`);
  return their.handedOver ? safe(IGNORED_UPGRADE) : null;
}

function whyClosed(their: Message): string {
  return their.trailers.some(([name]) => /^connection$/i.test(name))
    ? ": Connection among the trailers"
    : "";
}

function whyKept({ version, fields }: Message): string {
  const options = fields.filter(([name]) => /^connection$/i.test(name)).map(([, value]) => value);
  const both = /close/i.test(options.join()) && /keep-alive/i.test(options.join());
  return version === "1.0" && both ? ": HTTP/1.0 with close and keep-alive" : "";
}

/** Compares message `at`, which is complete on one side at most. */
function compareLast(
  bytes: Uint8Array,
  ours: Verdict,
  theirs: Verdict,
  at: number,
): Disagreement | null {
  const [our, their] = [ours.messages[at], theirs.messages[at]];
  if (isComplete(their)) return acceptedByThem(ours, our, hasHtab(bytes, startOf(ours, at)));
  if (ours.outcome === "refused" && !isComplete(our)) {
    return theirs.outcome === "refused" ? null : weRefuse(ours);
  }
  if (theirs.outcome === "refused") {
    if (!isAccepted(our, ours, theirs)) return safe(SOONER);
    const refused = { bytes, start: startOf(ours, at), our, their, theirs };
    return dangerous(`${THEY_REFUSE}: ${nameOfTheirs(refused)}`);
  }
  if (isComplete(our)) return dangerous("they wait, we go on");
  if (our !== undefined && their !== undefined) return comparePartial(our, their);
  if (our !== undefined || their !== undefined) return dangerous("head complete for one only");
  return ours.outcome === theirs.outcome ? null : safe("one CR at the end");
}

function isComplete(message: Message | undefined): message is Message {
  return message !== undefined && message.end !== null;
}

/** Names a message that only they have complete: if we have its head, they see another end of its body. */
function acceptedByThem(ours: Verdict, our: Message | undefined, htab: boolean): Disagreement {
  if (our !== undefined && saysBodyOfConnect(our)) return dangerous(boundary(our, "end"));
  if (our !== undefined && htab) return dangerous(`${boundary(our, "end")}: ${HTAB}`);
  return ours.outcome === "refused" ? weRefuse(ours) : dangerous("we wait, they go on");
}

function weRefuse(ours: Verdict): Disagreement {
  return safe(`${WE_REFUSE}: ${nameOfOurs(ours.reason)}`);
}

/**
 * Whether we have accepted what they reject. While we neither have the whole message nor have
 * consumed the byte that they reject, we may still reject it too.
 */
function isAccepted(our: Message | undefined, ours: Verdict, theirs: Verdict): our is Message {
  return our !== undefined && (our.end !== null || ours.at > theirs.at);
}

function comparePartial(our: Message, their: Message): Disagreement | null {
  const fault = headFault(our, their);
  if (fault !== null) return dangerous(fault);
  return sameBytes(our.body, their.body) ? null : dangerous(boundary(our, "body so far"));
}

function samePairs(ours: readonly FieldPair[], theirs: readonly FieldPair[]): boolean {
  return ours.length === theirs.length &&
    ours.every(([name, value], i) => name === theirs[i]![0] && value === theirs[i]![1]);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function dangerous(kind: string): Disagreement {
  return { kind, dangerous: true };
}

function safe(kind: string): Disagreement {
  return { kind, dangerous: false };
}
