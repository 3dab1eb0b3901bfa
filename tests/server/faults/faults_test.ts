/**
 * A bench of faults: what clients do wrong, against each kind of listener and each kind of
 * handler, over real sockets.
 *
 * A cell has a server, one client with one fault, and a well-behaved neighbour. While the
 * client stays, the neighbour is served; the connection ends by the server's own timeouts, or
 * by its shutdown; no descriptor is left, `onError` gets only what the handler has thrown, and
 * no promise rejects unobserved (which fails the test by itself). The cells of one listener and
 * one handler run at the same time, and the clock is moved by hand.
 */
import { assert, assertEquals } from "@std/assert";
import { AsyncHttpServer } from "@asynchttp/server";
import type { ShutdownResult } from "@asynchttp/server";
import { tlsListener } from "@asynchttp/server/tls";
import { systemClock } from "../../../src/net/clock.ts";
import { soon } from "../../fixtures.ts";
import { countSockets, testWith, withCertificate } from "../tools.ts";
import { FAULTS, TLS_FAULTS } from "./faults.ts";
import type { Fault } from "./faults.ts";
import { KINDS } from "./handlers.ts";
import type { Kind } from "./handlers.ts";
import { Peer } from "./peer.ts";
import type { Certificate, Route } from "./peer.ts";

/** The scheduler's own, while many connections are busy. */
const POLL_SOCKETS = 2;

const LOOPBACK = { port: 0, hostname: "127.0.0.1" };
const NEIGHBOUR = "GET /neighbour HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/** A kind of listeners. `Deno.listenTls` keeps sockets that it was told to close. */
interface ListenerKind {
  readonly name: string;
  readonly listen: (certificate: Certificate) => Deno.Listener;
  readonly isTls: boolean;
  readonly closesSockets: boolean;
}

const LISTENERS: readonly ListenerKind[] = [
  { name: "Deno.listen", listen: () => Deno.listen(LOOPBACK), isTls: false, closesSockets: true },
  {
    name: "tlsListener",
    listen: (certificate) => tlsListener(Deno.listen(LOOPBACK), certificate),
    isTls: true,
    closesSockets: true,
  },
  {
    name: "Deno.listenTls",
    listen: (certificate) => Deno.listenTls({ ...LOOPBACK, ...certificate }),
    isTls: true,
    closesSockets: false,
  },
];

/** One fault against one server. */
class Cell {
  readonly title: string;
  /** Whether no socket is left at the server's end of a connection that is over. */
  readonly closesSockets: boolean;
  readonly server: AsyncHttpServer;
  readonly #route: Route;
  readonly #kind: Kind;
  readonly #fault: Fault;
  readonly #errors: unknown[] = [];
  readonly #accepting: Promise<unknown>;
  #peer: Peer | undefined;
  #shutdown: ShutdownResult | undefined;

  constructor(
    title: string,
    fault: Fault,
    kind: Kind,
    listener: ListenerKind,
    certificate: Certificate,
  ) {
    this.title = title;
    this.closesSockets = listener.closesSockets && kind.keepsSocket !== true;
    this.#fault = fault;
    this.#kind = kind;
    this.server = new AsyncHttpServer({
      onError: (error) => void this.#errors.push(error),
      timeouts: { handler: 60_000 },
    });
    this.server.listenOn(listener.listen(certificate));
    this.#route = { port: this.server.getPort(), certificate: listener.isTls ? certificate : null };
    this.#accepting = this.#accept();
  }

