/** Runs both sides on one input, and on completions of it if one side rejects it sooner. */
import { compare, SOONER } from "./compare.ts";
import type { Disagreement } from "./compare.ts";
import type { Verdict } from "./verdict.ts";
import { bytesOf } from "../fixtures.ts";

/** Parses requests; the verdict is valid until the next call. */
export type Reader = (bytes: Uint8Array) => Verdict;

/** Endings that may complete a request whose beginning one side has rejected already. */
const COMPLETIONS = [
  "\r\n\r\n",
  "\n\r\n",
  "\n",
  "\r\nHost: h\r\n\r\n",
  "\nHost: h\r\n\r\n",
  " HTTP/1.1\r\nHost: h\r\n\r\n",
  " / HTTP/1.1\r\nHost: h\r\n\r\n",
  ": b\r\n\r\n",
  ":80\r\n\r\n",
].map(bytesOf);

/** Compares our verdict with theirs. */
export class Judge {
  readonly #ours: Reader;
  readonly #theirs: Reader;
  #accepted = 0;

  constructor(ours: Reader, theirs: Reader) {
    this.#ours = ours;
    this.#theirs = theirs;
  }

  /** The number of requests in the last input that are complete on our side. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Returns the disagreement about `bytes`; null if there is none. */
  judge(bytes: Uint8Array): Disagreement | null {
    const found = this.#compare(bytes);
    if (found?.kind !== SOONER) return found;
    for (const completion of COMPLETIONS) {
      const completed = new Uint8Array(bytes.length + completion.length);
      completed.set(bytes);
      completed.set(completion, bytes.length);
      const later = this.#compare(completed);
      if (later?.dangerous) return later;
    }
    return found;
  }

  #compare(bytes: Uint8Array): Disagreement | null {
    const ours = this.#ours(bytes);
    this.#accepted = ours.messages.filter(({ end }) => end !== null).length;
    return compare(bytes, ours, this.#theirs(bytes));
  }
}
