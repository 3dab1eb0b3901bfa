/**
 * Request smuggling through the fronts of `deploy/`: what a front delimits in another way than
 * this server becomes a request that the front has not seen.
 *
 * Each front puts a secret of its own into every request that it forwards. So a request without
 * one was hidden in another; and a client that asks meanwhile, over the same connections to the
 * server, must get the response to its own request.
 */
import { assert, assertEquals } from "@std/assert";
import { AsyncHttpServer, streaming } from "@asynchttp/server";
import { bytesOf } from "../fixtures.ts";
import { CORPUS } from "../fuzz/corpus.ts";
import { Mutator } from "../fuzz/mutator.ts";
import { fuzzSeed, Random } from "../random.ts";
import { testWith, writeText } from "../server/tools.ts";
import { FRONTS, withFront } from "./fronts.ts";
import type { Front } from "./fronts.ts";

/** Mutants besides the corpus itself. */
const MUTANTS = 300;

/** The line that makes a front mark what it forwards. */
const MARKS: Readonly<Record<string, readonly [before: string, line: string]>> = {
  nginx: ["proxy_pass http://app;", "proxy_set_header X-Front $request_id;"],
  haproxy: ["option forwardfor", "http-request set-header X-Front %[uuid()]"],
};

function marking(front: Front): Front {
  const [before, line] = MARKS[front.program]!;
  return {
    ...front,
    configuration: async (port, back) =>
      (await front.configuration(port, back)).replace(before, `${line}\n  ${before}`),
  };
}

/** Sends bytes and reads until the front has nothing more to say to them. */
async function send(port: number, bytes: Uint8Array): Promise<void> {
  try {
    using conn = await Deno.connect({ hostname: "127.0.0.1", port });
    const reading = conn.readable.pipeTo(new WritableStream()).catch(() => {});
    await conn.write(bytes);
    await conn.closeWrite();
    await reading;
  } catch {
    // The front has refused it, and closed.
  }
}

/** Bodies that are requests themselves: a server that reads another length takes them for its next. */
const HIDDEN = "GET /hidden HTTP/1.1\r\nHost: h\r\n\r\n";
const HIDING = [
  `POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`,
  `GET / HTTP/1.1\r\nHost: h\r\nContent-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`,
  `POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n${
    HIDDEN.length.toString(16)
  }\r\n` +
  `${HIDDEN}\r\n0\r\n\r\n`,
  `POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n` +
  `0;a=b\r\nA: b\r\n\r\n${HIDDEN}`,
];

/** What has arrived behind a front. */
class Arrivals {
  count = 0;
  /** The requests without the front's mark, and without exactly one. */
  readonly unseen: string[] = [];

  add(line: string, marks: readonly string[]): void {
    this.count++;
    if (marks.length !== 1 || marks[0]!.length < 32) this.unseen.push(line);
  }
}

/** Sends inputs through a front; after each, calls `then` with a URL of a client that behaves. */
async function sendThrough(
  front: Front,
  back: number,
  inputs: readonly Uint8Array[],
  then: (url: string, path: string) => Promise<void>,
): Promise<void> {
  await withFront(marking(front), back, async (port) => {
    for (const [i, bytes] of inputs.entries()) {
      await send(port, bytes);
      await then(`http://127.0.0.1:${port}`, `/victim/${i}`);
    }
  });
}

async function smuggles(front: Front): Promise<void> {
  const arrivals = new Arrivals();
  const handler = streaming(async (request) => {
    if (request.target === "/readyz") return await request.respond(200);
    const marks = request.rawHeaders.filter(([name]) => name.toLowerCase() === "x-front");
    arrivals.add(`${request.method} ${request.target}`, marks.map(([, value]) => value));
    await request.text();
    await request.respond(200, request.target);
  });
  // HAProxy holds back what follows a CONNECT: its body never comes.
  await using server = new AsyncHttpServer({ timeouts: { body: 500 }, onError: () => {} });
  const serving = server.serve(0, handler, { address: "127.0.0.1" });
  const mutator = new Mutator(new Random(fuzzSeed()));
  const mutants = Array.from({ length: MUTANTS }, () => mutator.next().slice());
  const inputs = [...[...HIDING, ...CORPUS.map(({ bytes }) => bytes)].map(bytesOf), ...mutants];
  await sendThrough(front, server.getPort(), inputs, async (origin, path) => {
    assertEquals(await (await fetch(origin + path)).text(), path);
  });
  assertEquals(arrivals.unseen, []);
  const { accepted } = server.stats().connections;
  assert(arrivals.count > inputs.length * 1.1, `only ${arrivals.count} requests arrived`);
  assert(accepted < arrivals.count, `${accepted} connections: none was reused`);
  server.close();
  await serving;
}

/** A server that knows no bodies: what follows a head is the next one. */
async function serveWithoutBodies(listener: Deno.Listener, arrivals: Arrivals): Promise<void> {
  for await (const conn of listener) answerHeads(conn, arrivals).catch(() => {});
}

async function answerHeads(conn: Deno.Conn, arrivals: Arrivals): Promise<void> {
  let text = "";
  for await (const part of conn.readable.pipeThrough(new TextDecoderStream())) {
    const heads = (text + part).split("\r\n\r\n");
    text = heads.pop()!;
    for (const head of heads) {
      const marks = [...head.matchAll(/^x-front: (.*)$/gim)].map(([, mark]) => mark!);
      if (!head.startsWith("GET /readyz")) arrivals.add(head.split("\r\n")[0]!, marks);
      await writeText(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }
  }
}

async function seesSmuggling(front: Front): Promise<void> {
  const arrivals = new Arrivals();
  using listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr as Deno.NetAddr;
  const serving = serveWithoutBodies(listener, arrivals);
  await sendThrough(front, port, HIDING.map(bytesOf), async (origin, path) => {
    await fetch(origin + path).then((response) => response.body?.cancel(), () => {});
  });
  assert(arrivals.unseen.includes("GET /hidden HTTP/1.1"), arrivals.unseen.join());
  listener.close();
  await serving;
}

for (const front of FRONTS.filter(({ program }) => program in MARKS)) {
  const { program } = front;
  testWith(program, `no request is smuggled through ${program}`, () => smuggles(front));
  testWith(
    program,
    `${program}: this test sees a request that is smuggled`,
    () => seesSmuggling(front),
  );
}
