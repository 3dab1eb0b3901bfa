/** A client that sends exact bytes, and reads whole responses by the parser of the entry `./wire`. */
import { ResponseParser } from "@asynchttp/server/wire";

/** A response that was read to its end. */
export interface Answer {
  readonly status: number;
  readonly content: Uint8Array;
}

/** One connection. */
export class Client implements Disposable {
  readonly #conn: Deno.Conn;
  readonly #parser = new ResponseParser();

  constructor(conn: Deno.Conn) {
    this.#conn = conn;
  }

  /** Connects to a port on the loopback interface. */
  static async connect(port: number): Promise<Client> {
    return new Client(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  /** Sends a request, and reads its final response. */
  async ask(request: Uint8Array, method = "GET"): Promise<Answer> {
    for (let at = 0; at < request.length;) at += await this.#conn.write(request.subarray(at));
    this.#parser.expect({ method });
    let status = 0;
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    for (;;) {
      const event = this.#parser.next();
      if (event.type === "head") status = event.status;
      if (event.type === "data") pieces.push(event.bytes.slice());
      if (event.type === "end") break;
      if (event.type === "need-data") await this.#fill();
    }
    // A `Blob` costs more than a whole small exchange.
    const content = pieces.length === 1 ? pieces[0]! : await new Blob(pieces).bytes();
    return { status, content };
  }

  [Symbol.dispose](): void {
    this.#conn.close();
  }

  async #fill(): Promise<void> {
    const { input } = this.#parser;
    const count = await this.#conn.read(input.space());
    if (count === null) this.#parser.finish();
    else input.filled(count);
  }
}
