/** Bytes that both sides know: arriving content is checked without being kept. */
export const PATTERN: Uint8Array<ArrayBuffer> = Uint8Array.from(
  { length: 65_536 },
  (_, at) => (at * 31 + (at >> 8)) & 0xff,
);
