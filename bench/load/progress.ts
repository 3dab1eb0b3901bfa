/** One line on standard error that says where the run is. */

const encoder = new TextEncoder();
const CLEAR_LINE = "\r\x1b[K";

/** Overwrites its line on a terminal, writes one below the other elsewhere. */
export class Progress {
  readonly #terminal = Deno.stderr.isTerminal();

  show(text: string): void {
    this.#write(this.#terminal ? CLEAR_LINE + text : `${text}\n`);
  }

  /** Gives the line back. */
  clear(): void {
    if (this.#terminal) this.#write(CLEAR_LINE);
  }

  #write(text: string): void {
    Deno.stderr.writeSync(encoder.encode(text));
  }
}
