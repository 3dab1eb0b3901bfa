/** Where two verdicts about the same bytes first differ, and what kind of difference it is. */
import type { FieldPair } from "../../src/wire/fields.ts";
import { hasHtab, HTAB, nameOfOurs, nameOfTheirs } from "./refusals.ts";
import type { Message, Verdict } from "./verdict.ts";

/** One input on which the two do not agree. */
export interface Disagreement {
  /** The name under which it is counted and, if it is known, explained. */
  readonly kind: string;
  /** Would a proxy that reads as they do, in front of us, let a request through that it has not seen? */
  readonly dangerous: boolean;
}

export const THEY_REFUSE = "they refuse, we accept";
export const WE_REFUSE = "we refuse, they do not";
/** They have refused what we still wait for the rest of. */
export const SOONER = "they refuse sooner";

/** Null where they agree on everything. */
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

/** Where message `at` begins. */
function startOf({ messages }: Verdict, at: number): number {
  return messages[at - 1]?.end ?? 0;
}

/** Both have the whole message: it must be the same. */
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

/** llhttp takes the first byte behind the head of CONNECT for the tunnel's, whatever the head says. */
function saysBodyOfConnect({ method, fields }: Message): boolean {
  return method === "CONNECT" &&
    fields.some(([name]) => /^(content-length|transfer-encoding)$/i.test(name));
}

const IGNORED_UPGRADE = "they stop (upgrade): we ignore it";

/** Both have the message: may another one follow? */
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

/** Message `at` is complete for one of them at most. */
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

/** Where we have its head, it is the end of the body that they see elsewhere. */
function acceptedByThem(ours: Verdict, our: Message | undefined, htab: boolean): Disagreement {
  if (our !== undefined && saysBodyOfConnect(our)) return dangerous(boundary(our, "end"));
  if (our !== undefined && htab) return dangerous(`${boundary(our, "end")}: ${HTAB}`);
  return ours.outcome === "refused" ? weRefuse(ours) : dangerous("we wait, they go on");
}

function weRefuse(ours: Verdict): Disagreement {
  return safe(`${WE_REFUSE}: ${nameOfOurs(ours.reason)}`);
}

/**
 * They refuse it. As long as we do not have the whole message, nor have used the byte
 * that they dislike, nothing is lost: we may yet refuse it too.
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
