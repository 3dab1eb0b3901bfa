/**
 * One connection as bytes in, ordered bytes out, and an end. Together with its
 * `WriteQueue` the only code that reads from or writes to a socket, besides the connections
 * that wrap one (`ProxiedConn`, `TlsConn`).
 *
 * It reads straight into a buffer of the reader's own. A stream between costs 0.6 µs a
 * read, and 2 µs and 1.4 KB a connection; the one that a handler gets of its connection
 * (`RawConn`) is a genuine `ReadableStream`, made when it is asked for.
 */
import { ConnectionLost } from "../errors.ts";
import { ignoreRejection } from "../ignore_rejection.ts";
import type { WriteBuffer } from "../wire/write_buffer.ts";
import { nextTurn } from "./next_turn.ts";
import { Ticket } from "./scheduler.ts";
import type { Scheduler } from "./scheduler.ts";
import type { ByteConn } from "./stream_conn.ts";
import type { Throughput } from "./throughput.ts";
import { WriteQueue } from "./write_queue.ts";

/** A source of bytes. */
export interface ByteSource {
  /** Reads into `into`; resolves to the number of bytes, null at the end. */
  read(into: Uint8Array): Promise<number | null>;
  /** What it has used of the process. */
  readonly ticket: Ticket;
}

/** A connection's two directions and its end. */
export class Transport implements ByteSource {
  /** Part of {@linkcode ByteSource}. */
  readonly ticket: Ticket;
  readonly #conn: ByteConn;
  readonly #writes: WriteQueue;
  readonly #throughput: Throughput;
  /** The end of the write side. */
  #writeEnd: Promise<void> | null = null;
  #closed = false;
  #lost: ConnectionLost | null = null;
  #onLost: Set<(lost: ConnectionLost) => void> | null = null;
  #onClose: () => void = () => {};

