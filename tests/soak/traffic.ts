/**
 * Well-behaved exchanges: each knows the response it must get and throws on any other.
 *
 * Some requests are refused on purpose, and those responses must arrive, too.
 */
import { PATTERN } from "./pattern.ts";
import type { Random } from "../random.ts";
import type { Ports } from "./server_process.ts";
import { sumOf } from "./wire_client.ts";
import type { Answer, WireClient } from "./wire_client.ts";

/** What an exchange works with. */
export interface Scene {
  readonly ports: Ports;
  readonly random: Random;
  /** Opens a connection, which is closed when the exchange is over. */
  connect(port: number): Promise<WireClient>;
}

/** One kind of traffic. */
export interface Kind {
  readonly name: string;
  run(scene: Scene): Promise<void>;
}

/** Throws if the response is not the expected one. */
export function expect(answer: Answer, status: number, length?: number, text?: string): void {
  const { length: got } = answer;
  if (answer.status !== status) throw new Error(`Status ${answer.status} instead of ${status}`);
  if (length !== undefined && got !== length) throw new Error(`${got} bytes instead of ${length}`);
  if (text !== undefined && answer.text !== text) {
    throw new Error(`"${answer.text}" instead of "${text}"`);
  }
}

/** Builds the head of a request. */
export function head(method: string, target: string, ...fields: string[]): string {
  const lines = [`${method} ${target} HTTP/1.1`, "Host: soak", ...fields];
  return lines.join("\r\n") + "\r\n\r\n";
}

/** Waits for a number of milliseconds. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function anyPort({ ports, random }: Scene): number {
  return random.pick([ports.streaming, ports.whole, ports.fetch]);
}

/** Yields pieces of the pattern, `size` bytes in total. */
export function* pieces(size: number, random: Random): Generator<Uint8Array<ArrayBuffer>> {
  for (let left = size; left > 0;) {
    const piece = PATTERN.subarray(0, Math.min(left, random.integer(1, PATTERN.length)));
    left -= piece.length;
    yield piece;
  }
}

/** Sends the same in chunked coding, with occasional extensions; returns the sum of the bytes. */
export async function sendChunked(
  client: WireClient,
  size: number,
  random: Random,
): Promise<number> {
  let sum = 0;
  for (const piece of pieces(size, random)) {
    const extension = random.oneIn(4) ? ";a=b" : "";
    await client.send(`${piece.length.toString(16)}${extension}\r\n`);
    await client.send(piece);
    await client.send("\r\n");
    sum = sumOf(piece, sum);
  }
  await client.send(random.oneIn(2) ? "0\r\nX-End: yes\r\n\r\n" : "0\r\n\r\n");
  return sum;
}

async function keepAlive(scene: Scene): Promise<void> {
  const client = await scene.connect(anyPort(scene));
  for (let left = scene.random.integer(1, 20); left > 0; left--) {
    const size = scene.random.size(65_536);
    await client.send(head("GET", `/text?n=${size}`));
    expect(await client.answer(), 200, size);
  }
}

async function pipelined(scene: Scene): Promise<void> {
  const client = await scene.connect(anyPort(scene));
  const sizes = Array.from({ length: scene.random.integer(2, 30) }, () => scene.random.size(9000));
  const sending = client.send(sizes.map((size) => head("GET", `/text?n=${size}`)).join(""));
  for (const size of sizes) expect(await client.answer(), 200, size);
  await sending;
}

async function fixedUpload(scene: Scene): Promise<void> {
  const { random } = scene;
  const client = await scene.connect(anyPort(scene));
  for (let left = random.integer(1, 4); left > 0; left--) {
    const size = random.size(400_000);
    await client.send(head("POST", "/count", `Content-Length: ${size}`));
    for (const piece of pieces(size, random)) await client.send(piece);
    expect(await client.answer(), 200, undefined, String(size));
  }
}

async function chunkedUpload(scene: Scene): Promise<void> {
  const { random } = scene;
  const client = await scene.connect(anyPort(scene));
  for (let left = random.integer(1, 4); left > 0; left--) {
    const size = random.size(400_000);
    await client.send(head("POST", "/count", "Transfer-Encoding: chunked", "Trailer: X-End"));
    await sendChunked(client, size, random);
    expect(await client.answer(), 200, undefined, String(size));
  }
}

async function echo(scene: Scene): Promise<void> {
  const { random } = scene;
  const client = await scene.connect(anyPort(scene));
  const size = random.size(1_000_000);
  await client.send(head("POST", "/echo", "Transfer-Encoding: chunked"));
  const [sum, answer] = await Promise.all([sendChunked(client, size, random), client.answer()]);
  expect(answer, 200, size);
  if (answer.sum !== sum) throw new Error("The echo differs from what was sent");
}

