/**
 * A process that runs out of descriptors: `ulimit -n 80`, and 300 clients.
 *
 * No test measures absolute time: each waits for a state, and compares the processor time
 * that a server uses at rest with the time that passes.
 */
import { assert, assertEquals } from "@std/assert";
import { deadline, delay } from "@std/async";
import { poll, ServerProcess } from "../soak/server_process.ts";
import type { Plan } from "../soak/server_process.ts";
import { WireClient } from "../soak/wire_client.ts";
import { testWith } from "./tools.ts";

const DESCRIPTORS = 80;
const CLIENTS = 300;

/** The longest wait for a state. */
const PATIENCE = 20_000;

/** The largest share of a core that a server may use at rest. */
const MAX_LOAD_AT_REST = 0.1;

/** Clients in the order of their connects, and which of them the server has closed. */
class Crowd implements Disposable {
  readonly clients: WireClient[] = [];
  readonly closed = new Set<number>();
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  /** Connects one after another, so that the server accepts them in order. */
  async grow(size: number): Promise<void> {
    while (this.clients.length < size) this.clients.push(await WireClient.connect(this.#port));
  }

  /** Starts to record which clients the server closes. */
  watch(): void {
    for (const [at, client] of this.clients.entries()) {
      const closed = () => void this.closed.add(at);
      client.conn.read(new Uint8Array(1024)).then((count) => count ?? closed(), closed);
    }
  }

  /** Disconnects a part of the clients. */
  leave(from: number, to = this.clients.length): void {
    for (const client of this.clients.slice(from, to)) client.close();
  }

  [Symbol.dispose](): void {
    this.leave(0);
  }
}

async function start(plan: Plan): Promise<ServerProcess> {
  return await ServerProcess.start(plan, { descriptors: DESCRIPTORS });
}

function get(target: string): string {
  return `GET ${target} HTTP/1.1\r\nHost: crowd\r\n\r\n`;
}

/** Connects a client and asserts that it gets its response. */
async function serves(port: number): Promise<void> {
  using client = await WireClient.connect(port);
  const answered = client.send(get("/text?n=5")).then(() => client.answer());
  const { status, length } = await deadline(answered, PATIENCE);
  assertEquals({ status, length }, { status: 200, length: 5 });
}

/** Waits until the server has accepted `size` clients of a crowd. */
async function accepts(server: ServerProcess, size: number): Promise<void> {
  const before = Object.keys(server.ports).length;
  const accepted = async () => (await server.report()).stats.connections.accepted === before + size;
  assert(await poll(accepted, PATIENCE), JSON.stringify(await server.report()));
}

/** Waits until no connection is accepted or closed any more. */
async function settle(server: ServerProcess): Promise<void> {
  let before = "";
  let same = 0;
  const settled = await poll(async () => {
    const { open, accepted } = (await server.report()).stats.connections;
    const now = `${open} open, ${accepted} accepted, ${server.sockets} sockets`;
    same = now === before ? same + 1 : 0;
    before = now;
    return same > 10;
  }, PATIENCE);
  assert(settled, `The server does not come to rest: ${before}`);
}

/** Measures the share of a core that the server uses while nothing happens. */
async function loadAtRest(server: ServerProcess): Promise<number> {
  const begin = performance.now();
  const before = server.processorTime;
  await delay(2000);
  return (server.processorTime - before) / ((performance.now() - begin) / 1000);
}

async function assertAtRest(server: ServerProcess): Promise<void> {
  const load = await loadAtRest(server);
  console.log(`at rest: ${(load * 100).toFixed(1)} % of a core`);
  assert(load < MAX_LOAD_AT_REST, `${(load * 100).toFixed(1)} % of a core at rest`);
}

/**
 * Asserts that the server counts as many connections as it has sockets beyond the initial
 * ones. The two counts are read one after the other while the server still tries to accept,
 * so they need to agree only eventually.
 */
async function assertCountsAgree(server: ServerProcess, before: number): Promise<void> {
  let counts: [sockets: number, open: number] = [NaN, NaN];
  const agree = async () => {
    const { stats } = await server.report();
    counts = [server.sockets - before, stats.connections.open];
    return counts[0] === counts[1];
  };
  assert(await poll(agree, PATIENCE), `${counts[0]} sockets, ${counts[1]} connections`);
}

/** Counts the sockets after a first connection: the runtime opens some of its own with it. */
async function warmSockets(server: ServerProcess): Promise<number> {
  for (const port of Object.values(server.ports)) await serves(port);
  const closed = async () => (await server.report()).stats.connections.open === 0;
  assert(await poll(closed, PATIENCE));
  return server.sockets;
}

/**
 * Asserts that a client is served eventually: while descriptors are short, a new client may
 * be closed before its request is read.
 */
async function servesAgain(server: ServerProcess): Promise<void> {
  let failure: unknown;
  const served = () =>
    serves(server.ports.streaming).then(() => true, (error) => {
      failure = error;
      return false;
    });
  assert(await poll(served, PATIENCE), `No client is served: ${failure}`);
}

/** Asserts that a new client is served when most have gone, and that no socket is left in the end. */
async function assertResumes(server: ServerProcess, crowd: Crowd, before: number): Promise<void> {
  crowd.leave(0, CLIENTS - 20);
  await servesAgain(server);
  crowd.leave(CLIENTS - 20);
  await servesAgain(server);
  const over = async () =>
    (await server.report()).stats.connections.open === 0 && server.sockets === before;
  assert(await poll(over, PATIENCE), `${server.sockets} sockets, ${before} before`);
  assertEquals(server.stderr, "");
  assert(await server.end(), "The server did not shut down by itself");
}

testWith(
  "/proc",
  "serve without the guard: idle connections are closed, longest idle first, and the others persist",
  async () => {
    await using server = await start({ accept: "serve" });
    const before = await warmSockets(server);
    using crowd = new Crowd(server.ports.streaming);

    // Client 0 gets a response after 20 have connected, so it is the least idle of them.
    // Client 1 is within a request.
    await crowd.grow(20);
    await accepts(server, 20);
    await crowd.clients[0]!.send(get("/text?n=5"));
    assertEquals((await crowd.clients[0]!.answer()).length, 5);
    await crowd.clients[1]!.send(get("/wait?ms=600000"));
    const begun = async () => (await server.report()).stats.requests === 5;
    assert(await poll(begun, PATIENCE));
    await crowd.grow(CLIENTS);
    crowd.watch();

    await accepts(server, CLIENTS);
    await settle(server);
    await assertAtRest(server);
    await assertCountsAgree(server, before);

    const { stats, errors } = await server.report();
    assertEquals(Object.keys(errors), ["EMFILE"]);
    const order = [...range(2, 20), 0, ...range(20, CLIENTS)];
    const closed = CLIENTS - stats.connections.open;
    assert(await poll(() => crowd.closed.size === closed, PATIENCE));
    assertEquals(sorted(crowd.closed), sorted(order.slice(0, closed)));
    await assertResumes(server, crowd, before);
  },
);

testWith(
  "/proc",
  "serve without the guard: a connection within a request is not closed, however many clients wait",
  async () => {
    await using server = await start({ accept: "serve" });
    const before = await warmSockets(server);
    using crowd = new Crowd(server.ports.streaming);
    const busy = 40;
    await crowd.grow(busy);
    for (const client of crowd.clients) await client.send(get("/wait?ms=600000"));
    const begun = async () =>
      (await server.report()).stats.requests === busy + Object.keys(server.ports).length;
    assert(await poll(begun, PATIENCE));

    await crowd.grow(CLIENTS);
    for (const client of crowd.clients.slice(busy)) {
      // The server may have closed it before.
      await client.send(get("/wait?ms=600000")).catch(() => {});
    }
    crowd.watch();
    await settle(server);
    await assertAtRest(server);
    await assertCountsAgree(server, before);
    const { errors } = await server.report();
    assertEquals(Object.keys(errors), ["EMFILE"]);
    assertEquals(sorted(crowd.closed).filter((at) => at < busy), []);
    await assertResumes(server, crowd, before);
  },
);

for (const accept of ["serve", "loop"] as const) {
  testWith(
    "/proc",
    `${accept} with the guard: stops accepting before the last descriptor`,
    async () => {
      await using server = await start({ accept, assumedDescriptorsPerRequest: 5 });
      const before = await warmSockets(server);
      using crowd = new Crowd(server.ports.streaming);
      await crowd.grow(CLIENTS);
      crowd.watch();

      await settle(server);
      await assertAtRest(server);
      await assertCountsAgree(server, before);
      assert(server.descriptors <= DESCRIPTORS - 5 + 1, `${server.descriptors} descriptors`);
      const { errors } = await server.report();
      assertEquals(errors, {});
      await assertResumes(server, crowd, before);
    },
  );
}

testWith(
  "/proc",
  "acceptRequest loop without the guard: a failed accept rejects, and the loop may go on",
  async () => {
    await using server = await start({ accept: "loop", assumedDescriptorsPerRequest: -1 });
    const before = await warmSockets(server);
    using crowd = new Crowd(server.ports.streaming);
    await crowd.grow(CLIENTS);
    crowd.watch();

    const failing = async () => ((await server.report()).errors.EMFILE ?? 0) > 5;
    assert(await poll(failing, PATIENCE), "No accept failed");
    await assertAtRest(server);
    await assertCountsAgree(server, before);
    assertEquals(Object.keys((await server.report()).errors), ["EMFILE"]);
    await assertResumes(server, crowd, before);
  },
);

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, at) => from + at);
}

function sorted(numbers: Iterable<number>): number[] {
  return [...numbers].sort((one, other) => one - other);
}
