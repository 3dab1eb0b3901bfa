/** The floor of `fetchHandler`: each response is a Web `Response`, taken apart by its public members. */
import { WEB_HANDLERS } from "./web_handlers.ts";

const encoder = new TextEncoder();
const request = new Request("http://127.0.0.1/");

async function bytesOf(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  let head = `HTTP/1.1 ${response.status} OK\r\n`;
  response.headers.forEach((value, name) => head += `${name}: ${value}\r\n`);
  const text = await response.text();
  return encoder.encode(`${head}content-length: ${text.length}\r\n\r\n${text}`);
}

async function serve(conn: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(16_384);
  try {
    while (await conn.read(buffer) !== null) {
      await conn.write(await bytesOf(await WEB_HANDLERS.hello(request)));
    }
  } catch {
    // The load generator has ended.
  }
  conn.close();
}

const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
console.log(`port ${(listener.addr as Deno.NetAddr).port}`);
for await (const conn of listener) serve(conn);