async function tooLarge({ connect, ports, random }: Scene): Promise<void> {
  const [target, size] = random.pick([["/count", 9_000_000], ["/limited", 1001]] as const);
  const client = await connect(ports.streaming);
  await client.send(head("POST", target, `Content-Length: ${size}`));
  await client.send(PATTERN.subarray(0, Math.min(size, random.integer(0, 50_000))));
  expect(await client.answer(), 413);
  await client.end();
}

async function halfClose(scene: Scene): Promise<void> {
  const client = await scene.connect(anyPort(scene));
  const size = scene.random.size(300_000);
  await client.send(head("GET", `/text?n=100`) + head("GET", `/make?n=${size}`));
  await client.conn.closeWrite();
  expect(await client.answer(), 200, 100);
  expect(await client.answer(), 200, size);
  await client.end();
}

async function upgrade({ connect, ports, random }: Scene): Promise<void> {
  const client = await connect(random.pick([ports.streaming, ports.whole]));
  await client.send(head("GET", "/upgrade", "Connection: Upgrade", "Upgrade: echo") + "early");
  const { status } = await client.head();
  if (status !== 101) throw new Error(`Status ${status} instead of 101`);
  for (let left = random.integer(0, 5); left > 0; left--) await client.send("hello");
  await client.conn.closeWrite();
  if (await client.bytes(5) !== "early") throw new Error("The bytes after the head are lost");
  while (await client.conn.read(new Uint8Array(64)) !== null);
}

async function hijack({ connect, ports, random }: Scene): Promise<void> {
  const client = await connect(random.pick([ports.streaming, ports.whole]));
  await client.send(head("GET", "/hijack"));
  expect(await client.answer(), 200, 8, "hijacked");
  await client.end();
}

async function expectContinue(scene: Scene): Promise<void> {
  const { random } = scene;
  const client = await scene.connect(anyPort(scene));
  const size = random.integer(1, 100_000);
  await client.send(head("POST", "/count", `Content-Length: ${size}`, "Expect: 100-continue"));
  const { status } = await client.head();
  if (status !== 100) throw new Error(`Status ${status} instead of 100`);
  for (const piece of pieces(size, random)) await client.send(piece);
  expect(await client.answer(), 200, undefined, String(size));
}

async function expectRefused({ connect, ports }: Scene): Promise<void> {
  const client = await connect(ports.streaming);
  await client.send(head("POST", "/limited", "Content-Length: 2000", "Expect: 100-continue"));
  expect(await client.content(await client.head()), 413);
  await client.end();
}

async function headOnly(scene: Scene): Promise<void> {
  const client = await scene.connect(anyPort(scene));
  const size = scene.random.size(60_000);
  await client.send(head("HEAD", `/text?n=${size}`) + head("GET", "/text?n=7"));
  const answer = await client.answer("HEAD");
  expect(answer, 200, 0);
  if (answer.fields.get("content-length") !== String(size)) {
    throw new Error("Content-Length differs");
  }
  expect(await client.answer(), 200, 7);
}

async function oldVersion(scene: Scene): Promise<void> {
  const client = await scene.connect(anyPort(scene));
  const size = scene.random.size(300_000);
  await client.send("GET /text?n=9 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  expect(await client.answer(), 200, 9);
  await client.send(`GET /make?n=${size} HTTP/1.0\r\n\r\n`);
  expect(await client.answer(), 200, size);
  await client.end();
}

async function slowReader(scene: Scene): Promise<void> {
  const client = await scene.connect(anyPort(scene));
  const size = scene.random.integer(100_000, 3_000_000);
  await client.send(head("GET", `/make?n=${size}`));
  const answered = await client.head();
  await pause(scene.random.integer(50, 500));
  expect(await client.content(answered), 200, size);
}

async function idle(scene: Scene): Promise<void> {
  const client = await scene.connect(anyPort(scene));
  await pause(scene.random.integer(10, 1000));
  await client.send(head("GET", "/text?n=3"));
  expect(await client.answer(), 200, 3);
}

async function failure({ connect, ports, random }: Scene): Promise<void> {
  const client = await connect(random.pick([ports.streaming, ports.whole]));
  await client.send(head("GET", "/fail"));
  expect(await client.answer(), 500);
  await client.end();
}

/** All kinds, equally often. */
export const WELL_BEHAVED: readonly Kind[] = [
  { name: "keep-alive", run: keepAlive },
  { name: "pipelined", run: pipelined },
  { name: "fixed upload", run: fixedUpload },
  { name: "chunked upload", run: chunkedUpload },
  { name: "echo", run: echo },
  { name: "413", run: tooLarge },
  { name: "half-close", run: halfClose },
  { name: "upgrade", run: upgrade },
  { name: "hijack", run: hijack },
  { name: "100-continue", run: expectContinue },
  { name: "refused expectation", run: expectRefused },
  { name: "HEAD", run: headOnly },
  { name: "HTTP/1.0", run: oldVersion },
  { name: "slow reader", run: slowReader },
  { name: "idle", run: idle },
  { name: "failing handler", run: failure },
];
