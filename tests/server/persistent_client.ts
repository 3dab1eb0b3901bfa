/**
 * A client that behaves like a connection pool: it keeps its connection, and repeats a
 * request if the connection ends before the first byte of its response.
 */
import { WireClient } from "../soak/wire_client.ts";
import type { Answer } from "../soak/wire_client.ts";

/** Sends one request and reads its response. */
export type Exchange = (wire: WireClient) => Promise<Answer>;

/** A request that fails this often has found a fault of the server, not its shutdown. */
const MAX_ATTEMPTS = 10;

/** A client with one connection at a time. */
export class PersistentClient implements Disposable {
  /** The responses that were read to their end. */
  readonly answers: Answer[] = [];
  /** The number of repeated requests. */
  resent = 0;
  readonly #port: number;
  #wire: WireClient | null = null;
  /** Bytes received over all connections. */
  #received = 0;

  constructor(port: number) {
    this.#port = port;
  }

  /**
   * Gets one response.
   *
   * @throws {Error} The connection ended within a response: that one is lost (RFC 9110, 9.2.2).
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
        if (this.#received > before || attempt === MAX_ATTEMPTS) throw error;
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
