/** Stand-in for the part of `@std/io` that the tests use: no npm package has it. */

/** Reads to the end of the stream. */
export async function readAll(
  reader: { read(p: Uint8Array): Promise<number | null> },
): Promise<Uint8Array> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  const buffer = new Uint8Array(32_768);
  for (let count; (count = await reader.read(buffer)) !== null;) {
    chunks.push(buffer.slice(0, count));
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

/** Writes all bytes: one `write` may take only some of them. */
export async function writeAll(
  writer: { write(p: Uint8Array): Promise<number> },
  data: Uint8Array,
): Promise<void> {
  for (let at = 0; at < data.length;) at += await writer.write(data.subarray(at));
}
