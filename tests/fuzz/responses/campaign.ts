/** Runs many mutated responses through both readers, and counts the differences by kind. */
import { bytesOf } from "../../fixtures.ts";
import type { Random } from "../../random.ts";
import { compare } from "./compare.ts";
import { ATTACKS, VALID } from "./corpus.ts";
import { LlhttpResponses, readOurs } from "./readers.ts";
import type { Reader } from "./readers.ts";

/** One kind of difference, with its shortest input. */
export interface Tally {
  readonly dangerous: boolean;
  count: number;
  text: string;
  method: string;
}

/** What a campaign has found. */
export interface Report {
  readonly kinds: Map<string, Tally>;
  /** The number of responses that our side has read to their end. */
  accepted: number;
}

/** Bytes that mean something somewhere. */
const TELLING = '\r\n\0\t :;,/=0159aAfF+-_."\x0b\x7f\x80';
const METHODS = ["GET", "GET", "GET", "HEAD", "CONNECT"];
const ALL = [...VALID, ...ATTACKS];

/** Compares both sides on `inputs` inputs. */
export function compareMany(random: Random, inputs: number, ours: Reader = readOurs): Report {
  const llhttp = new LlhttpResponses();
  const report: Report = { kinds: new Map(), accepted: 0 };
  for (let i = 0; i < inputs; i++) {
    const text = mutated(random);
    const method = random.pick(METHODS);
    const bytes = bytesOf(text);
    const verdict = ours(bytes, method);
    report.accepted += verdict.responses.filter(({ end }) => end !== null).length;
    const found = compare(verdict, llhttp.read(bytes, method), text, method);
    if (found !== null) count(report.kinds, found.kind, found.dangerous, text, method);
  }
  return report;
}

function count(
  kinds: Map<string, Tally>,
  kind: string,
  dangerous: boolean,
  text: string,
  method: string,
): void {
  const tally = kinds.get(kind) ?? { dangerous, count: 0, text, method };
  kinds.set(kind, tally);
  tally.count++;
  if (text.length < tally.text.length) Object.assign(tally, { text, method });
}

/** A response, or several, with few changes: one far from the grammar is refused at once. */
function mutated(random: Random): string {
  let text = random.pick(random.oneIn(2) ? VALID : ALL);
  for (let left = random.pick([0, 1, 1, 2]); left > 0; left--) {
    const at = random.below(text.length + 1);
    const end = at + random.integer(1, random.pick([1, 4, 20]));
    const [before, behind] = [text.slice(0, at), text.slice(at)];
    switch (random.below(5)) {
      case 0:
        text = before + random.pick(TELLING) + behind;
        break;
      case 1:
        text = before + random.pick(TELLING) + behind.slice(1);
        break;
      case 2:
        text = before + text.slice(end);
        break;
      case 3:
        text = text.slice(0, end) + behind;
        break;
      default:
        text = before + random.pick(ALL).slice(random.below(30));
    }
  }
  return text;
}
