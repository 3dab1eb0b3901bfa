/** Handshakes and frames as bytes, one character a byte. */

/** The fields of a handshake; the key is that of RFC 6455, 1.3. */
export const FIELDS: { readonly [name: string]: string } = {
  "Host": "x",
  "Connection": "keep-alive, Upgrade",
  "Upgrade": "websocket",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
};

/** The response to {@linkcode handshake}, without further fields. */
export const ACCEPTED = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n" +
  "Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/** A handshake, with fields that are added, replaced, or, if empty, left out. */
export function handshake(
  fields: { readonly [name: string]: string } = {},
  line = "GET / HTTP/1.1",
): string {
  const lines = Object.entries({ ...FIELDS, ...fields })
    .filter(([, value]) => value !== "")
    .map(([name, value]) => `${name}: ${value}`);
  return `${[line, ...lines].join("\r\n")}\r\n\r\n`;
}

/** A frame of a client, with a mask of zeros. */
export function frame(opcode: number, payload: string): string {
  return String.fromCharCode(0x80 | opcode, 0x80 | payload.length) + `\0\0\0\0${payload}`;
}

/** A frame of the server. */
export function serverFrame(opcode: number, payload: string): string {
  return String.fromCharCode(0x80 | opcode, payload.length) + payload;
}

export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

/** The payload of a close frame. */
export function closing(code: number, reason = ""): string {
  return String.fromCharCode(code >> 8, code & 0xff) + reason;
}
