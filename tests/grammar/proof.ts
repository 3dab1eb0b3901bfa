/** Compares the parser with the grammar on every string of a subject. */
import type { Deviation } from "./deviations.ts";
import type { Oracle } from "./oracle.ts";
import type { Subject } from "./subjects.ts";
import { REFUSED, WAITS } from "./verdict.ts";
import type { Reader, Verdict } from "./verdict.ts";

/** A text about which parser and grammar do not agree. */
export interface Difference {
  readonly text: string;
  readonly parser: Verdict;
  readonly grammar: Verdict;
}

/** What a run has shown. */
export interface Report {
  /** The number of strings up to the length: all of them are decided. */
  readonly strings: number;
  /** The texts that were read; the others begin with one that is decided for good. */
  texts: number;
  accepted: number;
  refused: number;
  waits: number;
  /** At most ten. */
  readonly differences: Difference[];
  /** A text for each deviation that is judged otherwise without it. */
  readonly witnesses: Map<Deviation, string>;
}

const MAX_DIFFERENCES = 10;

/** Runs every string of up to `length` symbols. */
export function prove(subject: Subject, length: number, read: Reader = subject.read): Report {
  const run = new Run(subject, read, length);
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0; // most texts are refused: their stacks would take half of the time
  try {
    run.visit(subject.before, 0);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
  return run.report;
}

class Run {
  readonly report: Report;
  readonly #subject: Subject;
  readonly #read: Reader;
  readonly #length: number;
  /** With all deviations: the parser must agree. */
  readonly #server: Oracle;
  /** Without any. */
  readonly #rfc: Oracle;
  /** Those that are not yet witnessed. */
  readonly #unwitnessed: Set<Deviation>;
  /** With all deviations but one; made when one is first needed. */
  readonly #without = new Map<Deviation, Oracle>();

  constructor(subject: Subject, read: Reader, length: number) {
    const { oracle, deviations, symbols } = subject;
    this.#subject = subject;
    this.#read = read;
    this.#length = length;
    this.#server = oracle(deviations);
    this.#rfc = oracle([]);
    this.#unwitnessed = new Set(deviations);
    const strings = Array.from({ length: length + 1 }, (_, n) => symbols.length ** n);
    this.report = {
      strings: strings.reduce((sum, count) => sum + count),
      texts: 0,
      accepted: 0,
      refused: 0,
      waits: 0,
      differences: [],
      witnesses: new Map(),
    };
  }

  /**
   * Judges `text`, and all that begin with it. A text that both refuse, or take whole, is decided
   * for good, since neither reads on; the texts that are one symbol longer must show it.
   */
  visit(text: string, depth: number): void {
    const verdict = this.#judge(text, [text]);
    this.#judge(text + this.#subject.after, [text, this.#subject.after]);
    if (depth === this.#length || this.report.differences.length >= MAX_DIFFERENCES) return;
    for (const symbol of this.#subject.symbols) {
      if (verdict === WAITS) this.visit(text + symbol, depth + 1);
      else this.#judge(text + symbol, [text + symbol], verdict);
    }
  }

  /** Compares the verdicts about one text that arrives in pieces; returns that of the parser. */
  #judge(text: string, pieces: readonly string[], expected?: Verdict): Verdict {
    const parser = this.#read(pieces);
    const grammar = this.#server(text);
    this.#count(parser);
    const agrees = parser === grammar || (parser === WAITS && this.#refusesLater(text, grammar));
    if (!agrees || (expected !== undefined && parser !== expected)) {
      this.report.differences.push({ text, parser, grammar: expected ?? grammar });
    }
    this.#findWitness(text, grammar);
    return parser;
  }

  /** Whether a text that the grammar refuses is refused at the end of its line at the latest. */
  #refusesLater(text: string, grammar: Verdict): boolean {
    if (grammar !== REFUSED) return false;
    return this.#read([text + "\r\n\r\n"]).startsWith(REFUSED);
  }

  #findWitness(text: string, grammar: Verdict): void {
    if (this.#unwitnessed.size === 0 || this.#rfc(text) === grammar) return;
    for (const deviation of this.#unwitnessed) {
      if (this.#allBut(deviation)(text) === grammar) continue;
      this.#unwitnessed.delete(deviation);
      this.report.witnesses.set(deviation, text);
    }
  }

  #allBut(deviation: Deviation): Oracle {
    let oracle = this.#without.get(deviation);
    if (oracle === undefined) {
      const { deviations } = this.#subject;
      oracle = this.#subject.oracle(deviations.filter((other) => other !== deviation));
      this.#without.set(deviation, oracle);
    }
    return oracle;
  }

  #count(verdict: Verdict): void {
    this.report.texts++;
    if (verdict === WAITS) this.report.waits++;
    else if (verdict.startsWith(REFUSED)) this.report.refused++;
    else this.report.accepted++;
  }
}
