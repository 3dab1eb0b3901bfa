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
import { testWith } from "../server/tools.ts";
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

async function smuggles(front: Front): Promise<void> {
  const unseen: string[] = [];
  let seen = 0;
  const handler = streaming(async (request) => {
    const marks = request.rawHeaders.filter(([name]) => name.toLowerCase() === "x-front");
    if (request.target === "/readyz") return await request.respond(200);
    seen++;
    if (marks.length !== 1 || marks[0]![1].length < 32) {
      unseen.push(`${request.method} ${request.target}`);
    }
    await request.text();
    await request.respond(200, request.target);
  });
  // HAProxy holds back what follows a CONNECT: its body never comes.
  await using server = new AsyncHttpServer({ timeouts: { body: 500 }, onError: () => {} });
  const serving = server.serve(0, handler, { address: "127.0.0.1" });
  const random = new Random(fuzzSeed());
  const mutator = new Mutator(random);
  const mutants = Array.from({ length: MUTANTS }, () => mutator.next().slice());
  await withFront(marking(front), server.getPort(), async (port) => {
    const inputs = [...CORPUS.map(({ bytes }) => bytesOf(bytes)), ...mutants];
    for (const [i, bytes] of inputs.entries()) {
      await send(port, bytes);
      const response = await fetch(`http://127.0.0.1:${port}/victim/${i}`);
      assertEquals(await response.text(), `/victim/${i}`);
    }
    assert(seen > inputs.length * 1.1, `only ${seen} requests arrived`);
  });
  assertEquals(unseen, []);
  server.close();
  await serving;
}

for (const front of FRONTS.filter(({ program }) => program in MARKS)) {
  testWith(front.program, `no request is smuggled through ${front.program}`, () => smuggles(front));
}