  async #accept(): Promise<void> {
    try {
      for (;;) await this.server.acceptRequest(this.#kind.handler);
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  get open(): number {
    return this.server.stats().connections.open;
  }

  /** Whether everything has ended that the server can end. */
  get over(): boolean {
    return this.open === 0 || (this.#kind.endless === true && this.#shutdown === undefined);
  }

  /** How many sockets there are besides those of the server's connections. */
  get socketsOfOthers(): number {
    const isListening = this.#shutdown === undefined;
    return Number(isListening) + this.open + Number(this.#peer?.socket.destroyed === false);
  }

  async run(): Promise<void> {
    this.#peer = await this.#fault(this.#route);
    await this.#serveNeighbour();
  }

  shutDown(): void {
    this.server.shutdown({ grace: 20_000 }).then((result) => this.#shutdown = result);
  }

  /** The client goes. */
  leave(): void {
    this.#peer?.[Symbol.dispose]();
  }

  async end(): Promise<void> {
    this.server.close();
    await this.#accepting;
    const unexpected = this.#errors
      .map((error) => error instanceof Error ? error.message : String(error))
      .filter((message) => !this.#kind.reports?.test(message));
    assertEquals(unexpected, [], this.title);
    assertEquals(this.open, 0, this.title);
  }

  async #serveNeighbour(): Promise<void> {
    using neighbour = await Peer.connect(this.#route);
    await neighbour.send(NEIGHBOUR);
    const text = await neighbour.text();
    assert(/^HTTP\/1\.1 200 .*served$/s.test(text), `${this.title}: the neighbour got "${text}"`);
  }
}

/** Moves the clock until the condition holds for all cells: the deadlines are swept by its ticks. */
async function tickUntil(cells: readonly Cell[], holds: (cell: Cell) => boolean): Promise<void> {
  const begin = performance.now();
  for (let i = 0; !cells.every(holds); i++) {
    const left = cells.filter((cell) => !holds(cell)).map(({ title, open }) => `${title}: ${open}`);
    assert(i < 2000, `connections that do not end:\n${left.join("\n")}`);
    systemClock.tick(begin + i * 5000, Date.now());
    await soon();
  }
}

/**
 * Asserts that the server keeps no socket of a connection that it has ended: what is left are the
 * ends of the clients, and the listeners.
 */
function assertSocketsAreClosed(cells: readonly Cell[], before: number): void {
  const others = cells.map((cell) => cell.socketsOfOthers).reduce((sum, count) => sum + count, 0);
  const most = before + others + POLL_SOCKETS;
  assert(countSockets() <= most, `${countSockets()} sockets: ${before} + ${others}`);
}

/** Runs cells at the same time; asserts that no socket is left of them. */
async function runCells(cells: readonly Cell[], before: number, shutsDown: boolean): Promise<void> {
  await Promise.all(cells.map((cell) => cell.run()));
  if (shutsDown) { for (const cell of cells) cell.shutDown(); }
  await tickUntil(cells, (cell) => cell.over);
  if (cells.every((cell) => cell.closesSockets)) assertSocketsAreClosed(cells, before);
  for (const cell of cells) cell.leave();
  await tickUntil(cells, (cell) => cell.open === 0);
  await Promise.all(cells.map((cell) => cell.end()));
  await tickUntil(cells.slice(0, 1), () => countSockets() <= before);
}

/** Every one of how many faults meets a handler; each handler meets others. FAULTS=all takes all. */
function sample(each: number, handler: number): readonly (readonly [string, Fault])[] {
  const all = [...FAULTS, ...TLS_FAULTS];
  if (Deno.env.get("FAULTS") === "all") return all;
  return all.filter((_, fault) => (fault + handler) % each === 0);
}

let certificate: Promise<Certificate> | undefined;

async function makeCertificate(): Promise<Certificate> {
  const files = ["", ""];
  await withCertificate(async (...paths) => {
    for (const [i, path] of paths.entries()) files[i] = await Deno.readTextFile(path);
  });
  return { cert: files[0]!, key: files[1]! };
}

for (const listener of LISTENERS) {
  for (const [at, [does, kind]] of [...KINDS].entries()) {
    testWith(
      ["openssl", "/proc"],
      `${listener.name}: faults while the handler ${does}`,
      async () => {
        const made = await (certificate ??= makeCertificate());
        const before = countSockets();
        for (const shutsDown of [false, true]) {
          const cells = sample(listener.isTls ? 8 : 3, at)
            .filter(([title]) => listener.isTls || FAULTS.has(title))
            .map(([title, fault]) => new Cell(title, fault, kind, listener, made));
          await runCells(cells, before, shutsDown);
        }
      },
    );
  }
}
