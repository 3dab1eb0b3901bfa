/**
 * Invariants that hold for random clients and random handlers in random order. The seed is
 * printed; FUZZ_SEED repeats a run.
 */
import { assert, assertEquals } from "@std/assert";
import { streaming } from "@asynchttp/server";
import type { Request, RequestOutcome } from "@asynchttp/server";
import { soon, utf8 } from "../fixtures.ts";
import { fuzzSeed, Random } from "../random.ts";
import { start } from "./harness.ts";
import { EOF, RESET, STALL } from "./scripted_conn.ts";
import type { Faults, Step } from "./scripted_conn.ts";

const SEED = fuzzSeed();
const ROUNDS = Number(Deno.env.get("FUZZ_ROUNDS") ?? 300);

function requestOf(random: Random, id: number): string {
  const method = random.pick(["GET", "PUT", "HEAD", "DELETE"]);
  const head = `${method} /${id} HTTP/1.1\r\nHost: x\r\n${
    random.pick(["", "", "Expect: 100-continue\r\n"])
  }`;
  const body = "b".repeat(random.below(50));
  switch (random.below(3)) {
    case 0:
      return `${head}\r\n`;
    case 1:
      return `${head}Content-Length: ${body.length}\r\n\r\n${body}`;
    default: {
      const chunk = body === "" ? "" : `${body.length.toString(16)}\r\n${body}\r\n`;
      return `${head}Transfer-Encoding: chunked\r\n\r\n${chunk}0\r\n\r\n`;
    }
  }
}

function scriptOf(random: Random): Step[] {
  let sent = "";
  for (let id = 0, count = 1 + random.below(5); id < count; id++) sent += requestOf(random, id);
  if (random.oneIn(4)) sent = sent.slice(0, random.below(sent.length));
  if (random.oneIn(8)) sent += "garbage\r\n\r\n";
  const steps: Step[] = [];
  while (sent !== "") {
    const count = 1 + random.below(sent.length);
    steps.push(sent.slice(0, count));
    if (random.oneIn(3)) steps.push(soon());
    sent = sent.slice(count);
  }
  return [...steps, random.pick<Step>([EOF, EOF, RESET, STALL])];
}

/** The sources of responses, and whether each has ended. */
class Sources {
  readonly #ends: boolean[] = [];

