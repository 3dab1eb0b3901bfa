/**
 * A client as a connection pool is one: it keeps its connection, and sends a request
 * again when the connection ended without a byte of its answer.
 */
import { WireClient } from "../soak/wire_client.ts";
import type { Answer } from "../soak/wire_client.ts";

/** Sends one request, and reads its answer. */
export type Exchange = (wire: WireClient) => Promise<Answer>;

/** A server that ends closes a connection before each of so many attempts: something is wrong. */
const MOST_ATTEMPTS = 10;

/** One client, with one connection at a time. */
export class PersistentClient implements Disposable {
  /** The answers that were read to their end. */
  readonly answers: Answer[] = [];
  /** How often a request was sent again. */
  resent = 0;
  readonly #port: number;
  #wire: WireClient | null = null;
  /** Bytes that have come over all connections. */
  #received = 0;

  constructor(port: number) {
    this.#port = port;
  }

  /**
   * Gets one answer.
   *
   * @throws {Error} The connection ended within an answer: that one is lost (RFC 9110, 9.2.2).
   */
  async ask(exchange: Exchange): Promise<Answer> {
    for (let attempt = 1;; attempt++) {
      const wire = this.#wire ??= await this.#connect();
      const before = this.#received;
      try {
        const answer = await exchange(wire);
        this.answers.push(answer);
        if (answer.fields.get("connection") === "close") this.#drop();
        return answer;
      } catch (error) {
        this.#drop();
        if (this.#received > before || attempt === MOST_ATTEMPTS) throw error;
        this.resent++;
      }
    }
  }

  [Symbol.dispose](): void {
    this.#drop();
  }

  async #connect(): Promise<WireClient> {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port: this.#port });
    const read = conn.read.bind(conn);
    conn.read = async (into) => {
      const count = await read(into);
      this.#received += count ?? 0;
      return count;
    };
    return new WireClient(conn);
  }

  #drop(): void {
    this.#wire?.close();
    this.#wire = null;
  }
}
