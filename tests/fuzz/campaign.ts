/** Many inputs, one after another, and what came of them. */
import { Random } from "../random.ts";
import { Judge } from "./judge.ts";
import type { Reader } from "./judge.ts";
import { KNOWN } from "./known.ts";
import { Llhttp } from "./llhttp.ts";
import { minimise } from "./minimise.ts";
import { Mutator } from "./mutator.ts";
import { readOurs } from "./ours.ts";

/** How long, and from where. */
export interface CampaignOptions {
  readonly inputs: number;
  readonly seed: number;
  /** @default {Infinity} */
  readonly seconds?: number;
  /** @default {readOurs} */
  readonly ours?: Reader;
  /** Called every two seconds or so. */
  readonly onProgress?: (report: Report) => void;
}

/** How often one kind of disagreement was met. */
export interface Tally {
  readonly kind: string;
  readonly dangerous: boolean;
  /** Undefined if the disagreement is not explained. */
  readonly why: string | undefined;
  count: number;
  /** The shortest input. */
  example: Uint8Array;
  /** The line of the hardening checklist which that input began with. */
  line: number;
}

/** What came of a campaign. */
export interface Report {
  inputs: number;
  /** Inputs on which both agree. */
  agreed: number;
  /** Requests in them that both accept. */
  accepted: number;
  readonly tallies: Map<string, Tally>;
  seconds: number;
}

/** The unexplained disagreements, each with its shortest input, minimised. */
export interface Finding {
  readonly kind: string;
  readonly dangerous: boolean;
  readonly line: number;
  readonly bytes: Uint8Array;
}

const PROGRESS = 2;
/** The clock is not asked for every input. */
const AT_ONCE = 500;

/** Runs a campaign: the same inputs for the same seed. */
export class Campaign {
  readonly #options: CampaignOptions;
  readonly #judge: Judge;
  readonly #mutator: Mutator;
  readonly report: Report = { inputs: 0, agreed: 0, accepted: 0, tallies: new Map(), seconds: 0 };

  constructor(options: CampaignOptions) {
    this.#options = options;
    const llhttp = new Llhttp();
    this.#judge = new Judge(options.ours ?? readOurs, (bytes) => llhttp.read(bytes));
    this.#mutator = new Mutator(new Random(options.seed));
  }

  run(): Report {
    const { inputs, seconds = Infinity, onProgress } = this.#options;
    const { report } = this;
    const start = performance.now();
    for (let nextProgress = PROGRESS; report.inputs < inputs && report.seconds < seconds;) {
      const end = Math.min(inputs, report.inputs + AT_ONCE);
      while (report.inputs < end) this.#one();
      report.seconds = (performance.now() - start) / 1000;
      if (report.seconds < nextProgress) continue;
      nextProgress = report.seconds + PROGRESS;
      onProgress?.(report);
    }
    return report;
  }

  /** Returns the unexplained disagreements, minimised. */
  findings(): Finding[] {
    const unexplained = [...this.report.tallies.values()].filter(({ why }) => why === undefined);
    return unexplained.map(({ kind, dangerous, line, example }) => {
      const bytes = minimise(example, (shorter) => this.#judge.judge(shorter)?.kind === kind);
      return { kind, dangerous, line, bytes };
    });
  }

  #one(): void {
    const bytes = this.#mutator.next();
    const found = this.#judge.judge(bytes);
    this.report.inputs++;
    if (found !== null) return this.#count(found.kind, found.dangerous, bytes);
    this.report.agreed++;
    this.report.accepted += this.#judge.accepted;
  }

  #count(kind: string, dangerous: boolean, bytes: Uint8Array): void {
    const { tallies } = this.report;
    const { line } = this.#mutator;
    const tally = tallies.get(kind);
    if (tally === undefined) {
      const why = KNOWN.get(kind);
      tallies.set(kind, { kind, dangerous, why, count: 1, example: bytes.slice(), line });
      return;
    }
    tally.count++;
    if (bytes.length >= tally.example.length) return;
    tally.example = bytes.slice();
    tally.line = line;
  }
}
