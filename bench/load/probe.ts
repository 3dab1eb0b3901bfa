/** Before anything is measured: does the server do the work that is compared? */
import { AnswerReader } from "./answers.ts";
import type { Load } from "./load.ts";

const decoder = new TextDecoder();

/**
 * Sends the request once, and compares every answer with what is expected.
 *
 * @throws {Error} The server answers something else.
 */
export async function probe(port: number, load: Load): Promise<void> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const sending = send(conn, load.request);
  const { status, content } = load.answer;
  let text = "";
  const answers = new AnswerReader(conn, (bytes) => text += decoder.decode(bytes));
  for (let i = 0; i < load.pipelined; i++) {
    text = "";
    const answer = await answers.next();
    const got = typeof content === "string" ? text : answer.length;
    if (answer.status !== status || got !== content) {
      throw new Error(`${status} with ${content} was expected: got ${answer.status} with ${got}`);
    }
  }
  await sending;
}

async function send(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}
