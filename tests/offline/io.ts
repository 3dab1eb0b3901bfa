/** Stands in for the two functions of `@std/io` that the tests use: npm does not have them. */

/** Reads to the end. */
export async function readAll(
  reader: { read(into: Uint8Array): Promise<number | null> },
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const buffer = new Uint8Array(32_768);
  for (;;) {
    const count = await reader.read(buffer);
    if (count === null) return new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());
    chunks.push(buffer.slice(0, count));
  }
}

/** Writes everything. */
export async function writeAll(
  writer: { write(bytes: Uint8Array): Promise<number> },
  bytes: Uint8Array,
): Promise<void> {
  let written = 0;
  while (written < bytes.length) written += await writer.write(bytes.subarray(written));
}