  constructor(conn: ByteConn, throughput: Throughput, scheduler: Scheduler) {
    this.ticket = new Ticket(scheduler);
    this.#conn = conn;
    this.#throughput = throughput;
    this.#writes = new WriteQueue(
      conn,
      throughput,
      this.ticket,
      (cause) => this.#failWriting(cause),
    );
  }

  get localAddr(): Deno.Addr {
    return this.#conn.localAddr;
  }

  get remoteAddr(): Deno.Addr {
    return this.#conn.remoteAddr;
  }

  /** The address of the socket's other end: the same as `remoteAddr`, but for the PROXY protocol. */
  get peerAddr(): Deno.Addr {
    return this.#conn.peerAddr ?? this.#conn.remoteAddr;
  }

  /** Resolves when the addresses are those of the client; undefined where they are so from the beginning. */
  proxyHeader(): Promise<void> | undefined {
    return this.#conn.proxyHeader?.();
  }

  /** How many bytes the system has taken. */
  get bytesOut(): number {
    return this.#writes.bytesOut;
  }

  /** How many bytes were queued since the beginning, those included that the system has taken. */
  get position(): number {
    return this.#writes.position;
  }

  /** Calls `callback` whenever the system has taken bytes. */
  onProgress(callback: () => void): void {
    this.#writes.onProgress = callback;
  }

  /** Part of {@linkcode ByteSource}. */
  read(into: Uint8Array): Promise<number | null> {
    return this.#conn.read(into);
  }

  /**
   * Calls `callback` when the connection is lost or closed, until the returned function
   * is called. (A promise that lives as long as the connection would keep every reaction
   * of every request.)
   */
  onLost(callback: (lost: ConnectionLost) => void): () => void {
    if (this.#lost !== null || this.#closed) callback(this.#reason());
    this.#onLost ??= new Set();
    this.#onLost.add(callback);
    return () => this.#onLost?.delete(callback);
  }

  /** Calls `callback` when the socket is closed. */
  onClose(callback: () => void): void {
    this.#onClose = callback;
  }

  /** Whether the socket was closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Whether the end of the socket says all: TCP. TLS and streams end with a message of their own. */
  get endsWithSocket(): boolean {
    return "setNoDelay" in this.#conn;
  }

  /** Chooses Nagle's algorithm for the caller; undefined if the socket has none. */
  get setNoDelay(): ((noDelay?: boolean) => void) | undefined {
    if (!this.endsWithSocket) return undefined;
    return (noDelay = true) => this.#writes.setNoDelay(noDelay);
  }

  /** Where small pieces are put together; `flush` sends them off. */
  get out(): WriteBuffer {
    return this.#writes.tail;
  }

  /** Whether the system has taken everything that was queued. */
  get flushed(): boolean {
    return this.#writes.flushed;
  }

  /** Whether the next write waits for a turn of the event loop, not for the client. */
  get awaitsTurn(): boolean {
    return this.#writes.awaitsTurn;
  }

  /** Whether more waits to be written than should. */
  get congested(): boolean {
    return this.#writes.congested;
  }

  /**
   * Queues bytes behind those in `out`. True when they were copied; large ones are not,
   * and must stay as they are until they are flushed.
   */
  enqueue(bytes: Uint8Array): boolean {
    return this.#writes.enqueue(bytes);
  }

  /**
   * Resolves when the system has taken everything that was queued.
   *
   * Its rejection is marked as handled: a caller that ignores it misses only that the
   * client has gone, and must not lose the process.
   */
  flush(): Promise<void> {
    return this.#flush(atOnce);
  }

  /**
   * The same, one microtask late: all requests that came with one turn of the event loop
   * are handled first, and then all responses written. With handlers between the writes
   * the client falls asleep, and waking it is part of the next write (rate + 7 %).
   */
  flushSoon(): Promise<void> {
    return this.#flush(soon);
  }

  /** The same, with the next turn of the event loop: what is queued until then shares the write. */
  flushLate(): Promise<void> {
    return this.#flush(nextTurn);
  }

  /** Ends the write side when everything is written: the client reads to the end. */
  closeWrite(): Promise<void> {
    return this.#writeEnd ??= this.#closeWrite();
  }

  /** Ends both directions, in order, when everything is written. */
  async end(): Promise<void> {
    if (!this.flushed) await this.flush();
    if (!this.endsWithSocket) await this.closeWrite();
    this.close();
  }

  /** Ends both directions when everything that was queued is on its way. */
  closeWhenFlushed(): void {
    if (this.flushed) return this.close();
    const close = () => this.close();
    this.flush().then(close, close);
  }

  /** Gives memory back while there is nothing to write. */
  releaseMemory(): void {
    this.#writes.releaseMemory();
  }

  /** Ends both directions at once; a pending read or write fails. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // An error costs 1 µs: most connections end without a listener for it.
    if (this.#onLost !== null) this.#lose(closedHere());
    try {
      this.#conn.close();
    } catch {
      // The caller of serveConnection has closed it before.
    }
    this.#onClose();
  }

  /** Closes both directions with a reason, so that a pending read ends too. */
  fail(reason: ConnectionLost): void {
    this.#lose(reason);
    this.close();
  }

  #flush(when: () => Promise<void> | null): Promise<void> {
    if (this.#lost !== null || this.#closed) return ignoreRejection(Promise.reject(this.#reason()));
    const flushed = this.#writes.flush(when);
    // The first write may have failed at once.
    return this.#lost === null ? flushed : ignoreRejection(flushed);
  }

  /** TLS and streams end with a message, which waits for the client as any write does. */
  async #closeWrite(): Promise<void> {
    await this.flush();
    this.#throughput.startWaiting();
    try {
      await this.#conn.closeWrite();
    } catch (error) {
      throw this.#failWriting(error);
    } finally {
      this.#throughput.stopWaiting(0);
    }
  }

  #failWriting(cause: unknown): ConnectionLost {
    if (this.#writes.pump !== null) ignoreRejection(this.#writes.pump);
    this.fail(new ConnectionLost("The connection was lost while writing", { cause }));
    return this.#lost!;
  }

  /** Why nothing can be sent any more. */
  #reason(): ConnectionLost {
    return this.#lost ??= closedHere();
  }

  #lose(reason: ConnectionLost): void {
    if (this.#lost !== null) return;
    this.#lost = reason;
    for (const callback of this.#onLost ?? []) callback(reason);
  }
}

function closedHere(): ConnectionLost {
  return new ConnectionLost("The connection was closed", { by: "server" });
}

const DONE: Promise<void> = Promise.resolve();
const atOnce = () => null;
const soon = () => DONE;
