/**
 * A restart by SIGTERM, as a deployment does it: `examples/graceful_shutdown.ts` twice on one
 * port, and 200 clients that send requests all the time.
 *
 * The new process listens before the old one is terminated. In the other order no process
 * listens for a while, and clients are refused without a fault of theirs.
 */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { delay } from "@std/async";
import { fileURLToPath } from "node:url";
import { expect, head } from "../soak/traffic.ts";
import { WireClient } from "../soak/wire_client.ts";
import type { Answer } from "../soak/wire_client.ts";
import { PersistentClient } from "./persistent_client.ts";
import type { Exchange } from "./persistent_client.ts";
import { launch, testWith } from "./tools.ts";
import type { Running } from "./tools.ts";

const EXAMPLE = fileURLToPath(new URL("../../examples/graceful_shutdown.ts", import.meta.url));

const CLIENTS = 200;
/** Clients that are within an upload when the signal arrives. */
const UPLOADING = 20;
/** Responses that each of the others gets before the signal, and again after the end. */
const ANSWERS = 3;
/** Longer than any test, so that no connection is cut on a slow machine. */
const GRACE_MS = 600_000;

/** A server process. */
class Instance implements AsyncDisposable {
  readonly pid: string;
  readonly port: number;
  readonly #process: Running;

  private constructor(process: Running, pid: string, port: string) {
    this.#process = process;
    this.pid = pid;
    this.port = Number(port);
  }

  static async start(port = 0): Promise<Instance> {
    const flags = ["--allow-net", "--unstable-net"];
    const process = launch(
      Deno.execPath(),
      ...["run", ...flags, EXAMPLE, String(port), String(GRACE_MS)],
    );
    const [, pid, listens] = await process.line(/^Process (\d+): Listening on http:.*:(\d+)\/$/);
    return new Instance(process, pid!, listens!);
  }

  /** Resolves when it has stopped accepting. */
  async terminate(): Promise<void> {
    this.#process.kill("SIGTERM");
    await this.#process.line(/^Finishing what runs/);
  }

  /** Sends a second signal. */
  insist(): void {
    this.#process.kill("SIGTERM");
  }

