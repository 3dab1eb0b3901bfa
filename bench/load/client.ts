/** One client: sends its request, checks the answers. */
import { AnswerReader } from "./answers.ts";
import type { Plan } from "./load.ts";

/** A connection to the server that is measured. */
export class Client implements Disposable {
  readonly #conn: Deno.Conn;
  readonly #answers: AnswerReader;
  readonly #plan: Plan;
  readonly #request: Uint8Array;

  private constructor(conn: Deno.Conn, plan: Plan, request: Uint8Array) {
    this.#conn = conn;
    this.#plan = plan;
    this.#request = request;
    this.#answers = new AnswerReader(conn);
  }

  static async connect(plan: Plan, request: Uint8Array): Promise<Client> {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port: plan.port });
    return new Client(conn, plan, request);
  }

  /** Sends once what there is to send, and reads all answers to it. */
  async exchange(): Promise<void> {
    await this.#send();
    for (let i = 0; i < this.#plan.pipelined; i++) {
      const { status, length } = await this.#answers.next();
      if (status !== this.#plan.status || length !== this.#plan.length) {
        throw new Error(
          `An answer with status ${this.#plan.status} and ${this.#plan.length} bytes was expected: ` +
            `got ${status} and ${length} bytes`,
        );
      }
    }
    if (this.#plan.closes) await this.#answers.closed();
  }

  async #send(): Promise<void> {
    for (let at = 0; at < this.#request.length;) {
      at += await this.#conn.write(this.#request.subarray(at));
    }
  }

  [Symbol.dispose](): void {
    this.#conn.close();
  }
}
