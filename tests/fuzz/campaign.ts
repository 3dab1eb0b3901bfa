/** Runs many inputs, and counts the disagreements by kind. */
import { Random } from "../random.ts";
import { Judge } from "./judge.ts";
import type { Reader } from "./judge.ts";
import { KNOWN } from "./known.ts";
import { Llhttp } from "./llhttp.ts";
import { minimise } from "./minimise.ts";
import { Mutator } from "./mutator.ts";
import { readOurs } from "./ours.ts";

/** Options for {@linkcode Campaign}. */
export interface CampaignOptions {
  /** The number of inputs. */
  readonly inputs: number;
  /** The seed of the random generator. */
  readonly seed: number;
  /**
   * The largest duration, in seconds.
   *
   * @default {Infinity}
   */
  readonly seconds?: number;
  /**
   * Our side.
   *
   * @default {readOurs}
   */
  readonly ours?: Reader;
  /** Called about every two seconds. */
  readonly onProgress?: (report: Report) => void;
}

/** Counts one kind of disagreement. */
export interface Tally {
  readonly kind: string;
  readonly dangerous: boolean;
  /** The explanation; undefined if there is none. */
  readonly why: string | undefined;
  count: number;
  /** The shortest input. */
  example: Uint8Array;
  /** The line of the hardening checklist that the seed of that input belongs to. */
  line: number;
}

/** The result of a campaign. */
export interface Report {
  inputs: number;
  /** The number of inputs on which both sides agree. */
  agreed: number;
  /** The number of requests in those inputs that both sides accept. */
  accepted: number;
  readonly tallies: Map<string, Tally>;
  seconds: number;
}

/** An unexplained disagreement with its shortest input, minimised. */
export interface Finding {
  readonly kind: string;
  readonly dangerous: boolean;
  readonly line: number;
  readonly bytes: Uint8Array;
}

const PROGRESS_INTERVAL_S = 2;
/** Inputs between two readings of the clock. */
const BATCH_INPUTS = 500;

/** Runs a campaign; the same seed gives the same inputs. */
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
    for (
      let nextProgress = PROGRESS_INTERVAL_S;
      report.inputs < inputs && report.seconds < seconds;
    ) {
      const end = Math.min(inputs, report.inputs + BATCH_INPUTS);
      while (report.inputs < end) this.#one();
      report.seconds = (performance.now() - start) / 1000;
      if (report.seconds < nextProgress) continue;
      nextProgress = report.seconds + PROGRESS_INTERVAL_S;
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
