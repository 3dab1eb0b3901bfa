/** Requests for `examples/dashboard.ts` to show: a day's ups and downs in a minute. */

const CLIENTS = 12;
/** The pause of each client, at the busiest and at the quietest time. */
const PAUSE_MS = { least: 20, most: 220 };
const WAVE_MS = 60_000;

/** What no server should answer. */
const BAD_REQUESTS = [
  "GET / HTTP/1.1\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n",
  "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
  "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
];
/** One bad request in so many. */
const BAD_EVERY = 40;
const PATHS = ["/", "/", "/", "/about", "/missing", "/slow"];

/** Sends requests to a port of this machine for as long as the process runs. */
export function sendDemoTraffic(port: number): void {
  for (let i = 0; i < CLIENTS; i++) client(port).catch(console.error);
}

async function client(port: number): Promise<never> {
  for (;;) {
    if (Math.random() < 1 / BAD_EVERY) await sendBad(port);
    else await (await fetch(`http://127.0.0.1:${port}${oneOf(PATHS)}`)).body?.cancel();
    await new Promise((resolve) => setTimeout(resolve, pause()));
  }
}

function pause(): number {
  const height = (1 + Math.sin(Date.now() / WAVE_MS * 2 * Math.PI)) / 2;
  const { least, most } = PAUSE_MS;
  return (least + (most - least) * (1 - height)) * (0.5 + Math.random());
}

async function sendBad(port: number): Promise<void> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await conn.write(new TextEncoder().encode(oneOf(BAD_REQUESTS)));
  const buffer = new Uint8Array(4096);
  while (await conn.read(buffer) !== null);
}

function oneOf(values: readonly string[]): string {
  return values[Math.floor(Math.random() * values.length)]!;
}
