/** Asks both sides about one input, and again where one of them has not said enough. */
import { compare, SOONER } from "./compare.ts";
import type { Disagreement } from "./compare.ts";
import type { Verdict } from "./verdict.ts";
import { bytesOf } from "../fixtures.ts";

/** Reads requests; what it returns dies at the next call. */
export type Reader = (bytes: Uint8Array) => Verdict;

/** What may make a request of a beginning that one side has refused already. */
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

/** Both sides. */
export class Judge {
  readonly #ours: Reader;
  readonly #theirs: Reader;
  #accepted = 0;

  constructor(ours: Reader, theirs: Reader) {
    this.#ours = ours;
    this.#theirs = theirs;
  }

  /** How many requests we found complete in the last input. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Where they disagree about `bytes`; null where they do not. */
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