  make(random: Random, chunks: number): ReadableStream<Uint8Array> {
    const index = this.#ends.push(false) - 1;
    const fails = random.oneIn(6);
    return new ReadableStream({
      pull: async (controller) => {
        if (random.oneIn(3)) await soon();
        if (chunks-- > 0) return controller.enqueue(utf8("chunk"));
        this.#ends[index] = true;
        if (fails) controller.error(new Error("source"));
        else controller.close();
      },
      cancel: () => void (this.#ends[index] = true),
    }, { highWaterMark: 0 });
  }

  get allEnded(): boolean {
    return this.#ends.every((ended) => ended);
  }
}

async function misbehave(random: Random, request: Request, sources: Sources): Promise<void> {
  const fields = { "X-Id": request.target.slice(1) };
  if (random.oneIn(4)) void request.signal;
  switch (random.below(5)) {
    case 0:
      await request.text();
      break;
    case 1:
      void request.text().catch(() => {});
      break;
    case 2: {
      const reader = request.stream.getReader();
      await reader.read();
      reader.releaseLock();
      break;
    }
  }
  if (random.oneIn(3)) await soon();
  if (random.oneIn(6)) await request.inform(103);
  const count = random.below(4);
  switch (random.below(11)) {
    case 0:
      throw new Error("handler");
    case 1:
      return;
    case 2:
      void request.respond(200, sources.make(random, count), fields);
      return;
    case 3:
      return await request.respond(200, sources.make(random, count), fields);
    case 4: {
      const length = String(count * 5 + random.pick([0, 0, 0, 1]));
      return await request.respond(200, sources.make(random, count), {
        ...fields,
        "Content-Length": length,
      });
    }
    case 5:
      void request.respond(200, "fixed", fields);
      void request.respond(200, "twice", fields);
      return;
    case 6:
      if (!request.hasBody) {
        const conn = request.hijack();
        await conn.write(utf8("RAW"));
        return conn.close();
      }
      return await request.respond(204, null, fields);
    case 7:
      return await request.respond(200, "x".repeat(20_000), fields);
    default:
      return await request.respond(200, "fixed", fields);
  }
}

/** Parses the output as a client does; returns the ids of the final responses, in order. */
function idsOf(
  output: string,
  methods: ReadonlyMap<string, string>,
): { ids: string[]; rest: string } {
  const ids: string[] = [];
  let rest = output;
  for (;;) {
    const head = /^HTTP\/1\.1 (\d+)[^]*?\r\n\r\n/.exec(rest);
    if (head === null) return { ids, rest };
    const after = rest.slice(head[0].length);
    if (head[1]!.startsWith("1")) {
      rest = after;
      continue;
    }
    const id = /\r\nX-Id: (\d+)/.exec(head[0])?.[1] ?? `status ${head[1]}`;
    const bodiless = methods.get(id) === "HEAD" || head[1] === "204";
    const end = bodiless ? 0 : bodyEnd(head[0], after);
    if (end === -1) return { ids, rest: "cut" };
    ids.push(id);
    rest = after.slice(end);
  }
}

/** Returns the length of the body, or -1 if it is incomplete. */
function bodyEnd(head: string, after: string): number {
  const length = /\r\nContent-Length: (\d+)/.exec(head)?.[1];
  if (length !== undefined) return after.length < Number(length) ? -1 : Number(length);
  assert(head.includes("Transfer-Encoding: chunked"), `no framing: ${head}`);
  const body = /^(?:5\r\nchunk\r\n)*0\r\n\r\n/.exec(after);
  return body === null ? -1 : body[0].length;
}

/** One outcome for each request that has begun and each head that was refused, in their order. */
function checkOutcomes(outcomes: RequestOutcome[], begun: number, ids: string[]): void {
  const refused = outcomes.length - begun;
  assert(refused === 0 || refused === 1, `${outcomes.length} outcomes of ${begun} requests`);
  for (let i = 0; i < begun; i++) assertEquals(outcomes[i]!.request.target, `/${i}`);
  if (refused === 1) assert(!outcomes.at(-1)!.handled && outcomes.at(-1)!.rejection !== null);
  // `idsOf` does not know which rejections answer HEAD.
  const complete = outcomes.filter(({ ended, rejection, request }) =>
    ended === "complete" && (rejection === null || request.method !== "HEAD")
  ).map(({ rejection, status, request }) =>
    rejection === null ? request.target.slice(1) : `status ${status}`
  );
  assertEquals(ids.slice(0, complete.length), complete, "as the client has read them");
  // The last one may look whole: its source failed when all of its Content-Length was sent.
  assert(ids.length <= complete.length + 1, `${ids} and ${complete}`);
}

async function round(seed: number): Promise<void> {
  const random = new Random(seed);
  const script = scriptOf(random);
  const sources = new Sources();
  const methods = new Map<string, string>();
  const handle = (request: Request) => {
    methods.set(request.target.slice(1), request.method);
    return misbehave(random, request, sources);
  };
  const faults: Faults = random.pick<Faults>([{}, {}, { writeAtMost: 3 }, { writeGate: soon }, {
    failAfter: random.below(300),
  }]);
  const outcomes: RequestOutcome[] = [];
  const onResponse = (outcome: RequestOutcome) => void outcomes.push(outcome);
  const run = start(script, random.pick([handle, streaming(handle)]), { onResponse }, faults);
  if (script.at(-1) === STALL) {
    for (let i = 0; i < 15; i++) await soon();
    run.connection.destroy();
  }
  await run.done;
  await soon();
  const { ids, rest } = idsOf(run.conn.output, methods);
  const numbered = ids.filter((id) => !id.startsWith("status"));
  assertEquals(
    numbered,
    numbered.map((_, i) => String(i)),
    "one response for each request, in order",
  );
  const refusals = ids.length - numbered.length;
  assert(
    refusals === 0 || (refusals === 1 && ids.at(-1)!.startsWith("status")),
    "one error response, the last one",
  );
  if (rest.startsWith("RAW")) assertEquals(rest, "RAW", "the server writes nothing after a hijack");
  else {assert(
      rest === "" || faults.failAfter !== undefined || run.conn.closed,
      `unframed: ${rest}`,
    );}
  checkOutcomes(outcomes, run.counters.requests, ids);
  assert(sources.allEnded, "every source is read to its end or cancelled");
  assert(run.conn.closed);
  assertEquals(run.clock.size, 0);
}

Deno.test("random clients, random handlers: the invariants hold", async () => {
  for (let i = 0; i < ROUNDS; i++) {
    try {
      await round(SEED + i);
    } catch (error) {
      throw new Error(`FUZZ_SEED=${SEED + i} FUZZ_ROUNDS=1`, { cause: error });
    }
  }
});