  /** Resolves when it has ended. */
  async ended(): Promise<{ code: number; finished: number; cut: number; requests: number }> {
    const [line] = await this.#process.line(/^\{.*\}$/);
    return { code: (await this.#process.status).code, ...JSON.parse(line) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}

async function hello(wire: WireClient): Promise<Answer> {
  await wire.send(head("GET", "/"));
  return good(await wire.answer(), "Hello, World!\n");
}

async function slow(wire: WireClient): Promise<Answer> {
  await wire.send(head("GET", "/slow?ms=50"));
  return good(await wire.answer(), "That took a while\n");
}

async function ticks(wire: WireClient): Promise<Answer> {
  await wire.send(head("GET", "/ticks?ms=10"));
  const text = [1, 2, 3, 4, 5].map((tick) => `tick ${tick} of 5\n`).join("");
  const answer = await wire.answer();
  expect(answer, 200, text.length);
  return answer;
}

async function upload(wire: WireClient): Promise<Answer> {
  await wire.send(head("PUT", "/upload", "Content-Length: 40000"));
  for (let piece = 0; piece < 4; piece++) {
    await delay(5);
    await wire.send("x".repeat(10_000));
  }
  return good(await wire.answer(), "40000 bytes\n");
}

/** An upload whose second half waits; the 100 shows that the handler was called. */
function heldUpload(begun: () => void, released: Promise<void>): Exchange {
  return async (wire) => {
    await wire.send(head("PUT", "/upload", "Content-Length: 20000", "Expect: 100-continue"));
    assertEquals((await wire.head()).status, 100);
    await wire.send("x".repeat(10_000));
    begun();
    await released;
    await wire.send("x".repeat(10_000));
    return good(await wire.answer(), "20000 bytes\n");
  };
}

function good(answer: Answer, text: string): Answer {
  expect(answer, 200, text.length, text);
  return answer;
}

const KINDS: readonly Exchange[] = [hello, slow, ticks, upload];

/** Clients that send requests until they are stopped. */
class Load implements Disposable {
  readonly clients: readonly PersistentClient[];
  readonly #asking: Promise<unknown>;
  #stopped = false;

  constructor(port: number, size: number) {
    this.clients = Array.from({ length: size }, () => new PersistentClient(port));
    this.#asking = Promise.all(this.clients.map((client, at) => this.#ask(client, at)));
  }

  /** Resolves when each client has received `answers` more responses. */
  async advance(answers: number): Promise<void> {
    const before = this.clients.map((client) => client.answers.length);
    const enough = () =>
      this.clients.every((client, at) => client.answers.length >= before[at]! + answers);
    // Rejects as soon as a client fails, not after the wait.
    while (!enough()) await Promise.race([delay(10), this.#asking]);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#asking;
  }

  /** Sends all kinds in turn, each client from another start: at any time some are within each. */
  async #ask(client: PersistentClient, first: number): Promise<void> {
    for (let kind = first; !this.#stopped; kind++) await client.ask(KINDS[kind % KINDS.length]!);
  }

  [Symbol.dispose](): void {
    this.#stopped = true;
    for (const client of this.clients) client[Symbol.dispose]();
  }
}

/** Clients that are within an upload until they are released. */
class Uploads implements Disposable {
  readonly clients: readonly PersistentClient[];
  /** Resolves when the handler of each was called. */
  readonly begun: Promise<unknown>;
  readonly answers: Promise<Answer[]>;
  readonly release: () => void;

  constructor(port: number) {
    const gate = Promise.withResolvers<void>();
    this.release = gate.resolve;
    this.clients = Array.from({ length: UPLOADING }, () => new PersistentClient(port));
    const begun = this.clients.map(() => Promise.withResolvers<void>());
    this.answers = Promise.all(
      this.clients.map((client, at) => client.ask(heldUpload(begun[at]!.resolve, gate.promise))),
    );
    this.begun = Promise.race([Promise.all(begun.map(({ promise }) => promise)), this.answers]);
  }

  [Symbol.dispose](): void {
    for (const client of this.clients) client[Symbol.dispose]();
  }
}

/** Counts the responses of each process. */
function answersByProcess(clients: readonly PersistentClient[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { fields } of clients.flatMap((client) => client.answers)) {
    const pid = fields.get("x-process")!;
    counts[pid] = (counts[pid] ?? 0) + 1;
  }
  return counts;
}

testWith(
  "reusePort",
  "restart under load: every accepted request gets exactly one response",
  async () => {
    await using old = await Instance.start();
    using uploading = new Uploads(old.port);
    using load = new Load(old.port, CLIENTS - UPLOADING);
    await uploading.begun;
    await load.advance(ANSWERS);

    await using successor = await Instance.start(old.port);
    await old.terminate();
    uploading.release();
    for (const answer of await uploading.answers) {
      assertEquals(answer.fields.get("x-process"), old.pid);
      assertEquals(answer.fields.get("connection"), "close");
    }
    const { requests, ...end } = await old.ended();
    assertEquals({ code: end.code, cut: end.cut }, { code: 0, cut: 0 });
    assert(end.finished >= UPLOADING && end.finished <= CLIENTS, `${end.finished} finished`);

    await load.advance(ANSWERS);
    await load.stop();
    await successor.terminate();
    const after = await successor.ended();
    assertEquals({ code: after.code, cut: after.cut }, { code: 0, cut: 0 });

    // Each request has one response. The servers counted no more requests than that: no response
    // was lost, and no request was served twice.
    assertEquals(answersByProcess([...uploading.clients, ...load.clients]), {
      [old.pid]: requests,
      [successor.pid]: after.requests,
    });
  },
);

testWith(
  "reusePort",
  "a second SIGTERM ends the process at once while a handler still waits",
  async () => {
    await using server = await Instance.start();
    using wire = await WireClient.connect(server.port);
    await wire.send(head("PUT", "/upload", "Content-Length: 1", "Expect: 100-continue"));
    assertEquals((await wire.head()).status, 100);

    await server.terminate();
    server.insist();
    assertEquals(await server.ended(), { code: 1, finished: 0, cut: 1, requests: 1 });
    await assertRejects(() => wire.answer());
    const refused = await assertRejects(() => WireClient.connect(server.port));
    assertMatch(String(refused), /ConnectionRefused/);
  },
);
