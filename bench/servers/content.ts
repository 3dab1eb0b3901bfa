/** The content of the responses: the same bytes from every server. */

/** The content of the smallest response. */
export const HELLO = "Hello, World!";

/** 64 KiB. */
export const PAGE: Uint8Array<ArrayBuffer> = new Uint8Array(65_536).fill(0x78);

/** The number of pages in the stream: 10 MiB. */
export const PAGES = 160;

/** A stream of 10 MiB, one page per pull. */
export function pages(): ReadableStream<Uint8Array<ArrayBuffer>> {
  let left = PAGES;
  return new ReadableStream({
    pull(controller) {
      if (left-- > 0) controller.enqueue(PAGE);
      else controller.close();
    },
  });
}

/** The response to a posted order. */
export function receipt(order: unknown): { id: number; count: number } {
  const { id, items } = order as { id: number; items: readonly { count: number }[] };
  return { id, count: items.reduce((sum, item) => sum + item.count, 0) };
}

/** The response to a browser: shows that the path and three fields were read. */
export function greeting(path: string, headers: Headers): string {
  const [agent, language, cookie] = ["user-agent", "accept-language", "cookie"].map((name) =>
    headers.get(name)?.length
  );
  return `${path} ${agent} ${language} ${cookie}`;
}

/** Counts the bytes of a stream. */
export async function sizeOf(stream: AsyncIterable<Uint8Array>): Promise<number> {
  let size = 0;
  for await (const chunk of stream) size += chunk.length;
  return size;
}

/** Keeps the processor busy for `ms` milliseconds, as a handler without an await does. */
export function work(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end;);
}

/** A stream without an end, in chunks of `size` bytes. */
export function endless(size: number): ReadableStream<Uint8Array<ArrayBuffer>> {
  const chunk = new Uint8Array(size).fill(0x78);
  return new ReadableStream({ pull: (controller) => controller.enqueue(chunk) });
}

/** What a disturbing request asks for: `/?work=MS` or `/?chunks=BYTES`. */
export function disturbance({ search }: { readonly search: string }): [kind: string, n: number] {
  const [kind = "", amount = "0"] = search.slice(1).split("=");
  return [kind, Number(amount)];
}
