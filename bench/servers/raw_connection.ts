/** The floor: one read, one write of constant bytes, nothing parsed. */

/** The response to everything. */
export const RAW_RESPONSE: Uint8Array<ArrayBuffer> = new TextEncoder().encode(
  "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 13\r\n\r\nHello, World!",
);

/** The same, where no other request follows. */
export const RAW_CLOSING_RESPONSE: Uint8Array<ArrayBuffer> = new TextEncoder().encode(
  "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nConnection: close\r\nContent-Length: 13\r\n\r\nHello, World!",
);

/** Answers each read until the client disconnects. */
export async function serveRaw(conn: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(16_384);
  try {
    while (await conn.read(buffer) !== null) await conn.write(RAW_RESPONSE);
  } catch {
    // The load generator has ended.
  }
  conn.close();
}
