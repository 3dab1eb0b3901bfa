/**
 * Connections in memory that behave as sockets do: they buffer, one side can end before the
 * other, and a close with unread bytes, or a reset, destroys what is on its way.
 */
import type { RawAccess } from "../net/raw_conn.ts";
import { RawConn } from "../net/raw_conn.ts";

/** Bytes that a direction holds before a write waits: a socket that is not read holds some, too. */
const CAPACITY = 65_536;

/** One direction. */
class Pipe {
  #chunks: Uint8Array[] = [];
  #size = 0;
  #ended = false;
  #readFailure: Error | null = null;
  #writeFailure: Error | null = null;
  #changed = Promise.withResolvers<void>();

  /** Whether bytes wait to be read. */
  get hasUnread(): boolean {
    return this.#size > 0;
  }

  async read(into: Uint8Array): Promise<number | null> {
    for (;;) {
      if (this.#readFailure !== null) throw this.#readFailure;
      if (this.#size > 0) return this.#take(into);
      if (this.#ended) return null;
      await this.#changed.promise;
    }
  }

  /** Resolves when the bytes are on their way, as with a socket: not when they are read. */
  async write(bytes: Uint8Array): Promise<void> {
    while (this.#size >= CAPACITY && this.#writeFailure === null) await this.#changed.promise;
    if (this.#writeFailure !== null) throw this.#writeFailure;
    if (this.#ended) throw new Deno.errors.BrokenPipe("This side was closed");
    if (bytes.length === 0) return;
    this.#chunks.push(bytes.slice());
    this.#size += bytes.length;
    this.#wake();
  }

  /** Ends the direction in order: what was written is read first. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Lets both sides fail, each with its own error; drops what is on its way. */
  fail(writes: Error, reads: Error): void {
    this.#chunks = [];
    this.#size = 0;
    this.#writeFailure ??= writes;
    this.#readFailure ??= reads;
    this.#wake();
  }

  #take(into: Uint8Array): number {
    const first = this.#chunks[0]!;
    const count = Math.min(into.length, first.length);
    into.set(first.subarray(0, count));
    if (count === first.length) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(count);
    this.#size -= count;
    this.#wake();
    return count;
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

/** One end of a connection. */
class MemoryEnd implements RawAccess {
  /** There is no network to wait for. */
  readonly setNoDelay = undefined;
  readonly localAddr: Deno.Addr;
  readonly remoteAddr: Deno.Addr;
  readonly #incoming: Pipe;
  readonly #outgoing: Pipe;
  #closed = false;

  constructor(localAddr: Deno.Addr, remoteAddr: Deno.Addr, incoming: Pipe, outgoing: Pipe) {
    this.localAddr = localAddr;
    this.remoteAddr = remoteAddr;
    this.#incoming = incoming;
    this.#outgoing = outgoing;
  }

  read(into: Uint8Array): Promise<number | null> {
    return this.#incoming.read(into);
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#outgoing.write(bytes);
  }

  closeWrite(): Promise<void> {
    this.#outgoing.end();
    return Promise.resolve();
  }

  /** As the kernel does: unread bytes turn the close into a reset. */
  close(): void {
    if (this.#closed) return;
    if (this.#incoming.hasUnread) return this.reset();
    this.#closed = true;
    this.#outgoing.end();
    this.#incoming.fail(new Deno.errors.BrokenPipe("The other side was closed"), closedHere());
  }

  /** Ends both directions at once; what is on its way is lost. */
  reset(): void {
    if (this.#closed) return;
    this.#closed = true;
    const reset = new Deno.errors.ConnectionReset("The connection was reset by the other side");
    this.#outgoing.fail(closedHere(), reset);
    this.#incoming.fail(reset, closedHere());
  }
}

function closedHere(): Error {
  return new Deno.errors.Interrupted("The connection was closed");
}

/**
 * An end of a connection in memory: a `Deno.Conn` that can be reset.
 *
 * @example A client that goes while it is served
 * ```ts
 * import { type InMemoryConn, serveInMemory } from "@asynchttp/server/testing";
 *
 * async function sendAndGo(conn: InMemoryConn): Promise<void> {
 *   await conn.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
 *   await called.promise;
 *   conn.reset();
 * }
 *
 * const called = Promise.withResolvers<void>();
 * const gone = Promise.withResolvers<void>();
 * await using server = serveInMemory(async (request) => {
 *   request.signal.addEventListener("abort", () => gone.resolve());
 *   called.resolve();
 *   await gone.promise;
 *   await request.respond(200);
 * });
 * await sendAndGo(server.connect());
 * await gone.promise; // the handler knows
 * ```
 */
export interface InMemoryConn extends Deno.Conn {
  /** Resets the connection: both directions end at once, and what is on its way is lost. */
  reset(): void;
}

class MemoryConn extends RawConn implements InMemoryConn {
  readonly #end: MemoryEnd;

  constructor(end: MemoryEnd) {
    super(end);
    this.#end = end;
  }

  reset(): void {
    this.#end.reset();
  }
}

/** Returns the two ends of a new connection. */
export function connectInMemory(
  clientAddr: Deno.Addr,
  serverAddr: Deno.Addr,
): { client: InMemoryConn; server: InMemoryConn } {
  const [up, down] = [new Pipe(), new Pipe()];
  return {
    client: new MemoryConn(new MemoryEnd(clientAddr, serverAddr, down, up)),
    server: new MemoryConn(new MemoryEnd(serverAddr, clientAddr, up, down)),
  };
}
